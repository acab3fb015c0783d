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
use lgsp_proto::ledger::v1::Phase;
use lgsp_tlog::{Checkpoint, Note, leaf_hash};
use tracing::warn;

use super::set::{self, Kept as KeptPart, copy_file, unfinished};
use super::shelf::{Numbers, Span, Stub};
use super::{Error, Manifest, Part, Segment, Shelf, Step, Stopped, Tell, damaged, file, verify};
use crate::entry::{Key, Read, Signed, Signers, read_sealed};
use crate::erasable::Erasables;
use crate::files::log::{self, Leaf};
use crate::files::segment;
use crate::index::Index;
use crate::recovery::Site;
use crate::seal::Hashes;
use crate::{Keys, Options};

/// What is younger stays, however short the online period is: the topic may bring its entries once more, and they must fold.
const YOUNGEST: Duration = Duration::from_secs(31 * 24 * 3_600);

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

/// A segment that can go.
struct Old {
    span: Span,
    leaves: Vec<Leaf>,
    reads: Vec<Read>,
    last_us: i64,
    first_us: i64,
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
    finish(&stopped.site, &shelf, &index, &erasables, tell).await?;
    fs::create_dir_all(to).map_err(file(to))?;
    let to = to.canonicalize().map_err(file(to))?;
    let mut archived = Archived::default();
    let mut work =
        Work { options, stopped: &stopped, signed, erasables: &erasables, signers: keys.signers() };
    let mut group: Vec<Old> = Vec::new();
    for (number, first, next) in work.candidates(&shelf)? {
        tell(Step::Reading { done: first, of: work.stopped.head.tree.size });
        let old = match work.look(number, first, next, before_us).await? {
            Looked::Young => break,
            Looked::Stays(why) => {
                archived.kept.push(Kept { segment: number, why });
                continue;
            }
            Looked::Old(old) => old,
        };
        if group.first().is_some_and(|first| month(first.last_us) != month(old.last_us)) {
            let group = std::mem::take(&mut group);
            archived.archives.push(work.set(&to, group, &mut shelf, tell).await?);
            finish(&stopped.site, &shelf, &index, &erasables, tell).await?;
        }
        group.push(*old);
    }
    if !group.is_empty() {
        archived.archives.push(work.set(&to, group, &mut shelf, tell).await?);
        finish(&stopped.site, &shelf, &index, &erasables, tell).await?;
    }
    index.store().close().await;
    Ok(archived)
}

enum Looked {
    Young,
    Stays(Online),
    Old(Box<Old>),
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

    async fn look(&self, number: u64, first: u64, next: u64, before_us: i64) -> Result<Looked, Error> {
        let log = &self.stopped.site.log;
        let leaves = match set::leaves(log, (number, first, next)) {
            Ok(leaves) => leaves,
            Err(Error::Damaged { .. }) => return Ok(Looked::Stays(Online::Damaged)),
            Err(error) => return Err(error),
        };
        let reads = leaves.iter().map(|leaf| read_sealed(leaf.sealed.clone(), &self.signers));
        let Ok(reads) = reads.collect::<Result<Vec<Read>, _>>() else {
            return Ok(Looked::Stays(Online::Damaged));
        };
        let entered = || reads.iter().map(|read| read.sealed.entered_us);
        let (first_us, last_us) = (entered().min().unwrap_or(0), entered().max().unwrap_or(0));
        // Where some of it is young, it goes with what is after it.
        if last_us >= before_us {
            return Ok(Looked::Young);
        }
        let is_act = |read: &Read| read.key.phase == Phase::Act && read.signed == Signed::Yes;
        let acts: Vec<u64> =
            leaves.iter().zip(&reads).filter(|(_, read)| is_act(read)).map(|(leaf, _)| leaf.number).collect();
        if self.erasables.are_decided(&acts).await?.len() < acts.len() {
            return Ok(Looked::Stays(Online::Undecided));
        }
        let exchanges: Vec<ExchangeId> = reads.iter().map(|read| read.key.exchange).collect();
        let marks = self.erasables.marks(&exchanges).await.map_err(crate::erasable::failed)?;
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
        let span = Span { number, first, next };
        Ok(Looked::Old(Box::new(Old { span, leaves, reads, last_us, first_us })))
    }

    fn hashes(&self) -> Result<Hashes, Error> {
        let folder = self.options.dir.join("tree");
        Hashes::open_to_read(&folder).map_err(file(&folder))
    }

    /// Writes one archive, holds it against the tree, gives it its name and puts it on the shelf.
    async fn set(
        &mut self,
        to: &Path,
        group: Vec<Old>,
        shelf: &mut Shelf,
        tell: Tell<'_>,
    ) -> Result<Manifest, Error> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return Err(Error::Refused("there is nothing to archive".to_owned()));
        };
        let name = format!("{}.{:012}", month(last.last_us), first.span.number);
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
        let exchanges = group.iter().flat_map(|old| &old.reads).map(|read| read.key.exchange).collect();
        let stub = stub(&manifest, dir, &group);
        shelf.put(stub, exchanges).map_err(file(&self.options.dir))?;
        tell(Step::OnTheShelf { name });
        Ok(manifest)
    }

    fn is_the_same(&self, there: &Manifest, group: &[Old], dir: &Path) -> Result<(), Error> {
        let spans =
            there.segments.iter().map(|of| Span { number: of.number, first: of.first, next: of.next });
        let is_it = there.origin == self.options.origin && spans.eq(group.iter().map(|old| old.span));
        let path = segment::path(&self.stopped.site.log, group.first().map_or(0, |old| old.span.number));
        if is_it && set::part_of(&path)?.1 == there.segments[0].file.sha256 {
            return Ok(());
        }
        Err(damaged(dir, "is an archive of something else: move it away, or name another folder with --to"))
    }

    async fn write(&self, to: &Path, name: &str, group: &[Old], tell: Tell<'_>) -> Result<Manifest, Error> {
        let new = unfinished(to, name);
        if new.exists() {
            fs::remove_dir_all(&new).map_err(file(&new))?;
        }
        tell(Step::Writing { name: name.to_owned() });
        let log = new.join("log");
        fs::create_dir_all(&log).map_err(file(&log))?;
        let mut segments = Vec::with_capacity(group.len());
        for Old { span, .. } in group {
            let from = segment::path(&self.stopped.site.log, span.number);
            let file = copy_file(&from, &segment::path(&log, span.number))?;
            segments.push(Segment { number: span.number, first: span.first, next: span.next, file });
        }
        let carried_out = self.erasables.carried_out().await?;
        let parts = self.parts(group).await?;
        let (erasable, values) = set::write_parts(&new, parts.into_iter().map(Ok))?;
        let spans = group.iter().map(|old| (old.span.first, old.span.next));
        let tiles = set::tiles_of(&self.hashes()?, spans, self.signed.1).map_err(file(&self.options.dir))?;
        let tiles = set::write_tiles(&new.join("tiles"), &tiles)?;
        let checkpoint: Part =
            set::write(&new.join("checkpoint"), |to| io::Write::write_all(to, &self.signed.0))?;
        let manifest = Manifest {
            version: Manifest::VERSION,
            origin: self.options.origin.clone(),
            name: name.to_owned(),
            since_us: group.iter().map(|old| old.first_us).min().unwrap_or(0),
            until_us: group.iter().map(|old| old.last_us).max().unwrap_or(0),
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

    async fn parts(&self, group: &[Old]) -> Result<Vec<KeptPart>, Error> {
        let keys: Vec<Key> = group.iter().flat_map(|old| &old.reads).map(|read| read.key).collect();
        let found = self.erasables.find(&keys).await.map_err(crate::erasable::failed)?;
        let mut parts: Vec<KeptPart> = found.into_iter().collect();
        parts.sort_unstable_by_key(|(key, _)| *key);
        Ok(parts)
    }
}

fn stub(manifest: &Manifest, dir: PathBuf, group: &[Old]) -> Stub {
    let mut gateways: BTreeMap<String, Numbers> = BTreeMap::new();
    let mut acts = Vec::new();
    for old in group {
        for read in &old.reads {
            if let Some((gateway, number)) = crate::sequences::number_of(read) {
                let numbers = gateways.entry(gateway.to_owned()).or_default();
                numbers.take_in(number, read.sealed.entered_us);
            }
        }
        let is_act = |leaf: &&Leaf| {
            let read = read_sealed(leaf.sealed.clone(), &Signers::default());
            read.is_ok_and(|read| read.key.phase == Phase::Act)
        };
        acts.extend(
            old.leaves.iter().filter(is_act).map(|leaf| (leaf.number, BASE64_STANDARD.encode(&leaf.sealed))),
        );
    }
    Stub {
        name: manifest.name.clone(),
        dir,
        digest: manifest.digest(),
        since_us: manifest.since_us,
        until_us: manifest.until_us,
        segments: group.iter().map(|old| old.span).collect(),
        gateways,
        acts,
    }
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

/// Does at a start what an archiving was ended before. What cannot be taken away yet does not keep a ledger from starting.
pub(crate) async fn finish_at_start(site: &Site, index: &Index, erasables: &Erasables) {
    let finishing = async {
        let shelf = Shelf::read(&site.dir).map_err(file(&site.dir))?;
        finish(site, &shelf, index, erasables, &mut |_| ()).await
    };
    if let Err(error) = finishing.await {
        warn!(%error, "what is archived could not be taken out of the ledger");
    }
}

/// Takes away what is on the shelf and still lies online: rows of the index, erasable parts, and the segments last.
pub(super) async fn finish(
    site: &Site,
    shelf: &Shelf,
    index: &Index,
    erasables: &Erasables,
    tell: Tell<'_>,
) -> Result<(), Error> {
    for stub in &shelf.stubs {
        let there = stub.segments.iter().map(|span| segment::path(&site.log, span.number));
        let there: Vec<PathBuf> = there.filter(|path| path.exists()).collect();
        if there.is_empty() {
            continue;
        }
        let spans: Vec<(u64, u64)> = stub.segments.iter().map(|span| (span.first, span.next)).collect();
        index.take_away(&spans).await?;
        tell(Step::IndexDone { name: stub.name.clone() });
        for span in &stub.segments {
            // Those that are gone already went after their parts did.
            let path = segment::path(&site.log, span.number);
            if !path.exists() {
                continue;
            }
            let leaves = set::leaves(&site.log, (span.number, span.first, span.next))?;
            let read = |leaf: Leaf| read_sealed(leaf.sealed, &Signers::default()).ok();
            let keys: Vec<Key> = leaves.into_iter().filter_map(read).map(|read| read.key).collect();
            erasables.take_away(&keys).await?;
        }
        tell(Step::PartsDone { name: stub.name.clone() });
        for path in there {
            fs::remove_file(&path).map_err(file(&path))?;
        }
        segment::sync_folder(&site.log).map_err(file(&site.log))?;
        tell(Step::SegmentsDone { name: stub.name.clone() });
    }
    Ok(())
}
