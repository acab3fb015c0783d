//! The log as other people's tools read it: `/checkpoint` and `/tile/…` of the open specification tlog-tiles.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lgsp_runtime::pages::{self, Page};
use lgsp_tlog::{Bundle, Tile, Tiles, bundle};
use parking_lot::Mutex;

use super::Hashes;
use super::hashes::BUNDLE;
use super::publish::Newest;
use crate::files::log::{self, End, Leaf};

/// The pages of a log.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    log: PathBuf,
    hashes: Hashes,
    newest: Newest,
    /// The segment that was read last: whoever reads a bundle reads the next one too.
    read: Arc<Mutex<Option<(u64, Segment)>>>,
}

/// The leaves of a segment, and which segment is the next.
type Segment = Arc<(Vec<Leaf>, u64)>;

impl Pages {
    pub fn new(log: &Path, hashes: Hashes, newest: Newest) -> Self {
        Self { log: log.to_owned(), hashes, newest, read: Arc::default() }
    }

    fn checkpoint(&self) -> Option<Page> {
        let note = self.newest.borrow().as_ref()?.shown().to_string();
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
        if end > self.size() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let (mut leaf, mut number) = (first, self.hashes.segment(of.index())?);
        while leaf < end {
            let segment = self.segment(number)?;
            for found in segment.0.iter().filter(|found| (first..end).contains(&found.number)) {
                if found.number != leaf {
                    break;
                }
                bundle::append(&mut bytes, &found.sealed).map_err(io::Error::other)?;
                leaf += 1;
            }
            if leaf < end && segment.1 == number {
                return Err(io::Error::other(format!("leaf {leaf} cannot be read from the log")));
            }
            number = segment.1;
        }
        Ok(Some(binary(bytes)))
    }

    fn segment(&self, number: u64) -> io::Result<Segment> {
        if let Some((read, segment)) = &*self.read.lock()
            && *read == number
        {
            return Ok(Arc::clone(segment));
        }
        let (first, is_last) = log::first_leaf(&self.log, number)?;
        let read = log::recover(&self.log, End { place: log::begin(number), leaves: first })?;
        let segment = Arc::new((read.leaves, read.end.place.segment));
        // The last one still grows.
        if !is_last {
            *self.read.lock() = Some((number, Arc::clone(&segment)));
        }
        Ok(segment)
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
