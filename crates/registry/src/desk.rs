//! Where the calls of persons hand their decisions in: each is taken, and answered when the gateways follow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use tokio::time::Instant;

use crate::asked::Asked;
use crate::followers::{FOLLOWING, Followers};
use crate::occasion::{Draft, Occasion};
use crate::register::{Held, Register};

/// What decides, if anything does. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    /// `None`: the files are the rules.
    register: Option<Arc<Register>>,
    followers: Followers,
}

/// A decision that was taken.
pub(crate) struct Taken {
    /// The register after it.
    pub held: Arc<Held>,
    /// Revision of the rules that holds it; 0: it changed nothing that gateways know.
    pub revision: u64,
    /// Gateways that did not follow in time.
    pub gateways_behind: Vec<String>,
}

impl Desk {
    pub fn new(register: Option<Arc<Register>>, followers: Followers) -> Self {
        Self { register, followers }
    }

    /// The register.
    ///
    /// # Errors
    /// The files are the rules.
    pub fn register(&self) -> Result<&Register, Fault> {
        self.register.as_deref().ok_or_else(|| Reason::FilesDecide.into())
    }

    /// Takes a decision of the person who asks.
    ///
    /// # Errors
    /// Nobody has signed in, or what `draft` says, or the store failed.
    pub async fn take(
        &self,
        asked: &Asked,
        draft: impl Fn(&Held, Occasion<'_>) -> Result<Draft, Fault>,
    ) -> Result<Taken, Fault> {
        self.take_with(&BTreeMap::new(), asked, draft).await
    }

    /// The same for a decision that names contracts which are new, by their key on the topic.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub async fn take_with(
        &self,
        contracts: &BTreeMap<String, Bytes>,
        asked: &Asked,
        draft: impl Fn(&Held, Occasion<'_>) -> Result<Draft, Fault>,
    ) -> Result<Taken, Fault> {
        let now = unix_micros(SystemTime::now());
        let before = self.register()?.now();
        let by = asked.by(&before)?;
        let held = self.register()?.decide(contracts, by, asked.until, |held| {
            let person = asked.person(&held.catalogue)?;
            draft(held, Occasion { person, now, exchange: &asked.exchange })
        });
        let held = held.await?;
        // What comes twice was decided before, and may have changed the rules then.
        let comes_twice = before.catalogue.knows(&asked.exchange);
        if held.catalogue.revision == before.catalogue.revision && !comes_twice {
            return Ok(Taken { held, revision: 0, gateways_behind: Vec::new() });
        }
        let revision = held.catalogue.revision;
        Ok(Taken { gateways_behind: self.followed(revision, asked).await, held, revision })
    }

    /// Waits until every live gateway has a revision, but not for long; names those that have not.
    pub async fn followed(&self, revision: u64, asked: &Asked) -> Vec<String> {
        let until = asked.until.min(Instant::now() + FOLLOWING);
        self.followers.until_all_have(revision, until).await
    }
}
