//! What auditors may ask for, as the index looks for it.

use std::time::SystemTime;

use lgsp_core::check::canonical;
use lgsp_core::time::{micros, unix_micros};
use lgsp_core::{ExchangeId, Fault, Subject};
use lgsp_proto::ledger::v1::{AuditFilter, Exchange};
use lgsp_proto::options::v1::Format;
use tokio::time::Instant;

use super::Audit;
use super::subject::{self, Asked};
use crate::erasable::SeekKey;
use crate::index::Search;
use crate::seek::{Seek, Text};
use crate::service::{invalid, unanswered};

/// Bytes of a credential's digest.
const DIGEST: usize = 32;

/// 2020-01-01: no exchange is older, whatever an entry that nobody signed may say.
const BEGINNING: i64 = 1_577_836_800_000_000;

/// A search as it was asked for.
pub(super) struct Wanted {
    pub search: Search,
    pub unlinked_months: Vec<String>,
}

impl Audit {
    /// Reads a filter. The number of its subject is hashed, and goes no further.
    pub(super) async fn wanted(&self, filter: &AuditFilter, deadline: Instant) -> Result<Wanted, Fault> {
        let (mut search, subject) = read(&self.log.index.key, filter)?;
        let Some(subject) = subject else { return Ok(Wanted { search, unlinked_months: Vec::new() }) };
        let now = unix_micros(SystemTime::now());
        let since = match search.since_us {
            Some(since) => since,
            None => self.log.index.earliest(deadline).await.map_err(unanswered)?.unwrap_or(now),
        };
        // Whoever may write the topic may write any moment.
        let since = since.max(BEGINNING);
        let until = search.until_us.unwrap_or(i64::MAX).min(now + 1);
        let months = self.subjects.look(&subject, since, until);
        search.subject = Some(months.seeks);
        Ok(Wanted { search, unlinked_months: months.unlinked })
    }

    /// Whether an exchange that has just ended is what a filter asks for.
    pub(super) async fn is_wanted(
        &self,
        (search, subject): &(Search, Option<Asked>),
        exchange: &Exchange,
        deadline: Instant,
    ) -> Result<bool, Fault> {
        if !is_wanted_in_clear(search, exchange) {
            return Ok(false);
        }
        let admitted_us = exchange.admitted.as_ref().map_or(0, micros);
        let mut seeks = search.seeks.clone();
        if let Some(subject) = subject {
            let Some(seek) = self.subjects.seek(subject, admitted_us) else { return Ok(false) };
            seeks.push(seek);
        }
        let Some(id) = ExchangeId::parse(&exchange.exchange_id) else { return Ok(false) };
        let found = self.log.index.is_found_by(&seeks, (admitted_us, id), deadline).await;
        found.map_err(unanswered)
    }
}

/// What a filter looks for, but for a subject by its number.
pub(crate) fn search_of(key: &SeekKey, filter: &AuditFilter) -> Result<Search, Fault> {
    read(key, filter).map(|(search, _)| search)
}

/// Reads a filter: what is looked for in clear or by a hash that needs no key, and the subject.
pub(super) fn read(key: &SeekKey, filter: &AuditFilter) -> Result<(Search, Option<Asked>), Fault> {
    let credential = filter.credential.to_vec();
    if !credential.is_empty() && credential.len() != DIGEST {
        return Err(invalid("filter.credential", "is not well formed"));
    }
    let subject = filter.subject.as_ref().map(|key| subject::read(key, "filter.subject")).transpose()?;
    let search = Search {
        since_us: filter.since.as_ref().map(micros),
        until_us: filter.until.as_ref().map(micros),
        application: filter.application.clone(),
        agency: filter.agency_code.clone(),
        service: filter.service.clone(),
        method: filter.method.clone(),
        purpose: filter.purpose.clone(),
        agreement: filter.agreement.clone(),
        outcome: filter.outcome(),
        credential,
        include_platform: filter.include_platform,
        environment: filter.environment.clone(),
        without_dossier: filter.without_dossier,
        seeks: seeks(key, filter)?,
        ..Search::default()
    };
    Ok((search, subject))
}

fn seeks(key: &SeekKey, filter: &AuditFilter) -> Result<Vec<Seek>, Fault> {
    // As gateways keep it.
    let dossier = match filter.dossier.as_str() {
        "" => String::new(),
        dossier => canonical(Format::DossierCode, dossier)
            .ok_or_else(|| invalid("filter.dossier", "is not well formed"))?,
    };
    // The rarest first: it is what the others are held against.
    let texts = [
        (Text::RequestId, filter.request_id.trim()),
        (Text::Dossier, &dossier),
        (Text::Officer, filter.officer.trim()),
        (Text::Procedure, &filter.procedure),
    ];
    let set = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut seeks: Vec<Seek> = set.map(|(kind, text)| Seek::text(key, kind, text)).collect();
    if let Some(keyed) = &filter.keyed_subject {
        let seek = Seek::subject(keyed.kind(), &keyed.hash).filter(|_| keyed.kind() != Subject::Unspecified);
        seeks.insert(0, seek.ok_or_else(|| invalid("filter.keyed_subject", "is not well formed"))?);
    }
    Ok(seeks)
}

fn is_wanted_in_clear(search: &Search, exchange: &Exchange) -> bool {
    let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
    let admitted_us = exchange.admitted.as_ref().map_or(0, micros);
    let credential =
        exchange.sealed.as_ref().map(|sealed| sealed.credential_sha256.as_ref()).unwrap_or_default();
    let sealed = exchange.sealed.as_ref();
    let environment = sealed.map_or("", |sealed| &sealed.environment);
    let names_a_dossier = sealed
        .and_then(|sealed| sealed.erasable_digests.as_ref())
        .is_some_and(|digests| !digests.dossier.is_empty());
    (search.include_platform || !exchange.platform)
        && is(&search.environment, environment)
        && !(search.without_dossier && names_a_dossier)
        && is(&search.application, &exchange.application)
        && is(&search.agency, &exchange.agency_code)
        && is(&search.service, &exchange.service)
        && is(&search.method, &exchange.method)
        && is(&search.purpose, &exchange.purpose)
        && is(&search.agreement, &exchange.agreement)
        && (search.outcome as i32 == 0 || search.outcome as i32 == exchange.outcome)
        && (search.credential.is_empty() || search.credential == credential)
        && search.since_us.is_none_or(|since| admitted_us >= since)
        && search.until_us.is_none_or(|until| admitted_us < until)
}
