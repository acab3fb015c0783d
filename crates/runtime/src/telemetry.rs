//! The log, traces that cross the bus, and their way to a collector.
//!
//! The log goes to stderr, and with a configured endpoint to its collector, too, as metrics do. Traces are exported only
//! there; otherwise a caller's `traceparent` is passed on as it came, and costs a check of its form.
//!
//! Spans are at debug level. Log and export have a filter each: at `info` and without export no callsite of a span is
//! enabled, and it costs the reading of one number; with export they are made whatever the log's filter says.

mod push;
mod trace;

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::{Deserialize, Serialize};
use tonic::transport::Endpoint;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Span, Subscriber, error, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{self, Problems, Row, row};
use crate::{Instance, State};
use push::Push;

pub use trace::{Trace, trace};

/// The environment variable that overrides the filter, for a quick look.
pub const FILTER_VARIABLE: &str = "LGSP_LOG";

/// Whether spans are exported. Set once, when telemetry starts.
static EXPORTING: AtomicBool = AtomicBool::new(false);

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For people; in colours on a terminal.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The options of log, traces and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Which log lines are written.
    pub filter: String,
    /// How they are written.
    pub format: Format,
    /// Where traces, metrics and the log are exported to.
    pub otlp_endpoint: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: Format::default(), otlp_endpoint: None }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "filter",
                "off, error, warn, info, debug or trace; also per module, as in info,lgsp_bus=debug",
                "Which log lines are written. The environment variable LGSP_LOG overrides it.",
            ),
            row("format", "text or json", "How log lines are written, on stderr."),
            row(
                "otlp-endpoint",
                "the URL of an OTLP/gRPC collector, such as http://127.0.0.1:4317",
                "Where traces, metrics and the log are exported to. Not set: nowhere, and a caller's traceparent is passed on as it came. \
                 The admin port shows the metrics either way.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        if EnvFilter::try_new(&self.filter).is_err() {
            problems.add("filter", format!("\"{}\" is no filter", self.filter));
        }
    }
}

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter of the options or of `LGSP_LOG` has a mistake.
    #[error("the log filter has a mistake: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be made from the endpoint.
    #[error("nothing can be exported to the configured endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The endpoint is no URL.
    #[error("the configured endpoint is no URL: {0}")]
    Endpoint(#[from] tonic::transport::Error),
    /// This process has a log already.
    #[error("the log of this process is open already")]
    AlreadyStarted,
}

/// The running log and export. Stop it last, so that the last spans leave.
#[derive(Debug)]
pub struct Telemetry {
    collector: Option<Collector>,
}

/// The way to a collector.
#[derive(Debug)]
struct Collector {
    endpoint: Endpoint,
    spans: SdkTracerProvider,
    lines: SdkLoggerProvider,
    metrics: Option<Push>,
}

/// Opens the log and, if an endpoint is configured, the export of traces and of the log.
///
/// From here on a panic is logged with its place and without its payload, which may hold a piece of an exchange. Needs a
/// tokio runtime when there is an export.
///
/// # Errors
/// The filter or the endpoint has a mistake, or this process has a log already.
pub fn start(options: &Options, instance: &Instance) -> Result<Telemetry, Error> {
    let filter = std::env::var(FILTER_VARIABLE).unwrap_or_else(|_| options.filter.clone());
    let endpoint = options.otlp_endpoint.as_deref();
    let collector = endpoint.map(|endpoint| Collector::at(endpoint, instance)).transpose()?;
    let subscriber = subscriber(&filter, options.format, collector.as_ref())?;
    subscriber.try_init().map_err(|_| Error::AlreadyStarted)?;
    EXPORTING.store(collector.is_some(), Ordering::Relaxed);
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => error!(file = place.file(), line = place.line(), "panic"),
        None => error!("panic"),
    }));
    Ok(Telemetry { collector })
}

fn subscriber(
    filter: &str,
    format: Format,
    collector: Option<&Collector>,
) -> Result<impl Subscriber + use<>, Error> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        Format::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let exported = match collector {
        Some(collector) => {
            // What the log has of us. What others say may hold anything, and the exporter would tell of itself.
            let ours = EnvFilter::try_new(filter)?.and(filter_fn(is_ours));
            Some(OpenTelemetryTracingBridge::new(&collector.lines).with_filter(ours))
        }
        None => None,
    };
    let spans = collector.map(|collector| spans(&collector.spans));
    Ok(tracing_subscriber::registry()
        .with(lines.with_filter(EnvFilter::try_new(filter)?))
        .with(exported)
        .with(spans))
}

/// What hands spans to the exporter.
fn spans<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // A span of an exchange goes from thread to thread.
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("lgsp")).with_threads(false);
    layer.with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::DEBUG))
}

/// Only our own spans, and what went wrong in them: those of others, the exporter's among them, may hold anything.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let most = if metadata.is_span() { Level::DEBUG } else { Level::WARN };
    is_ours(metadata) && *metadata.level() <= most
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("lgsp")
}

impl Collector {
    fn at(endpoint: &str, instance: &Instance) -> Result<Self, Error> {
        let resource = Resource::builder()
            .with_service_name(format!("lgsp-{}", instance.role()))
            .with_attribute(KeyValue::new("service.instance.id", instance.name().to_owned()))
            .with_attribute(KeyValue::new("service.version", instance.version()))
            .build();
        let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
        let spans =
            SdkTracerProvider::builder().with_batch_exporter(spans).with_resource(resource.clone()).build();
        let lines = LogExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
        let lines = SdkLoggerProvider::builder().with_batch_exporter(lines).with_resource(resource).build();
        Ok(Self { endpoint: Endpoint::from_shared(endpoint.to_owned())?, spans, lines, metrics: None })
    }
}

impl Telemetry {
    /// From now on sends the metrics of a process to the collector, if there is one.
    pub fn send_metrics(&mut self, state: &State) {
        if let Some(collector) = &mut self.collector {
            collector.metrics = Some(Push::start(collector.endpoint.clone(), state.clone()));
        }
    }

    /// Exports the last metrics, spans and lines, for no longer than `bound`.
    pub async fn stop(self, bound: Duration) {
        let Some(collector) = self.collector else { return };
        let Collector { spans, lines, metrics, endpoint: _ } = collector;
        let told = async {
            if let Some(metrics) = metrics {
                metrics.finish(bound).await;
            }
        };
        let stopped = tokio::task::spawn_blocking(move || spans.shutdown_with_timeout(bound));
        let (stopped, ()) = tokio::join!(tokio::time::timeout(bound, stopped), told);
        match stopped {
            Ok(Ok(Ok(()))) => (),
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => warn!("last traces not exported"),
        }
        // Last, since the others tell of their end. Whoever would tell of its own is gone.
        let stopped = tokio::task::spawn_blocking(move || lines.shutdown_with_timeout(bound));
        let _ = tokio::time::timeout(bound, stopped).await;
    }
}

fn is_exporting() -> bool {
    EXPORTING.load(Ordering::Relaxed)
}

/// Returns the `traceparent` to write on work that `span` sends on, where `incoming` is what its own caller wrote.
///
/// Without export it is `incoming` itself, if it has the form of a `traceparent`.
#[must_use]
pub fn traceparent<'a>(span: &Span, incoming: Option<&'a str>) -> Option<Cow<'a, str>> {
    if is_exporting()
        && let Some(ours) = traceparent_of(span)
    {
        return Some(Cow::Owned(ours));
    }
    incoming.filter(|text| parse(text).is_some()).map(Cow::Borrowed)
}

/// A `traceparent` of a trace that begins here, whose span nobody exports.
#[must_use]
pub fn new_traceparent() -> String {
    let (trace, span) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
    format!("00-{trace:032x}-{span:016x}-01")
}

/// Makes `span` a part of the trace that `incoming` names. Without export, or if it has another form, nothing happens.
pub fn follow(span: &Span, incoming: &str) {
    if is_exporting() {
        follow_exported(span, incoming);
    }
}

fn traceparent_of(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    let flags = ids.trace_flags() & TraceFlags::SAMPLED;
    ids.is_valid().then(|| format!("00-{}-{}-{:02x}", ids.trace_id(), ids.span_id(), flags.to_u8()))
}

fn follow_exported(span: &Span, incoming: &str) {
    let Some(parent) = parse(incoming) else { return };
    // It fails only for a span that has been sent on already, and then there is nothing to repair.
    let _ = span.set_parent(Context::new().with_remote_span_context(parent));
}

/// Reads `00-<32 hex>-<16 hex>-<2 hex>`, the W3C Trace Context of version 00, and refuses everything else.
fn parse(text: &str) -> Option<SpanContext> {
    let lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    if text.len() != 55 || !text.bytes().all(|byte| lower_hex(&byte)) {
        return None;
    }
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || version != "00" || trace.len() != 32 || span.len() != 16 {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use tracing::debug_span;

    use super::*;

    const INCOMING: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn without_export_a_traceparent_is_passed_on_as_it_came() {
        let span = debug_span!("exchange");
        follow(&span, INCOMING);
        assert!(matches!(traceparent(&span, Some(INCOMING)), Some(Cow::Borrowed(INCOMING))));
        assert_eq!(traceparent(&span, None), None);
    }

    #[test]
    fn what_has_not_the_form_of_a_traceparent_is_not_passed_on() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7--1",
        ] {
            assert_eq!(traceparent(&Span::none(), Some(text)), None, "{text:?}");
        }
    }

    #[tokio::test]
    async fn at_the_usual_filter_spans_are_made_for_export_only() {
        let collector = Collector::at("http://127.0.0.1:9", &Instance::new("gateway", "1.2.3")).unwrap();
        for (collector, is_made) in [(None, false), (Some(&collector), true)] {
            let subscriber = subscriber("info", Format::Json, collector).unwrap();
            assert_eq!(subscriber.max_level_hint() == Some(LevelFilter::INFO), !is_made);
            tracing::subscriber::with_default(subscriber, || {
                assert_eq!(!debug_span!("exchange").is_disabled(), is_made);
                assert!(debug_span!(target: "sqlx", "query").is_disabled(), "of others nothing is exported");
            });
        }
    }

    #[test]
    fn with_export_the_span_sent_on_is_of_the_callers_trace() {
        let provider = SdkTracerProvider::builder().build();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(spans(&provider)), || {
            let span = debug_span!("exchange");
            follow_exported(&span, INCOMING);
            let ours = traceparent_of(&span).unwrap();
            assert_eq!(ours[..36], INCOMING[..36], "the trace is the caller's");
            assert_ne!(ours, INCOMING, "the span is ours");
            assert!(parse(&ours).is_some());
        });
    }

    #[tokio::test]
    async fn spans_go_to_the_collector_and_a_silent_one_does_not_hold_up_the_end() {
        let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", collector.local_addr().unwrap());
        let way = Collector::at(&endpoint, &Instance::new("gateway", "1.2.3")).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(spans(&way.spans)), || {
            debug_span!("exchange").in_scope(|| ());
        });

        let patience = Duration::from_secs(20);
        let telemetry = Telemetry { collector: Some(way) };
        let stopped = tokio::spawn(telemetry.stop(Duration::from_millis(200)));
        let (mut connection, _) = tokio::time::timeout(patience, collector.accept()).await.unwrap().unwrap();
        let mut preface = [0; 14];
        let read = tokio::io::AsyncReadExt::read_exact(&mut connection, &mut preface);
        tokio::time::timeout(patience, read).await.unwrap().unwrap();

        assert_eq!(&preface, b"PRI * HTTP/2.0");
        tokio::time::timeout(patience, stopped).await.unwrap().unwrap();
    }
}
