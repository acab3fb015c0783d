//! The desk: decides about one request after the other, and makes durable what follows before it answers.

use std::collections::BTreeMap;
use std::io;
use std::time::SystemTime;

use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use lgsp_tlog::witness::{Cosigned, Last, Refusal, Request, TEXT_TYPE, Witness};
use lgsp_tlog::{Note, Signature, VerifierKey, note};
use parking_lot::Mutex;
use tracing::{debug, error, info};

use crate::Seen;
use crate::forks::{Forks, Kind};
use crate::store::Store;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

impl Answer {
    pub fn of(refusal: &Refusal) -> Self {
        Self { status: refusal.status(), content_type: refusal.content_type(), body: refusal.body() }
    }

    /// Nothing is answered that is not kept.
    fn cannot_keep() -> Self {
        let body = "the witness cannot keep what it would cosign: its operator must act\n";
        Self { status: 503, content_type: TEXT_TYPE, body: body.to_owned() }
    }
}

/// Where requests are decided. It blocks on the disk.
#[derive(Debug)]
pub(crate) struct Desk {
    pub witness: Witness,
    pub keys: BTreeMap<String, Vec<VerifierKey>>,
    /// What was seen is read and written under one lock: two requests at once must not both go on the same checkpoint.
    pub store: Mutex<Store>,
    pub forks: Forks,
    pub component: Component,
    pub cosigned: Fact,
    pub refused: Fact,
}

impl Desk {
    /// Answers a request whose body was read.
    pub fn answer(&self, body: &[u8]) -> Answer {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(error) => return Answer::of(&Refusal::Malformed(error)),
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let mut store = self.store.lock();
        let last = store.last(request.checkpoint().origin());
        match self.witness.answer(&request, &last, now) {
            Ok(cosigned) if cosigned.next == last && store.seen(request.checkpoint().origin()).is_some() => {
                self.tell();
                answer_of(&cosigned)
            }
            Ok(cosigned) => self.cosign(&mut store, &request, &cosigned, now),
            Err(refusal) => {
                self.refuse(&store, &request, &refusal);
                Answer::of(&refusal)
            }
        }
    }

    fn cosign(&self, store: &mut Store, request: &Request, cosigned: &Cosigned, now: u64) -> Answer {
        let checkpoint = request.checkpoint().clone();
        let (origin, size) = (checkpoint.origin().to_owned(), checkpoint.size());
        if let Err(error) = self.keep(store, request, cosigned, now) {
            error!(%error, origin, "what is to be cosigned cannot be kept");
            self.component.failed("what is to be cosigned cannot be kept");
            return Answer::cannot_keep();
        }
        debug!(origin, size, "checkpoint cosigned");
        self.cosigned.add(1);
        if let Err(error) = self.forks.withdraw(&checkpoint) {
            error!(%error, "a fork that was none cannot be withdrawn");
        }
        self.tell();
        answer_of(cosigned)
    }

    fn keep(
        &self,
        store: &mut Store,
        request: &Request,
        cosigned: &Cosigned,
        now: u64,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut note = self.known_part(request)?;
        note.add(cosigned.signature.clone())?;
        Ok(store.keep(Seen { checkpoint: request.checkpoint().clone(), note, cosigned_at: now })?)
    }

    /// The note without the signatures of others: what is kept has a bound.
    fn known_part(&self, request: &Request) -> Result<Note, note::Error> {
        let keys = self.keys.get(request.checkpoint().origin()).map_or(&[][..], Vec::as_slice);
        let is_known = |signature: &&Signature| {
            keys.iter().any(|key| (key.name(), key.id()) == (signature.name(), signature.id()))
        };
        let signatures = request.note().signatures().iter().filter(is_known);
        let signatures: String = signatures.map(ToString::to_string).collect();
        Note::parse(format!("{}\n{signatures}", request.note().text()).as_bytes())
    }

    fn refuse(&self, store: &Store, request: &Request, refusal: &Refusal) {
        let checkpoint = request.checkpoint();
        let (origin, size) = (checkpoint.origin(), checkpoint.size());
        debug!(origin, size, %refusal, "checkpoint refused");
        let last = store.last(origin);
        let (Some(seen), Some(kind)) = (store.seen(origin), fork(request, refusal, &last)) else { return };
        self.refused.add(1);
        let kept = self.known_part(request).map_err(io::Error::other);
        match kept.and_then(|note| self.forks.keep(kind, seen, (checkpoint, &note))) {
            Ok(true) => error!(
                origin,
                size,
                root = %checkpoint.root(),
                cosigned_size = last.size,
                cosigned_root = %last.root,
                kind = kind.name(),
                "a log has signed what does not go on what was cosigned"
            ),
            Ok(false) => debug!(origin, size, "it was refused before, or enough of its kind are kept"),
            Err(error) => {
                error!(%error, origin, size, "what a log has signed does not go on what was cosigned, and cannot be kept");
                return self.component.failed("a fork cannot be kept");
            }
        }
        self.tell();
    }

    /// Tells the state: forks are told until somebody has taken them away.
    pub fn tell(&self) {
        match self.forks.found() {
            Ok(forks) if forks.is_empty() => self.component.ready(),
            Ok(forks) => {
                let mut origins: Vec<String> =
                    forks.iter().map(|fork| fork.refused.origin().to_owned()).collect();
                origins.sort();
                origins.dedup();
                self.component
                    .degraded_by("a log has signed what does not go on what was cosigned", &origins);
            }
            Err(error) => {
                info!(%error, "the forks cannot be read");
                self.component.degraded("the forks cannot be read");
            }
        }
    }
}

/// Whether what was refused is a fork. Only of what the log has signed is this asked.
fn fork(request: &Request, refusal: &Refusal, last: &Last) -> Option<Kind> {
    let asked = Last { size: request.checkpoint().size(), root: request.checkpoint().root() };
    let has_other_root = asked.size == last.size && asked.root != last.root;
    match refusal {
        Refusal::OtherRoot | Refusal::OldSize { .. } | Refusal::Inconsistent(_) if has_other_root => {
            Some(Kind::TwoRoots)
        }
        // Everything goes on an empty tree, and a checkpoint on itself, whatever the proof.
        Refusal::Inconsistent(_) => (last.size > 0 && asked != *last).then_some(Kind::NotShown),
        Refusal::OtherRoot
        | Refusal::OldSize { .. }
        | Refusal::Shrinks
        | Refusal::Malformed(_)
        | Refusal::UnknownOrigin
        | Refusal::NotSigned => None,
    }
}

fn answer_of(cosigned: &Cosigned) -> Answer {
    Answer { status: 200, content_type: TEXT_TYPE, body: cosigned.body() }
}
