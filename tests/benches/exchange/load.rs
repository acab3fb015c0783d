//! The load: requests at a fixed rate, measured from when they were due, or as many at once as allowed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use futures::future::BoxFuture;
use hdrhistogram::Histogram;
use lgsp_tests::echo::v1::EchoRequest;
use lgsp_tests::echo::v1::echo_service_client::EchoServiceClient;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

use crate::cpu::Parts;
use crate::plan::{Load, Measured, Overload, Step};

/// Does one exchange, given its number.
pub type Exchange = Arc<dyn Fn(u64) -> BoxFuture<'static, Result<()>> + Send + Sync>;
/// A fresh token for a call.
pub type Token = Arc<dyn Fn() -> MetadataValue<Ascii> + Send + Sync>;

/// What can be called beside what is measured.
#[derive(Clone, Default)]
pub struct Beside {
    pub bulk: Option<Exchange>,
    pub interactive: Option<Exchange>,
}

const ANSWER_BYTES: u32 = 1024;
/// How long the source of an overload takes, so that providers are what it is too much for.
const SOURCE_MS: u32 = 50;
/// Calls of an overload at once: ten times the 64 that a provider of 256 leaves to bulk.
pub const OVERLOAD: usize = 640;
/// How long who is refused is told to wait.
const TOLD_TO_WAIT: Duration = Duration::from_secs(1);
/// Connections of the client: an agency's application has a few.
const CONNECTIONS: u64 = 8;
/// Requests that are due and not yet sent; more than this and the system is far behind the offered rate.
const MOST_DUE: usize = 1 << 20;
/// Longer than any exchange may take.
const LONGEST_US: u64 = 120_000_000;

/// The request that every exchange sends.
pub fn request() -> EchoRequest {
    EchoRequest {
        text: "how much does it cost?".to_owned(),
        payload_bytes: ANSWER_BYTES,
        subject: "092300000001".to_owned(),
        ..EchoRequest::default()
    }
}

/// Calls the echo service at an address.
pub async fn echo_client(runtime: &Handle, address: SocketAddr, token: Option<Token>) -> Result<Exchange> {
    client(runtime, address, token, crate::hub::PURPOSE, request()).await
}

/// Calls it as one of an overload does.
pub async fn overload(
    runtime: &Handle,
    address: SocketAddr,
    token: Token,
    purpose: &'static str,
) -> Result<Exchange> {
    let request = EchoRequest { delay_ms: SOURCE_MS, ..request() };
    client(runtime, address, Some(token), purpose, request).await
}

async fn client(
    runtime: &Handle,
    address: SocketAddr,
    token: Option<Token>,
    purpose: &'static str,
    request: EchoRequest,
) -> Result<Exchange> {
    let connect = async move {
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
            channels.push(endpoint.connect().await?);
        }
        anyhow::Ok(channels)
    };
    let channels = runtime.spawn(connect).await??;
    Ok(Arc::new(move |number| {
        let channel = channels[(number % CONNECTIONS) as usize].clone();
        Box::pin(call(channel, token.clone(), purpose, request.clone()))
    }))
}

async fn call(
    channel: Channel,
    token: Option<Token>,
    purpose: &'static str,
    request: EchoRequest,
) -> Result<()> {
    let mut request = tonic::Request::new(request);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", token());
        request.metadata_mut().insert("lgsp-purpose", MetadataValue::from_static(purpose));
    }
    let response = EchoServiceClient::new(channel).echo(request).await?.into_inner();
    if response.payload.len() == ANSWER_BYTES as usize { Ok(()) } else { Err(anyhow!("another answer")) }
}

/// Waits until the whole way is up.
pub async fn until_answered(exchange: &Exchange) -> Result<()> {
    let began = Instant::now();
    loop {
        let Err(error) = exchange(0).await else { return Ok(()) };
        if began.elapsed() > Duration::from_secs(30) {
            return Err(error.context("nobody answers"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is counted while a step runs.
struct Tally {
    latencies: parking_lot::Mutex<Histogram<u64>>,
    done: AtomicU64,
    failures: AtomicU64,
    over: AtomicBool,
}

impl Tally {
    fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            latencies: parking_lot::Mutex::new(Histogram::new_with_bounds(1, LONGEST_US, 3)?),
            done: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }))
    }

    async fn one(&self, exchange: &Exchange, number: u64, due: Instant) {
        match exchange(number).await {
            Ok(()) => {
                let took =
                    u64::try_from(due.elapsed().as_micros()).unwrap_or(LONGEST_US).clamp(1, LONGEST_US);
                self.latencies.lock().saturating_record(took);
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                if self.failures.fetch_add(1, Ordering::Relaxed) == 0 {
                    eprintln!("an exchange failed: {error:#}");
                }
            }
        }
    }
}

/// Runs a step and tells what it measured.
pub async fn run(
    runtime: &Handle,
    exchange: &Exchange,
    beside: &Beside,
    parts: &Parts,
    step: Step,
) -> Result<Measured> {
    let tally = Tally::new()?;
    let overload = match step.beside {
        None => None,
        Some(Overload::Bulk) => beside.bulk.clone(),
        Some(Overload::Interactive) => beside.interactive.clone(),
    };
    // It ends with this step.
    let _overload = overload.map(|exchange| pour(runtime, &exchange));
    let before = parts.used();
    let began = Instant::now();
    let (mine, exchange) = (tally.clone(), exchange.clone());
    let work = async move {
        match step.load {
            Load::WarmUp { seconds } | Load::Full { seconds } => {
                full(&mine, &exchange, step.in_flight, seconds).await
            }
            Load::Paced { per_second, seconds } => {
                paced(&mine, &exchange, step.in_flight, per_second, seconds).await;
            }
            Load::Count { exchanges, interval } => {
                counted(&mine, &exchange, step.in_flight, exchanges, interval).await
            }
        }
    };
    runtime.spawn(work).await.context("the load")?;
    let seconds = began.elapsed().as_secs_f64();
    let after = parts.used();
    let exchanges = tally.done.load(Ordering::Relaxed);
    let (cpu_us, threads_us) = parts.per_exchange(&before, &after, exchanges);
    let latencies = tally.latencies.lock();
    Ok(Measured {
        step,
        seconds,
        exchanges,
        failures: tally.failures.load(Ordering::Relaxed),
        p50_us: latencies.value_at_quantile(0.50) as f64,
        p99_us: latencies.value_at_quantile(0.99) as f64,
        max_us: latencies.max() as f64,
        cpu_us,
        threads_us,
    })
}

/// Calls all the time, and waits as long as it is told to when it is refused.
fn pour(runtime: &Handle, exchange: &Exchange) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    for number in 0..OVERLOAD as u64 {
        let exchange = exchange.clone();
        let calls = async move {
            loop {
                if exchange(number).await.is_err() {
                    tokio::time::sleep(TOLD_TO_WAIT).await;
                }
            }
        };
        workers.spawn_on(calls, runtime);
    }
    workers
}

async fn full(tally: &Arc<Tally>, exchange: &Exchange, in_flight: usize, seconds: f64) {
    let workers = workers(tally, exchange, in_flight, u64::MAX);
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    tally.over.store(true, Ordering::Relaxed);
    workers.join_all().await;
}

async fn counted(tally: &Arc<Tally>, exchange: &Exchange, in_flight: usize, exchanges: u64, interval: u64) {
    let mut workers = workers(tally, exchange, in_flight, exchanges);
    let mut next = interval;
    let began = Instant::now();
    let mut look = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            ended = workers.join_next() => if ended.is_none() { break },
            _ = look.tick() => {}
        }
        let done = tally.done.load(Ordering::Relaxed);
        if done >= next {
            crate::memory::print(done, began.elapsed());
            next += interval;
        }
    }
}

/// So many that each start the next exchange when the last has ended, `most` in all.
fn workers(tally: &Arc<Tally>, exchange: &Exchange, in_flight: usize, most: u64) -> JoinSet<()> {
    let started = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (tally, exchange, started) = (tally.clone(), exchange.clone(), started.clone());
        workers.spawn(async move {
            while !tally.over.load(Ordering::Relaxed) {
                let number = started.fetch_add(1, Ordering::Relaxed);
                if number >= most {
                    return;
                }
                tally.one(&exchange, number, Instant::now()).await;
            }
        });
    }
    workers
}

async fn paced(tally: &Arc<Tally>, exchange: &Exchange, in_flight: usize, per_second: f64, seconds: f64) {
    let (due, mut dues) = mpsc::channel(MOST_DUE);
    let requests = (per_second * seconds) as u64;
    let pacer = std::thread::Builder::new().name("client-pacer".to_owned());
    pacer.spawn(move || pace(&due, per_second, requests)).expect("a thread can be started");
    let slots = Arc::new(Semaphore::new(in_flight));
    let mut running = JoinSet::new();
    while let Some((number, due)) = dues.recv().await {
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let (tally, exchange) = (tally.clone(), exchange.clone());
        running.spawn(async move {
            tally.one(&exchange, number, due).await;
            drop(slot);
        });
        while running.try_join_next().is_some() {}
    }
    running.join_all().await;
}

/// Tells each request when it is due. A thread of its own, because tokio's timer counts whole milliseconds.
#[expect(clippy::disallowed_methods, reason = "the pacer's own thread waits for the clock and nothing else")]
fn pace(due: &mpsc::Sender<(u64, Instant)>, per_second: f64, requests: u64) {
    let began = Instant::now();
    for number in 0..requests {
        let at = began + Duration::from_secs_f64(number as f64 / per_second);
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if due.blocking_send((number, at)).is_err() {
            return;
        }
    }
}
