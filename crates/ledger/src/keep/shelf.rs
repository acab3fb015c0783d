//! What the ledger keeps of what it has archived: where it is, and what the rest of the log is incomplete without.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use lgsp_core::ExchangeId;
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::ArchivedPeriod;
use serde::{Deserialize, Serialize};

use crate::files::segment;
use crate::seal::replace;
use crate::sequences::{Entered, Sequences};

/// Bytes of an exchange's id.
const ID: usize = 16;
/// How long before it was entered an exchange is taken to have been admitted where it is not noted, in µs.
const LONGEST: i64 = 3_600 * 1_000_000;

/// What is kept of one archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stub {
    pub name: String,
    /// Where it was written to: it may be elsewhere by now.
    pub dir: PathBuf,
    /// What its manifest says of the log: see [`super::Manifest::digest`].
    pub digest: String,
    /// When the first and the last of its entries were entered (Unix µs).
    pub since_us: i64,
    pub until_us: i64,
    /// When the first and the last of them were admitted: what was spooled is entered days later.
    #[serde(default)]
    pub admitted_us: Option<(i64, i64)>,
    pub segments: Vec<Span>,
    /// The numbers of its entries, by gateway, so that the sequences are told without it.
    pub gateways: BTreeMap<String, Numbers>,
    /// Its decisions: leaf and sealed part, so that a restored store of erasable parts forgets again.
    pub acts: Vec<(u64, String)>,
}

impl Stub {
    /// When the first and the last of its entries were admitted.
    fn admitted(&self) -> (i64, i64) {
        self.admitted_us.unwrap_or((self.since_us.saturating_sub(LONGEST), self.until_us))
    }

    /// Its leaves: the first of a segment, and one more than the last.
    pub fn leaves(&self) -> Vec<(u64, u64)> {
        self.segments.iter().map(|span| (span.first, span.next)).collect()
    }

    /// Whether it may have what was admitted within a time (Unix µs; not its end).
    fn has_admitted(&self, since_us: i64, until_us: i64) -> bool {
        let (first, last) = self.admitted();
        first < until_us && last >= since_us
    }
}

/// The leaves of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub number: u64,
    pub first: u64,
    /// One more than the last.
    pub next: u64,
}

/// What one gateway has numbered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Numbers {
    /// First and last, both included.
    pub runs: Vec<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_entered_us: Option<i64>,
    pub last_entered_us: i64,
}

impl Numbers {
    /// Takes in a number, as they stand in the log: nearly always the next one.
    pub fn take_in(&mut self, number: u64, entered_us: i64) {
        self.first_entered_us = self.first_entered_us.or(Some(entered_us)).min(Some(entered_us));
        self.last_entered_us = self.last_entered_us.max(entered_us);
        match self.runs.last_mut() {
            Some((_, last)) if number == *last + 1 => *last = number,
            Some((first, last)) if (*first..=*last).contains(&number) => {}
            Some(_) | None => self.runs.push((number, number)),
        }
    }

    /// Takes in what stands behind it in the log.
    pub fn append(&mut self, next: Self) {
        // One that is not known stays so.
        self.first_entered_us = match self.runs.is_empty() {
            true => next.first_entered_us,
            false => self.first_entered_us.min(next.first_entered_us),
        };
        self.last_entered_us = self.last_entered_us.max(next.last_entered_us);
        for run in next.runs {
            match self.runs.last_mut() {
                Some((_, last)) if run.0 == *last + 1 => *last = run.1,
                Some(_) | None => self.runs.push(run),
            }
        }
    }
}

/// Everything that a ledger has archived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    folder: PathBuf,
    pub stubs: Vec<Stub>,
}

impl Shelf {
    /// Reads the shelf of a ledger; an empty one if it never archived anything.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let folder = dir.join("archived");
        let mut stubs = Vec::new();
        let listed = match fs::read_dir(&folder) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { folder, stubs }),
            Err(error) => return Err(error),
        };
        for entry in listed {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let read = serde_json::from_slice(&fs::read(&path)?);
                stubs.push(read.map_err(|error| {
                    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
                })?);
            }
        }
        stubs.sort_by_key(|stub: &Stub| stub.segments.first().map_or(0, |span| span.number));
        Ok(Self { folder, stubs })
    }

    /// Puts an archive on the shelf. The ids of its exchanges are there before it is.
    pub fn put(&mut self, stub: Stub, mut exchanges: Vec<ExchangeId>) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        if let Some(dir) = self.folder.parent() {
            segment::sync_folder(dir)?;
        }
        exchanges.sort_unstable();
        exchanges.dedup();
        let ids: Vec<u8> = exchanges.iter().flat_map(|id| *id.as_bytes()).collect();
        replace(&self.ids(&stub.name), &ids)?;
        let json = serde_json::to_vec_pretty(&stub).map_err(io::Error::other)?;
        replace(&self.folder.join(format!("{}.json", stub.name)), &json)?;
        self.stubs.push(stub);
        Ok(())
    }

    /// Takes an archive off it.
    pub fn take(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(format!("{name}.json")))?;
        fs::remove_file(self.ids(name))?;
        segment::sync_folder(&self.folder)?;
        self.stubs.retain(|stub| stub.name != name);
        Ok(())
    }

    fn ids(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.ids"))
    }

    /// Whether a segment of the log is archived.
    pub fn has_segment(&self, number: u64) -> bool {
        self.spans().any(|span| span.number == number)
    }

    /// How many of the leaves `first..end` are archived.
    pub fn leaves_in(&self, first: u64, end: u64) -> u64 {
        self.spans().map(|span| end.min(span.next).saturating_sub(first.max(span.first))).sum()
    }

    /// The first archived leaf after one.
    pub fn next_after(&self, leaf: u64) -> Option<u64> {
        self.spans().map(|span| span.first).filter(|first| *first > leaf).min()
    }

    fn spans(&self) -> impl Iterator<Item = &Span> {
        self.stubs.iter().flat_map(|stub| &stub.segments)
    }

    /// Whether an archive has entries of an exchange.
    pub fn has_exchange(&self, exchange: &ExchangeId) -> io::Result<bool> {
        for stub in &self.stubs {
            if has_id(&File::open(self.ids(&stub.name))?, exchange)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is archived of exchanges that were admitted within a time (Unix µs).
    pub fn within(&self, since_us: Option<i64>, until_us: Option<i64>) -> Vec<ArchivedPeriod> {
        let (since_us, until_us) = (since_us.unwrap_or(i64::MIN), until_us.unwrap_or(i64::MAX));
        let within = self.stubs.iter().filter(|stub| stub.has_admitted(since_us, until_us));
        let period = |stub: &Stub| ArchivedPeriod {
            name: stub.name.clone(),
            since: Some(timestamp(stub.since_us)),
            until: Some(timestamp(stub.until_us)),
            entries: stub.segments.iter().map(|span| span.next - span.first).sum(),
            digest: stub.digest.clone(),
        };
        within.map(period).collect()
    }

    /// Whether anything archived may have been admitted within a time (Unix µs; not its end).
    pub fn has_admitted(&self, since_us: i64, until_us: i64) -> bool {
        self.stubs.iter().any(|stub| stub.has_admitted(since_us, until_us))
    }

    /// The decisions of what is archived: their leaves and sealed parts, in the order of the log.
    pub fn acts(&self) -> Vec<(u64, Bytes)> {
        let acts = self.stubs.iter().flat_map(|stub| &stub.acts);
        // They were written here: what does not decode was damaged, and is no decision.
        let acts = acts.filter_map(|(leaf, act)| Some((*leaf, BASE64_STANDARD.decode(act).ok()?.into())));
        let mut acts: Vec<(u64, Bytes)> = acts.collect();
        acts.sort_unstable_by_key(|(leaf, _)| *leaf);
        acts
    }

    /// Takes the numbers of what is archived in.
    pub fn count(&self, sequences: &mut Sequences) {
        for (gateway, numbers) in self.stubs.iter().flat_map(|stub| &stub.gateways) {
            let first_us = numbers.first_entered_us.unwrap_or(0);
            let entered = Entered { first_us, last_us: numbers.last_entered_us };
            for run in &numbers.runs {
                sequences.take_in_run(gateway, *run, entered);
            }
        }
    }
}

fn has_id(ids: &File, exchange: &ExchangeId) -> io::Result<bool> {
    let (mut from, mut to) = (0, ids.metadata()?.len() / ID as u64);
    while from < to {
        let middle = from.midpoint(to);
        let mut id = [0; ID];
        ids.read_exact_at(&mut id, middle * ID as u64)?;
        match id.cmp(exchange.as_bytes()) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Greater => to = middle,
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stub(name: &str) -> Stub {
        let mut numbers = Numbers::default();
        [1, 2, 3, 7, 7, 8].into_iter().for_each(|number| numbers.take_in(number, 5));
        Stub {
            name: name.to_owned(),
            dir: PathBuf::from("/archive"),
            digest: String::new(),
            since_us: 1,
            until_us: 2,
            admitted_us: Some((1, 2)),
            segments: vec![Span { number: 1, first: 0, next: 300 }],
            gateways: BTreeMap::from([("gateway-1".to_owned(), numbers)]),
            acts: vec![(7, "AA==".to_owned())],
        }
    }

    #[test]
    fn what_is_on_the_shelf_is_read_back_and_an_exchange_is_found_by_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::read(dir.path()).unwrap();
        let ids: Vec<ExchangeId> = (0..100).map(|_| ExchangeId::new()).collect();
        shelf.put(stub("2024-11.000000000001"), ids.clone()).unwrap();
        let mut read = Shelf::read(dir.path()).unwrap();
        assert_eq!(read.stubs, [stub("2024-11.000000000001")]);
        assert!(ids.iter().all(|id| read.has_exchange(id).unwrap()));
        assert!(!read.has_exchange(&ExchangeId::new()).unwrap());
        assert_eq!((read.leaves_in(256, 512), read.leaves_in(300, 512)), (44, 0));
        assert!(read.has_segment(1) && !read.has_segment(2));
        read.take("2024-11.000000000001").unwrap();
        assert!(Shelf::read(dir.path()).unwrap().stubs.is_empty());
    }

    #[test]
    fn the_numbers_of_what_is_archived_are_no_gap_of_the_rest() {
        let shelf = Shelf { folder: PathBuf::new(), stubs: vec![stub("a")] };
        let mut sequences = Sequences::default();
        shelf.count(&mut sequences);
        let (_, told) = sequences.changed().next().unwrap();
        let message = told.sequence.to_message("gateway-1", 5);
        let gaps: Vec<_> = message.gaps.iter().map(|gap| (gap.first, gap.last)).collect();
        assert_eq!((message.first, message.last, message.received, gaps), (1, 8, 5, vec![(4, 6)]));
    }
}
