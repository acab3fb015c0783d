//! The span of one request that is worked on, beneath that of its exchange. A service's own spans are beneath it.
//!
//! Every value comes from a closed set, and none from a message: names follow OpenTelemetry's conventions where they exist.

use lgsp_core::{Reason, code_name};
use lgsp_runtime::telemetry;
use tracing::field::Empty;
use tracing::{Span, debug_span};

use super::dead_letters::Origin;
use crate::RequestHead;

const KIND: &str = "otel.kind";
const STATUS: &str = "otel.status_code";
const MESSAGING_SYSTEM: &str = "messaging.system";
const OPERATION_TYPE: &str = "messaging.operation.type";
const DESTINATION: &str = "messaging.destination.name";
const PARTITION: &str = "messaging.destination.partition.id";
const OFFSET: &str = "messaging.kafka.offset";
const RPC_SYSTEM: &str = "rpc.system.name";
const RPC_METHOD: &str = "rpc.method";
const RPC_CODE: &str = "rpc.response.status_code";
const ERROR: &str = "error.type";
const EXCHANGE: &str = "lgsp.exchange.id";
const APPLICATION: &str = "lgsp.application.id";

/// Codes that are the fault of who serves: unknown, deadline exceeded, unimplemented, internal, unavailable, data loss.
const FAILURES: [i32; 6] = [2, 4, 12, 13, 14, 15];

/// The span of the work on a request, in the trace that its `traceparent` names.
pub(super) fn serve(head: &RequestHead, origin: &Origin) -> Span {
    let span = debug_span!(
        parent: None,
        "serve",
        { KIND } = "consumer",
        { STATUS } = Empty,
        { MESSAGING_SYSTEM } = "kafka",
        { OPERATION_TYPE } = "process",
        { DESTINATION } = origin.topic,
        { PARTITION } = origin.partition,
        { OFFSET } = origin.offset,
        { RPC_SYSTEM } = "grpc",
        { RPC_METHOD } = head.method.trim_start_matches('/'),
        { RPC_CODE } = Empty,
        { ERROR } = Empty,
        { EXCHANGE } = %head.exchange,
        { APPLICATION } = head.application.as_str(),
    );
    if let Some(incoming) = &head.traceparent {
        telemetry::follow(&span, incoming);
    }
    span
}

/// Notes how the answer ended that the current span is about.
pub(super) fn answered(code: i32) {
    let span = Span::current();
    span.record(RPC_CODE, code_name(code));
    if FAILURES.contains(&code) {
        span.record(ERROR, code_name(code)).record(STATUS, "error");
    }
}

/// Notes why there is no answer of the service.
pub(super) fn failed(span: &Span, reason: Reason) {
    span.record(ERROR, reason.name()).record(STATUS, "error");
}
