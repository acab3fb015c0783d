//! The registry at run time: decisions are taken one after the other, added to the history, and become rules.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{Fault, MaskError, Reason, RulesError, contract, environment, rule};
use lgsp_proto::registry::v1::{Actor, Change, Edit, Environment, Snapshot};
use lgsp_store::Options as StoreOptions;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::Error;
use crate::asked::invalid;
use crate::catalogue::{Catalogue, stamped};
use crate::decide::Draft;
pub(crate) use crate::held::Held;
use crate::held::{NotHeld, hold};
use crate::history::{History, HistoryError};
use crate::occasion::names_nobody;
use crate::own::{self, Brought};
use crate::rules::Checked;
use crate::sandbox;
use crate::settle::{unsettled, waits_for_production};

/// How long the store may take for what nobody waits for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a decision is taken again because another registry was faster.
const MOST_TRIES: usize = 8;

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
    held: watch::Sender<Arc<Held>>,
    /// One decision at a time. Those of other processes are told by the store.
    deciding: Mutex<()>,
}

impl Register {
    /// Opens the register, from which `published` was published last. An empty one begins with the rules and after the revision that
    /// `first` gives.
    ///
    /// # Errors
    /// The store cannot be used, its history is damaged, or what `first` says.
    pub async fn open(
        options: &StoreOptions,
        environment: &str,
        published: Option<&Snapshot>,
        first: impl AsyncFnOnce() -> Result<(Checked, u64), Error>,
    ) -> Result<Self, Error> {
        let history = History::open(options).await?;
        let until = Instant::now() + PATIENCE;
        let mut catalogue = later(&history, &Catalogue::default(), until).await?.unwrap_or_default();
        if catalogue.sequence == 0 {
            let (first, revision) = first().await?;
            history.keep(first.descriptors(), until).await?;
            let import = of_its_own(&catalogue, "import", first.first());
            let change = Change { revision: revision + 1, own_services: own::NUMBER, ..import };
            // Another registry may have been faster: then its change is the first.
            history.append(&change, until).await?;
            catalogue = later(&history, &catalogue, until).await?.unwrap_or_default();
        }
        let nothing = (&BTreeMap::new(), &Arc::default());
        let held = hold(&history, catalogue, environment, nothing, until).await;
        let held = held.map_err(HistoryError::from)?;
        let register = Self {
            history,
            environment: environment.to_owned(),
            held: watch::Sender::new(Arc::new(held)),
            deciding: Mutex::default(),
        };
        register.settle(published, until).await?;
        register.bring_own(until).await?;
        register.serve_production(until).await?;
        Ok(register)
    }

    /// Says of the credentials of an older history where they are good: here, if it was from here that gateways had them.
    async fn settle(&self, published: Option<&Snapshot>, until: Instant) -> Result<(), HistoryError> {
        loop {
            let now = self.now();
            let edits = unsettled(&now.catalogue, self.environment(), published);
            if edits.is_empty() {
                return Ok(());
            }
            let change = Change {
                revision: now.catalogue.revision + 1,
                ..of_its_own(&now.catalogue, "settle-environment", edits)
            };
            // Another registry may have been faster: whatever it changed is looked at again.
            self.history.append(&change, until).await?;
            self.catch_up(until).await?;
        }
    }

    /// Says that production is served from this history: from then on a registry of the sandbox decides about the sandbox alone.
    async fn serve_production(&self, until: Instant) -> Result<(), HistoryError> {
        loop {
            let now = self.now();
            if self.environment() != Environment::Production || now.catalogue.serves_production() {
                return Ok(());
            }
            let change = of_its_own(&now.catalogue, sandbox::PRODUCTION, Vec::new());
            self.history.append(&change, until).await?;
            self.catch_up(until).await?;
        }
    }

    /// Gives an older history the hub's own services as this program has them, and leaves those of a newer program.
    async fn bring_own(&self, until: Instant) -> Result<(), HistoryError> {
        loop {
            let now = self.now();
            let outdated = own::outdated(&now.catalogue, &now.contracts);
            let Some(Brought { edits, contracts, left }) = outdated else { return Ok(()) };
            self.history.keep(&contracts, until).await?;
            let is_a_rule = !edits.is_empty();
            let change = Change {
                revision: now.catalogue.revision + u64::from(is_a_rule),
                own_services: own::NUMBER,
                ..of_its_own(&now.catalogue, "bring-own-services", edits)
            };
            if self.history.append(&change, until).await? {
                for role in left {
                    warn!(role, "a role is not as it shipped and does not open what is new: PutRole does");
                }
            }
            self.catch_up(until).await?;
        }
    }

    /// The environment whose rules are published from here.
    pub fn environment(&self) -> Environment {
        environment(&self.environment)
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

    /// Takes in what other registries have decided. For so long the store may take: to wait for a decision is not its fault.
    pub async fn follow(&self, within: Duration) -> Result<(), HistoryError> {
        let _deciding = self.deciding.lock().await;
        self.catch_up(Instant::now() + within).await
    }

    /// Takes a decision: `draft` says what it changes, from the register as it is. Contracts that it names and that are new are
    /// kept before it is taken, and not if it is refused.
    ///
    /// # Errors
    /// What `draft` says; a number of a person in its reasons; rules that would not hold together; or the store failed, and then the
    /// decision may have been taken.
    pub async fn decide(
        &self,
        contracts: &BTreeMap<String, Bytes>,
        by: By,
        until: Instant,
        draft: impl Fn(&Held) -> Result<Draft, Fault>,
    ) -> Result<Arc<Held>, Fault> {
        let _deciding =
            timeout_at(until, self.deciding.lock()).await.map_err(|_| Reason::AdapterOverloaded)?;
        for _ in 0..MOST_TRIES {
            self.catch_up(until).await.map_err(unavailable)?;
            let now = self.now();
            if now.catalogue.knows(&by.exchange) {
                // The bus brings a request twice rather than not at all.
                return Ok(now);
            }
            let draft = draft(&now)?;
            names_nobody(&[("reason", &draft.reason), ("legal_basis", &draft.legal_basis)])?;
            let change = following(&now.catalogue, &by, draft);
            let (change, held) = self.would_hold(&now, change, contracts, until).await?;
            self.history.keep(contracts, until).await.map_err(unavailable)?;
            if self.history.append(&change, until).await.map_err(unavailable)? {
                let held = Arc::new(held);
                self.held.send_replace(held.clone());
                return Ok(held);
            }
        }
        Err(Fault::new(Reason::Stale))
    }

    /// Gives the rules a revision after one that was published and is not ours: the store was restored, or is a new one. Unless
    /// they are not those any more that had the revision `seen`: then another registry was only faster than we.
    pub async fn lift(&self, published: u64, seen: u64, within: Duration) -> Result<(), HistoryError> {
        let _deciding = self.deciding.lock().await;
        let until = Instant::now() + within;
        self.catch_up(until).await?;
        let now = self.now();
        if now.catalogue.revision > seen {
            return Ok(());
        }
        warn!(
            published,
            ours = now.catalogue.revision,
            "other rules were published: ours get a later revision"
        );
        let lift = of_its_own(&now.catalogue, "lift-revision", Vec::new());
        let change = Change { revision: published + 1, ..lift };
        self.history.append(&change, until).await?;
        self.catch_up(until).await
    }

    /// The change with its revision, and what would be held after it.
    async fn would_hold(
        &self,
        now: &Held,
        mut change: Change,
        contracts: &BTreeMap<String, Bytes>,
        until: Instant,
    ) -> Result<(Change, Held), Fault> {
        let mut known = now.contracts.clone();
        known.extend(contracts.clone());
        let mut held = self.after(now, &change, &known, until).await?;
        let production_decides = now.catalogue.serves_production() || waits_for_production(&now.catalogue);
        if self.environment() == Environment::Sandbox
            && production_decides
            && !sandbox::is_of_it_alone(&change, now, &held)
        {
            return Err(Reason::ProductionDecides.into());
        }
        if held.content != now.content {
            change.revision += 1;
            // With a revision of their own the rules leave out what ended long before, and that is nobody's decision.
            held = self.after(now, &change, &known, until).await?;
        }
        // What makes them smaller is never refused: to revoke must remain possible.
        let grows_too_large = |(size, before): (&usize, &usize)| *size > contract::LARGEST && size > before;
        if held.sizes.iter().zip(&now.sizes).any(grows_too_large) {
            return Err(invalid("rules", rule!("would be more than one record holds")));
        }
        Ok((change, held))
    }

    /// What is held after a change.
    async fn after(
        &self,
        now: &Held,
        change: &Change,
        known: &BTreeMap<String, Bytes>,
        until: Instant,
    ) -> Result<Held, Fault> {
        let mut catalogue = now.catalogue.clone();
        catalogue.apply(change).map_err(|damage| unavailable(damage.into()))?;
        let known = (known, &now.pools);
        let held = hold(&self.history, catalogue, &self.environment, known, until).await;
        held.map_err(|error| match error {
            NotHeld::Rules(error) => does_not_hold(change, &error),
            NotHeld::History(error) => unavailable(error),
        })
    }

    async fn catch_up(&self, until: Instant) -> Result<(), HistoryError> {
        let now = self.now();
        if let Some(catalogue) = later(&self.history, &now.catalogue, until).await? {
            let known = (&now.contracts, &now.pools);
            let held = hold(&self.history, catalogue, &self.environment, known, until).await;
            self.held.send_replace(Arc::new(held.map_err(HistoryError::from)?));
        }
        Ok(())
    }
}

/// The catalogue with what was added to the history after it; `None` if nothing was.
async fn later(
    history: &History,
    catalogue: &Catalogue,
    until: Instant,
) -> Result<Option<Catalogue>, HistoryError> {
    let mut later: Option<Catalogue> = None;
    let taken = history.each_after(catalogue.sequence, until, |change| {
        later.get_or_insert_with(|| catalogue.clone()).apply(&change)?;
        Ok(ControlFlow::Continue(()))
    });
    taken.await?;
    Ok(later)
}

/// The change that follows the last one of a catalogue, and leaves the revision of the rules as it is.
fn following(catalogue: &Catalogue, by: &By, draft: Draft) -> Change {
    let Draft { action, reason, legal_basis, edits } = draft;
    let sequence = catalogue.sequence + 1;
    Change {
        sequence,
        at: Some(timestamp(unix_micros(SystemTime::now()))),
        by: Some(by.actor.clone()),
        exchange_id: by.exchange.clone(),
        action: action.to_owned(),
        reason,
        legal_basis,
        edits: stamped(edits, sequence),
        revision: catalogue.revision,
        ..Change::default()
    }
}

/// The same for what nobody decides: the registry does it itself.
fn of_its_own(catalogue: &Catalogue, action: &'static str, edits: Vec<Edit>) -> Change {
    let draft = Draft { action, reason: String::new(), legal_basis: String::new(), edits };
    following(catalogue, &By::default(), draft)
}

/// Names what does not hold together by what was decided about. Of what a provider says only such places reach the caller.
fn does_not_hold(change: &Change, error: &RulesError) -> Fault {
    let kind = change.edits.first().map_or("", |edit| edit.kind.as_str());
    let field = match kind {
        "agreement" => return terms_do_not_hold(error),
        // A request for a service names its version.
        "service" => "version",
        "person" | "person-proposal" if is_about_a_credential(error) => "person.credentials",
        kind => kind.trim_end_matches("-proposal"),
    };
    invalid(field, rule!("does not hold together with the other rules")).because(error.to_string())
}

/// Names what does not hold together by its place in the terms of an agreement.
pub(crate) fn terms_do_not_hold(error: &RulesError) -> Fault {
    let fault = match error {
        RulesError::Mask { source: MaskError::UnknownField { path }, .. } => {
            invalid(&format!("agreement.grants.fields.{path}"), rule!("is no field of the answer"))
        }
        RulesError::Mask { .. } => {
            invalid("agreement.grants.fields", rule!("cannot be granted of this answer"))
        }
        RulesError::DescriptorMissing { .. }
        | RulesError::DescriptorInvalid { .. }
        | RulesError::Invalid { .. } => {
            invalid("agreement.grants.method", rule!("does not fit the data service"))
        }
    };
    fault.because(error.to_string())
}

fn is_about_a_credential(error: &RulesError) -> bool {
    matches!(error, RulesError::Invalid { what: "credential", .. })
}

fn unavailable(error: HistoryError) -> Fault {
    Fault::new(Reason::SourceUnavailable).because(error)
}

#[cfg(test)]
mod tests;
