//! The registry at run time: decisions are taken one after the other, added to the history, and become rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{Fault, MaskError, Reason, Rules, RulesError, Violation};
use lgsp_proto::registry::v1::{Actor, Change};
use lgsp_store::Options as StoreOptions;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tracing::warn;

use crate::Error;
use crate::catalogue::{Catalogue, import, stamped};
use crate::decide::Draft;
use crate::history::{History, HistoryError};
use crate::rules::{Checked, content_digest};

/// How long the store may take for what nobody waits for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a decision is taken again because another registry was faster.
const MOST_TRIES: usize = 8;

/// The catalogue as of its last change, with the rules that it makes.
#[derive(Debug)]
pub(crate) struct Held {
    pub catalogue: Catalogue,
    pub checked: Checked,
    /// The same, as a gateway has them: to say what it would decide.
    pub rules: Rules,
}

/// Who does something, and by which exchange.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    pub actor: Actor,
    pub exchange: String,
}

/// The register of one hub. Several processes may hold it over one store.
#[derive(Debug)]
pub(crate) struct Register {
    history: History,
    environment: String,
    descriptor_sets: BTreeMap<String, Bytes>,
    held: watch::Sender<Arc<Held>>,
    /// One decision at a time. Those of other processes are told by the store.
    deciding: Mutex<()>,
}

impl Register {
    /// Opens the register. An empty one begins with the rules and after the revision that `first` gives.
    ///
    /// # Errors
    /// The store cannot be used, its history is damaged, or what `first` says.
    pub async fn open(
        options: &StoreOptions,
        environment: &str,
        first: impl AsyncFnOnce() -> Result<(Checked, u64), Error>,
    ) -> Result<Self, Error> {
        let history = History::open(options).await?;
        let until = Instant::now() + PATIENCE;
        let mut catalogue = read(&history, Catalogue::default(), until).await?;
        if catalogue.sequence == 0 {
            let (first, revision) = first().await?;
            history.keep(first.descriptors(), until).await?;
            let change = Change {
                sequence: 1,
                at: Some(timestamp(unix_micros(SystemTime::now()))),
                by: Some(Actor::default()),
                action: "import".to_owned(),
                edits: stamped(import(first.snapshot(), &Default::default()), 1),
                revision: revision + 1,
                ..Change::default()
            };
            // Another registry may have been faster: then its change is the first.
            history.append(&change, until).await?;
            catalogue = read(&history, Catalogue::default(), until).await?;
        }
        let descriptor_sets = history.descriptor_sets(until).await?;
        let held = hold(catalogue, environment, &descriptor_sets).map_err(|_| HistoryError::Rules)?;
        Ok(Self {
            history,
            environment: environment.to_owned(),
            descriptor_sets,
            held: watch::Sender::new(Arc::new(held)),
            deciding: Mutex::default(),
        })
    }

    /// What is held, now and whenever it changes.
    pub fn held(&self) -> watch::Receiver<Arc<Held>> {
        self.held.subscribe()
    }

    /// What is held now.
    pub fn now(&self) -> Arc<Held> {
        self.held.borrow().clone()
    }

    /// The history, to read in it.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Takes in what other registries have decided.
    pub async fn follow(&self, until: Instant) -> Result<(), HistoryError> {
        let _deciding = self.deciding.lock().await;
        self.catch_up(until).await
    }

    /// Takes a decision: `draft` says what it changes, from the register as it is.
    ///
    /// # Errors
    /// What `draft` says; rules that would not hold together; or the store failed, and then the decision may have been taken.
    pub async fn decide(
        &self,
        by: By,
        until: Instant,
        draft: impl Fn(&Held) -> Result<Draft, Fault>,
    ) -> Result<Arc<Held>, Fault> {
        let _deciding = self.deciding.lock().await;
        for _ in 0..MOST_TRIES {
            self.catch_up(until).await.map_err(unavailable)?;
            let now = self.now();
            if now.catalogue.knows(&by.exchange) {
                // The bus brings a request twice rather than not at all.
                return Ok(now);
            }
            let Draft { action, reason, legal_basis, edits } = draft(&now)?;
            let change = Change {
                sequence: now.catalogue.sequence + 1,
                at: Some(timestamp(unix_micros(SystemTime::now()))),
                by: Some(by.actor.clone()),
                exchange_id: by.exchange.clone(),
                action: action.to_owned(),
                reason,
                legal_basis,
                edits: stamped(edits, now.catalogue.sequence + 1),
                revision: now.catalogue.revision,
            };
            let (change, held) = self.would_hold(&now, change)?;
            if self.history.append(&change, until).await.map_err(unavailable)? {
                let held = Arc::new(held);
                self.held.send_replace(held.clone());
                return Ok(held);
            }
        }
        Err(Fault::new(Reason::Stale))
    }

    /// Gives the rules a revision after one that was published and is not ours: the store was restored, or is a new one.
    pub async fn lift(&self, published: u64, until: Instant) -> Result<(), HistoryError> {
        let _deciding = self.deciding.lock().await;
        self.catch_up(until).await?;
        let now = self.now();
        if now.catalogue.revision > published {
            return Ok(());
        }
        warn!(
            published,
            ours = now.catalogue.revision,
            "other rules were published: ours get a later revision"
        );
        let change = Change {
            sequence: now.catalogue.sequence + 1,
            at: Some(timestamp(unix_micros(SystemTime::now()))),
            by: Some(Actor::default()),
            action: "lift-revision".to_owned(),
            revision: published + 1,
            ..Change::default()
        };
        self.history.append(&change, until).await?;
        self.catch_up(until).await
    }

    /// The change with its revision, and what would be held after it.
    fn would_hold(&self, now: &Held, mut change: Change) -> Result<(Change, Held), Fault> {
        let mut catalogue = now.catalogue.clone();
        catalogue.apply(&change).map_err(|damage| unavailable(damage.into()))?;
        let mut held = hold(catalogue, &self.environment, &self.descriptor_sets)?;
        if content_digest(held.checked.snapshot()) != content_digest(now.checked.snapshot()) {
            change.revision += 1;
            held.catalogue.revision = change.revision;
        }
        Ok((change, held))
    }

    async fn catch_up(&self, until: Instant) -> Result<(), HistoryError> {
        let now = self.now();
        let catalogue = read(&self.history, now.catalogue.clone(), until).await?;
        if catalogue.sequence > now.catalogue.sequence {
            let held = hold(catalogue, &self.environment, &self.descriptor_sets);
            self.held.send_replace(Arc::new(held.map_err(|_| HistoryError::Rules)?));
        }
        Ok(())
    }
}

async fn read(
    history: &History,
    mut catalogue: Catalogue,
    until: Instant,
) -> Result<Catalogue, HistoryError> {
    for change in history.after(catalogue.sequence, until).await? {
        catalogue.apply(&change)?;
    }
    Ok(catalogue)
}

/// The rules that a catalogue makes; the core has the last word on whether they hold together.
fn hold(
    catalogue: Catalogue,
    environment: &str,
    descriptor_sets: &BTreeMap<String, Bytes>,
) -> Result<Held, Fault> {
    let snapshot = catalogue.snapshot(environment);
    let rules = Rules::compile(&snapshot, descriptor_sets).map_err(does_not_hold)?;
    Ok(Held { checked: Checked { snapshot, descriptors: descriptor_sets.clone() }, rules, catalogue })
}

/// Names what does not hold together by its place in the terms. Of what a provider says only such places reach the caller.
pub(crate) fn does_not_hold(error: RulesError) -> Fault {
    let field = match &error {
        RulesError::Mask { source: MaskError::UnknownField { path }, .. } => {
            format!("agreement.grants.fields.{path}")
        }
        RulesError::Mask { .. } => "agreement.grants.fields".to_owned(),
        RulesError::Invalid { what: "credential", .. } => "person.credentials".to_owned(),
        RulesError::Invalid { what: "person", .. } => "person".to_owned(),
        RulesError::DescriptorMissing { .. }
        | RulesError::DescriptorInvalid { .. }
        | RulesError::Invalid { .. } => "agreement.grants.method".to_owned(),
    };
    Fault::invalid(vec![Violation { field, rule: error.to_string() }])
}

fn unavailable(error: HistoryError) -> Fault {
    Fault::new(Reason::SourceUnavailable).because(error)
}
