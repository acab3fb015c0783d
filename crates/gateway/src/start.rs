use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use lgsp_bus::{Appender, Bus, CallerOptions, MacKeys, Start, topics};
use lgsp_core::entry::SubjectKeys;
use lgsp_runtime::{Shutdown, Stage, State};
use tokio::net::TcpListener;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::caller::Tokens;
use crate::entry::Book;
use crate::entry::attempts::Attempts;
use crate::entry::spool::Spool;
use crate::entry::writer::{Backlog, Writer};
use crate::error::Error;
use crate::hub::Hub;
use crate::in_flight::InFlight;
use crate::listener::Listener;
use crate::options::{LARGEST_EMBEDDED_ANSWER, Options};
use crate::quota::Quotas;
use crate::rules::{Current, Follower};
use crate::stats::Stats;
use crate::surface::Surface;
use crate::tls;

/// How often the numbers of the status are brought up to date.
const TELL: Duration = Duration::from_secs(1);

/// What a gateway must know and nobody else may see.
pub struct Secrets {
    /// The public keys that a snapshot of the registry may be signed with.
    pub snapshot_keys: Vec<VerifyingKey>,
    /// The keys that subjects are hashed under.
    pub subjects: SubjectKeys,
    /// The keys of the domains.
    pub macs: Arc<MacKeys>,
}

/// A gateway that runs until its shutdown.
pub struct Gateway {
    /// Where it really listens.
    pub address: SocketAddr,
    /// What it did so far.
    pub stats: Arc<Stats>,
    hub: Arc<Hub>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Gateway {
    /// How many exchanges are in flight. One counts until it ends, whether its caller is still there or not.
    pub fn in_flight(&self) -> usize {
        self.hub.in_flight.exchanges()
    }

    /// The revision of the rules that it decides by; 0 while it has none.
    pub fn revision(&self) -> u64 {
        self.hub.rules.load().as_ref().map_or(0, |rules| rules.revision())
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
    if secrets.snapshot_keys.is_empty() {
        return Err(Error::NoSnapshotKey);
    }
    let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
    let stats = Arc::new(Stats::default());
    let rules: Arc<Current> = Arc::default();
    let book = Arc::new(Book::new(state.instance().name(), secrets.subjects));
    let attempts: Arc<Attempts> = Arc::default();

    let writer = start_entries(&options, appender, &attempts, &book, &stats, state, shutdown)?;
    let caller_options =
        CallerOptions { max_in_flight: options.exchanges.in_flight, ..CallerOptions::default() };
    let replies = state.component("replies");
    let caller =
        lgsp_bus::Caller::start(bus, caller_options, state.instance().name(), secrets.macs, shutdown).await?;
    let positioned = caller.clone();
    shutdown.spawn(
        Stage::StopAccepting,
        "gateway replies",
        until(shutdown.begins(Stage::StopAccepting), async move {
            positioned.until_ready().await;
            replies.ready();
        }),
    );

    let surface = Arc::new(Surface::new().await);
    let follower =
        Follower::new(&secrets.snapshot_keys, rules.clone(), state.component("rules"), stats.clone());
    let tail = bus.tail(topics::REGISTRY, Start::Beginning)?;
    let (told_book, told_bus) = (book.clone(), caller.clone());
    let tell = move |rules: &lgsp_core::Rules| {
        told_book.set_environment(rules.environment());
        told_bus.tell_revision(rules.revision());
    };
    let followed = follower.run(tail, shutdown.begins(Stage::Close), surface.clone(), tell);
    shutdown.spawn(Stage::Close, "gateway rules", followed);

    let leaving = shutdown.begins(Stage::StopAccepting);
    let embedded = if bus.is_embedded() { LARGEST_EMBEDDED_ANSWER } else { usize::MAX };
    let hub = Arc::new(Hub {
        largest_answer: options.exchanges.answer.min(embedded),
        rules,
        surface: surface.clone(),
        tokens: Tokens::new(&options.audience, options.exchanges.tokens),
        in_flight: InFlight::new(&options.exchanges),
        quotas: Quotas::default(),
        bus: caller,
        book,
        writer,
        attempts,
        stats: stats.clone(),
        exchanges: shutdown.group(Stage::Drain, "exchanges"),
        leaving,
        bounds: options.exchanges,
    });
    let told = tell_numbers(hub.clone(), state.clone());
    shutdown.spawn(Stage::Close, "gateway numbers", until(shutdown.begins(Stage::Close), told));
    let leave = shutdown.begins(Stage::NotServing);
    shutdown.spawn(Stage::NotServing, "gateway health", async move {
        leave.cancelled().await;
        surface.leave().await;
    });
    let listener = Listener {
        tcp,
        tls,
        bounds: options.connections,
        hub: hub.clone(),
        connections: shutdown.group(Stage::Drain, "connections"),
        calls: shutdown.group(Stage::Drain, "calls"),
    };
    state.component("listener").ready();
    shutdown.spawn(Stage::StopAccepting, "gateway listener", listener.run());
    info!(%address, "gateway open");
    Ok(Gateway { address, stats, hub })
}

fn start_entries(
    options: &Options,
    appender: Appender,
    attempts: &Arc<Attempts>,
    book: &Arc<Book>,
    stats: &Arc<Stats>,
    state: &State,
    shutdown: &Shutdown,
) -> Result<Writer, Error> {
    let bounds = &options.entries;
    let failed = |source| Error::Spool { path: bounds.spool.clone(), source };
    let spool = Spool::open(&bounds.spool, bounds.spool_size as u64).map_err(failed)?;
    let (writer, entries) = Writer::new(appender.clone(), bounds.patience, bounds.buffer, stats.clone());
    let backlog = Backlog {
        entries,
        appender,
        spool: Some(spool),
        attempts: attempts.clone(),
        attempts_every: bounds.attempts,
        book: book.clone(),
        stats: stats.clone(),
        component: state.component("entries"),
    };
    shutdown.spawn(Stage::Flush, "gateway entries", backlog.run(shutdown.begins(Stage::Flush)));
    Ok(writer)
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

/// Brings the numbers of `/status` up to date, for ever.
async fn tell_numbers(hub: Arc<Hub>, state: State) {
    let stats = &hub.stats;
    let in_flight = state.fact("in-flight");
    let revision = state.fact("registry-revision");
    let counts = [
        (state.fact("exchanges-served"), &stats.served),
        (state.fact("exchanges-not-found"), &stats.not_found),
        (state.fact("exchanges-denied"), &stats.denied),
        (state.fact("exchanges-invalid"), &stats.invalid),
        (state.fact("exchanges-failed"), &stats.failed),
        (state.fact("exchanges-timed-out"), &stats.timed_out),
        (state.fact("exchanges-cancelled"), &stats.cancelled),
        (state.fact("attempts"), &stats.attempts),
        (state.fact("connections-accepted"), &stats.connections),
        (state.fact("connections-refused"), &stats.connections_refused),
        (state.fact("calls-reset"), &stats.resets),
        (state.fact("entries-not-durable"), &stats.entries_not_durable),
        (state.fact("entries-spooled"), &stats.entries_spooled),
        (state.fact("entries-lost"), &stats.entries_lost),
        (state.fact("snapshots-refused"), &stats.snapshots_refused),
    ];
    let mut every = interval(TELL);
    loop {
        every.tick().await;
        in_flight.set(hub.in_flight.exchanges() as i64);
        revision.set(hub.rules.load().as_ref().map_or(0, |rules| rules.revision()) as i64);
        for (fact, count) in &counts {
            fact.set(count.load(Ordering::Relaxed) as i64);
        }
    }
}
