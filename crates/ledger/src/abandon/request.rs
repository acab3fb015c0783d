use std::time::SystemTime;

use lgsp_bus::{Position, Record};
use lgsp_core::entry::{salted, seal};
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, Code, ExchangeId, Purpose, is_procedure};
use lgsp_proto::ledger::v1::{Decision, Entry, Erasable, Hop, Outcome, Phase, Sealed};

/// No deadline is further away from its request than this.
const LONGEST_DEADLINE_US: i64 = 24 * 60 * 60 * 1_000_000;

/// What the headers of a request tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub exchange: ExchangeId,
    pub deadline_us: i64,
    pub sent_us: i64,
    service: String,
    method: String,
    application: String,
    purpose: String,
    procedure: String,
    officer: String,
    unit: String,
    dossier: String,
    request_id: String,
    position: Position,
}

impl Request {
    /// Reads a record of a request topic that its MAC proves to be ours; `None` if it is no request.
    pub fn of(record: &Record) -> Option<Self> {
        let text = |name: &str| {
            let (_, value) = record.headers.iter().find(|(header, _)| header == name)?;
            std::str::from_utf8(value).ok()
        };
        let optional = |name: &str| text(name).unwrap_or_default().to_owned();
        let (service, method) = text("lgsp-method")?.strip_prefix('/')?.split_once('/')?;
        // What is sealed stays, whoever holds the domain's key and whatever they wrote: only codes get there.
        let application = ApplicationId::parse(text("lgsp-application")?)?;
        let purpose = text("lgsp-purpose").and_then(Purpose::parse);
        let procedure = text("lgsp-procedure").filter(|procedure| is_procedure(procedure));
        if !is_name(service) || !is_name(method) {
            return None;
        }
        let now = unix_micros(SystemTime::now());
        let deadline_us: i64 = text("lgsp-deadline")?.parse().ok()?;
        Some(Self {
            exchange: ExchangeId::parse(text("lgsp-exchange-id")?)?,
            // Whatever stands on the topic, it is watched for a bounded time only.
            deadline_us: deadline_us.min(now + LONGEST_DEADLINE_US),
            sent_us: record.timestamp_us,
            service: service.to_owned(),
            method: method.to_owned(),
            application: application.as_str().to_owned(),
            purpose: purpose.map(|purpose| purpose.as_str().to_owned()).unwrap_or_default(),
            procedure: procedure.unwrap_or_default().to_owned(),
            officer: optional("lgsp-officer"),
            unit: optional("lgsp-unit"),
            dossier: optional("lgsp-dossier"),
            request_id: optional("lgsp-request-id"),
            position: Position {
                topic: record.topic.as_ref().to_owned(),
                partition: record.partition,
                offset: record.offset,
            },
        })
    }

    /// The entry that says that nobody ended this exchange.
    ///
    /// What the caller got is not known, and so is what the gateway alone knows, such as agreement and agency.
    pub fn abandoned(&self, now_us: i64) -> Entry {
        let erasable = Erasable {
            officer: salted(&self.officer),
            unit: salted(&self.unit),
            dossier: salted(&self.dossier),
            request_id: salted(&self.request_id),
            ..Default::default()
        };
        let sealed = Sealed {
            exchange_id: self.exchange.as_bytes().to_vec().into(),
            phase: Phase::Abandoned.into(),
            application: self.application.clone(),
            service: self.service.clone(),
            method: self.method.clone(),
            platform: is_platform(&self.service),
            purpose: self.purpose.clone(),
            procedure: self.procedure.clone(),
            // A gateway puts on Kafka only what it has permitted.
            decision: Decision::Granted.into(),
            request_position: Some(self.position.clone()),
            admitted_us: admitted_us(&self.exchange),
            sent_us: self.sent_us,
            entered_us: now_us,
            deadline_us: self.deadline_us,
            outcome: Outcome::Abandoned.into(),
            code: Code::Unknown as i32,
            failed_hop: Hop::Gateway.into(),
            ..Default::default()
        };
        seal(sealed, erasable)
    }
}

/// Longest name of a service or method.
const LONGEST_NAME: usize = 200;

/// The name of a protobuf service or method, and not the number of a person: it begins with a letter.
fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_')
}

/// When the gateway made the id: a UUIDv7 begins with its Unix milliseconds.
fn admitted_us(exchange: &ExchangeId) -> i64 {
    let millis = exchange.as_bytes()[..6].iter().fold(0_i64, |millis, byte| millis << 8 | i64::from(*byte));
    millis * 1_000
}

fn is_platform(service: &str) -> bool {
    let service = lgsp_proto::pool().get_service_by_name(service);
    service.is_some_and(|service| lgsp_proto::options::service(&service).platform)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use prost::Message;

    use super::*;

    fn record(headers: &[(&str, &str)]) -> Record {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value.as_bytes())));
        Record {
            topic: "lgsp.request.land".into(),
            partition: 3,
            offset: 9,
            timestamp_us: 5,
            key: None,
            headers: headers.collect(),
            value: None,
        }
    }

    const ID: &str = "019e8cf0-7c00-7000-8000-00000000002a";

    fn request() -> Record {
        record(&[
            ("lgsp-exchange-id", ID),
            ("lgsp-method", "/lgsp.ledger.v1.LedgerService/ListExchanges"),
            ("lgsp-deadline", "1780000000000000"),
            ("lgsp-application", "tthc"),
            ("lgsp-officer", "officer-17"),
        ])
    }

    #[test]
    fn an_abandoned_exchange_keeps_who_asked_apart_from_what_is_sealed() {
        let entry = Request::of(&request()).unwrap().abandoned(7);
        let sealed = Sealed::decode(entry.sealed.clone()).unwrap();
        assert_eq!((sealed.phase(), sealed.outcome()), (Phase::Abandoned, Outcome::Abandoned));
        assert_eq!((sealed.service.as_str(), sealed.platform), ("lgsp.ledger.v1.LedgerService", true));
        assert_eq!(sealed.admitted_us, 0x019e_8cf0_7c00 * 1_000);
        assert_eq!(entry.erasable.unwrap().officer.unwrap().value, "officer-17");
        assert!(!String::from_utf8_lossy(&entry.sealed).contains("officer-17"));
    }

    #[test]
    fn nobody_can_have_a_person_sealed() {
        let mut record = request();
        record.headers.push(("lgsp-procedure".to_owned(), Bytes::from_static(b"092 000 000 000")));
        record.headers.push(("lgsp-purpose".to_owned(), Bytes::from_static(b"092000000000")));
        let entry = Request::of(&record).unwrap().abandoned(7);
        assert!(!String::from_utf8_lossy(&entry.sealed).contains("092"));
        record.headers[3].1 = Bytes::from_static(b"092000000000");
        assert_eq!(Request::of(&record), None, "no application is called so");
    }

    #[test]
    fn what_is_no_request_is_not_watched() {
        for missing in ["lgsp-exchange-id", "lgsp-method", "lgsp-deadline", "lgsp-application"] {
            let mut record = request();
            record.headers.retain(|(name, _)| name != missing);
            assert_eq!(Request::of(&record), None, "without {missing}");
        }
    }
}
