//! What every test here stands on: one bus, and a provider that does as the request says.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::Stream;
use lgsp_bus::{
    Bus, Caller, CallerOptions, Health, Inbound, MacKey, MacKeys, Options, Reply, ReplyPart, RequestHead,
    ServeOptions, Serving, serve, topics,
};
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, ExchangeId, Fault, Purpose, Reason};
use lgsp_proto::ledger::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use lgsp_proto::ledger::v1::{
    Exchange, ExchangeFilter, FollowExchangesRequest, GetCompletenessRequest, GetCompletenessResponse,
    ListExchangesRequest, ListExchangesResponse,
};
use lgsp_runtime::shutdown::Options as ShutdownOptions;
use lgsp_runtime::{Instance, Shutdown, State};
use prost::Message;
use tokio::sync::Notify;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// How long a test waits for what should come soon.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const KEY: [u8; 32] = [42; 32];
pub const LIST: &str = "/lgsp.ledger.v1.LedgerService/ListExchanges";
pub const FOLLOW: &str = "/lgsp.ledger.v1.LedgerService/FollowExchanges";

/// Each test has a domain of its own.
const DOMAINS: &[&str] = &[
    "lag",
    "unary",
    "stream",
    "split",
    "panics",
    "expired",
    "stranger",
    "forged",
    "foreign",
    "duplicate",
    "gap",
    "nobody",
    "dead",
    "large",
    "overload",
    "metadata",
    "late",
    "errors",
    "leaving",
    "poison",
    "follow",
    "lost",
    "spoken-for",
    "replayed",
    "bench",
];

static BUS: LazyLock<Bus> = LazyLock::new(|| {
    let options = options();
    if options.brokers.is_none() {
        return Bus::open(options).unwrap();
    }
    // The tests' own runtimes come and go; this one only makes the topics.
    let apply = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bus = Bus::open(options).unwrap();
            topics::apply(&bus).await.unwrap();
            assert_eq!(topics::check(&bus).await.unwrap(), []);
            bus
        })
    });
    apply.join().unwrap()
});

fn options() -> Options {
    let domains = DOMAINS.iter().map(|domain| (*domain).to_owned()).collect();
    Options {
        brokers: std::env::var("LGSP_TEST_KAFKA").ok(),
        namespace: "lgsp-bus-tests".to_owned(),
        domains,
        request_partitions: 4,
        ..Options::default()
    }
}

pub fn bus() -> Bus {
    BUS.clone()
}

/// A bus that a test may break: always embedded.
pub fn own_bus(domain: &str) -> Bus {
    Bus::open(Options {
        brokers: None,
        domains: vec![domain.to_owned()],
        request_partitions: 4,
        ..Options::default()
    })
    .unwrap()
}

pub fn shutdown(role: &str) -> Shutdown {
    Shutdown::new(State::new(Instance::new(role, "0.0.0")), ShutdownOptions::default())
}

pub async fn caller(bus: &Bus, domain: &str) -> Caller {
    let keys = MacKeys::new(BTreeMap::from([(domain.to_owned(), MacKey::new(KEY))]));
    let instance = format!("gateway-{:08x}", rand::random::<u32>());
    let options = CallerOptions::default();
    let caller = Caller::start(bus, options, &instance, Arc::new(keys), &shutdown("gateway")).await.unwrap();
    within("a place on the reply topic", caller.until_ready()).await;
    caller
}

pub async fn provider(bus: &Bus, domain: &str) -> (Provider, Serving) {
    let provider = Provider::default();
    let (serving, _) = serving(bus, domain, provider.clone(), ServeOptions::default()).await;
    within("partitions", serving.until_ready()).await;
    (provider, serving)
}

pub async fn serving(
    bus: &Bus,
    domain: &str,
    provider: Provider,
    options: ServeOptions,
) -> (Serving, Shutdown) {
    let shutdown = shutdown("adapter");
    let routes = Routes::new(LedgerServiceServer::new(provider).max_encoding_message_size(usize::MAX));
    let instance = format!("{domain}-{:08x}", rand::random::<u32>());
    let key = MacKey::new(KEY);
    let serving = serve(bus, options, domain, &instance, key, routes, Health::new(), &shutdown).await;
    (serving.unwrap(), shutdown)
}

pub fn head(domain: &str, method: &str) -> RequestHead {
    RequestHead {
        exchange: ExchangeId::new(),
        method: method.into(),
        domain: domain.into(),
        server_streaming: method == FOLLOW,
        deadline_us: from_now(Duration::from_secs(15)),
        application: ApplicationId::parse("tthc").unwrap(),
        person: None,
        purpose: Purpose::parse("prefill"),
        officer: Some("Nguyễn".to_owned()),
        unit: None,
        procedure: None,
        dossier: Some("H13.01-260601-0001".to_owned()),
        request_id: None,
        fields: ["name".to_owned(), "born.*".to_owned()].into(),
        traceparent: None,
    }
}

pub fn from_now(duration: Duration) -> i64 {
    unix_micros(SystemTime::now() + duration)
}

pub fn list(word: &str) -> Bytes {
    ListExchangesRequest { page_token: word.to_owned(), ..Default::default() }.encode_to_vec().into()
}

pub fn follow(count: usize) -> Bytes {
    let filter = ExchangeFilter { application: count.to_string(), ..Default::default() };
    FollowExchangesRequest { filter: Some(filter) }.encode_to_vec().into()
}

/// The only message of a unary answer.
pub async fn answer(reply: &mut Reply) -> Result<ListExchangesResponse, Fault> {
    let message = match within("an answer", reply.next()).await {
        ReplyPart::Message(message) => message,
        ReplyPart::Failed(fault) => return Err(fault),
        ReplyPart::End => panic!("an end without a message"),
    };
    assert!(matches!(within("the end", reply.next()).await, ReplyPart::End));
    Ok(ListExchangesResponse::decode(message).unwrap())
}

pub async fn call(caller: &Caller, domain: &str, word: &str) -> Result<ListExchangesResponse, Fault> {
    let mut reply = caller.call(head(domain, LIST), list(word)).await?;
    answer(&mut reply).await
}

/// Waits until what is told holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, holds).await;
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("no patience left for {what}"))
}

/// Does what the request's page token says.
#[derive(Clone, Default)]
pub struct Provider {
    pub calls: Arc<AtomicUsize>,
    /// Lets those go on who were told to wait.
    pub go: Arc<Notify>,
}

impl Provider {
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[tonic::async_trait]
impl LedgerService for Provider {
    type FollowExchangesStream = Pin<Box<dyn Stream<Item = Result<Exchange, Status>> + Send>>;

    async fn list_exchanges(
        &self,
        request: Request<ListExchangesRequest>,
    ) -> Result<Response<ListExchangesResponse>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let inbound = request.extensions().get::<Inbound>().cloned().unwrap();
        let timeout = request.metadata().get("grpc-timeout").is_some();
        let word = request.into_inner().page_token;
        let said = match word.split_once(' ').unwrap_or((&word, "")) {
            ("panic", secret) => panic!("{secret}"),
            ("wait", _) => {
                self.go.notified().await;
                word
            }
            ("size", bytes) => "x".repeat(bytes.parse().unwrap()),
            ("missing", _) => return Err(lgsp_bus::status(&Fault::new(Reason::NotFound).saying("0920"))),
            ("who", _) => format!(
                "{} {} {} {} {:?} {timeout}",
                inbound.head.application,
                inbound.head.purpose.unwrap(),
                inbound.head.officer.unwrap(),
                inbound.head.dossier.unwrap(),
                inbound.head.fields,
            ),
            _ => word,
        };
        Ok(Response::new(ListExchangesResponse { next_page_token: said, ..Default::default() }))
    }

    async fn follow_exchanges(
        &self,
        request: Request<FollowExchangesRequest>,
    ) -> Result<Response<Self::FollowExchangesStream>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let count: usize = request.into_inner().filter.unwrap().application.parse().unwrap();
        let go = self.go.clone();
        let stream = async_stream::stream! {
            for number in 0..count {
                yield Ok(Exchange { application: number.to_string(), ..Default::default() });
            }
            if count == 1 {
                go.notified().await;
            }
        };
        Ok(Response::new(Box::pin(stream)))
    }

    async fn get_completeness(
        &self,
        _: Request<GetCompletenessRequest>,
    ) -> Result<Response<GetCompletenessResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type CountTrafficStream = tokio_stream::Empty<Result<lgsp_proto::ledger::v1::TrafficCounts, Status>>;

    async fn count_traffic(
        &self,
        _: Request<lgsp_proto::ledger::v1::CountTrafficRequest>,
    ) -> Result<Response<Self::CountTrafficStream>, Status> {
        Err(Status::unimplemented(""))
    }
}
