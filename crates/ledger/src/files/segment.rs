//! Segments: the numbered files of a folder, each with a header.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes before the first group of a segment.
pub(crate) const HEADER: usize = 64;

const MAGIC: [u8; 8] = *b"LGSPSEG1";

/// What a segment tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Its number in the folder, from 1.
    pub number: u64,
    /// Whose offsets it holds; in the log, which generation of writers wrote it.
    pub incarnation: [u8; 16],
    /// Number of its first record; 0 in the journal.
    pub first: u64,
    /// Where the segment before it ends; 0 in the journal, and if there is none.
    pub previous_end: u64,
    /// Which segment is before it; 0 in the journal, and if there is none.
    pub previous: u64,
}

impl Header {
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.incarnation);
        bytes[32..40].copy_from_slice(&self.first.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.previous_end.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.previous.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header of a segment; `None` if it was torn, or is not one.
    pub fn read(segment: &[u8]) -> Option<Self> {
        let bytes = segment.get(..HEADER)?;
        if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..60]).to_le_bytes() != bytes[60..] {
            return None;
        }
        let number = |at: usize| bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let incarnation = bytes[16..32].try_into().unwrap_or_default();
        Some(Self {
            number: number(8),
            incarnation,
            first: number(32),
            previous_end: number(40),
            previous: number(48),
        })
    }
}

/// The path of a segment.
pub(crate) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.segment"))
}

/// The numbers of a folder's segments, in order.
pub(crate) fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_suffix(".segment")).and_then(|n| n.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes the names of a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_a_flipped_byte_is_none() {
        let header = Header { number: 3, incarnation: [9; 16], first: 77, previous_end: 4_096, previous: 2 };
        let bytes = header.to_bytes();
        assert_eq!(Header::read(&bytes), Some(header));
        for flipped in 0..HEADER {
            let mut damaged = bytes;
            damaged[flipped] ^= 1;
            assert_eq!(Header::read(&damaged), None, "byte {flipped}");
        }
    }

    #[test]
    fn segments_are_listed_in_their_order_and_other_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for number in [10, 2, 1] {
            File::create(path(dir.path(), number)).unwrap();
        }
        File::create(dir.path().join("spare")).unwrap();
        assert_eq!(numbers(dir.path()).unwrap(), [1, 2, 10]);
    }
}
