use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lgsp_bus::{Bus, Fsynced, MacKey, MacKeys, Tail, topics};
use lgsp_core::entry::SubjectKeys;
use lgsp_proto::ledger::v1::anomaly_service_server::AnomalyServiceServer;
use lgsp_proto::ledger::v1::audit_service_server::AuditServiceServer;
use lgsp_proto::ledger::v1::ledger_service_server::LedgerServiceServer;
use lgsp_runtime::{Shutdown, Stage, State};
use lgsp_tlog::SignerKey;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing::{error, warn};

use crate::abandon::{Abandoner, Open, Requests};
use crate::acts::Acts;
use crate::anomalies::Watch;
use crate::audit::{Anomalies, Audit, Desk, Subjects};
use crate::damage::Damages;
use crate::entry::Signers;
use crate::files::journal::{self, Incarnation, Journal};
use crate::files::log::{self, Log, Place};
use crate::filing::{Filed, Filing};
use crate::follow::Followers;
use crate::forgetting::Forgetting;
use crate::intake::{Durable, Intake, Limits, Offsets};
use crate::keep;
use crate::recovery::{Recovered, Site, recover, stored_offsets};
use crate::seal::{self, Seal};
use crate::service::Service;
use crate::usage::{Changed, Teller};
use crate::{Abandon, Damage, Error, Options, disk};

/// A pause between two segments that are checked, so that the check takes little of the disk.
const BETWEEN_CHECKS: Duration = Duration::from_millis(200);

/// Offsets of a Kafka cluster are kept over restarts.
const KAFKA: Incarnation = *b"kafka\0\0\0\0\0\0\0\0\0\0\0";

/// A running ledger. A cheap handle.
#[derive(Clone, Debug)]
pub struct Ledger {
    service: Service,
    audit: Audit,
    anomalies: Anomalies,
    fsynced: Fsynced,
}

impl Ledger {
    /// The services, for [`lgsp_bus::serve`] under the domain `ledger`.
    pub fn routes(&self) -> Routes {
        let routes = Routes::new(LedgerServiceServer::new(self.service.clone()));
        let routes = routes.add_service(AuditServiceServer::new(self.audit.clone()));
        routes.add_service(AnomalyServiceServer::new(self.anomalies.clone()))
    }

    /// Takes the subject keys as they are now. A subject is found in the months that have one.
    pub fn replace_subject_keys(&self, keys: SubjectKeys) {
        self.audit.subjects.replace(keys);
    }

    /// The months whose subject key a decision has destroyed: their files are to go.
    pub fn destroyed_subject_keys(&self) -> watch::Receiver<BTreeSet<String>> {
        self.audit.subjects.destroyed()
    }

    /// How far entries are on disk, for the appenders of the embedded broker.
    pub fn fsynced(&self) -> Fsynced {
        self.fsynced.clone()
    }

    /// The damage to its files that was found since the start.
    pub fn damage(&self) -> Vec<Damage> {
        self.service.damages.found()
    }
}

/// The keys of a ledger.
#[derive(Debug)]
pub struct Keys {
    /// Those of the domains whose requests it watches: what is not signed under them is no gateway's.
    pub macs: MacKeys,
    /// Sign the log's checkpoints: one key, or two while it takes the other's place, itself first. Without one the log is sealed,
    /// and nothing is signed.
    pub log: Vec<SignerKey>,
    /// Signs decisions about the log, and tells by all that did before which are decisions. No gateway holds it. Without one nothing is
    /// decided.
    pub decisions: Option<MacKey>,
    /// Under which gateways signed entries before: what stands in the log may be signed with them, and nothing that arrives is.
    pub former_entries: Option<MacKey>,
}

/// Recovers the ledger's files, and starts to take entries in.
///
/// State: `intake` tells of what exchanges wait for, `filing` of what happens behind it, `sealing` of the log's seal, `files` of damage and
/// `abandoned` of the watch over requests, `usage` of the counts of the day, `retention` of what is to be forgotten, `anomalies` of what is
/// looked for; the numbers are `taken-in`, `leaves`, `sealed`, `open-requests`, `refused-requests`, `unreadable`, `bereft` and `unread-decisions`.
///
/// # Errors
/// The folder cannot be used, another ledger uses it, its stores cannot be opened, or the key of a domain that is to be
/// watched is missing. Damage to the log is no error: it is named, and the rest is read.
pub async fn start(
    options: Options,
    keys: Keys,
    bus: &Bus,
    state: &State,
    shutdown: &Shutdown,
) -> Result<Ledger, Error> {
    // Much is held while it starts: not on the stack of whoever waits for it.
    Box::pin(begin(options, keys, bus, state, shutdown)).await
}

async fn begin(
    options: Options,
    keys: Keys,
    bus: &Bus,
    state: &State,
    shutdown: &Shutdown,
) -> Result<Ledger, Error> {
    let Keys { macs, log: log_keys, decisions, former_entries } = keys;
    let watched = watched(&options, &macs, bus)?;
    let mut site = Site::open(&options.dir).await?;
    site.server = options.store();
    let damages = Damages::new(state.component("files"));
    let signers = Signers { entries: macs.counting().cloned(), former_entries, decisions };
    let head = site.take_over().await;
    // Files go on without a seal, and are sealed when their head is mended; on PostgreSQL the head keeps other ledgers out.
    let head = match head {
        Err(error) if site.server.is_some() => return Err(seal::Error::from(error).into()),
        head => head,
    };
    let erasables = site.open_erasables(head.as_ref().ok().map(|(_, head)| head.generation)).await?;
    let recovered = recover(&site, head.as_ref().ok(), (&signers, &erasables), &damages).await?;
    keep::finish_at_start(&site, (&recovered.index, &erasables), &signers).await;
    let end = recovered.end.place;
    let incarnation = if bus.is_embedded() { uuid::Uuid::new_v4().into_bytes() } else { KAFKA };
    let offsets =
        stored_offsets(&site, &recovered, head.as_ref().ok().map(|(_, head)| head), incarnation).await?;
    // Not before the writer of the newest segment, whatever became of the head: what it appends must be found again.
    let written =
        log::newest_generation(&site.log).map_err(|source| Error::File { path: site.log.clone(), source })?;
    let generation = head.as_ref().map_or(0, |(_, head)| head.generation).max(written);
    let seal = Seal::open(&options, &site, (head, recovered.end), log_keys, incarnation).await?;
    let (folder, size) = (site.journal.clone(), options.journal_size as u64);
    let journal = disk(folder.clone(), move || Journal::open(&folder, incarnation, size)).await?;

    let wires = Wires::new(&journal, bus);
    let open = Open::new(options.most_open, options.abandon_after, state.fact("open-requests"));
    let dir = site.dir.clone();
    let shelf = disk(site.dir.clone(), move || keep::Shelf::read(&dir)).await?;
    let service = Service {
        shelf: Arc::new(shelf),
        index: recovered.index.clone(),
        log: log::Reader::new(&site.log),
        filed: wires.filed(),
        followers: Followers::new(&options, shutdown.begins(Stage::NotServing)),
        open: Arc::new(open),
        damages,
    };
    let subjects = Subjects::new(erasables.destroyed().await?);
    let acts = Acts {
        index: service.index.clone(),
        erasables: erasables.clone(),
        log: service.log.clone(),
        signers: signers.clone(),
        damages: service.damages.clone(),
        archived: Arc::new(service.shelf.acts()),
        unread: state.fact("unread-decisions"),
        subjects: subjects.clone(),
        turn: Arc::default(),
        forgotten: Arc::default(),
    };
    acts.catch_up().await?;
    acts.catch_up_with_the_late().await?;
    acts.annotate_archived().await?;
    let leaving = shutdown.begins(Stage::NotServing);
    let desk = Desk::new(bus, signers.decisions.as_ref());
    let forgetting = Forgetting {
        acts: acts.clone(),
        shelf: Arc::clone(&service.shelf),
        desk: desk.clone(),
        retention: options.retention.clone(),
        filed: wires.filed(),
        component: state.component("retention"),
        stop: shutdown.begins(Stage::Drain),
    };
    let audit = Audit::new(service.clone(), erasables, seal.prover(), desk, subjects, leaving);
    let anomalies = Anomalies { audit: audit.clone(), rules: options.anomalies.digest() };
    let ledger = Ledger { fsynced: wires.fsynced.subscribe(), audit, anomalies, service };
    ledger.look_for_anomalies(&options, wires.filed(), state, shutdown);
    let mut filing =
        ledger.filing(&options, &site, (recovered, acts), (incarnation, offsets.clone()), &wires, state);
    filing.signers = signers.clone();
    filing.log.lock().generation = generation;
    filing.sealing = seal.start(&options, &site, state, shutdown);
    let read = if bus.is_embedded() { Offsets::embedded() } else { Offsets::on_kafka(&offsets) };
    let tail = bus.tail_of("ledger", topics::EXCHANGE, read.start())?;
    let usage = Arc::clone(&wires.usage);
    let intake = intake(&options, bus, (journal, read), wires, (state, shutdown));

    let lock = Arc::new(site.lock);
    run_intake(intake, tail, Arc::clone(&lock), state, shutdown)?;
    shutdown.spawn(Stage::Close, "filing of entries", async move {
        filing.run().await;
        drop(lock);
    });
    let damages = ledger.service.damages.clone();
    let check = check_log(site.log, end, damages, shutdown.begins(Stage::Drain));
    shutdown.spawn(Stage::Drain, "check of the log", check);
    shutdown.spawn(Stage::Drain, "forgetting", forgetting.run());
    ledger.watch(&options, (watched, signers.entries), bus, state, shutdown);
    ledger.tell_usage(usage, &macs, bus, state, shutdown);
    Ok(ledger)
}

/// What the parts of a ledger tell each other.
struct Wires {
    fsynced: watch::Sender<Vec<i64>>,
    durable: watch::Sender<Durable>,
    filed: watch::Sender<journal::Place>,
    hurry: Arc<Notify>,
    roll: Arc<Notify>,
    usage: Arc<Changed>,
}

impl Wires {
    fn new(journal: &Journal, bus: &Bus) -> Self {
        let partitions = usize::try_from(bus.options().exchange_partitions).unwrap_or(0);
        Self {
            fsynced: watch::Sender::new(vec![0; partitions]),
            durable: watch::Sender::new(Durable { place: journal.end(), caught_up: false }),
            filed: watch::Sender::new(journal.beginning()),
            hurry: Arc::default(),
            roll: Arc::default(),
            usage: Arc::default(),
        }
    }

    fn filed(&self) -> Filed {
        let (durable, filed) = (self.durable.subscribe(), self.filed.subscribe());
        Filed { durable, filed, hurry: Arc::clone(&self.hurry) }
    }
}

fn intake(
    options: &Options,
    bus: &Bus,
    (journal, offsets): (Journal, Offsets),
    wires: Wires,
    (state, shutdown): (&State, &Shutdown),
) -> Intake {
    Intake {
        bus: bus.clone(),
        journal,
        offsets,
        fsynced: wires.fsynced,
        durable: wires.durable,
        roll: wires.roll,
        limits: Limits {
            journal_size: options.journal_size as u64,
            most_unfiled: options.most_unfiled as u64,
        },
        component: state.component("intake"),
        taken_in: state.fact("taken-in"),
        stop: shutdown.begins(Stage::Close),
        abandoned: shutdown.abandoned(),
    }
}

impl Ledger {
    fn filing(
        &self,
        options: &Options,
        site: &Site,
        (recovered, acts): (Recovered, Acts),
        (incarnation, offsets): (Incarnation, BTreeMap<i32, i64>),
        wires: &Wires,
        state: &State,
    ) -> Filing {
        let leaves = state.fact("leaves");
        leaves.set(i64::try_from(recovered.end.leaves).unwrap_or(i64::MAX));
        let log = Log::open(&site.log, options.segment_size as u64, 0, recovered.end);
        Filing {
            journal: site.journal.clone(),
            journal_size: options.journal_size as u64,
            journal_for: options.journal_for,
            log: Arc::new(Mutex::new(log)),
            erasables: acts.erasables.clone(),
            acts,
            index: recovered.index,
            sequences: recovered.sequences,
            incarnation,
            offsets,
            at: *wires.filed.borrow(),
            durable: wires.durable.subscribe(),
            filed: wires.filed.clone(),
            hurry: Arc::clone(&wires.hurry),
            roll: Arc::clone(&wires.roll),
            followers: self.service.followers.sender(),
            open: Arc::clone(&self.service.open),
            usage: Arc::clone(&wires.usage),
            sealing: None,
            signers: Signers::default(),
            damages: self.service.damages.clone(),
            component: state.component("filing"),
            leaves,
            unreadable: state.fact("unreadable"),
            bereft: state.fact("bereft"),
            pending: None,
        }
    }
}

/// The domains whose requests are watched for exchanges without an end, where that makes sense, each with its key.
fn watched(options: &Options, macs: &MacKeys, bus: &Bus) -> Result<Vec<(String, MacKey)>, Error> {
    let watches = match options.abandon {
        Abandon::OnKafka => !bus.is_embedded(),
        Abandon::Always => true,
        Abandon::Never => false,
    };
    let domains = bus.options().domains.iter().filter(|_| watches);
    let keyed = domains.map(|domain| match macs.key(domain) {
        Some(key) => Ok((domain.clone(), key.clone())),
        None => Err(Error::KeyMissing { domain: domain.clone() }),
    });
    keyed.collect()
}

impl Ledger {
    fn watch(
        &self,
        options: &Options,
        (watched, signs): (Vec<(String, MacKey)>, Option<MacKey>),
        bus: &Bus,
        state: &State,
        shutdown: &Shutdown,
    ) {
        if watched.is_empty() {
            return;
        }
        let stop = shutdown.begins(Stage::Drain);
        for (domain, key) in watched {
            let requests = Requests {
                bus: bus.clone(),
                domain,
                key,
                open: Arc::clone(&self.service.open),
                refused: state.fact("refused-requests"),
            };
            shutdown.spawn(Stage::Drain, "reading of requests", requests.read(stop.clone()));
        }
        let abandoner = Abandoner {
            bus: bus.clone(),
            key: signs,
            open: Arc::clone(&self.service.open),
            index: self.service.index.clone(),
            fsynced: self.fsynced.clone(),
            filed: self.service.filed.clone(),
            after: options.abandon_after,
            component: state.component("abandoned"),
        };
        shutdown.spawn(Stage::Drain, "entering of abandoned exchanges", abandoner.run(stop));
    }
}

impl Ledger {
    fn look_for_anomalies(&self, options: &Options, filed: Filed, state: &State, shutdown: &Shutdown) {
        let watch = Watch {
            index: self.service.index.clone(),
            options: Arc::from(options.anomalies.clone()),
            filed,
            component: state.component("anomalies"),
        };
        let stop = shutdown.begins(Stage::Drain);
        shutdown.spawn(Stage::Drain, "looking for anomalies", watch.run(stop));
    }

    /// Without the key of those who count, nobody would believe the counts.
    fn tell_usage(
        &self,
        changed: Arc<Changed>,
        macs: &MacKeys,
        bus: &Bus,
        state: &State,
        shutdown: &Shutdown,
    ) {
        let Some(key) = macs.counting() else { return };
        let teller = Teller {
            bus: bus.clone(),
            key: key.clone(),
            index: self.service.index.clone(),
            changed,
            filed: self.service.filed.clone(),
            component: state.component("usage"),
        };
        let stop = shutdown.begins(Stage::Drain);
        shutdown.spawn(Stage::Drain, "telling of usage", teller.run(stop));
    }
}

/// Runs the intake on a thread of its own: an fsync blocks nobody else, and nobody else delays an fsync.
fn run_intake(
    intake: Intake,
    tail: Tail,
    lock: Arc<File>,
    state: &State,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    const NAME: &str = "intake of entries";
    let (hold, state, runtime) = (shutdown.hold(Stage::Close, NAME), state.clone(), Handle::current());
    let run = move || {
        let running = || runtime.block_on(tokio::task::unconstrained(intake.run(tail)));
        // The payload may hold a piece of an entry: it is neither logged nor kept.
        if std::panic::catch_unwind(AssertUnwindSafe(running)).is_err() {
            error!(task = NAME, "task panicked");
            state.task_panicked(NAME);
        }
        drop((lock, hold));
    };
    let spawned = std::thread::Builder::new().name("lgsp-ledger".to_owned()).spawn(run);
    spawned.map(drop).map_err(|source| Error::Thread { source })
}

/// Reads the whole log once, behind everything else, and names what is damaged.
async fn check_log(folder: PathBuf, end: Place, damages: Damages, stop: CancellationToken) {
    let shelf = folder.parent().map(keep::Shelf::read).and_then(Result::ok).unwrap_or_default();
    for number in (1..=end.segment).filter(|number| !shelf.has_segment(*number)) {
        let of = folder.clone();
        let checked = disk(folder.clone(), move || log::check(&of, number, end));
        match checked.await {
            Ok(damage) => damage.into_iter().for_each(|damage| damages.note(damage)),
            Err(error) => warn!(%error, number, "a segment of the log could not be checked"),
        }
        if timeout(BETWEEN_CHECKS, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}
