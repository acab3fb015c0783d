//! Takes old segments of the log out of the ledger, into archives of a month each.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lgsp_core::ExchangeId;
use lgsp_core::time::{month, unix_micros};
use lgsp_proto::ledger::v1::{Phase, Sealed};
use lgsp_tlog::{Checkpoint, Note, leaf_hash};

use super::finish::finish;
use super::parts::{self, Parts};
use super::set::{self, copy_file, unfinished};
use super::shelf::{Numbers, Span, Stub};
use super::{Error, Manifest, Part, Segment, Shelf, Step, Stopped, Tell, damaged, file, verify};
use crate::entry::{Key, Read, Signed, Signers, is_part_of, read_sealed};
use crate::erasable::Erasables;
use crate::files::log::{self, Leaf};
use crate::files::segment;
use crate::seal::Hashes;
use crate::{Keys, Options};

/// What is younger stays, however short the online period is: the topic may bring its entries once more, and they must fold.
const YOUNGEST: Duration = Duration::from_secs(31 * 24 * 3_600);

/// So many whole segments in a row that are too young end the looking: what is behind them is younger yet, but for the clock of a gateway
/// that is wrong.
const YOUNG_IN_A_ROW: usize = 16;

/// What an archiving did.
#[derive(Clone, Debug, Default)]
pub struct Archived {
    /// The archives that were made, or found finished.
    pub archives: Vec<Manifest>,
    /// Old segments that stay online.
    pub kept: Vec<Kept>,
}

/// A segment that stays, though it is old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub segment: u64,
    /// Why it stays.
    pub why: Online,
}

/// Why an old segment stays online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Online {
    /// Exchanges in it are held: so many.
    Held(usize),
    /// A decision in it is not carried out yet.
    Undecided,
    /// It is not as it was sealed.
    Damaged,
}

/// Segments that can go, and what is kept of them.
#[derive(Default)]
struct Old {
    spans: Vec<Span>,
    /// When the first and the last of their entries were entered, and admitted: of those that count.
    entered: Option<(i64, i64)>,
    admitted: Option<(i64, i64)>,
    exchanges: Vec<ExchangeId>,
    gateways: BTreeMap<String, Numbers>,
    acts: Vec<(u64, String)>,
}

impl Old {
    fn of(span: Span, leaves: &[Leaf], reads: &[Read]) -> Self {
        let mut old = Self { spans: vec![span], ..Self::default() };
        old.exchanges = reads.iter().map(|read| read.key.exchange).collect();
        for (leaf, read) in leaves.iter().zip(reads).filter(|(_, read)| read.signed.counts()) {
            let Sealed { entered_us, admitted_us, .. } = read.sealed;
            old.entered = around(old.entered, Some((entered_us, entered_us)));
            old.admitted = around(old.admitted, Some((admitted_us, admitted_us)));
            if let Some((gateway, number)) = crate::sequences::number_of(read) {
                old.gateways.entry(gateway.to_owned()).or_default().take_in(number, entered_us);
            }
            if read.key.phase == Phase::Act {
                old.acts.push((leaf.number, BASE64_STANDARD.encode(&leaf.sealed)));
            }
        }
        old
    }

    /// Takes in what stands behind it in the log.
    fn append(&mut self, next: Self) {
        self.spans.extend(next.spans);
        self.entered = around(self.entered, next.entered);
        self.admitted = around(self.admitted, next.admitted);
        self.exchanges.extend(next.exchanges);
        for (gateway, numbers) in next.gateways {
            self.gateways.entry(gateway).or_default().append(numbers);
        }
        self.acts.extend(next.acts);
    }

    fn month(&self) -> String {
        month(self.entered.map_or(0, |(_, last)| last))
    }

    fn stub(self, manifest: &Manifest, dir: PathBuf) -> (Stub, Vec<ExchangeId>) {
        let stub = Stub {
            name: manifest.name.clone(),
            dir,
            digest: manifest.digest(),
            since_us: manifest.since_us,
            until_us: manifest.until_us,
            admitted_us: self.admitted,
            segments: self.spans,
            gateways: self.gateways,
            acts: self.acts,
        };
        (stub, self.exchanges)
    }
}

/// From the first to the last of two times.
fn around(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

/// Moves the whole segments whose entries were all entered before a moment (Unix µs) to archives below a folder.
///
/// # Errors
/// A ledger runs, the moment is not past for long enough, an archive does not hold, or a file or store cannot be used. What was
/// archived before that stays archived.
pub async fn archive(
    options: &Options,
    keys: &Keys,
    before_us: i64,
    to: &Path,
    tell: Tell<'_>,
) -> Result<Archived, Error> {
    let youngest = unix_micros(SystemTime::now() - YOUNGEST);
    if before_us > youngest {
        let days = YOUNGEST.as_secs() / 86_400;
        return Err(Error::Refused(format!(
            "entries of the last {days} days stay in the ledger: name an earlier month with --before"
        )));
    }
    super::in_files(options)?;
    let stopped = Stopped::open(options).await?;
    let signed = signed(&options.dir)?;
    let (index, erasables) = stopped.stores(keys).await?;
    let mut shelf = Shelf::read(&options.dir).map_err(file(&options.dir))?;
    let (stores, signers) = ((&index, &erasables), keys.signers());
    finish(&stopped.site, &shelf, stores, &signers, tell).await?;
    fs::create_dir_all(to).map_err(file(to))?;
    let to = to.canonicalize().map_err(file(to))?;
    let mut archived = Archived::default();
    let mut work =
        Work { options, stopped: &stopped, signed, erasables: &erasables, signers: signers.clone() };
    let (mut group, mut unsigned, mut young) = (Old::default(), Old::default(), 0);
    for (number, first, next) in work.candidates(&shelf)? {
        tell(Step::Reading { done: first, of: work.stopped.head.tree.size });
        let old = match work.look(Span { number, first, next }, before_us).await? {
            Looked::Young if young == YOUNG_IN_A_ROW => break,
            Looked::Young => {
                young += 1;
                unsigned = Old::default();
                continue;
            }
            Looked::PartlyYoung => {
                (unsigned, young) = (Old::default(), 0);
                continue;
            }
            Looked::Stays(why) => {
                archived.kept.push(Kept { segment: number, why });
                continue;
            }
            Looked::Unsigned(old) => {
                unsigned.append(*old);
                continue;
            }
            Looked::Old(old) => *old,
        };
        young = 0;
        let mut next = std::mem::take(&mut unsigned);
        next.append(old);
        if !group.spans.is_empty() && group.month() != next.month() {
            let group = std::mem::take(&mut group);
            archived.archives.push(work.set(&to, group, &mut shelf, tell).await?);
            finish(&stopped.site, &shelf, stores, &signers, tell).await?;
        }
        group.append(next);
    }
    if !group.spans.is_empty() {
        archived.archives.push(work.set(&to, group, &mut shelf, tell).await?);
        finish(&stopped.site, &shelf, stores, &signers, tell).await?;
    }
    index.store().close().await;
    Ok(archived)
}

enum Looked {
    /// All that counts in it is young.
    Young,
    /// Where some of it is young, all of it stays.
    PartlyYoung,
    Stays(Online),
    Old(Box<Old>),
    /// Nothing in it counts, so that nothing tells how old it is: it goes with what is behind it.
    Unsigned(Box<Old>),
}

struct Work<'a> {
    options: &'a Options,
    stopped: &'a Stopped,
    /// The checkpoint's bytes and size.
    signed: (Vec<u8>, u64),
    erasables: &'a Erasables,
    signers: Signers,
}

impl Work<'_> {
    /// The segments that are whole, signed for and not the last: numbers, first leaves, and the leaves after them.
    fn candidates(&self, shelf: &Shelf) -> Result<Vec<(u64, u64, u64)>, Error> {
        let folder = &self.stopped.site.log;
        let mut spans = log::spans(folder).map_err(file(folder))?;
        for (_, first, next) in &mut spans {
            *next = shelf.next_after(*first).map_or(*next, |archived| archived.min(*next));
        }
        Ok(spans.into_iter().filter(|(_, first, next)| first < next && *next <= self.signed.1).collect())
    }

    async fn look(&self, span: Span, before_us: i64) -> Result<Looked, Error> {
        let log = &self.stopped.site.log;
        let leaves = match set::leaves(log, (span.number, span.first, span.next)) {
            Ok(leaves) => leaves,
            Err(Error::Damaged { .. }) => return Ok(Looked::Stays(Online::Damaged)),
            Err(error) => return Err(error),
        };
        let reads = leaves.iter().map(|leaf| read_sealed(leaf.sealed.clone(), &self.signers));
        let Ok(reads) = reads.collect::<Result<Vec<Read>, _>>() else {
            return Ok(Looked::Stays(Online::Damaged));
        };
        // Whoever may write the topic may enter any moment: only what counts tells how old a segment is.
        let old = Old::of(span, &leaves, &reads);
        if old.entered.is_some_and(|(first_us, _)| first_us >= before_us) {
            return Ok(Looked::Young);
        }
        if old.entered.is_some_and(|(_, last_us)| last_us >= before_us) {
            return Ok(Looked::PartlyYoung);
        }
        let is_act = |read: &Read| read.key.phase == Phase::Act && read.signed == Signed::Yes;
        let acts: Vec<u64> =
            leaves.iter().zip(&reads).filter(|(_, read)| is_act(read)).map(|(leaf, _)| leaf.number).collect();
        if self.erasables.are_decided(&acts).await?.len() < acts.len() {
            return Ok(Looked::Stays(Online::Undecided));
        }
        let marks = self.erasables.marks(&old.exchanges).await.map_err(crate::erasable::failed)?;
        let held = marks.values().filter(|marks| marks.held).count();
        if held > 0 {
            return Ok(Looked::Stays(Online::Held(held)));
        }
        let hashes = self.hashes()?;
        let is_sealed =
            |leaf: &Leaf| hashes.leaf(leaf.number).is_ok_and(|hash| hash == leaf_hash(&leaf.sealed));
        if !leaves.iter().all(is_sealed) {
            return Ok(Looked::Stays(Online::Damaged));
        }
        let is_dated = old.entered.is_some();
        let old = Box::new(old);
        Ok(if is_dated { Looked::Old(old) } else { Looked::Unsigned(old) })
    }

    fn hashes(&self) -> Result<Hashes, Error> {
        let folder = self.options.dir.join("tree");
        Hashes::open_to_read(&folder).map_err(file(&folder))
    }

    /// Writes one archive, holds it against the tree, gives it its name and puts it on the shelf.
    async fn set(
        &mut self,
        to: &Path,
        group: Old,
        shelf: &mut Shelf,
        tell: Tell<'_>,
    ) -> Result<Manifest, Error> {
        let Some(first) = group.spans.first() else {
            return Err(Error::Refused("there is nothing to archive".to_owned()));
        };
        let name = format!("{}.{:012}", group.month(), first.number);
        let dir = to.join(&name);
        let manifest = if dir.exists() {
            // What a run before this one had finished writing.
            tell(Step::Verifying { name: name.clone() });
            let there = verify(&dir, &[])?;
            self.is_the_same(&there, &group, &dir)?;
            there
        } else {
            self.write(to, &name, &group, tell).await?
        };
        tell(Step::Named { name: name.clone() });
        let (stub, exchanges) = group.stub(&manifest, dir);
        shelf.put(stub, exchanges).map_err(file(&self.options.dir))?;
        tell(Step::OnTheShelf { name });
        Ok(manifest)
    }

    fn is_the_same(&self, there: &Manifest, group: &Old, dir: &Path) -> Result<(), Error> {
        let spans =
            there.segments.iter().map(|of| Span { number: of.number, first: of.first, next: of.next });
        let is_it = there.origin == self.options.origin && spans.eq(group.spans.iter().copied());
        let path = segment::path(&self.stopped.site.log, group.spans.first().map_or(0, |span| span.number));
        if is_it && set::part_of(&path)?.1 == there.segments[0].file.sha256 {
            return Ok(());
        }
        Err(damaged(dir, "is an archive of something else: move it away, or name another folder with --to"))
    }

    async fn write(&self, to: &Path, name: &str, group: &Old, tell: Tell<'_>) -> Result<Manifest, Error> {
        let new = unfinished(to, name);
        if new.exists() {
            fs::remove_dir_all(&new).map_err(file(&new))?;
        }
        tell(Step::Writing { name: name.to_owned() });
        let log = new.join("log");
        fs::create_dir_all(&log).map_err(file(&log))?;
        let mut segments = Vec::with_capacity(group.spans.len());
        for span in &group.spans {
            let from = segment::path(&self.stopped.site.log, span.number);
            let file = copy_file(&from, &segment::path(&log, span.number))?;
            segments.push(Segment { number: span.number, first: span.first, next: span.next, file });
        }
        let carried_out = self.erasables.carried_out().await?;
        let mut parts = Parts::create(&new)?;
        for span in &group.spans {
            let leaves = set::leaves(&log, (span.number, span.first, span.next))?;
            for part in parts_of(leaves, &self.signers, self.erasables).await? {
                parts.push(&part)?;
            }
        }
        let (erasable, values) = parts.finish()?;
        let spans = group.spans.iter().map(|span| (span.first, span.next));
        let tiles = set::tiles_of(&self.hashes()?, spans, self.signed.1).map_err(file(&self.options.dir))?;
        let tiles = set::write_tiles(&new.join("tiles"), &tiles)?;
        let checkpoint: Part =
            set::write(&new.join("checkpoint"), |to| io::Write::write_all(to, &self.signed.0))?;
        let manifest = Manifest {
            version: Manifest::VERSION,
            origin: self.options.origin.clone(),
            name: name.to_owned(),
            since_us: group.entered.map_or(0, |(first, _)| first),
            until_us: group.entered.map_or(0, |(_, last)| last),
            segments,
            tiles,
            checkpoint,
            erasable,
            values,
            carried_out,
        };
        manifest.write(&new)?;
        for folder in [&log, &new] {
            segment::sync_folder(folder).map_err(file(folder))?;
        }
        tell(Step::Verifying { name: name.to_owned() });
        let read_back = verify(&new, &[])?;
        let dir = to.join(name);
        fs::rename(&new, &dir).map_err(file(&dir))?;
        segment::sync_folder(to).map_err(file(to))?;
        Ok(read_back)
    }
}

/// The parts that are kept of these leaves, and not of others of the same keys: whoever may write the topic may enter something under the
/// key of an entry. What was erased under a key is of the entry that counts.
pub(super) async fn parts_of(
    leaves: Vec<Leaf>,
    signers: &Signers,
    erasables: &Erasables,
) -> Result<Vec<parts::Kept>, Error> {
    let reads = leaves.into_iter().filter_map(|leaf| read_sealed(leaf.sealed, signers).ok());
    let reads: Vec<Read> = reads.collect();
    let keys: Vec<Key> = reads.iter().map(|read| read.key).collect();
    let mut found = erasables.find(&keys).await.map_err(crate::erasable::failed)?;
    let mut parts = Vec::new();
    for read in reads {
        let is_its_own = found.get(&read.key).is_some_and(|part| match part {
            Some(part) => is_part_of(part, &read.sealed),
            None => read.signed.counts(),
        });
        if !is_its_own {
            continue;
        }
        parts.extend(found.remove(&read.key).map(|part| (read.key, part)));
    }
    Ok(parts)
}

/// The newest checkpoint as it was signed, and how many leaves it is of.
fn signed(dir: &Path) -> Result<(Vec<u8>, u64), Error> {
    let path = dir.join("checkpoint");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Refused(format!(
                "{} was never signed: an archive would prove nothing; start the ledger with the key of `keys.log` first",
                dir.display()
            )));
        }
        Err(error) => return Err(file(&path)(error)),
    };
    let wrong = |error: &dyn std::error::Error| damaged(&path, error.to_string());
    let note = Note::parse(&bytes).map_err(|error| wrong(&error))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| wrong(&error))?;
    Ok((bytes, checkpoint.size()))
}
