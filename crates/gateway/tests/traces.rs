//! One gateway and one provider whose spans go to a collector. A process has one log, so that this is a test of its own.
#![allow(clippy::unwrap_used)]

#[path = "../src/fixture.rs"]
mod fixture;
#[path = "gateway/hub.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod hub;
#[path = "gateway/provider.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod provider;

use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::Instance;
use lgsp_runtime::telemetry::{self, FILTER_VARIABLE};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::hub::{Hub, citizen_request, exchange_of, until, within};
use crate::provider::{KNOWN, UNKNOWN};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Keeps every span that is exported to it.
#[derive(Clone, Default)]
struct Collector(Arc<std::sync::Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let spans = resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Starts a collector, and tells where it listens.
    async fn start() -> (Self, String) {
        let (collector, tcp) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let endpoint = format!("http://{}", tcp.local_addr().unwrap());
        let service = TraceServiceServer::new(collector.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(tcp)));
        (collector, endpoint)
    }

    /// The spans of one exchange by their name.
    fn of(&self, exchange: &str, name: &str) -> Vec<Span> {
        let spans = self.0.lock().unwrap();
        let is_it = |span: &&Span| span.name == name && text(span, "lgsp.exchange.id") == exchange;
        spans.iter().filter(is_it).cloned().collect()
    }

    fn only(&self, exchange: &str, name: &str) -> Span {
        let mut spans = self.of(exchange, name);
        assert_eq!(spans.len(), 1, "one {name} of {exchange}");
        spans.remove(0)
    }
}

fn text(span: &Span, key: &str) -> String {
    let Some(attribute) = span.attributes.iter().find(|attribute| attribute.key == key) else {
        return String::new();
    };
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?}"),
    }
}

fn of_the_caller(number: &str) -> Request<lgsp_proto::population::v1::GetCitizenRequest> {
    let mut request = citizen_request(number);
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", format!("00-{TRACE}-{CALLER}-01").parse().unwrap());
    metadata.insert("lgsp-officer", "officer-77".parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_a_trace_from_its_caller_over_kafka_to_its_provider_and_holds_no_personal_data() {
    let (collector, endpoint) = Collector::start().await;
    // At the filter of a hub in use, without the spans of which its log holds nothing.
    assert!(std::env::var(FILTER_VARIABLE).is_err());
    let options = telemetry::Options { otlp_endpoint: Some(endpoint), ..telemetry::Options::default() };
    let telemetry = telemetry::start(&options, &Instance::new("gateway", "0.0.0")).unwrap();
    let hub = Hub::start().await;

    let mut client = hub.client().await;
    let answer = within("an answer", client.get_citizen(of_the_caller(KNOWN))).await.unwrap();
    let served = exchange_of(answer.metadata());
    let refusal = within("a refusal", client.get_citizen(of_the_caller(UNKNOWN))).await.unwrap_err();
    let not_found = exchange_of(refusal.metadata());
    let answer = within("an answer", client.get_citizen(citizen_request(KNOWN))).await.unwrap();
    let untraced = exchange_of(answer.metadata());
    until("the end of the provider's work", || hub.serving.in_flight() == 0).await;
    within("the end of the gateway", hub.shutdown.run()).await;
    within("the last spans", telemetry.stop(Duration::from_secs(5))).await;

    let (exchange, serve) = (collector.only(&served, "exchange"), collector.only(&served, "serve"));
    assert_eq!((hex(&exchange.trace_id), hex(&serve.trace_id)), (TRACE.to_owned(), TRACE.to_owned()));
    assert_eq!(hex(&exchange.parent_span_id), CALLER, "the caller's span is the root");
    assert_eq!(serve.parent_span_id, exchange.span_id, "the gateway's span went over Kafka");
    let beneath = |span: &Span| span.name == "find" && span.parent_span_id == serve.span_id;
    assert!(collector.0.lock().unwrap().iter().any(beneath), "the provider's own span is beneath");
    for span in [&exchange, &serve] {
        assert_eq!(text(span, "rpc.method"), "lgsp.population.v1.PopulationService/GetCitizen");
        assert_eq!(text(span, "rpc.response.status_code"), "OK");
        assert_eq!(text(span, "lgsp.application.id"), "tthc");
    }
    assert_eq!(text(&exchange, "lgsp.exchange.outcome"), "SERVED");
    assert_eq!(text(&serve, "messaging.destination.name"), "lgsp.request.population");

    let (exchange, serve) = (collector.only(&not_found, "exchange"), collector.only(&not_found, "serve"));
    assert_eq!(text(&exchange, "lgsp.exchange.outcome"), "NOT_FOUND");
    assert_eq!(text(&serve, "rpc.response.status_code"), "NOT_FOUND");
    let is_error =
        |span: &Span| span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
    assert!(!is_error(&exchange) && !is_error(&serve), "what is not there is an answer");

    let (exchange, serve) = (collector.only(&untraced, "exchange"), collector.only(&untraced, "serve"));
    assert!(exchange.parent_span_id.is_empty() && exchange.trace_id == serve.trace_id);

    let everything = format!("{:?}", collector.0.lock().unwrap());
    for personal in [KNOWN, UNKNOWN, "Nguy", "officer-77", "H13.01-260601-0001"] {
        assert!(!everything.contains(personal), "{personal} is in a span");
    }
    let ours = |span: &Span| ["exchange", "serve", "find"].contains(&span.name.as_str());
    assert!(collector.0.lock().unwrap().iter().all(ours), "spans of others may hold anything");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
