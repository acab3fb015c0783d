//! Keeps the topic in step with the rules.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_bus::{Bus, Record, Start, Tail, Tailed, topics};
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::Snapshot;
use lgsp_runtime::Component;
use lgsp_runtime::state::Fact;
use prost::Message;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::changes::Look;
use crate::kept::Kept;
use crate::next::{Known, Next, OnTopic, next, next_of};
use crate::origin::Origin;
use crate::register::Register;
use crate::registry::name_of_topic;
use crate::rules::{Checked, Folder, check, content_digest};
use crate::service::{Filed, Published};
use crate::sign::SnapshotKey;
use crate::{Error, Options};

/// The key of the snapshot on its topic.
const SNAPSHOT: &[u8] = b"snapshot";
/// How long to wait before publishing is tried again. It also bounds how often a displaced snapshot is repeated.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// What to do when two hubs publish on one topic.
const OF_ITS_OWN: &str = "give each its own kafka.namespace, or name the key that signed for this one before as registry.former-keys";
/// How long the store may take to give the rules a later revision.
const LIFTING: Duration = Duration::from_secs(5);

/// Publishes the rules, and whatever they become.
pub(crate) struct Publisher {
    pub bus: Bus,
    pub options: Options,
    pub key: SnapshotKey,
    /// What decides about the rules, if it is not the files.
    pub register: Option<Arc<Register>>,
    pub checked: Checked,
    /// Digest of the folder that was looked at last, good or bad.
    pub looked_at: [u8; 32],
    pub kept: Kept,
    pub last_kept: Option<Known>,
    /// Whether rules from here have been on this very topic.
    pub has_published_here: bool,
    /// Whether it is kept that they were.
    pub has_kept_topic: bool,
    pub on_topic: OnTopic,
    pub current: watch::Sender<Option<Arc<Published>>>,
    pub rules: Component,
    pub topic: Component,
    pub revision: Fact,
}

impl Publisher {
    /// Runs until `close`.
    pub async fn run(mut self, mut origin: Origin, mut tail: Tail, close: CancellationToken) {
        let mut caught_up = false;
        let mut due: Option<Instant> = None;
        self.topic.starting("waits for the broker");
        loop {
            tokio::select! {
                () = close.cancelled() => return,
                look = origin.next() => {
                    if self.look(look).await {
                        due = Some(Instant::now());
                    }
                }
                tailed = tail.next() => match tailed {
                    Ok(Tailed::Record(record)) => {
                        if !self.take_in(&record) && caught_up {
                            due.get_or_insert(Instant::now() + TRY_AGAIN);
                        }
                    }
                    Ok(Tailed::CaughtUp) => {
                        caught_up = true;
                        due = Some(Instant::now());
                        if self.is_another_hubs() {
                            error!(kafka_namespace = ?self.bus.options().namespace, "the topic of the rules holds those of another hub: {OF_ITS_OWN}");
                            self.topic.failed("holds the rules of another hub: kafka.namespace has to be one of this hub's own");
                        }
                    }
                    Err(error) => {
                        tail = self.tail_again(error, tail).await;
                        // What was there may be gone: it is read anew before anything is published.
                        (self.on_topic, caught_up) = (OnTopic::default(), false);
                    }
                },
                () = at(due), if caught_up && !self.is_another_hubs() => {
                    due = match self.publish().await {
                        Ok(()) => None,
                        Err(error) => {
                            warn!(%error, "the rules could not be published");
                            self.topic.failed("the rules could not be published");
                            Some(Instant::now() + TRY_AGAIN)
                        }
                    };
                }
            }
        }
    }

    /// Whether only somebody else's rules are on the topic, and we have never published any there: who comes second yields. What we have
    /// published ourselves nobody takes away by writing over it.
    fn is_another_hubs(&self) -> bool {
        self.on_topic.displaced && self.on_topic.latest.is_none() && !self.has_published_here
    }

    /// Looks at the rules. Returns whether there are new ones to publish; bad ones are refused and the old ones stay.
    async fn look(&mut self, look: Look) -> bool {
        if self.register.is_some() {
            return true;
        }
        let folder = match read(self.options.rules.clone()).await {
            Ok(folder) => folder,
            Err(error) => {
                warn!(%error, "the rules cannot be read");
                self.rules.degraded("the rules cannot be read; the old ones stay");
                return false;
            }
        };
        let digest = folder.digest();
        if look == Look::Perhaps && digest == self.looked_at {
            return false;
        }
        self.looked_at = digest;
        match check(&folder, &self.options.environment) {
            Ok(checked) => {
                self.rules.ready();
                let changed = content_digest(&checked.snapshot) != content_digest(&self.checked.snapshot);
                self.checked = checked;
                changed
            }
            Err(problems) => {
                for problem in &problems.all {
                    warn!(%problem, "a change of the rules is refused");
                }
                self.rules.degraded("a change of the rules is refused; the old ones stay");
                false
            }
        }
    }

    /// Takes in a record of the topic. Returns false if the snapshot has to be published again.
    fn take_in(&mut self, record: &Record) -> bool {
        if record.key.as_deref() != Some(SNAPSHOT) {
            return self.take_in_contract(record);
        }
        let stands = self.on_topic.take_in(
            &self.key,
            &self.options.environment,
            record.value.as_deref().unwrap_or_default(),
        );
        if !stands {
            error!(
                offset = record.offset,
                "somebody else wrote a snapshot over ours; if it is another hub: {OF_ITS_OWN}"
            );
        }
        let theirs = self.on_topic.latest.as_ref().map_or(0, Known::revision);
        if let Some(register) = &self.register {
            // Another registry of the same history is ahead, or the history is not the one that was published.
            return stands && theirs <= register.now().catalogue.revision;
        }
        if i64::try_from(theirs).is_ok_and(|theirs| theirs > self.revision.get()) && self.revision.get() > 0 {
            warn!(revision = theirs, "another registry has published other rules");
            self.topic.degraded("another registry has published other rules");
        }
        stands
    }

    /// The same for a contract, if it is one that gateways need.
    fn take_in_contract(&mut self, record: &Record) -> bool {
        let Some(key) = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else {
            return true;
        };
        let value = record.value.as_deref().unwrap_or_default();
        let stands =
            self.on_topic.take_in_contract(key, value) || !self.checked.descriptors.contains_key(key);
        if !stands {
            error!(offset = record.offset, "somebody else wrote over a contract");
        }
        stands
    }

    async fn tail_again(&self, error: lgsp_bus::Error, tail: Tail) -> Tail {
        warn!(%error, "reading the rules' topic has ended; beginning again");
        self.topic.degraded("the topic of the rules cannot be read");
        sleep_until(Instant::now() + TRY_AGAIN).await;
        self.bus.tail(topics::REGISTRY, Start::Beginning).unwrap_or(tail)
    }

    async fn publish(&mut self) -> Result<(), Error> {
        let held = self.register.as_ref().map(|register| register.now());
        if let Some(held) = &held {
            self.checked = held.checked.clone();
        }
        let content = content_digest(&self.checked.snapshot);
        let next = match &held {
            None => next(content, &self.on_topic, self.last_kept.as_ref()),
            Some(held) => next_of(held.catalogue.revision, content, &self.on_topic, self.kept_here()),
        };
        let known = match next {
            Next::Stands(known) => {
                self.put_contracts(|on_topic, key| on_topic.lacks_contract(key)).await?;
                known
            }
            Next::Repeat(known) => {
                self.put_contracts(|_, _| true).await?;
                self.put(&known).await?;
                known
            }
            Next::New(revision) => {
                let known = self.sign(revision)?;
                // Kept first: a revision that somebody may have seen must never be given again to other rules.
                self.keep(&known).await?;
                self.put_contracts(|on_topic, key| on_topic.lacks_contract(key)).await?;
                self.put(&known).await?;
                known
            }
            Next::Lift(published) => {
                let seen = held.map_or(0, |held| held.catalogue.revision);
                return self.lift(published, seen).await;
            }
        };
        if self.last_kept.as_ref().map(Known::revision) != Some(known.revision()) {
            self.keep(&known).await?;
        }
        let revision = i64::try_from(known.revision()).unwrap_or(i64::MAX);
        if revision != self.revision.get() {
            info!(revision, "rules published");
        }
        self.revision.set(revision);
        self.topic.ready();
        let filed = self.register.is_none();
        let filed = filed.then(|| Filed::of(&self.checked, known.revision(), unix_micros(SystemTime::now())));
        let published = Published::new(known.snapshot.clone(), &self.checked.descriptors, filed);
        self.current.send_replace(Some(Arc::new(published)));
        self.on_topic.holds(known);
        self.has_published_here = true;
        if !self.has_kept_topic {
            let (kept, topic) = (self.kept.clone(), name_of_topic(&self.bus));
            on_disk(move || kept.write_topic(&topic)).await?;
            self.has_kept_topic = true;
        }
        Ok(())
    }

    /// What is published is not of our history. A later revision comes back to us as new rules.
    async fn lift(&self, published: u64, seen: u64) -> Result<(), Error> {
        let Some(register) = &self.register else { return Ok(()) };
        register.lift(published, seen, LIFTING).await?;
        Ok(())
    }

    fn sign(&self, revision: u64) -> Result<Known, Error> {
        let published = Some(timestamp(unix_micros(SystemTime::now())));
        let snapshot = Snapshot { revision, published, ..self.checked.snapshot.clone() };
        let record = self.key.sign(&snapshot).encode_to_vec();
        Known::open(&self.key, &record).ok_or(Error::Key)
    }

    /// Puts contracts before the snapshot, so that whoever has that has what it needs.
    async fn put_contracts(&mut self, wanted: impl Fn(&OnTopic, &str) -> bool) -> Result<(), Error> {
        for (key, descriptor_set) in &self.checked.descriptors {
            if wanted(&self.on_topic, key) {
                self.bus.publish(topics::REGISTRY, Some(0), key.as_bytes(), descriptor_set, &[]).await?;
                self.on_topic.holds_contract(key);
            }
        }
        Ok(())
    }

    async fn put(&self, known: &Known) -> Result<(), Error> {
        self.bus.publish(topics::REGISTRY, Some(0), SNAPSHOT, &known.record, &[]).await?;
        Ok(())
    }

    /// What was kept of the environment that is published from here.
    fn kept_here(&self) -> Option<&Known> {
        let is_of_here = |kept: &&Known| kept.snapshot.environment == self.options.environment;
        self.last_kept.as_ref().filter(is_of_here)
    }

    /// Keeps what was published last; an older revision never takes the place of a newer one.
    async fn keep(&mut self, known: &Known) -> Result<(), Error> {
        if self.kept_here().is_some_and(|kept| kept.revision() > known.revision()) {
            return Ok(());
        }
        let (kept, record) = (self.kept.clone(), known.record.clone());
        on_disk(move || kept.write(&record)).await?;
        self.last_kept = Some(known.clone());
        Ok(())
    }
}

/// Reads the folder of the rules.
pub(crate) async fn read(path: PathBuf) -> Result<Folder, Error> {
    on_disk(move || Folder::read(&path).map_err(|source| Error::Unreadable { path, source })).await
}

/// Runs what blocks on the disk where it may.
pub(crate) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Error::Watch(std::io::Error::other(error))))
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
