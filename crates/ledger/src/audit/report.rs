//! Tells who asked about a subject or received its data. Withheld exchanges are told only from their moment on.

use std::time::SystemTime;

use lgsp_core::time::{timestamp, unix_micros};
use lgsp_core::{ExchangeId, Fault};
use lgsp_proto::ledger::v1::{AuditFilter, Disclosure, ReportSubjectRequest};
use tokio::time::Instant;

use super::service::Told;
use super::{Audit, in_time};
use crate::index::Found;
use crate::service::invalid;

impl Audit {
    pub(super) async fn report(
        &self,
        request: ReportSubjectRequest,
        deadline: Instant,
    ) -> Result<Told<Disclosure>, Fault> {
        if request.subject.is_none() {
            return Err(invalid("subject", "is required"));
        }
        let filter = AuditFilter {
            subject: request.subject,
            since: request.since,
            until: request.until,
            ..AuditFilter::default()
        };
        self.log.catch_up(deadline).await;
        let wanted = self.wanted(&filter, deadline).await?;
        let archived = self.log.shelf.within(wanted.search.since_us, wanted.search.until_us);
        let mut walk = self.walk(wanted.search, deadline)?;
        let (audit, with_withheld) = (self.clone(), request.include_withheld);
        Ok(Box::pin(async_stream::try_stream! {
            if !wanted.unlinked_months.is_empty() || !archived.is_empty() {
                yield Disclosure { unlinked_months: wanted.unlinked_months, archived, ..Disclosure::default() };
            }
            loop {
                let found = walk.next().await.map_err(|fault| lgsp_bus::status(&fault))?;
                if found.is_empty() {
                    return;
                }
                let disclosed = audit.disclosed(found, with_withheld, deadline).await;
                for disclosure in disclosed.map_err(|fault| lgsp_bus::status(&fault))? {
                    yield disclosure;
                }
            }
        }))
    }

    async fn disclosed(
        &self,
        mut found: Vec<Found>,
        with_withheld: bool,
        deadline: Instant,
    ) -> Result<Vec<Disclosure>, Fault> {
        let exchanges: Vec<ExchangeId> = found.iter().map(|found| found.key.exchange).collect();
        let marks = in_time(deadline, self.erasables.marks(&exchanges)).await?;
        let now = unix_micros(SystemTime::now());
        let withheld_until = |found: &Found| {
            let until_us = marks.get(&found.key.exchange).map_or(0, |marks| marks.withheld_until_us);
            (until_us > now).then_some(until_us)
        };
        found.retain(|found| with_withheld || withheld_until(found).is_none());
        let exchanges = self.log.read(found.clone()).await?;
        let told = found.iter().zip(exchanges).map(|(found, exchange)| Disclosure {
            exchange: Some(exchange),
            asked: found.asked,
            disclose_after: withheld_until(found).map(timestamp),
            unlinked_months: Vec::new(),
            archived: Vec::new(),
            leaf: found.at.leaf.cast_unsigned(),
        });
        Ok(told.collect())
    }
}
