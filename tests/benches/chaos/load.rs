//! Applications that call: always as many at once, half of them through each gateway, each call under a request id of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use lgsp::cli::server::Domain;
use lgsp_core::ExchangeId;
use lgsp_proto::google::rpc;
use lgsp_proto::land::v1::ListParcelsByOwnerRequest;
use lgsp_proto::population::v1::GetCitizenRequest;
use lgsp_sample::persons::ALL_FIELDS;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::caller::{App, exchange_of};
use crate::hub::{APPLICATION, DOMAINS, GATEWAYS, Hub, Line, Reached};

/// What a request id begins with.
pub const REQUEST_ID: &str = "chaos-";
/// How long a caller waits for its answer.
pub const DEADLINE: Duration = Duration::from_secs(5);
/// Before a caller that was not served calls again.
const TRY_AGAIN: Duration = Duration::from_millis(50);
/// A token is used for so long, as an application would.
const TOKEN_USED: Duration = Duration::from_secs(60);
/// Why a call was not served, if nobody answered it.
pub const NO_ANSWER: &str = "no answer";

/// How one call ended.
pub struct Ended {
    /// The number in its request id.
    pub number: u64,
    /// What the answer named; nothing if none came.
    pub exchange: Option<ExchangeId>,
    pub served: bool,
    /// Which start of which gateway was called.
    pub gateway: Arc<str>,
}

/// Everything that callers saw.
pub struct Load {
    reached: Arc<Reached>,
    app: App,
    pub served: AtomicU64,
    calls: AtomicU64,
    pub ended: Mutex<Vec<Ended>>,
    /// Calls that were not served, by why.
    pub reasons: Mutex<BTreeMap<String, u64>>,
    pub lanes: Lanes,
    pace: Option<tokio::sync::Mutex<Interval>>,
}

impl Load {
    pub fn new(hub: &Hub, per_second: Option<u32>) -> Result<Arc<Self>> {
        let pace = per_second.map(|per_second| {
            let mut pace = interval(Duration::from_secs(1) / per_second.max(1));
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            tokio::sync::Mutex::new(pace)
        });
        let app = App::new(APPLICATION, hub.key_of_application()?, hub.reached.gateway(0).channel);
        Ok(Arc::new(Self {
            reached: hub.reached.clone(),
            app: app.purpose("prefill").timeout(DEADLINE),
            served: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            ended: Mutex::default(),
            reasons: Mutex::default(),
            lanes: Lanes::new(),
            pace,
        }))
    }

    /// Calls until `stop`.
    pub fn start(self: &Arc<Self>, in_flight: usize, stop: &CancellationToken) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for caller in 0..in_flight.max(Lanes::COUNT) {
            callers.spawn(self.clone().call_on(caller % Lanes::COUNT, stop.clone()));
        }
        callers
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    async fn call_on(self: Arc<Self>, lane: usize, stop: CancellationToken) {
        let (mut token, mut signed) = (self.app.token(), Instant::now());
        while !stop.is_cancelled() {
            if let Some(pace) = &self.pace {
                pace.lock().await.tick().await;
            }
            if signed.elapsed() > TOKEN_USED {
                (token, signed) = (self.app.token(), Instant::now());
            }
            let number = self.calls.fetch_add(1, Relaxed);
            let line = self.reached.gateway(Lanes::gateway(lane));
            let answer = self.call(number, &line, Lanes::domain(lane), &token).await;
            let is_served = answer.is_ok();
            self.note(number, line.instance, lane, answer);
            if !is_served {
                sleep(TRY_AGAIN).await;
            }
        }
    }

    async fn call(
        &self,
        number: u64,
        line: &Line,
        domain: Domain,
        token: &str,
    ) -> Result<MetadataMap, Status> {
        let app = self
            .app
            .clone()
            .on(line.channel.clone())
            .with("lgsp-request-id", &format!("{REQUEST_ID}{number}"));
        let personal_number = ALL_FIELDS.personal_number.to_owned();
        if domain == Domain::Land {
            let request = ListParcelsByOwnerRequest { personal_number, ..Default::default() };
            let answer = app.land().list_parcels_by_owner(app.request_with_token(request, token)).await;
            return answer.map(|answer| answer.metadata().clone());
        }
        let request = GetCitizenRequest { personal_number };
        let answer = app.population().get_citizen(app.request_with_token(request, token)).await;
        answer.map(|answer| answer.metadata().clone())
    }

    fn note(&self, number: u64, gateway: Arc<str>, lane: usize, answer: Result<MetadataMap, Status>) {
        let exchange = exchange_of(answer.as_ref().unwrap_or_else(Status::metadata));
        self.ended.lock().push(Ended { number, exchange, served: answer.is_ok(), gateway });
        match answer {
            Ok(_) => {
                self.served.fetch_add(1, Relaxed);
                self.lanes.served(lane);
            }
            Err(status) => *self.reasons.lock().entry(reason(&status)).or_default() += 1,
        }
    }
}

/// The reason that the hub gives; who is not answered by it gets none.
fn reason(status: &Status) -> String {
    let details = rpc::Status::decode(status.details()).unwrap_or_default();
    let mut infos = details.details.iter().filter(|any| any.type_url.ends_with("google.rpc.ErrorInfo"));
    let info = infos.next().and_then(|any| rpc::ErrorInfo::decode(any.value.as_slice()).ok());
    info.map_or_else(|| NO_ANSWER.to_owned(), |info| info.reason)
}

/// A lane is a gateway and a domain: how long each was without service since the last kill.
pub struct Lanes {
    began: Instant,
    /// µs since the beginning.
    last: [AtomicU64; Lanes::COUNT],
    longest: [AtomicU64; Lanes::COUNT],
}

impl Lanes {
    pub const COUNT: usize = GATEWAYS * DOMAINS.len();

    fn new() -> Self {
        Self { began: Instant::now(), last: Default::default(), longest: Default::default() }
    }

    fn gateway(lane: usize) -> usize {
        lane % GATEWAYS
    }

    fn domain(lane: usize) -> Domain {
        DOMAINS[lane / GATEWAYS]
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn served(&self, lane: usize) {
        let now = self.now();
        let before = self.last[lane].swap(now, Relaxed);
        self.longest[lane].fetch_max(now.saturating_sub(before), Relaxed);
    }

    /// Counts from now on.
    pub fn begin(&self) {
        let now = self.now();
        self.last.iter().for_each(|last| last.store(now, Relaxed));
        self.longest.iter().for_each(|longest| longest.store(0, Relaxed));
    }

    /// When this was; for [`all_served_since`](Self::all_served_since).
    pub fn moment(&self) -> u64 {
        self.now()
    }

    pub fn all_served_since(&self, moment: u64) -> bool {
        self.last.iter().all(|last| last.load(Relaxed) > moment)
    }

    /// The longest time without an answer that was served, of the lane that had to wait longest.
    pub fn longest(&self) -> Duration {
        let longest = self.longest.iter().map(|longest| longest.load(Relaxed)).max();
        Duration::from_micros(longest.unwrap_or_default())
    }
}
