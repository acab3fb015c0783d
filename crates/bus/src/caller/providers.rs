//! Who serves which domain, as heard in heartbeats, and which partition a request goes to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lgsp_core::{Fault, Reason};
use lgsp_proto::monitor::v1::{Heartbeat, MaintenanceWindow};
use parking_lot::Mutex;
use serde::Serialize;

use crate::heartbeat::LIVES;
use crate::{Error, Options, topics};

/// Only who has listened for so long knows that nobody serves a domain.
const LISTENED: Duration = Duration::from_secs(3);
/// How long a silent instance is still shown, and its last heartbeat remembered: for longer than a repeat of it is believed.
pub(super) const SHOWN: Duration = Duration::from_secs(30);
/// What a provider is taken to work on at once that does not tell: little, as the smallest do.
const UNTOLD: usize = 8;
/// Most instances of one domain.
const MOST_INSTANCES: usize = 256;
/// Who alone is believed about maintenance.
const MONITOR: &str = "monitor";
/// Most announcements that are remembered.
const MOST_WINDOWS: usize = 32;

/// An instance that serves a domain, as its last heartbeat told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provider {
    /// The domain.
    pub domain: String,
    /// The instance.
    pub instance: String,
    /// Its version.
    pub version: String,
    /// The partitions that it owns.
    pub partitions: Vec<i32>,
    /// Most requests that it works on at once; 0: not told.
    pub capacity: u32,
    /// Whether it was heard just now.
    pub live: bool,
    /// Whether it said that it leaves.
    pub leaving: bool,
    /// Milliseconds since it was heard.
    pub silent_ms: u64,
}

/// What was heard, and what is in flight.
pub(crate) struct Directory {
    domains: HashMap<String, Arc<Domain>>,
    hearing: Mutex<Hearing>,
    /// Announced maintenance, as the monitor told last. It holds until its end, also when the monitor has died.
    windows: Mutex<Vec<MaintenanceWindow>>,
    /// Which of an instance's partitions is ours: Kafka's cost is per batch, and a batch is of one partition. `None` on the
    /// embedded broker, which keeps only 5 MiB of each: there all are used.
    home: Option<usize>,
}

/// Whether we hear at all: our own heartbeats come back, too.
#[derive(Default)]
struct Hearing {
    since: Option<Instant>,
    last: Option<Instant>,
}

struct Domain {
    topic: String,
    in_flight: Box<[AtomicU32]>,
    /// Where the next look for the least loaded partition begins, so that ties go round.
    turn: AtomicUsize,
    instances: Mutex<BTreeMap<String, Heard>>,
}

struct Heard {
    at: Instant,
    version: String,
    partitions: Vec<i32>,
    capacity: u32,
    leaving: bool,
    /// The sender's own time, Unix µs.
    sent_us: i64,
}

impl Heard {
    fn is_live(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < LIVES
    }

    fn used(&self, home: Option<usize>) -> &[i32] {
        match home {
            Some(home) if !self.partitions.is_empty() => {
                let at = home % self.partitions.len();
                &self.partitions[at..=at]
            }
            Some(_) | None => &self.partitions,
        }
    }
}

/// A request counted on its partition until this is dropped.
pub(crate) struct Load {
    domain: Arc<Domain>,
    partition: usize,
}

impl Load {
    pub(crate) fn topic(&self) -> &str {
        &self.domain.topic
    }

    pub(crate) fn partition(&self) -> i32 {
        self.partition as i32
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.domain.in_flight[self.partition].fetch_sub(1, Ordering::Relaxed);
    }
}

impl Directory {
    /// The view of a caller; `home`, which is not negative, spreads callers over the partitions of an instance.
    pub(crate) fn new(options: &Options, home: i32) -> Self {
        let partitions = usize::try_from(options.request_partitions).unwrap_or(1).max(1);
        let domain = |name: &str| Domain {
            topic: topics::request(name),
            in_flight: (0..partitions).map(|_| AtomicU32::new(0)).collect(),
            turn: AtomicUsize::new(0),
            instances: Mutex::default(),
        };
        let domains = options.domains.iter().map(|name| (name.clone(), Arc::new(domain(name)))).collect();
        Self {
            domains,
            hearing: Mutex::default(),
            windows: Mutex::default(),
            home: options.brokers.is_some().then_some(usize::try_from(home).unwrap_or(0)),
        }
    }

    /// Chooses a partition with a live owner and the fewest in flight. When unsure who owns what, any partition: the
    /// deadline decides.
    pub(crate) fn choose(&self, name: &str) -> Result<Load, Fault> {
        let Some(domain) = self.domains.get(name) else {
            return Err(Fault::new(Reason::NoProvider).because(Error::DomainUnknown(name.to_owned())));
        };
        let now = Instant::now();
        let choice = domain.owned(now, self.home);
        if choice.nobody && (choice.all_leave || self.has_listened(now)) {
            return Err(Reason::NoProvider.into());
        }
        Ok(domain.least_loaded(&choice.owned))
    }

    fn has_listened(&self, now: Instant) -> bool {
        let hearing = self.hearing.lock();
        let hears = hearing.last.is_some_and(|last| now.saturating_duration_since(last) < LIVES);
        hears && hearing.since.is_some_and(|since| now.saturating_duration_since(since) >= LISTENED)
    }

    /// Hears a heartbeat whose claim is proven. Tells whether it is a new one: one that is not later than what was heard of its
    /// instance is a repeat, and keeps nobody alive.
    pub(crate) fn hear(&self, heartbeat: Heartbeat, now: Instant) -> bool {
        let mut hearing = self.hearing.lock();
        if hearing.last.is_none_or(|last| now.saturating_duration_since(last) >= LIVES) {
            hearing.since = Some(now);
        }
        hearing.last = Some(now);
        drop(hearing);

        let Some(domain) = self.domains.get(&heartbeat.domain) else { return true };
        let mut instances = domain.instances.lock();
        instances.retain(|_, heard| now.saturating_duration_since(heard.at) < SHOWN);
        match instances.get(&heartbeat.instance) {
            Some(heard) if heartbeat.sent_us <= heard.sent_us => return false,
            None if instances.len() >= MOST_INSTANCES => return true,
            Some(_) | None => {}
        }
        let Heartbeat { instance, version, mut partitions, capacity, leaving, sent_us, mut windows, .. } =
            heartbeat;
        if heartbeat.domain == MONITOR {
            windows.truncate(MOST_WINDOWS);
            *self.windows.lock() = windows;
        }
        partitions.sort_unstable();
        instances.insert(instance, Heard { at: now, version, partitions, capacity, leaving, sent_us });
        true
    }

    /// Until when announced maintenance runs that is about a domain: its provider, one of its sources, or the broker.
    pub(crate) fn maintenance_until(&self, domain: &str, now_us: i64) -> Option<i64> {
        let is_about = |link: &String| match link.split_once('/') {
            Some(("broker", _)) => true,
            Some(("provider", name)) => name == domain,
            Some(("source", name)) => name.split('/').next() == Some(domain),
            Some(_) | None => false,
        };
        let windows = self.windows.lock();
        let running = windows.iter().filter(|window| (window.from_us..window.until_us).contains(&now_us));
        running.filter(|window| window.links.iter().any(is_about)).map(|window| window.until_us).max()
    }

    /// How many requests the live providers of a domain work on at once. When unsure who serves it, as one that tells nothing.
    pub(crate) fn capacity(&self, name: &str) -> usize {
        let Some(domain) = self.domains.get(name) else { return 0 };
        let (now, instances) = (Instant::now(), domain.instances.lock());
        let serving = instances
            .values()
            .filter(|heard| heard.is_live(now) && !heard.leaving && !heard.partitions.is_empty());
        let capacity =
            serving.map(|heard| if heard.capacity == 0 { UNTOLD } else { heard.capacity as usize });
        capacity.reduce(usize::saturating_add).unwrap_or(UNTOLD)
    }

    pub(crate) fn providers(&self) -> Vec<Provider> {
        let now = Instant::now();
        let mut providers = Vec::new();
        for (name, domain) in &self.domains {
            for (instance, heard) in domain.instances.lock().iter() {
                let silent = now.saturating_duration_since(heard.at);
                providers.push(Provider {
                    domain: name.clone(),
                    instance: instance.clone(),
                    version: heard.version.clone(),
                    partitions: heard.partitions.clone(),
                    capacity: heard.capacity,
                    live: heard.is_live(now),
                    leaving: heard.leaving,
                    silent_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
                });
            }
        }
        providers.sort_by(|a, b| (&a.domain, &a.instance).cmp(&(&b.domain, &b.instance)));
        providers
    }
}

/// What is known of a domain's owners at one moment.
struct Choice {
    /// Whether a request may go to a partition: it has a live owner that stays, and is the one of its owner's that we use.
    owned: Vec<bool>,
    /// No live instance stays, whether it owns something or is about to.
    nobody: bool,
    /// There are live instances, and all of them leave.
    all_leave: bool,
}

impl Domain {
    fn owned(&self, now: Instant, home: Option<usize>) -> Choice {
        let mut choice = Choice { owned: vec![false; self.in_flight.len()], nobody: true, all_leave: false };
        let instances = self.instances.lock();
        for heard in instances.values().filter(|heard| heard.is_live(now)) {
            if heard.leaving {
                choice.all_leave = true;
                continue;
            }
            choice.nobody = false;
            for partition in heard.used(home) {
                let owned =
                    usize::try_from(*partition).ok().and_then(|partition| choice.owned.get_mut(partition));
                if let Some(owned) = owned {
                    *owned = true;
                }
            }
        }
        choice.all_leave &= choice.nobody;
        choice
    }

    fn least_loaded(self: &Arc<Self>, owned: &[bool]) -> Load {
        let any = !owned.contains(&true);
        let count = self.in_flight.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let candidates =
            (0..count).map(|step| (turn + step) % count).filter(|partition| any || owned[*partition]);
        let least = candidates.min_by_key(|partition| self.in_flight[*partition].load(Ordering::Relaxed));
        let partition = least.unwrap_or(0);
        self.in_flight[partition].fetch_add(1, Ordering::Relaxed);
        Load { domain: self.clone(), partition }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAND: &str = "land";

    fn directory() -> Directory {
        Directory::new(&Options { request_partitions: 4, ..Options::default() }, 0)
    }

    fn heartbeat(instance: &str, partitions: &[i32]) -> Heartbeat {
        let partitions = partitions.to_vec();
        Heartbeat {
            instance: instance.to_owned(),
            domain: LAND.to_owned(),
            partitions,
            sent_us: 1,
            ..Heartbeat::default()
        }
    }

    fn ago(duration: Duration) -> Instant {
        Instant::now().checked_sub(duration).unwrap()
    }

    fn refused(directory: &Directory) -> bool {
        directory.choose(LAND).is_err_and(|fault| fault.reason() == Reason::NoProvider)
    }

    #[test]
    fn a_partition_with_a_live_owner_and_the_fewest_in_flight_is_chosen() {
        let directory = directory();
        directory.hear(heartbeat("a", &[1, 3]), Instant::now());
        let held: Vec<Load> = (0..4).map(|_| directory.choose(LAND).unwrap()).collect();
        let on = |partition: i32| held.iter().filter(|load| load.partition() == partition).count();
        assert_eq!((on(1), on(3)), (2, 2));
    }

    #[test]
    fn on_kafka_a_caller_uses_one_partition_of_each_instance_and_balances_the_instances() {
        let options =
            Options { request_partitions: 4, brokers: Some("kafka:9092".to_owned()), ..Options::default() };
        let directory = Directory::new(&options, 5);
        directory.hear(heartbeat("a", &[2, 0]), Instant::now());
        directory.hear(heartbeat("b", &[1, 3]), Instant::now());
        let held: Vec<Load> = (0..6).map(|_| directory.choose(LAND).unwrap()).collect();
        let on = |partition: i32| held.iter().filter(|load| load.partition() == partition).count();
        assert_eq!((on(0), on(1), on(2), on(3)), (0, 0, 3, 3));
    }

    #[test]
    fn a_domain_works_on_as_much_as_its_live_providers_that_stay() {
        let directory = directory();
        assert_eq!(directory.capacity(LAND), UNTOLD, "who is unsure is careful");
        assert_eq!(directory.capacity("nowhere"), 0);
        let tells = |instance, capacity| Heartbeat { capacity, ..heartbeat(instance, &[0]) };
        directory.hear(tells("a", 100), Instant::now());
        directory.hear(tells("b", 20), Instant::now());
        directory.hear(tells("silent", 300), ago(LIVES + LIVES));
        directory.hear(Heartbeat { leaving: true, ..tells("leaving", 500) }, Instant::now());
        assert_eq!(directory.capacity(LAND), 120);
        directory.hear(tells("documented", 0), Instant::now());
        assert_eq!(directory.capacity(LAND), 120 + UNTOLD);
    }

    #[test]
    fn the_monitor_alone_is_believed_about_maintenance_and_what_it_said_holds_until_its_end() {
        let says = |link: &str| {
            let options = Options { domains: vec!["land".into(), "monitor".into()], ..Options::default() };
            let directory = Directory::new(&options, 0);
            let tell = |domain: &str, links: &[&str]| {
                let links = links.iter().map(|link| (*link).to_owned()).collect();
                let windows = vec![MaintenanceWindow { links, from_us: 10, until_us: 20 }];
                let instance = format!("{domain}-1");
                let said = Heartbeat {
                    domain: domain.to_owned(),
                    windows,
                    sent_us: 1,
                    ..heartbeat(&instance, &[0])
                };
                directory.hear(said, ago(LIVES + LIVES));
            };
            tell("land", &["broker/kafka"]);
            assert_eq!(directory.maintenance_until("land", 10), None);
            tell("monitor", &[link]);
            [9, 10, 19, 20].map(|now| directory.maintenance_until("land", now))
        };
        let runs = [None, Some(20), Some(20), None];
        for link in ["provider/land", "source/land/office", "broker/kafka"] {
            assert_eq!(says(link), runs, "{link}");
        }
        for link in ["provider/health", "source/landing/office", "application/land"] {
            assert_eq!(says(link), [None; 4], "{link}");
        }
    }

    #[test]
    fn a_silent_instance_is_routed_around() {
        let directory = directory();
        directory.hear(heartbeat("dead", &[0, 1]), ago(LIVES + LIVES));
        directory.hear(heartbeat("alive", &[2, 3]), Instant::now());
        for _ in 0..20 {
            assert!(directory.choose(LAND).unwrap().partition() >= 2);
        }
    }

    #[test]
    fn a_repeated_heartbeat_keeps_nobody_alive_and_brings_nobody_back() {
        let directory = directory();
        let at = |sent_us| Heartbeat { sent_us, ..heartbeat("dead", &[0, 1]) };
        assert!(directory.hear(at(7), ago(LIVES + LIVES)));
        for repeated in [7, 6, 0] {
            assert!(!directory.hear(at(repeated), Instant::now()), "{repeated}");
        }
        assert!(directory.providers().iter().all(|provider| !provider.live));
        assert!(directory.hear(at(8), Instant::now()));
        assert!(directory.providers().iter().all(|provider| provider.live));
    }

    #[test]
    fn when_unsure_it_sends() {
        assert!(!refused(&directory()), "it has heard nothing at all");
        let directory = directory();
        directory.hear(Heartbeat::default(), Instant::now());
        assert!(!refused(&directory), "it has not listened for long");
        directory.hear(heartbeat("joining", &[]), Instant::now());
        assert!(!refused(&directory), "somebody is about to own partitions");
    }

    #[test]
    fn who_has_listened_and_heard_no_owner_refuses() {
        let directory = directory();
        for millis in (0..=4_000).rev().step_by(1_000) {
            directory.hear(Heartbeat::default(), ago(Duration::from_millis(millis)));
        }
        assert!(refused(&directory));
        directory.hear(heartbeat("new", &[0]), Instant::now());
        assert!(!refused(&directory));
    }

    #[test]
    fn after_a_silence_it_listens_anew_before_it_refuses() {
        let directory = directory();
        for millis in [20_000, 19_000, 0] {
            directory.hear(Heartbeat::default(), ago(Duration::from_millis(millis)));
        }
        assert!(!refused(&directory));
    }

    #[test]
    fn an_instance_whose_clock_was_stepped_back_is_heard_again_once_its_last_heartbeat_is_forgotten() {
        let at = |sent_us| Heartbeat { sent_us, ..heartbeat("stepped", &[0, 1]) };
        let (directory, begun) = (directory(), Instant::now());
        assert!(directory.hear(at(3_600_000_000), begun));
        assert!(!directory.hear(at(1), begun + SHOWN / 2));
        assert!(directory.hear(at(2), begun + SHOWN), "what is refused does not keep the last one in mind");
    }

    #[test]
    fn it_refuses_at_once_when_all_leave() {
        let directory = directory();
        directory.hear(Heartbeat { leaving: true, ..heartbeat("a", &[0, 1]) }, Instant::now());
        assert!(refused(&directory));
        directory.hear(heartbeat("b", &[2]), Instant::now());
        assert_eq!(directory.choose(LAND).unwrap().partition(), 2);
    }
}
