//! Which decision did something: looked for among all that the log has. They are few beside its exchanges.

use bytes::Bytes;
use lgsp_core::{ExchangeId, Fault};
use lgsp_proto::ledger::v1::{Act, Sealed};
use prost::Message;
use tokio::time::Instant;

use super::{Audit, in_time};
use crate::entry::Signed;
use crate::index::Stands;

/// Decisions that are read at once, and how often.
const AT_ONCE: usize = 100;
const MOST_PAGES: usize = 100;

/// A decision, as it stands in the log.
pub(super) struct Decided {
    pub leaf: u64,
    pub sealed: Bytes,
    /// None if it is archived.
    pub stands: Option<Stands>,
}

impl Decided {
    pub(super) fn id(&self) -> Option<ExchangeId> {
        ExchangeId::from_bytes(&self.parsed().exchange_id)
    }

    pub(super) fn entered_us(&self) -> i64 {
        self.parsed().entered_us
    }

    fn parsed(&self) -> Sealed {
        Sealed::decode(self.sealed.clone()).unwrap_or_default()
    }
}

impl Audit {
    /// The first decision of the log that is the one. None if it cannot be read, or there are too many before it.
    pub(super) async fn first_decision(
        &self,
        is_it: impl Fn(&Act) -> bool,
        deadline: Instant,
    ) -> Result<Option<Decided>, Fault> {
        let is_it = |sealed: &Bytes| {
            let sealed = Sealed::decode(sealed.clone()).ok();
            sealed.and_then(|sealed| sealed.act).is_some_and(|act| is_it(&act))
        };
        // What is archived is older, but for what was held.
        let archived = self.log.shelf.acts().into_iter().find(|(_, sealed)| is_it(sealed));
        if let Some((leaf, sealed)) = archived {
            return Ok(Some(Decided { leaf, sealed, stands: None }));
        }
        let mut from = 0;
        for _ in 0..MOST_PAGES {
            let page = in_time(deadline, self.log.index.acts(from, AT_ONCE)).await?;
            let signed: Vec<Stands> = page.iter().copied().filter(|it| it.signed == Signed::Yes).collect();
            let read = self.log.sealed(signed.iter().map(|stands| stands.place).collect()).await?;
            let mut read =
                signed.into_iter().zip(read).filter_map(|(stands, sealed)| Some((stands, sealed?)));
            if let Some((stands, sealed)) = read.find(|(_, sealed)| is_it(sealed)) {
                return Ok(Some(Decided { leaf: stands.leaf, sealed, stands: Some(stands) }));
            }
            match page.last() {
                Some(last) if page.len() == AT_ONCE => from = last.leaf + 1,
                Some(_) | None => break,
            }
        }
        Ok(None)
    }
}
