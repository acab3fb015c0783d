//! Exports what a search finds, the oldest first. Whoever lost the stream goes on where it broke off.

use std::time::SystemTime;

use bytes::Bytes;
use lgsp_core::time::unix_micros;
use lgsp_core::{ExchangeId, Fault};
use lgsp_proto::ledger::v1::{AuditFilter, Erasable, ExportExchangesRequest, ExportedExchange, Salted};
use prost::Message;
use tokio::time::Instant;

use super::service::Told;
use super::{Audit, in_time};
use crate::index::{Found, Search};
use crate::page;
use crate::service::exchange_of_leaf;

impl Audit {
    pub(super) async fn export(
        &self,
        request: ExportExchangesRequest,
        deadline: Instant,
    ) -> Result<Told<ExportedExchange>, Fault> {
        let filter = request.filter.unwrap_or_default();
        let after = page::read(&request.after, "after", &filter)?;
        self.log.catch_up(deadline).await;
        let search = self.wanted(&filter, deadline).await?.search;
        // It ends with what there is now.
        let until_us = Some(search.until_us.unwrap_or(i64::MAX).min(unix_micros(SystemTime::now())));
        let mut walk = self.walk(Search { after, until_us, ..search }, deadline)?;
        let audit = self.clone();
        Ok(Box::pin(async_stream::try_stream! {
            loop {
                let found = walk.next().await.map_err(|fault| lgsp_bus::status(&fault))?;
                if found.is_empty() {
                    return;
                }
                let exported = audit.exported(found, &filter, deadline).await.map_err(|fault| lgsp_bus::status(&fault))?;
                for exchange in exported {
                    yield exchange;
                }
            }
        }))
    }

    async fn exported(
        &self,
        found: Vec<Found>,
        filter: &AuditFilter,
        deadline: Instant,
    ) -> Result<Vec<ExportedExchange>, Fault> {
        let keys: Vec<_> = found.iter().map(|found| found.key).collect();
        let parts = in_time(deadline, self.erasables.find(&keys)).await?;
        let exchanges: Vec<ExchangeId> = keys.iter().map(|key| key.exchange).collect();
        let marks = in_time(deadline, self.erasables.marks(&exchanges)).await?;
        let leaves = self.log.sealed(found.iter().map(|found| found.place).collect()).await?;
        let exported = found.into_iter().zip(leaves).map(|(found, sealed)| {
            let part = parts.get(&found.key).cloned().flatten();
            let erasable = part.and_then(|part| Erasable::decode(part).ok()).unwrap_or_default();
            ExportedExchange {
                officer: value(erasable.officer),
                unit: value(erasable.unit),
                dossier: value(erasable.dossier),
                request_id: value(erasable.request_id),
                erased: marks.get(&found.key.exchange).is_some_and(|marks| marks.erased),
                leaf: found.at.leaf.cast_unsigned(),
                leaf_hash: sealed.as_ref().map(hash_of).unwrap_or_default(),
                cursor: page::write(&found.at, filter),
                exchange: Some(exchange_of_leaf(found, sealed)),
            }
        });
        Ok(exported.collect())
    }
}

fn value(salted: Option<Salted>) -> String {
    salted.map(|salted| salted.value).unwrap_or_default()
}

fn hash_of(sealed: &Bytes) -> Bytes {
    Bytes::copy_from_slice(&lgsp_tlog::leaf_hash(sealed).0)
}
