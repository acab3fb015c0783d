//! An auditor, and exchanges about persons.

#![allow(clippy::unwrap_used, dead_code, reason = "each test binary uses a part of it")]

use std::time::{Duration, SystemTime};

use lgsp_bus::{Inbound, MacKey, RequestHead};
use lgsp_core::entry::{SubjectKeys, SubjectRef, salted, seal};
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, ExchangeId, Fault, PersonId, Reason, Subject};
use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::{
    Act, AuditFilter, DecidedResponse, Decision, DestroySubjectKeyRequest, DestroySubjectKeyResponse, Entry,
    Erasable, EraseExchangesRequest, Exchange, GetExchangeRequest, GetExchangeResponse, Mark,
    MarkExchangesRequest, Outcome, Phase, Sealed, SearchExchangesRequest, SearchExchangesResponse,
    SubjectKey,
};
use prost::Message;
use tokio::time::Instant;
use tonic::service::Routes;
use tonic::{Request, Status, Streaming};

use crate::site::{DECISIONS_KEY, MAC_KEY, PATIENCE, Running};

/// 2026-06-15 and 2026-07-15.
pub const JUNE: i64 = 1_781_500_000_000_000;
pub const JULY: i64 = JUNE + 30 * DAY;
pub const DAY: i64 = 24 * 3_600 * 1_000_000;

pub const ANN: &str = "092085000011";
pub const BINH: &str = "092085000022";

pub fn subject_keys() -> SubjectKeys {
    SubjectKeys::new([("2026-06".to_owned(), [6; 32]), ("2026-07".to_owned(), [7; 32])].into())
}

/// One entry of an exchange, as a gateway writes it.
#[derive(Clone)]
pub struct Entered {
    pub exchange: ExchangeId,
    pub sealed: Sealed,
    pub erasable: Erasable,
}

impl Entered {
    /// The final entry of an exchange that was admitted then.
    pub fn at(admitted_us: i64) -> Self {
        let exchange = ExchangeId::new();
        let sealed = Sealed {
            exchange_id: exchange.as_bytes().to_vec().into(),
            phase: Phase::Final.into(),
            application: "tthc".to_owned(),
            agency_code: "H13.01".to_owned(),
            service: "lgsp.population.v1.PopulationService".to_owned(),
            method: "GetCitizen".to_owned(),
            purpose: "prefill".to_owned(),
            agreement: "tthc-dancu".to_owned(),
            decision: Decision::Granted.into(),
            outcome: Outcome::Served.into(),
            credential_sha256: vec![1; 32].into(),
            fields_released: vec!["citizen.full_name".to_owned()],
            record_count: 1,
            admitted_us,
            entered_us: admitted_us + 1_500,
            ..Sealed::default()
        };
        Self { exchange, sealed, erasable: Erasable::default() }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Sealed)) -> Self {
        change(&mut self.sealed);
        self
    }

    pub fn officer(mut self, officer: &str) -> Self {
        self.erasable.officer = salted(officer);
        self
    }

    pub fn dossier(mut self, dossier: &str) -> Self {
        self.erasable.dossier = salted(dossier);
        self
    }

    /// Asked about this person.
    pub fn asked(self, number: &str) -> Self {
        self.about(number, true)
    }

    /// Told about this person along the way.
    pub fn told(self, number: &str) -> Self {
        self.about(number, false)
    }

    fn about(mut self, number: &str, asked: bool) -> Self {
        let subject = SubjectRef { kind: Subject::Person, value: number.to_owned(), asked };
        self.erasable.subjects.push(subject_keys().hash(&subject, self.sealed.admitted_us).unwrap());
        self
    }

    /// Another entry of the same exchange, with nothing to erase yet.
    pub fn also(&self, phase: Phase, part: u32) -> Self {
        let mut other = Self { erasable: Erasable::default(), ..self.clone() };
        other.sealed.phase = phase.into();
        other.sealed.part = part;
        if phase != Phase::Final {
            other.sealed.outcome = Outcome::Unspecified.into();
        }
        other
    }

    pub fn entry(&self) -> Entry {
        let mut entry = seal(self.sealed.clone(), self.erasable.clone());
        entry.sealed = lgsp_bus::entry::sign(&MacKey::new(MAC_KEY), &entry.sealed).into();
        entry
    }

    pub async fn enter(&self, running: &Running) {
        put(running, self.exchange, self.entry()).await;
    }
}

/// Appends whatever it is as an entry, and waits until it is durable.
pub async fn put(running: &Running, exchange: ExchangeId, entry: Entry) {
    let until = Instant::now() + PATIENCE;
    running.appender.append_durably(exchange.as_bytes(), entry.encode_to_vec().into(), until).await.unwrap();
}

/// Enters a decision as a ledger signs it.
pub async fn enter_decision(running: &Running, act: Act, entered_us: i64) {
    let exchange = ExchangeId::new();
    let sealed = Sealed {
        exchange_id: exchange.as_bytes().to_vec().into(),
        phase: Phase::Act.into(),
        platform: true,
        admitted_us: entered_us,
        entered_us,
        act: Some(act),
        ..Sealed::default()
    };
    let bare = seal(sealed, Erasable::default()).sealed;
    let sealed = lgsp_bus::entry::sign_decision(&MacKey::new(DECISIONS_KEY), &bare);
    put(running, exchange, Entry { sealed: sealed.into(), erasable: None }).await;
}

/// As the bus hands a call of the auditor over.
pub fn by_auditor<T>(message: T) -> Request<T> {
    let head = RequestHead {
        exchange: ExchangeId::new(),
        method: "/lgsp.ledger.v1.AuditService/Any".into(),
        domain: "ledger".into(),
        server_streaming: false,
        deadline_us: unix_micros(SystemTime::now() + PATIENCE),
        application: ApplicationId::parse("dieu-hanh").unwrap(),
        person: PersonId::parse("giam.sat"),
        purpose: None,
        officer: None,
        unit: None,
        procedure: None,
        dossier: None,
        request_id: None,
        fields: Default::default(),
        traceparent: None,
    };
    let mut request = Request::new(message);
    request.extensions_mut().insert(Inbound { head });
    request
}

pub fn audit(running: &Running) -> AuditServiceClient<Routes> {
    running.ledger.replace_subject_keys(subject_keys());
    AuditServiceClient::new(running.ledger.routes()).max_decoding_message_size(8 << 20)
}

pub fn person(number: &str) -> Option<SubjectKey> {
    Some(SubjectKey { person: number.to_owned(), ..SubjectKey::default() })
}

pub fn of(number: &str) -> AuditFilter {
    AuditFilter { subject: person(number), ..AuditFilter::default() }
}

pub async fn page(
    running: &Running,
    filter: AuditFilter,
    page_size: i32,
    page_token: &str,
) -> SearchExchangesResponse {
    let request =
        SearchExchangesRequest { filter: Some(filter), page_size, page_token: page_token.to_owned() };
    audit(running).search_exchanges(by_auditor(request)).await.unwrap().into_inner()
}

pub async fn search(running: &Running, filter: AuditFilter) -> Vec<Exchange> {
    page(running, filter, 1_000, "").await.exchanges
}

/// What a search finds.
pub async fn found(running: &Running, filter: AuditFilter) -> Vec<String> {
    search(running, filter).await.into_iter().map(|exchange| exchange.exchange_id).collect()
}

pub fn ids(entered: &[&Entered]) -> Vec<String> {
    entered.iter().map(|entered| entered.exchange.to_string()).collect()
}

pub async fn get(running: &Running, exchange: ExchangeId) -> GetExchangeResponse {
    let request = GetExchangeRequest { exchange_id: exchange.to_string(), ..GetExchangeRequest::default() };
    audit(running).get_exchange(by_auditor(request)).await.unwrap().into_inner()
}

pub async fn erase(running: &Running, entered: &[&Entered]) -> Result<DecidedResponse, Status> {
    let request = EraseExchangesRequest {
        exchange_ids: ids(entered),
        legal_basis: "Luật 91/2025/QH15, Điều 14".to_owned(),
        preview: false,
    };
    Ok(audit(running).erase_exchanges(by_auditor(request)).await?.into_inner())
}

pub async fn preview(running: &Running, entered: &[&Entered]) -> DecidedResponse {
    let request = EraseExchangesRequest { exchange_ids: ids(entered), preview: true, ..Default::default() };
    audit(running).erase_exchanges(by_auditor(request)).await.unwrap().into_inner()
}

pub async fn destroy(running: &Running, month: &str) -> Result<DestroySubjectKeyResponse, Status> {
    let request = DestroySubjectKeyRequest {
        month: month.to_owned(),
        legal_basis: "Luật 91/2025/QH15".to_owned(),
        reason: "hết thời hạn tra cứu".to_owned(),
        ..Default::default()
    };
    Ok(audit(running).destroy_subject_key(by_auditor(request)).await?.into_inner())
}

pub async fn mark(
    running: &Running,
    mark: Mark,
    entered: &[&Entered],
    disclose_after: Option<i64>,
) -> Result<DecidedResponse, Status> {
    let request = MarkExchangesRequest {
        mark: mark.into(),
        exchange_ids: ids(entered),
        legal_basis: "Quyết định 17/QĐ-CAT".to_owned(),
        disclose_after: disclose_after.map(lgsp_core::time::timestamp),
    };
    Ok(audit(running).mark_exchanges(by_auditor(request)).await?.into_inner())
}

/// All of a stream.
pub async fn all<T>(mut stream: Streaming<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(message) = tokio::time::timeout(PATIENCE, stream.message()).await.unwrap().unwrap() {
        all.push(message);
    }
    all
}

/// Why a call was refused.
#[track_caller]
pub fn reason<T: std::fmt::Debug>(refused: Result<T, Status>) -> Fault {
    let status = refused.unwrap_err();
    Fault::of_provider(status.code() as i32, Some(status.details()))
}

#[track_caller]
pub fn violated<T: std::fmt::Debug>(refused: Result<T, Status>, field: &str) {
    let fault = reason(refused);
    assert_eq!(fault.reason(), Reason::InvalidField);
    assert_eq!(fault.violations().iter().map(|violation| &*violation.field).collect::<Vec<_>>(), [field]);
    assert_ne!(fault.violations()[0].rule, "refused by the provider", "the hub tells the rule");
}

/// How long something that must not come is waited for.
pub const SHORTLY: Duration = Duration::from_millis(300);
