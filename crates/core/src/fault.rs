use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use lgsp_proto::google::rpc;
use lgsp_proto::ledger::v1::{Hop, Outcome};
use prost::Message;

use crate::time::rfc3339;
use crate::{Code, ExchangeId, Reason, said};

/// The domain of `ErrorInfo`.
const ERROR_DOMAIN: &str = "lgsp";
/// Metadata of `ErrorInfo`: when the announced maintenance ends that is why nobody can be reached.
const MAINTENANCE_UNTIL: &str = "maintenance-until";

/// A field that breaks a rule, and the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, in the contract's names: `filter.since`.
    pub field: String,
    /// The rule that it breaks. Never the value.
    pub rule: String,
}

/// Why an exchange was not served: what we say to the caller, and, apart from it, what we know.
///
/// The public part never holds a value of the request or the answer, a host name or a driver's text.
#[derive(Debug)]
pub struct Fault {
    reason: Reason,
    hop: Hop,
    detail: Option<String>,
    violations: Vec<Violation>,
    retry: Option<Duration>,
    maintenance_until_us: Option<i64>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Fault {
    /// A fault for a reason, with the reason's own message.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            hop: reason.hop(),
            detail: None,
            violations: Vec::new(),
            retry: reason.retry(),
            maintenance_until_us: None,
            source: None,
        }
    }

    /// A request whose fields break rules; names every one of them.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self { violations, ..Self::new(Reason::InvalidField) }
    }

    /// Names the fields that it is about.
    #[must_use]
    pub fn naming(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations;
        self
    }

    /// Adds a public sentence to the reason's message. It must hold no value of the request or the answer.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Keeps the private cause, for the log of this process.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Names the hop that failed when it is not the reason's usual one.
    #[must_use]
    pub fn at(mut self, hop: Hop) -> Self {
        self.hop = hop;
        self
    }

    /// Overrides the retry hint.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry = Some(wait);
        self
    }

    /// Tells until when announced maintenance runs, Unix µs, if it is why nobody can be reached. Of every other failure it says
    /// nothing.
    #[must_use]
    pub fn under_maintenance_until(mut self, until_us: Option<i64>) -> Self {
        let is_behind = matches!(self.hop, Hop::Broker | Hop::Adapter | Hop::Source);
        self.maintenance_until_us = until_us.filter(|_| is_behind && self.code() == Code::Unavailable);
        self
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Where.
    pub fn hop(&self) -> Hop {
        self.hop
    }

    /// The gRPC code that the caller gets.
    pub fn code(&self) -> Code {
        self.reason.code()
    }

    /// What the entry says.
    pub fn outcome(&self) -> Outcome {
        self.reason.outcome()
    }

    /// The fields that break rules.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The message for the caller.
    pub fn message(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.reason.message()),
            None => self.reason.message().to_owned(),
        }
    }

    /// The `google.rpc.Status` that travels in `grpc-status-details-bin`: `ErrorInfo` with the hop, `RequestInfo`
    /// with the exchange id, `RetryInfo`, `BadRequest` and a `LocalizedMessage` in Vietnamese.
    pub fn to_rpc(&self, exchange: Option<ExchangeId>) -> rpc::Status {
        let until = self.maintenance_until_us.map(|us| (MAINTENANCE_UNTIL.to_owned(), rfc3339(us)));
        let hop = [("hop".to_owned(), hop_name(self.hop).to_owned())];
        let mut details = vec![any(
            "google.rpc.ErrorInfo",
            &rpc::ErrorInfo {
                reason: self.reason.name().to_owned(),
                domain: ERROR_DOMAIN.to_owned(),
                metadata: hop.into_iter().chain(until).collect(),
            },
        )];
        if let Some(exchange) = exchange {
            let info = rpc::RequestInfo { request_id: exchange.to_string(), serving_data: String::new() };
            details.push(any("google.rpc.RequestInfo", &info));
        }
        if let Some(wait) = self.retry {
            let delay =
                prost_types::Duration { seconds: wait.as_secs() as i64, nanos: wait.subsec_nanos() as i32 };
            details.push(any("google.rpc.RetryInfo", &rpc::RetryInfo { retry_delay: Some(delay) }));
        }
        if !self.violations.is_empty() {
            let field_violations = self.violations.iter().map(|violation| rpc::bad_request::FieldViolation {
                field: violation.field.clone(),
                description: violation.rule.clone(),
                ..Default::default()
            });
            details.push(any(
                "google.rpc.BadRequest",
                &rpc::BadRequest { field_violations: field_violations.collect() },
            ));
        }
        let localized =
            rpc::LocalizedMessage { locale: "vi".to_owned(), message: self.reason.message_vi().to_owned() };
        details.push(any("google.rpc.LocalizedMessage", &localized));
        rpc::Status { code: self.code() as i32, message: self.message(), details }
    }

    /// Reads what a provider says of its failure. Only the reason, the hop, the names of violated fields and of their rules those
    /// sentences that are the hub's own pass; any other text does not, because it may hold anything.
    ///
    /// `code` is the provider's gRPC code and `details` its `grpc-status-details-bin`, if any. A provider that is
    /// not one of ours speaks by its code alone.
    pub fn of_provider(code: i32, details: Option<&[u8]>) -> Self {
        let status = details.and_then(|bytes| rpc::Status::decode(bytes).ok()).unwrap_or_default();
        let told: Option<rpc::ErrorInfo> = find(&status, "google.rpc.ErrorInfo");
        let reason = told
            .as_ref()
            .filter(|info| info.domain == ERROR_DOMAIN)
            .and_then(|info| Reason::from_name(&info.reason))
            .filter(|reason| reason.code() as i32 == code && provider_may_say(*reason))
            .unwrap_or_else(|| reason_of_code(code));
        let mut fault = Self::new(reason);
        if let Some(bad) = find::<rpc::BadRequest>(&status, "google.rpc.BadRequest") {
            let named =
                bad.field_violations.into_iter().take(MOST_VIOLATIONS).filter(|v| is_field_path(&v.field));
            let rule =
                |said: String| if said::is_ours(&said) { said } else { said::ANYTHING_ELSE.to_owned() };
            fault.violations =
                named.map(|v| Violation { field: v.field, rule: rule(v.description) }).collect();
        }
        fault
    }
}

/// Most violations that one fault names.
pub(crate) const MOST_VIOLATIONS: usize = 32;

fn any(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}

fn find<M: Message + Default>(status: &rpc::Status, name: &str) -> Option<M> {
    let any =
        status.details.iter().find(|any| any.type_url.strip_prefix("type.googleapis.com/") == Some(name))?;
    M::decode(any.value.as_slice()).ok()
}

fn is_field_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 128
        && path.starts_with(|c: char| c.is_ascii_lowercase())
        && path.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.')
}

/// A provider speaks of its own work and its source; it can't blame the caller's token or the broker.
fn provider_may_say(reason: Reason) -> bool {
    matches!(reason.hop(), Hop::Adapter | Hop::Source)
        || matches!(reason, Reason::InvalidField | Reason::Malformed)
}

fn reason_of_code(code: i32) -> Reason {
    const CODES: [(Code, Reason); 6] = [
        (Code::InvalidArgument, Reason::InvalidField),
        (Code::NotFound, Reason::NotFound),
        (Code::DeadlineExceeded, Reason::DeadlineExceeded),
        (Code::ResourceExhausted, Reason::AdapterOverloaded),
        (Code::Unavailable, Reason::SourceUnavailable),
        (Code::Unimplemented, Reason::MethodUnknown),
    ];
    let known = CODES.iter().find(|(known, _)| *known as i32 == code);
    known.map_or(Reason::AdapterFailed, |(_, reason)| *reason)
}

/// The name of a hop in errors, metrics and screens.
pub(crate) fn hop_name(hop: Hop) -> &'static str {
    match hop {
        Hop::Unspecified => "unknown",
        Hop::Client => "client",
        Hop::Gateway => "gateway",
        Hop::Broker => "broker",
        Hop::Adapter => "adapter",
        Hop::Source => "source",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_keeps_its_reason_and_loses_its_text() {
        let said = Fault::new(Reason::NotFound).saying("no person 092000000000").to_rpc(None).encode_to_vec();
        let fault = Fault::of_provider(Code::NotFound as i32, Some(&said));
        assert_eq!(fault.reason(), Reason::NotFound);
        assert!(!format!("{:?}", fault.to_rpc(None)).contains("092"));
    }

    #[test]
    fn only_who_cannot_be_reached_is_said_to_be_under_maintenance_and_until_when() {
        let told = |reason: Reason| {
            let status = Fault::new(reason).under_maintenance_until(Some(1_780_246_800_000_000)).to_rpc(None);
            let info: rpc::ErrorInfo = find(&status, "google.rpc.ErrorInfo").unwrap();
            info.metadata.get(MAINTENANCE_UNTIL).cloned()
        };
        assert_eq!(told(Reason::SourceUnavailable).as_deref(), Some("2026-05-31T17:00:00Z"));
        assert_eq!(told(Reason::NoProvider).as_deref(), Some("2026-05-31T17:00:00Z"));
        assert_eq!(told(Reason::Overloaded), None, "the gateway itself");
        assert_eq!(told(Reason::AgreementMissing), None);
    }

    #[test]
    fn a_rule_of_ours_passes_and_a_providers_own_words_for_it_do_not() {
        let violation = |rule: &str| Violation { field: "reason".to_owned(), rule: rule.to_owned() };
        let said = Fault::invalid(vec![violation("is required"), violation("is required of 092000000000")]);
        let said = said.to_rpc(None).encode_to_vec();
        let fault = Fault::of_provider(Code::InvalidArgument as i32, Some(&said));
        assert_eq!(fault.violations(), [violation("is required"), violation("refused by the provider")]);
    }

    #[test]
    fn a_provider_cannot_blame_the_callers_token() {
        let said = Fault::new(Reason::TokenExpired).to_rpc(None).encode_to_vec();
        let fault = Fault::of_provider(Code::Unauthenticated as i32, Some(&said));
        assert_eq!(fault.reason(), Reason::AdapterFailed);
    }

    #[test]
    fn a_personal_number_is_no_field_path() {
        assert!(!is_field_path("092000000000"));
        assert!(is_field_path("filter.since"));
    }
}
