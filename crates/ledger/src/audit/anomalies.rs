//! Anomalies for auditors: what the rules have found, and what auditors make of it. Officers are told as the entries have them, as long as
//! one of the exchanges that a finding names still does.

use std::collections::HashMap;
use std::time::SystemTime;

use bytes::Bytes;
use lgsp_bus::RequestHead;
use lgsp_core::indicators::{day_number, midnight_after};
use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_core::{ExchangeId, Fault, Reason};
use lgsp_proto::ledger::v1::anomaly_service_server::AnomalyService;
use lgsp_proto::ledger::v1::{
    Act, ActKind, AnnotateAnomalyRequest, AnnotateAnomalyResponse, Annotation, AnnotationRecord, Anomaly,
    AnomalyFilter, AnomalyStatus, Erasable, GetAnomalyRequest, GetAnomalyResponse, ListAnomaliesRequest,
    ListAnomaliesResponse, Phase,
};
use prost::Message;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};
use tracing::info;

use super::decide::{by, bytes_of, is_stated};
use super::service::{answer, head};
use super::{Audit, in_time};
use crate::anomalies::today;
use crate::entry::Key;
use crate::index::{After, Annotated, FindingId, Told, Wanted, key_of_act};
use crate::page;
use crate::seek::{Seek, Text};
use crate::service::{LONGEST, MOST_PAGE_BYTES, deadline, invalid, unanswered};

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 200;
/// Most annotations of one anomaly that are told, the oldest.
const MOST_ANNOTATIONS: usize = 200;
const LONGEST_NOTE: usize = 500;

/// The service. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Anomalies {
    pub audit: Audit,
    /// By which rules days are evaluated.
    pub rules: [u8; 32],
}

impl Anomalies {
    async fn list(
        &self,
        request: ListAnomaliesRequest,
        deadline: Instant,
    ) -> Result<ListAnomaliesResponse, Fault> {
        let limit = match usize::try_from(request.page_size) {
            Ok(0) => DEFAULT_PAGE,
            Ok(size) if size <= LARGEST_PAGE => size,
            Ok(_) | Err(_) => return Err(invalid("page_size", "is not between 0 and 200")),
        };
        let filter = request.filter.unwrap_or_default();
        let after = page::read(&request.page_token, "page_token", &filter)?;
        let wanted = Wanted {
            after: after.map(|after| (after.admitted_us, *after.exchange.as_bytes())),
            limit: limit + 1,
            ..wanted(&filter)
        };
        let log = &self.audit.log;
        log.catch_up(deadline).await;
        // Before what is found is read: with none left, all of it is.
        let days_to_evaluate =
            log.index.due_days(&self.rules, today(), deadline).await.map_err(unanswered)?;
        let mut found = log.index.findings(&wanted, deadline).await.map_err(unanswered)?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let mut anomalies = self.read(&found, deadline).await?;
        let mut bytes = 0;
        let fit = anomalies.iter().take_while(|anomaly| {
            bytes += anomaly.encoded_len() + 8;
            bytes <= MOST_PAGE_BYTES
        });
        let fit = fit.count().max(1).min(anomalies.len());
        let is_cut = has_more || fit < anomalies.len();
        anomalies.truncate(fit);
        let last = fit.checked_sub(1).and_then(|last| found.get(last)).filter(|_| is_cut);
        let token = last.and_then(|last| {
            let exchange = ExchangeId::from_bytes(&last.id)?;
            Some(page::write(&After { admitted_us: last.day, exchange, leaf: 0 }, &filter))
        });
        let period = (filter.since.as_ref().map(micros), filter.until.as_ref().map(micros));
        Ok(ListAnomaliesResponse {
            anomalies,
            next_page_token: token.unwrap_or_default(),
            archived: log.shelf.within(period.0, period.1),
            days_to_evaluate,
        })
    }

    async fn get(&self, request: GetAnomalyRequest, deadline: Instant) -> Result<GetAnomalyResponse, Fault> {
        self.audit.log.catch_up(deadline).await;
        let (id, found) = self.find(&request.id, deadline).await?;
        let anomaly = self.read(std::slice::from_ref(&found), deadline).await?.pop();
        let annotated = self.audit.log.index.annotations(&id, MOST_ANNOTATIONS, deadline).await;
        let annotations = self.records(annotated.map_err(unanswered)?, deadline).await?;
        Ok(GetAnomalyResponse { anomaly, annotations })
    }

    async fn find(&self, id: &str, deadline: Instant) -> Result<(FindingId, Told), Fault> {
        let id = ExchangeId::parse(id).ok_or_else(|| invalid("id", "is not a UUID"))?;
        let found = self.audit.log.index.finding(id.as_bytes(), deadline).await.map_err(unanswered)?;
        found.map(|found| (*id.as_bytes(), found)).ok_or_else(|| Reason::NotFound.into())
    }

    /// Enters what an auditor makes of an anomaly, with a copy of what it was.
    async fn annotate(
        &self,
        head: &RequestHead,
        request: AnnotateAnomalyRequest,
        deadline: Instant,
    ) -> Result<AnnotateAnomalyResponse, Fault> {
        let (status, note) = (request.status(), request.note.trim());
        match status {
            AnomalyStatus::Unspecified => return Err(invalid("status", "is required")),
            AnomalyStatus::Acknowledged if note.is_empty() => {}
            AnomalyStatus::Acknowledged
            | AnomalyStatus::Explained
            | AnomalyStatus::Confirmed
            | AnomalyStatus::Reopened => is_stated("note", note)?,
        }
        if note.chars().count() > LONGEST_NOTE {
            return Err(invalid("note", "is not well formed"));
        }
        let turn = timeout_at(deadline, self.audit.desk.turn.lock()).await;
        let _turn = turn.map_err(|_| Fault::from(Reason::AdapterOverloaded))?;
        self.audit.log.filed.catch_up(deadline).await;
        let (_, found) = self.find(&request.id, deadline).await?;
        let act = Act {
            kind: ActKind::Annotate.into(),
            by: by(head),
            asked_in: bytes_of(&head.exchange),
            annotation: Some(copy(&found, status)),
            ..Act::default()
        };
        let entered_us = unix_micros(SystemTime::now());
        let application = head.application.to_string();
        let id = self.audit.desk.enter_noted(act, note, &application, entered_us).await?;
        let leaf = self.audit.carried_out(&id, deadline).await?;
        info!(decision = %id, status = status.as_str_name(), "an anomaly is annotated");
        Ok(AnnotateAnomalyResponse { act_id: id.to_string(), leaf, entered: Some(timestamp(entered_us)) })
    }

    /// Tells findings, with their officers in clear as far as entries still have them.
    async fn read(&self, found: &[Told], deadline: Instant) -> Result<Vec<Anomaly>, Fault> {
        let mut anomalies: Vec<Anomaly> = found.iter().map(anomaly).collect();
        let keys: Vec<Key> = anomalies.iter().filter(|it| it.is_of_officer).flat_map(keys_of).collect();
        let parts = in_time(deadline, self.audit.erasables.find(&keys)).await?;
        for (anomaly, found) in anomalies.iter_mut().zip(found) {
            let Some(whom) = found.whom.filter(|_| anomaly.is_of_officer) else { continue };
            let named = keys_of(anomaly).find_map(|key| self.officer(parts.get(&key)?.as_ref()?, whom));
            anomaly.officer = named.unwrap_or_default();
            anomaly.filters.iter_mut().for_each(|filter| filter.officer.clone_from(&anomaly.officer));
        }
        Ok(anomalies)
    }

    /// The officer whom an erasable part names, if it is the one.
    fn officer(&self, part: &Bytes, whom: Seek) -> Option<String> {
        let officer = Erasable::decode(part.clone()).ok()?.officer?.value;
        (Seek::text(&self.audit.log.index.key, Text::Officer, &officer) == whom).then_some(officer)
    }

    async fn records(
        &self,
        annotated: Vec<Annotated>,
        deadline: Instant,
    ) -> Result<Vec<AnnotationRecord>, Fault> {
        let keys: Vec<Key> = annotated.iter().map(|annotated| key_of_act(annotated.act)).collect();
        let parts = in_time(deadline, self.audit.erasables.find(&keys)).await?;
        Ok(annotated.into_iter().map(|annotated| record(annotated, &parts)).collect())
    }
}

/// Which findings a filter is about.
fn wanted(filter: &AnomalyFilter) -> Wanted {
    let day = |at: &_| day_number(midnight_after(micros(at)));
    Wanted {
        days: (filter.since.as_ref().map(day), filter.until.as_ref().map(day)),
        rule: filter.rule,
        environment: filter.environment.clone(),
        application: filter.application.clone(),
        status: filter.status(),
        open: filter.open,
        ..Wanted::default()
    }
}

/// A finding as the rule had it; or as the last annotation has a copy of it.
fn anomaly(found: &Told) -> Anomaly {
    let kept = found.body.as_deref().and_then(|body| Anomaly::decode(body).ok());
    let mut anomaly = kept.unwrap_or_else(|| {
        let copied = found.copy.as_deref().and_then(|copy| Annotation::decode(copy).ok());
        of_copy(copied.unwrap_or_default())
    });
    anomaly.id = ExchangeId::from_bytes(&found.id).map(|id| id.to_string()).unwrap_or_default();
    anomaly.set_status(found.status);
    anomaly.is_past = !found.stands;
    anomaly
}

fn of_copy(copy: Annotation) -> Anomaly {
    Anomaly {
        rule: copy.rule,
        environment: copy.environment,
        since: Some(timestamp(copy.since_us)),
        until: Some(timestamp(copy.until_us)),
        application: copy.application,
        agency_code: copy.agency_code,
        service: copy.service,
        purpose: copy.purpose,
        measure: copy.measure,
        value: copy.value,
        threshold: copy.threshold,
        ..Anomaly::default()
    }
}

/// What goes into the log with an annotation: it stays there for ever, and so it is nothing that can be erased.
fn copy(found: &Told, status: AnomalyStatus) -> Annotation {
    let anomaly = anomaly(found);
    Annotation {
        anomaly_id: Bytes::copy_from_slice(&found.id),
        status: status.into(),
        rule: anomaly.rule,
        environment: anomaly.environment,
        since_us: anomaly.since.as_ref().map_or(0, micros),
        until_us: anomaly.until.as_ref().map_or(0, micros),
        application: anomaly.application,
        agency_code: anomaly.agency_code,
        service: anomaly.service,
        purpose: anomaly.purpose,
        measure: anomaly.measure,
        value: anomaly.value,
        threshold: anomaly.threshold,
    }
}

/// The entries by which exchanges may have ended.
fn keys_of(anomaly: &Anomaly) -> impl Iterator<Item = Key> {
    let exchanges = anomaly.exchange_ids.iter().filter_map(|id| ExchangeId::parse(id));
    let keys = exchanges
        .flat_map(|exchange| [Phase::Final, Phase::Abandoned].map(|phase| Key { exchange, phase, part: 0 }));
    keys.collect::<Vec<_>>().into_iter()
}

fn record(annotated: Annotated, parts: &HashMap<Key, Option<Bytes>>) -> AnnotationRecord {
    let part = parts.get(&key_of_act(annotated.act));
    let kept = part.cloned().flatten().and_then(|part| Erasable::decode(part).ok());
    let note = kept.and_then(|kept| kept.note).map(|note| note.value);
    AnnotationRecord {
        act_id: annotated.act.to_string(),
        leaf: annotated.leaf,
        entered: Some(timestamp(annotated.entered_us)),
        by: annotated.by,
        status: annotated.status.into(),
        // Whatever is not only acknowledged had one.
        note_is_gone: note.is_none() && (part.is_some() || annotated.status != AnomalyStatus::Acknowledged),
        note: note.unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl AnomalyService for Anomalies {
    async fn list_anomalies(
        &self,
        request: Request<ListAnomaliesRequest>,
    ) -> Result<Response<ListAnomaliesResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.list(request, deadline(&extensions, LONGEST)).await)
    }

    async fn get_anomaly(
        &self,
        request: Request<GetAnomalyRequest>,
    ) -> Result<Response<GetAnomalyResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.get(request, deadline(&extensions, LONGEST)).await)
    }

    async fn annotate_anomaly(
        &self,
        request: Request<AnnotateAnomalyRequest>,
    ) -> Result<Response<AnnotateAnomalyResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.annotate(head(&extensions)?, request, deadline(&extensions, LONGEST)).await)
    }
}
