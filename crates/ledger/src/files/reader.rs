//! Reads single leaves of the log, wherever they stand.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::group::{RECORD_HEADER, record};
use super::log::Place;
use super::{Damage, segment};

/// Most segments that are kept open for reading.
const MOST_OPEN: usize = 64;

/// Reads single leaves. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    folder: Arc<Path>,
    open: Arc<Mutex<BTreeMap<u64, Arc<File>>>>,
}

impl Reader {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), open: Arc::default() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the sealed part at a place. Blocking.
    ///
    /// # Errors
    /// The damage, if it is not there whole.
    pub fn sealed(&self, place: Place) -> io::Result<Result<Bytes, Damage>> {
        let file = self.file(place.segment)?;
        let mut head = [0; RECORD_HEADER];
        let damage = || Damage { file: segment::path(&self.folder, place.segment), byte: place.byte };
        if let Err(error) = file.read_exact_at(&mut head, place.byte) {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(Err(damage())) } else { Err(error) };
        }
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if length > MOST_LEAF {
            return Ok(Err(damage()));
        }
        let mut bytes = vec![0; RECORD_HEADER + length];
        if let Err(error) = file.read_exact_at(&mut bytes, place.byte) {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(Err(damage())) } else { Err(error) };
        }
        if record(&bytes, 0).is_none() {
            return Ok(Err(damage()));
        }
        Ok(Ok(Bytes::from(bytes).slice(RECORD_HEADER..)))
    }

    fn file(&self, segment: u64) -> io::Result<Arc<File>> {
        if let Some(file) = self.open.lock().get(&segment) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(segment::path(&self.folder, segment))?);
        let mut open = self.open.lock();
        open.insert(segment, Arc::clone(&file));
        if open.len() > MOST_OPEN {
            open.pop_first();
        }
        Ok(file)
    }
}

/// Largest sealed part: Kafka carries no larger record.
const MOST_LEAF: usize = 4 << 20;
