//! The witnesses: asks all of them about the newest checkpoint, in rounds, behind everything else. The seal waits for none.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use lgsp_runtime::state::Fact;
use lgsp_runtime::{Component, Shutdown, Stage, State};
use lgsp_tlog::Signature;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Hashes;
use super::publish::{Published, Publisher};
use super::witness::{Trouble, Witness};
use crate::options;

/// Time between two rounds at least.
const ROUND: Duration = Duration::from_secs(2);
/// How long a witness that did not cosign is left alone at most; first it is a round or two, and then twice as long each time.
const LONGEST: Duration = Duration::from_secs(60);

/// Who asks the witnesses.
struct Rounds {
    publisher: Arc<Publisher>,
    hashes: Hashes,
    witnesses: Vec<Asked>,
    component: Component,
    cosigned: Fact,
}

/// A witness, and when it is asked next.
struct Asked {
    witness: Witness,
    /// The size of the checkpoint that it cosigned last.
    cosigned: Option<u64>,
    due: Instant,
    failures: u32,
    trouble: Option<Trouble>,
    /// What it said of another log. Whatever else goes wrong later, this holds until it cosigns itself.
    another_log: Option<String>,
}

/// Follows the checkpoints, if there are witnesses to ask.
pub(crate) fn follow(
    witnesses: &[options::Witness],
    publisher: &Arc<Publisher>,
    hashes: Hashes,
    state: &State,
    shutdown: &Shutdown,
) {
    if witnesses.is_empty() {
        return;
    }
    let rounds = Rounds {
        publisher: Arc::clone(publisher),
        hashes,
        witnesses: witnesses.iter().map(|options| Asked::new(Witness::new(options))).collect(),
        component: state.component("witnesses"),
        cosigned: state.fact("cosigned"),
    };
    if !publisher.signs() {
        rounds.component.degraded("there is no checkpoint that they could cosign");
    }
    let stop = shutdown.begins(Stage::Drain);
    shutdown.spawn(Stage::Drain, "asking of witnesses", rounds.run(stop));
}

impl Rounds {
    async fn run(mut self, stop: CancellationToken) {
        let asking = async {
            self.confirm().await;
            self.follow().await;
        };
        let _ = stop.run_until_cancelled(asking).await;
    }

    /// Of a log whose checkpoint is gone nothing is signed for others until all witnesses say that it goes on what they have seen.
    async fn confirm(&mut self) {
        let mut failures = 0;
        while let Some(unconfirmed) = self.publisher.unconfirmed() {
            let nothing = match self.publisher.of_nothing() {
                Ok(nothing) => nothing,
                Err(error) => return error!(%error, "the witnesses cannot be asked"),
            };
            let hashes = &self.hashes;
            let asking = self.witnesses.iter_mut().map(|asked| asked.confirm(&nothing, &unconfirmed, hashes));
            let said = join_all(asking).await;
            self.publisher.witnesses_said(self.is_another_log());
            self.tell();
            if let Some(cosignatures) = said.into_iter().collect::<Option<Vec<Signature>>>() {
                let publisher = Arc::clone(&self.publisher);
                match spawn_blocking(move || publisher.confirm()).await {
                    Ok(Ok(())) => return self.add(&unconfirmed, cosignatures).await,
                    Ok(Err(error)) => error!(%error, "a confirmed checkpoint cannot be published"),
                    // The process is ending.
                    Err(_) => return,
                }
            }
            sleep_until(Instant::now() + pause(failures, rand::random_range(0.5..1.0))).await;
            failures = failures.saturating_add(1);
        }
    }

    fn is_another_log(&self) -> bool {
        self.witnesses.iter().any(|asked| asked.another_log.is_some())
    }

    async fn follow(&mut self) {
        let mut newest = self.publisher.newest();
        let mut next = Instant::now();
        loop {
            let published = newest.borrow_and_update().clone();
            let due = published.as_ref().and_then(|published| self.due(published));
            let Some((published, due)) = published.zip(due) else {
                // We hold the publisher ourselves.
                let _ = newest.changed().await;
                continue;
            };
            tokio::select! {
                _ = newest.changed() => {}
                () = sleep_until(due.max(next)) => {
                    next = Instant::now() + ROUND;
                    self.round(&published).await;
                }
            }
        }
    }

    /// When the next witness is due that has not cosigned this.
    fn due(&self, published: &Published) -> Option<Instant> {
        let lacking = self.witnesses.iter().filter(|asked| asked.cosigned != Some(published.size));
        lacking.map(|asked| asked.due).min()
    }

    async fn round(&mut self, published: &Arc<Published>) {
        let (now, hashes) = (Instant::now(), &self.hashes);
        let is_due = |asked: &&mut Asked| asked.due <= now && asked.cosigned != Some(published.size);
        let asking = self.witnesses.iter_mut().filter(is_due).map(|asked| asked.ask(published, hashes));
        let found: Vec<Signature> = join_all(asking).await.into_iter().flatten().collect();
        self.publisher.witnesses_said(self.is_another_log());
        if !found.is_empty() {
            self.add(published, found).await;
        }
        self.tell();
    }

    async fn add(&mut self, to: &Arc<Published>, cosignatures: Vec<Signature>) {
        let (publisher, of) = (Arc::clone(&self.publisher), Arc::clone(to));
        match spawn_blocking(move || publisher.add(&of, &cosignatures)).await {
            Ok(Ok(())) => self.cosigned.set(i64::try_from(to.size).unwrap_or(i64::MAX)),
            Ok(Err(error)) => {
                error!(%error, "a cosigned checkpoint cannot be published");
                self.witnesses.iter_mut().for_each(|asked| asked.ask_again(to.size));
            }
            // The process is ending.
            Err(_) => {}
        }
    }

    fn tell(&self) {
        let told = |what: fn(&Asked) -> Option<String>| -> Vec<String> {
            let of = |asked: &Asked| Some(format!("{}: {}", asked.witness.name(), what(asked)?));
            self.witnesses.iter().filter_map(of).collect()
        };
        let another_log = told(|asked| asked.another_log.clone());
        let silent = told(|asked| asked.trouble.as_ref().map(ToString::to_string));
        if !another_log.is_empty() {
            self.component.failed_by("the witness has seen another log", &another_log);
        } else if !silent.is_empty() {
            self.component.degraded_by("checkpoints lack cosignatures", &silent);
        } else {
            self.component.ready();
        }
    }
}

impl Asked {
    fn new(witness: Witness) -> Self {
        Self { witness, cosigned: None, due: Instant::now(), failures: 0, trouble: None, another_log: None }
    }

    /// Its cosignature, if it says that the log goes on what it has seen.
    async fn confirm(
        &mut self,
        nothing: &Published,
        unconfirmed: &Published,
        hashes: &Hashes,
    ) -> Option<Signature> {
        match self.witness.learn(nothing, unconfirmed.size, hashes).await {
            Ok(()) => self.ask(unconfirmed, hashes).await,
            Err(trouble) => self.take(Err(trouble), unconfirmed),
        }
    }

    async fn ask(&mut self, published: &Published, hashes: &Hashes) -> Option<Signature> {
        let asked = self.witness.ask(published, hashes).await;
        self.take(asked, published)
    }

    fn take(&mut self, asked: Result<Signature, Trouble>, published: &Published) -> Option<Signature> {
        let witness = self.witness.name();
        match asked {
            Ok(signature) => {
                if self.trouble.take().is_some() {
                    info!(witness, size = published.size, "witness cosigns again");
                }
                self.another_log = None;
                self.failures = 0;
                self.cosigned = Some(published.size);
                Some(signature)
            }
            Err(trouble) => {
                self.warn_of(&trouble, published);
                self.due = Instant::now() + pause(self.failures, rand::random_range(0.5..1.0));
                self.failures = self.failures.saturating_add(1);
                if trouble.is_another_log() {
                    self.another_log = Some(trouble.to_string());
                }
                self.trouble = Some(trouble);
                None
            }
        }
    }

    /// What it cosigned of that size is lost.
    fn ask_again(&mut self, size: u64) {
        self.cosigned = self.cosigned.filter(|cosigned| *cosigned != size);
    }

    /// Once for each trouble.
    fn warn_of(&self, trouble: &Trouble, published: &Published) {
        let (witness, text) = (self.witness.name(), trouble.to_string());
        if self.trouble.as_ref().is_some_and(|before| before.to_string() == text) {
            return;
        }
        if trouble.is_another_log() {
            let (size, root) = (published.size, published.root);
            error!(witness, size, %root, why = text, "the witness has seen another log");
        } else {
            let cause = std::error::Error::source(trouble).map(ToString::to_string).unwrap_or_default();
            warn!(witness, why = text, cause, "witness does not cosign");
        }
    }
}

/// How long a witness is left alone after so many failures; the part keeps ledgers from asking at one moment.
fn pause(failures: u32, part: f64) -> Duration {
    let longest = ROUND.saturating_mul(2_u32.saturating_pow(failures.saturating_add(1))).min(LONGEST);
    longest.mul_f64(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_that_stays_away_is_asked_less_and_less_but_never_given_up() {
        assert_eq!(pause(0, 0.5), ROUND);
        assert_eq!(pause(1, 1.0), Duration::from_secs(8));
        for failures in [5, 40, u32::MAX] {
            assert_eq!(pause(failures, 1.0), LONGEST);
        }
    }
}
