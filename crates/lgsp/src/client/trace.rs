//! The trace that a call begins, or goes on with.
//!
//! Every call brings a `traceparent`, so that its trace can be looked for in the hub's collector. Where the environment names a
//! collector by OpenTelemetry's own variable, the call's span is sent there, too.

use std::time::Duration;

use lgsp_runtime::Instance;
use lgsp_runtime::telemetry::{self, Telemetry};
use prost_reflect::MethodDescriptor;
use tonic::metadata::{Ascii, MetadataValue};
use tracing::field::Empty;
use tracing::{Span, debug_span};

use crate::roles::VERSION;

/// Where OpenTelemetry's own tools look for a collector.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where tools hand on the trace that they are in.
const PARENT: &str = "TRACEPARENT";
/// How long the span may take to leave.
const PATIENCE: Duration = Duration::from_secs(2);

const KIND: &str = "otel.kind";
const STATUS: &str = "otel.status_code";
const RPC_SYSTEM: &str = "rpc.system.name";
const RPC_METHOD: &str = "rpc.method";

/// The trace of one call.
pub(super) struct Trace {
    telemetry: Option<Telemetry>,
    span: Span,
    traceparent: String,
}

impl Trace {
    /// Begins the span of a call.
    pub(super) fn begin(method: &MethodDescriptor) -> Self {
        let telemetry = std::env::var(ENDPOINT).ok().and_then(|endpoint| to(&endpoint));
        let (service, method) = (method.parent_service(), method.name());
        let span = debug_span!(
            "call",
            { KIND } = "client",
            { STATUS } = Empty,
            { RPC_SYSTEM } = "grpc",
            { RPC_METHOD } = format!("{}/{method}", service.full_name()),
        );
        let parent = std::env::var(PARENT).ok();
        if let Some(parent) = &parent {
            telemetry::follow(&span, parent);
        }
        let traceparent = telemetry::traceparent(&span, parent.as_deref());
        let traceparent = traceparent.map_or_else(telemetry::new_traceparent, Into::into);
        Self { telemetry, span, traceparent }
    }

    /// The header of the request.
    pub(super) fn header(&self) -> Option<MetadataValue<Ascii>> {
        self.traceparent.parse().ok()
    }

    /// The id of the trace.
    pub(super) fn id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }

    /// Ends the span, and sends it.
    pub(super) async fn end(self, is_served: bool) {
        if !is_served {
            self.span.record(STATUS, "error");
        }
        drop(self.span);
        if let Some(telemetry) = self.telemetry {
            telemetry.stop(PATIENCE).await;
        }
    }
}

/// A collector that cannot be used costs the caller no answer.
fn to(endpoint: &str) -> Option<Telemetry> {
    let options = telemetry::Options {
        filter: "off".to_owned(),
        otlp_endpoint: Some(endpoint.to_owned()),
        ..telemetry::Options::default()
    };
    telemetry::start(&options, &Instance::new("client", VERSION)).ok()
}
