//! The log as other people's tools read it: `/checkpoint` and `/tile/…` of the open specification tlog-tiles.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lgsp_runtime::pages::{self, Page};
use lgsp_tlog::{Bundle, Tile, Tiles, bundle};
use parking_lot::Mutex;

use super::Hashes;
use super::hashes::BUNDLE;
use super::publish::Newest;
use crate::files::log::{self, End, Leaf};
use crate::keep::Shelf;

/// The pages of a log.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    log: PathBuf,
    hashes: Hashes,
    newest: Newest,
    /// What is archived is told no more: a log that tlog-tiles calls pruned.
    shelf: Arc<Shelf>,
    /// The segment that was read last: whoever reads a bundle reads the next one too.
    read: Arc<Mutex<Option<Segment>>>,
    /// The largest checkpoint that was shown in this life.
    shown: Arc<AtomicU64>,
}

/// A segment of the log, as far as it was read.
#[derive(Debug)]
struct Segment {
    leaves: Vec<Leaf>,
    /// Where the next leaf stands, if there is another one in it.
    end: End,
    /// Which segment is the next; it itself, if it is the last one.
    next: u64,
}

impl Pages {
    pub fn new(log: &Path, hashes: Hashes, newest: Newest) -> Self {
        let shelf = log.parent().map(Shelf::read).and_then(Result::ok).unwrap_or_default();
        Self {
            log: log.to_owned(),
            hashes,
            newest,
            shelf: Arc::new(shelf),
            read: Arc::default(),
            shown: Arc::default(),
        }
    }

    fn checkpoint(&self) -> Option<Page> {
        let newest = self.newest.borrow().clone()?;
        let note = newest.shown(self.shown.load(Ordering::Acquire));
        self.shown.fetch_max(note.size, Ordering::AcqRel);
        let note = note.note.to_string();
        Some(Page { content_type: "text/plain; charset=utf-8", never_changes: false, body: note.into() })
    }

    fn size(&self) -> u64 {
        self.newest.borrow().as_ref().map_or(0, |newest| newest.size)
    }

    fn tile(&self, tile: Tile) -> io::Result<Option<Page>> {
        let hashes = self.size() >> (8 * u32::from(tile.level()).min(7));
        if tile.index() * BUNDLE + u64::from(tile.width()) > hashes {
            return Ok(None);
        }
        Ok(Some(binary(self.hashes.tile(tile)?)))
    }

    fn bundle(&self, of: Bundle) -> io::Result<Option<Page>> {
        let first = of.index() * BUNDLE;
        let end = first + u64::from(of.width());
        if end > self.size() || self.shelf.leaves_in(first, end) > 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let (mut leaf, mut number) = (first, self.hashes.segment(of.index())?);
        // One bundle is read at a time: whoever asks for many at once costs the disk and the memory no more than one.
        let mut read = self.read.lock();
        while leaf < end {
            let segment = self.segment(&mut read, number)?;
            let begin = segment.leaves.partition_point(|found| found.number < leaf);
            for found in segment.leaves[begin..].iter().take_while(|found| found.number < end) {
                if found.number != leaf {
                    break;
                }
                bundle::append(&mut bytes, &found.sealed).map_err(io::Error::other)?;
                leaf += 1;
            }
            if leaf < end && segment.next == number {
                return Err(io::Error::other(format!("leaf {leaf} cannot be read from the log")));
            }
            number = segment.next;
        }
        Ok(Some(binary(bytes)))
    }

    /// The leaves of a segment. Of the last one, which still grows, only what is new is read.
    fn segment<'a>(&self, read: &'a mut Option<Segment>, number: u64) -> io::Result<&'a Segment> {
        let mut segment = match read.take().filter(|segment| segment.end.place.segment == number) {
            Some(segment) => segment,
            None => {
                let (leaves, _) = log::first_leaf(&self.log, number)?;
                Segment { leaves: Vec::new(), end: End { place: log::begin(number), leaves }, next: number }
            }
        };
        if segment.next == number {
            let more = log::recover(&self.log, segment.end)?;
            segment.leaves.extend(more.leaves);
            segment.next = more.end.place.segment;
            if segment.next == number {
                segment.end = more.end;
            }
        }
        Ok(read.insert(segment))
    }
}

fn binary(body: Vec<u8>) -> Page {
    Page { content_type: "application/octet-stream", never_changes: true, body: Bytes::from(body) }
}

impl pages::Pages for Pages {
    fn page(&self, path: &str) -> io::Result<Option<Page>> {
        let Some(path) = path.strip_prefix('/') else { return Ok(None) };
        if path == "checkpoint" {
            return Ok(self.checkpoint());
        }
        if let Ok(tile) = Tile::parse(path) {
            return self.tile(tile);
        }
        Bundle::parse(path).map_or(Ok(None), |bundle| self.bundle(bundle))
    }
}
