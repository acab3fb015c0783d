use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ed25519_dalek::VerifyingKey;
use futures::stream::{self, BoxStream, StreamExt};
use lgsp_bus::{Appender, Bus, Caller, MacKeys, Provider, Start, Tailed, topics};
use lgsp_core::entry::SubjectKeys;
use lgsp_core::time::unix_micros;
use lgsp_core::traffic::{Count, Slowest};
use lgsp_face::Origins;
use lgsp_runtime::{Shutdown, Stage, State};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::broker::Broker;
use crate::caller::Tokens;
use crate::entry::Book;
use crate::entry::attempts::Attempts;
use crate::entry::spool::Spool;
use crate::entry::writer::{Backlog, Writer};
use crate::error::Error;
use crate::hub::Hub;
use crate::in_flight::InFlight;
use crate::listener::Listener;
use crate::metrics::{self, Meters};
use crate::numbers;
use crate::oidc::{self, Issuer};
use crate::options::{LARGEST_EMBEDDED_ANSWER, Options};
use crate::quota::Quotas;
use crate::quota::usage::{self, Earlier};
use crate::rules::{Current, Floor, Follower};
use crate::stats::Stats;
use crate::surface::Surface;
use crate::tls::Certificates;

/// What a gateway must know and nobody else may see, and whose rules it takes.
pub struct Secrets {
    /// `production` or `sandbox`: rules of the other are refused, whoever signed them.
    pub environment: String,
    /// The public keys that a snapshot of the registry may be signed with.
    pub snapshot_keys: Vec<VerifyingKey>,
    /// The keys that subjects are hashed under.
    pub subjects: SubjectKeys,
    /// The keys of the domains.
    pub macs: Arc<MacKeys>,
}

/// A gateway that runs until its shutdown.
#[derive(Clone)]
pub struct Gateway {
    /// Where it really listens.
    pub address: SocketAddr,
    /// What it did so far.
    pub stats: Arc<Stats>,
    hub: Arc<Hub>,
    certificates: Option<Arc<Certificates>>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What exchanges came to, by name.
type Counted = Vec<(String, Count)>;

impl Gateway {
    /// How many exchanges are in flight. One counts until it ends, whether its caller is still there or not.
    pub fn in_flight(&self) -> usize {
        self.hub.in_flight.exchanges()
    }

    /// Who serves which domain, as heard in heartbeats.
    pub fn providers(&self) -> Vec<Provider> {
        self.hub.bus.providers()
    }

    /// What the exchanges of the last minutes came to: of every application that its rules know, and of every domain that its callers
    /// may reach.
    pub fn traffic(&self) -> (Counted, Counted) {
        let Some(rules) = self.hub.rules.load_full() else { return (Vec::new(), Vec::new()) };
        let (now, traffic) = (unix_micros(SystemTime::now()), self.hub.traffic.lock());
        let asked = |id: &str| (id.to_owned(), traffic.of_application(id, now));
        let answered = |domain: &str| (domain.to_owned(), traffic.of_domain(domain, now));
        let domains: BTreeSet<&str> = rules.methods().map(|method| &*method.domain).collect();
        let applications = rules.applications().map(|application| asked(application.id.as_str()));
        (applications.collect(), domains.into_iter().map(answered).collect())
    }

    /// How long the slowest hundredth of what each data service's domain was asked for took.
    pub fn slowest(&self) -> Vec<(String, Slowest)> {
        let (now, traffic) = (unix_micros(SystemTime::now()), self.hub.traffic.lock());
        traffic.slowest(now).map(|(domain, slowest)| (domain.to_owned(), slowest)).collect()
    }

    /// The agreements that have used half of their quota of the day or more, with the part that is used; the fullest first, and no
    /// more than so many.
    pub fn fullest_quotas(&self, most: usize) -> Vec<(String, f64)> {
        self.hub.quotas.fullest(unix_micros(SystemTime::now()), most)
    }

    /// How many days its own certificate is good for; `None` without TLS.
    pub fn certificate_days(&self) -> Option<f64> {
        self.certificates.as_ref().map(|certificates| certificates.days_left())
    }

    /// How long the broker has not been heard; `None` while there was no place for replies yet.
    pub fn broker_silence(&self) -> Option<std::time::Duration> {
        self.hub.bus.ready().then(|| self.hub.bus.silence())
    }

    /// The revision of the rules that it decides by; 0 while it has none.
    pub fn revision(&self) -> u64 {
        self.hub.rules.load().as_ref().map_or(0, |rules| rules.revision())
    }

    /// Takes the subject keys as they are now, so that a month's key can be added, or an old one destroyed, while exchanges
    /// go on. Keys without the present month's are not taken while it is in use; returns whether they were.
    pub fn replace_subject_keys(&self, keys: SubjectKeys) -> bool {
        self.hub.book.replace_subject_keys(keys, unix_micros(SystemTime::now()))
    }
}

/// Binds the address of the options, unless it is already bound elsewhere.
///
/// # Errors
/// The address is taken, is not ours, or is no loopback address and there is no certificate.
pub async fn bind(options: &Options) -> Result<TcpListener, Error> {
    refuse_exposed(options, options.listen)?;
    let failed = |source| Error::Listen { address: options.listen, source };
    TcpListener::bind(options.listen).await.map_err(failed)
}

/// Starts a gateway on a bound listener. It is ready when `state` says so: it needs rules and a place for replies.
///
/// # Errors
/// A certificate, a spool or a client that cannot be used, or no key that rules could be verified with.
pub async fn start(
    options: Options,
    tcp: TcpListener,
    bus: &Bus,
    appender: Appender,
    secrets: Secrets,
    state: &State,
    shutdown: &Shutdown,
) -> Result<Gateway, Error> {
    let address = tcp.local_addr().map_err(|source| Error::Listen { address: options.listen, source })?;
    refuse_exposed(&options, address)?;
    let Secrets { environment, snapshot_keys, subjects, macs } = secrets;
    if snapshot_keys.is_empty() {
        return Err(Error::NoSnapshotKey);
    }
    let certificates = options.tls.as_deref().map(Certificates::open).transpose()?.map(Arc::new);
    let issuer = options.oidc.as_deref().map(Issuer::open).transpose()?.map(Arc::new);
    let origins = Origins::parse(&options.origins).map_err(|origin| Error::Origin { origin })?;
    let role = Role { bus, state, shutdown, options: &options, stats: Arc::default() };
    let broker = Broker::new(state);
    let counting = macs.counting().cloned();
    let book = Arc::new(Book::new(state.instance().name(), subjects).signing(counting));
    let attempts: Arc<Attempts> = Arc::default();
    let writer = role.start_entries(appender, &attempts, &book)?;
    let quotas = Arc::new(Quotas::new(state.instance().name()));
    let earlier = role.follow_usage(&macs, &quotas)?;
    let caller = role.start_caller(macs, &quotas).await?;
    let rules: Arc<Current> = Arc::default();
    let surface = role.follow_rules((&snapshot_keys, &environment), &rules, &book, &caller).await?;
    let told = broker.tell(caller.clone(), surface.clone());
    shutdown.spawn(Stage::Close, "gateway broker", until(shutdown.begins(Stage::Close), told));
    if let Some(issuer) = &issuer {
        let followed = oidc::follow(issuer.clone(), state.clone());
        shutdown.spawn(Stage::Close, "gateway oidc", until(shutdown.begins(Stage::Close), followed));
    }
    let hub = Arc::new(Hub {
        largest_answer: role.largest_answer(),
        rules,
        surface,
        tokens: Tokens::new(&options.audience, options.exchanges.tokens).trusting(issuer),
        in_flight: InFlight::new(&options.exchanges),
        origins,
        quotas,
        bus: caller,
        book,
        writer,
        attempts,
        stats: role.stats.clone(),
        traffic: Mutex::default(),
        meters: Meters::new(state.metrics()),
        exchanges: shutdown.group(Stage::Drain, "exchanges"),
        leaving: shutdown.begins(Stage::StopAccepting),
        bounds: options.exchanges.clone(),
    });
    metrics::observe(state.metrics(), &hub, bus.options().domains.clone());
    let keys = state.component("subject-keys");
    let told = numbers::tell(hub.clone(), bus.clone(), state.clone(), keys);
    shutdown.spawn(Stage::Close, "gateway numbers", until(shutdown.begins(Stage::Close), told));
    if let Some(certificates) = &certificates {
        certificates.observe(state.metrics());
        let followed = certificates.clone().follow(state.component("certificates"));
        shutdown.spawn(Stage::Close, "gateway certificates", until(shutdown.begins(Stage::Close), followed));
    }
    if let Some(earlier) = earlier {
        earlier.taken_in().await;
    }
    role.open(Listener {
        tcp,
        tls: certificates.clone(),
        refusals: Arc::default(),
        bounds: options.connections.clone(),
        hub: hub.clone(),
        connections: shutdown.group(Stage::Drain, "connections"),
        calls: shutdown.group(Stage::Drain, "calls"),
    });
    info!(%address, "gateway open");
    Ok(Gateway { address, stats: role.stats, hub, certificates })
}

/// What the parts of a gateway are started with.
struct Role<'a> {
    bus: &'a Bus,
    state: &'a State,
    shutdown: &'a Shutdown,
    options: &'a Options,
    stats: Arc<Stats>,
}

impl Role<'_> {
    fn start_entries(
        &self,
        appender: Appender,
        attempts: &Arc<Attempts>,
        book: &Arc<Book>,
    ) -> Result<Writer, Error> {
        let bounds = &self.options.entries;
        let failed = |source| Error::Spool { path: bounds.spool.clone(), source };
        let spool = Spool::open(&bounds.spool, bounds.spool_size as u64).map_err(failed)?;
        let (writer, entries) =
            Writer::new(appender.clone(), bounds.patience, bounds.buffer, self.stats.clone());
        let backlog = Backlog {
            entries,
            appender,
            spool: Some(spool),
            attempts: attempts.clone(),
            attempts_every: bounds.attempts,
            book: book.clone(),
            stats: self.stats.clone(),
            component: self.state.component("entries"),
        };
        let flush = self.shutdown.begins(Stage::Flush);
        self.shutdown.spawn(Stage::Flush, "gateway entries", backlog.run(flush));
        Ok(writer)
    }

    async fn start_caller(&self, macs: Arc<MacKeys>, quotas: &Arc<Quotas>) -> Result<Caller, Error> {
        let bounds = self.options.exchanges.of_the_caller();
        let instance = self.state.instance().name();
        let caller = Caller::start(self.bus, bounds, instance, macs, self.shutdown).await?;
        let (told, heard) = (quotas.clone(), quotas.clone());
        caller.tell_demands(move || told.demands(Instant::now(), unix_micros(SystemTime::now())));
        caller.hear_demands(move |gateway, demands| {
            heard.hear_demands(gateway, demands, unix_micros(SystemTime::now()));
        });
        Ok(caller)
    }

    /// Without the key of those who count, a gateway counts for itself.
    fn follow_usage(&self, macs: &MacKeys, quotas: &Arc<Quotas>) -> Result<Option<Earlier>, Error> {
        let Some(key) = macs.counting() else { return Ok(None) };
        let (earlier, followed) = usage::follow(self.bus, key.clone(), quotas.clone())?;
        let stop = self.shutdown.begins(Stage::Close);
        self.shutdown.spawn(Stage::Close, "gateway usage", until(stop, followed));
        Ok(Some(earlier))
    }

    async fn follow_rules(
        &self,
        (keys, environment): (&[VerifyingKey], &str),
        rules: &Arc<Current>,
        book: &Arc<Book>,
        caller: &Caller,
    ) -> Result<Arc<Surface>, Error> {
        let surface = Arc::new(Surface::new(self.options.connections.surface_calls as usize).await);
        let component = self.state.component("rules");
        let spool = &self.options.entries.spool;
        let floor = Floor::open(spool).map_err(|source| Error::Spool { path: spool.clone(), source })?;
        let follower = Follower::new(keys, environment, floor, rules.clone(), component, self.stats.clone());
        let bus = self.bus.clone();
        let read = move || registry_topic(&bus);
        let first = read()?;
        let (book, caller) = (book.clone(), caller.clone());
        let tell = move |rules: &lgsp_core::Rules| {
            book.set_environment(rules.environment());
            caller.tell_revision(rules.revision());
        };
        let followed = follower.run(first, read, self.shutdown.begins(Stage::Close), surface.clone(), tell);
        self.shutdown.spawn(Stage::Close, "gateway rules", followed);

        let (leave, told) = (self.shutdown.begins(Stage::NotServing), surface.clone());
        self.shutdown.spawn(Stage::NotServing, "gateway health", async move {
            leave.cancelled().await;
            told.health.leave().await;
        });
        Ok(surface)
    }

    /// The configured bound, or that of the embedded broker if it is smaller.
    fn largest_answer(&self) -> usize {
        let broker = if self.bus.is_embedded() { LARGEST_EMBEDDED_ANSWER } else { usize::MAX };
        self.options.exchanges.answer.min(broker)
    }

    fn open(&self, listener: Listener) {
        self.state.component("listener").ready();
        self.shutdown.spawn(Stage::StopAccepting, "gateway listener", listener.run());
    }
}

/// The records of the rules' topic, from its beginning. It ends only when its consumer has failed for good.
fn registry_topic(bus: &Bus) -> Result<BoxStream<'static, Tailed>, lgsp_bus::Error> {
    let tail = bus.tail(topics::REGISTRY, Start::Beginning)?;
    let records = stream::unfold(tail, |mut tail| async { Some((tail.next().await.ok()?, tail)) });
    Ok(records.boxed())
}

fn refuse_exposed(options: &Options, address: SocketAddr) -> Result<(), Error> {
    if options.tls.is_none() && !address.ip().is_loopback() {
        return Err(Error::NotLoopback { address });
    }
    Ok(())
}

async fn until(stop: CancellationToken, task: impl Future<Output = ()>) {
    let _ = stop.run_until_cancelled(task).await;
}
