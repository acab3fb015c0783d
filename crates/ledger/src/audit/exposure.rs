//! Tells which subjects and fields somebody received between two moments: what may have leaked with a credential, by an application or
//! by an officer.

use bytes::Bytes;
use lgsp_core::{ExchangeId, Fault};
use lgsp_proto::ledger::v1::{
    AuditFilter, Erasable, Exchange, ExposedExchange, Phase, ReportExposureRequest, Sealed,
};
use prost::Message;
use tokio::time::Instant;

use super::service::Told;
use super::{Audit, in_time};
use crate::index::Stands;
use crate::service::{invalid, unanswered};

/// Entries of an exchange that are read at once.
const AT_ONCE: usize = 50;

impl Audit {
    pub(super) async fn exposure(
        &self,
        request: ReportExposureRequest,
        deadline: Instant,
    ) -> Result<Told<ExposedExchange>, Fault> {
        let names_nobody = request.application.is_empty() && request.officer.trim().is_empty();
        for (field, is_missing) in [
            ("application", names_nobody && request.credential.is_empty()),
            ("since", request.since.is_none()),
            ("until", request.until.is_none()),
        ] {
            if is_missing {
                return Err(invalid(field, "is required"));
            }
        }
        let filter = AuditFilter {
            application: request.application,
            officer: request.officer,
            credential: request.credential,
            since: request.since,
            until: request.until,
            include_platform: true,
            ..AuditFilter::default()
        };
        self.log.catch_up(deadline).await;
        let search = self.wanted(&filter, deadline).await?.search;
        let mut walk = self.walk(search, deadline)?;
        let audit = self.clone();
        Ok(Box::pin(async_stream::try_stream! {
            loop {
                let found = walk.next().await.map_err(|fault| lgsp_bus::status(&fault))?;
                if found.is_empty() {
                    return;
                }
                let exchanges = audit.log.read(found.clone()).await.map_err(|fault| lgsp_bus::status(&fault))?;
                for (found, exchange) in found.into_iter().zip(exchanges) {
                    let mut from = Some(0);
                    while let Some(leaf) = from {
                        let exposed = audit.exposed(&found.key.exchange, &exchange, leaf, deadline).await;
                        let (exposed, next) = exposed.map_err(|fault| lgsp_bus::status(&fault))?;
                        for exposed in exposed {
                            yield exposed;
                        }
                        from = next;
                    }
                }
            }
        }))
    }

    /// The entries of an exchange under which data left, from a leaf on, and where they go on.
    async fn exposed(
        &self,
        id: &ExchangeId,
        exchange: &Exchange,
        from: u64,
        deadline: Instant,
    ) -> Result<(Vec<ExposedExchange>, Option<u64>), Fault> {
        let stands = self.log.index.entries_of(id, from, AT_ONCE, deadline).await.map_err(unanswered)?;
        let next = stands.last().filter(|_| stands.len() == AT_ONCE).map(|last| last.leaf + 1);
        let keys: Vec<_> = stands.iter().map(|stands| stands.key).collect();
        let parts = in_time(deadline, self.erasables.find(&keys)).await?;
        let leaves = self.log.sealed(stands.iter().map(|stands| stands.place).collect()).await?;
        let released =
            stands.iter().zip(leaves).filter_map(|(stands, leaf)| Some((stands, released(stands, leaf)?)));
        let told = released.map(|(stands, sealed)| {
            let part = parts.get(&stands.key);
            let erasable = part.and_then(|part| Erasable::decode(part.clone()?).ok());
            let mut subjects = erasable.unwrap_or_default().subjects;
            // The salts are for the digests of the sealed part.
            subjects.iter_mut().for_each(|subject| subject.salt = Bytes::new());
            ExposedExchange {
                exchange: Some(exchange.clone()),
                subjects,
                fields: sealed.fields_released,
                erased: part.is_some_and(Option::is_none),
                leaf: stands.leaf,
            }
        });
        Ok((told.collect(), next))
    }
}

/// The sealed part of an entry under which data left. One that is damaged is told with what else is known of it.
fn released(stands: &Stands, leaf: Option<Bytes>) -> Option<Sealed> {
    match stands.key.phase {
        Phase::Final | Phase::Part => {}
        Phase::Unspecified | Phase::Opening | Phase::Abandoned | Phase::Attempts | Phase::Act => return None,
    }
    let Some(leaf) = leaf else { return Some(Sealed::default()) };
    Sealed::decode(leaf).ok().filter(|sealed| sealed.record_count > 0)
}
