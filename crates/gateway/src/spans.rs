//! The span of an exchange, beneath that of its caller, and the lines of the log that tell how it ended.
//!
//! Every value comes from a closed set, and none from a request: names follow OpenTelemetry's conventions where they exist.
//! Attempts have no span, so that a flood of them costs no trace.

use http::{HeaderMap, HeaderName};
use lgsp_core::{Caller, ExchangeId, Fault, Outcome, Rules, code_name};
use lgsp_runtime::telemetry;
use tracing::field::Empty;
use tracing::{Span, debug, debug_span};

use crate::call::Call;

const KIND: &str = "otel.kind";
const STATUS: &str = "otel.status_code";
const RPC_SYSTEM: &str = "rpc.system.name";
const RPC_METHOD: &str = "rpc.method";
const RPC_CODE: &str = "rpc.response.status_code";
const ERROR: &str = "error.type";
const EXCHANGE: &str = "lgsp.exchange.id";
const APPLICATION: &str = "lgsp.application.id";
const OUTCOME: &str = "lgsp.exchange.outcome";

/// What stands for a method that the hub does not know: its text is the caller's.
pub(crate) const OTHER: &str = "_OTHER";
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The span of an exchange, in the trace of its caller.
pub(crate) fn exchange(call: &Call, rules: &Rules, caller: &Caller) -> Span {
    let path = call.head.uri.path();
    let span = debug_span!(
        parent: None,
        "exchange",
        { KIND } = "server",
        { STATUS } = Empty,
        { RPC_SYSTEM } = "grpc",
        { RPC_METHOD } = rules.method(path).map_or(OTHER, |method| method.path.trim_start_matches('/')),
        { RPC_CODE } = Empty,
        { ERROR } = Empty,
        { EXCHANGE } = %call.exchange,
        { APPLICATION } = caller.application.id.as_str(),
        { OUTCOME } = Empty,
    );
    if let Some(incoming) = incoming(&call.head.headers) {
        telemetry::follow(&span, incoming);
    }
    span
}

/// What the request carries on: the current span with export, the caller's own without.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    telemetry::traceparent(&Span::current(), incoming(headers)).map(Into::into)
}

/// A trace context that is none is ignored, as its specification asks; so are two of them.
fn incoming(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    match (values.next(), values.next()) {
        (Some(only), None) => only.to_str().ok(),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

/// Tells that an exchange was served.
pub(crate) fn served(span: &Span, exchange: ExchangeId) {
    span.record(RPC_CODE, code_name(0)).record(OUTCOME, name(Outcome::Served));
    debug!(parent: span, %exchange, "exchange served");
}

/// Tells why an exchange was not served.
pub(crate) fn not_served(span: &Span, exchange: ExchangeId, fault: &Fault) {
    let (code, outcome, reason) = (code_name(fault.code() as i32), fault.outcome(), fault.reason().name());
    span.record(RPC_CODE, code).record(OUTCOME, name(outcome)).record(ERROR, reason);
    if is_failure(outcome) {
        span.record(STATUS, "error");
    }
    debug!(parent: span, %exchange, reason, "exchange not served");
}

pub(crate) fn name(outcome: Outcome) -> &'static str {
    outcome.as_str_name().trim_start_matches("OUTCOME_")
}

/// Whether the hub or whoever serves is to blame, and not the call.
fn is_failure(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::TimedOut | Outcome::Abandoned | Outcome::Unspecified => true,
        Outcome::Served | Outcome::NotFound | Outcome::Denied | Outcome::Invalid | Outcome::Cancelled => {
            false
        }
    }
}
