//! A round trip over Kafka with everything that the bus does, against the same with plain rdkafka: `cargo bench -p lgsp-bus`.
//!
//! Closed loop, 1 KiB answers, on the embedded broker or on `LGSP_TEST_KAFKA=host:port`; the two alternate.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures::Stream;
use lgsp_bus::{
    Bus, Caller, CallerOptions, Health, MacKey, MacKeys, Options, ReplyPart, RequestHead, ServeOptions,
    serve, topics,
};
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, ExchangeId};
use lgsp_proto::ledger::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use lgsp_proto::ledger::v1::{
    Exchange, FollowExchangesRequest, GetCompletenessRequest, GetCompletenessResponse, ListExchangesRequest,
    ListExchangesResponse,
};
use lgsp_runtime::{Instance, Shutdown, State};
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

const DOMAIN: &str = "bench";
const PLAIN: &str = "bench-plain";
/// Keeps the bench apart from a hub on the same cluster.
const NAMESPACE: &str = "lgsp-bus-bench";
const PLAIN_REQUESTS: &str = "lgsp-bus-bench.request.bench-plain";
const REPLIES: &str = "lgsp-bus-bench.reply";
const ANSWER: usize = 1024;
const ROUNDS: usize = 5;
const SLICE: Duration = Duration::from_secs(2);

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run());
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn run() {
    let domains = vec![DOMAIN.to_owned(), PLAIN.to_owned()];
    let bus = Bus::open(Options {
        brokers: std::env::var("LGSP_TEST_KAFKA").ok(),
        namespace: NAMESPACE.to_owned(),
        domains,
        ..Options::default()
    })
    .unwrap();
    topics::apply(&bus).await.unwrap();
    let hub = Arc::new(Hub::start(&bus).await);
    let plain = Arc::new(Plain::start(&bus));
    println!("{:>12} {:>12} {:>12} {:>12} {:>12}", "", "concurrency", "p50 µs", "p99 µs", "per second");
    for concurrency in [1, 16, 64] {
        let (mut of_hub, mut of_plain) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let plain = slice(concurrency, plain.clone(), |plain| async move { plain.call().await }).await;
            let hub = slice(concurrency, hub.clone(), |hub| async move { hub.call().await }).await;
            // The first round warms up.
            if round > 0 {
                of_plain.extend(plain);
                of_hub.extend(hub);
            }
        }
        print("plain", concurrency, of_plain);
        print("bus", concurrency, of_hub);
    }
}

fn print(what: &str, concurrency: usize, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    let rate = times.len() as f64 / (SLICE.as_secs_f64() * ROUNDS as f64);
    println!("{what:>12} {concurrency:>12} {:>12} {:>12} {rate:>12.0}", at(50), at(99));
}

async fn slice<T, F>(
    concurrency: usize,
    target: Arc<T>,
    call: impl Fn(Arc<T>) -> F + Copy + Send + 'static,
) -> Vec<Duration>
where
    T: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let until = Instant::now() + SLICE;
    let workers: Vec<_> = (0..concurrency)
        .map(|_| {
            let target = target.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < until {
                    let begun = Instant::now();
                    call(target.clone()).await;
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all
}

/// The bus, with an ordinary tonic service behind it.
struct Hub {
    caller: Caller,
}

impl Hub {
    async fn start(bus: &Bus) -> Self {
        let shutdown = Shutdown::new(State::new(Instance::new("bench", "0.0.0")), Default::default());
        let routes = Routes::new(LedgerServiceServer::new(Provider));
        let options = ServeOptions { max_in_flight: 1024, ..ServeOptions::default() };
        let key = MacKey::new([1; 32]);
        let serving =
            serve(bus, options, DOMAIN, "bench-1", key, routes, Health::new(), &shutdown).await.unwrap();
        serving.until_ready().await;
        let keys = MacKeys::new(BTreeMap::from([(DOMAIN.to_owned(), MacKey::new([1; 32]))]));
        let options = CallerOptions::default();
        let caller = Caller::start(bus, options, "gateway-1", Arc::new(keys), &shutdown).await.unwrap();
        Self { caller }
    }

    async fn call(&self) {
        let head = RequestHead {
            exchange: ExchangeId::new(),
            method: "/lgsp.ledger.v1.LedgerService/ListExchanges".into(),
            domain: DOMAIN.into(),
            server_streaming: false,
            deadline_us: unix_micros(SystemTime::now() + Duration::from_secs(10)),
            application: ApplicationId::parse("bench").unwrap(),
            person: None,
            purpose: None,
            officer: Some("officer".to_owned()),
            unit: None,
            procedure: Some("procedure".to_owned()),
            dossier: Some("H13.01-260601-0001".to_owned()),
            request_id: None,
            fields: ["*".to_owned()].into(),
            traceparent: None,
        };
        let mut reply = self.caller.call(head, Bytes::new()).await.unwrap();
        match reply.next().await {
            ReplyPart::Message(message) => assert!(message.len() > ANSWER),
            other => panic!("{other:?}"),
        }
        assert!(matches!(reply.next().await, ReplyPart::End));
    }
}

struct Provider;

#[tonic::async_trait]
impl LedgerService for Provider {
    type FollowExchangesStream = Pin<Box<dyn Stream<Item = Result<Exchange, Status>> + Send>>;

    async fn list_exchanges(
        &self,
        _: Request<ListExchangesRequest>,
    ) -> Result<Response<ListExchangesResponse>, Status> {
        Ok(Response::new(ListExchangesResponse { next_page_token: "x".repeat(ANSWER), ..Default::default() }))
    }

    async fn follow_exchanges(
        &self,
        _: Request<FollowExchangesRequest>,
    ) -> Result<Response<Self::FollowExchangesStream>, Status> {
        Err(Status::unimplemented(""))
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

/// What two programs need at least: a request with an id, a reply with the same id, two threads that read.
struct Plain {
    producer: ThreadedProducer<DefaultProducerContext>,
    waiting: Arc<Mutex<HashMap<ExchangeId, oneshot::Sender<usize>>>>,
    turn: std::sync::atomic::AtomicI32,
}

impl Plain {
    fn start(bus: &Bus) -> Self {
        let waiting: Arc<Mutex<HashMap<ExchangeId, oneshot::Sender<usize>>>> = Arc::default();
        let (requests, replies) = (consumer(bus, PLAIN_REQUESTS, 0..16), consumer(bus, REPLIES, 15..16));
        let answering: ThreadedProducer<DefaultProducerContext> = producer(bus);
        std::thread::spawn(move || {
            loop {
                let Some(Ok(message)) = requests.poll(Duration::from_millis(100)) else { continue };
                let answer = vec![b'x'; ANSWER];
                let headers = OwnedHeaders::new().insert(Header { key: "id", value: id_of(&message) });
                let record = BaseRecord::<(), _>::to(REPLIES).partition(15).payload(&answer).headers(headers);
                answering.send(record).map_err(|(error, _)| error).unwrap();
            }
        });
        let heard = waiting.clone();
        std::thread::spawn(move || {
            loop {
                let Some(Ok(message)) = replies.poll(Duration::from_millis(100)) else { continue };
                let Some(exchange) = id_of(&message).and_then(ExchangeId::from_bytes) else { continue };
                if let Some(waiter) = heard.lock().remove(&exchange) {
                    let _ = waiter.send(message.payload_len());
                }
            }
        });
        Self { producer: producer(bus), waiting, turn: 0.into() }
    }

    async fn call(&self) {
        let exchange = ExchangeId::new();
        let (send, receive) = oneshot::channel();
        self.waiting.lock().insert(exchange, send);
        let headers = OwnedHeaders::new().insert(Header { key: "id", value: Some(exchange.as_bytes()) });
        let partition = self.turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed).rem_euclid(16);
        let record =
            BaseRecord::<(), _>::to(PLAIN_REQUESTS).partition(partition).payload("hello").headers(headers);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        assert_eq!(receive.await.unwrap(), ANSWER);
    }
}

fn id_of<'a>(message: &'a rdkafka::message::BorrowedMessage<'_>) -> Option<&'a [u8]> {
    message.headers()?.iter().find(|header| header.key == "id")?.value
}

fn config(bus: &Bus) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bus.bootstrap()).set("socket.nagle.disable", "true");
    config
}

fn producer(bus: &Bus) -> ThreadedProducer<DefaultProducerContext> {
    config(bus).set("linger.ms", "0").set("acks", "all").set("enable.idempotence", "true").create().unwrap()
}

fn consumer(bus: &Bus, topic: &str, partitions: std::ops::Range<i32>) -> BaseConsumer {
    let wait = if bus.is_embedded() { "1" } else { "500" };
    let mut config = config(bus);
    let consumer: BaseConsumer =
        config.set("group.id", "bench").set("fetch.wait.max.ms", wait).create().unwrap();
    let mut assignment = TopicPartitionList::new();
    for partition in partitions {
        let (_, high) = consumer.fetch_watermarks(topic, partition, Duration::from_secs(5)).unwrap();
        assignment.add_partition_offset(topic, partition, Offset::Offset(high)).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    consumer
}
