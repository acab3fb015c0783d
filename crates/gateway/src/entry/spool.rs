//! Keeps entries of refusals on disk while the broker is away, in their order, and no more than a bound.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use lgsp_core::entry::sha256;

use super::Numbered;

const NAME: &str = "entries.spool";
/// Length and checksum before the key and the value.
const HEAD: usize = 8;
const KEY: usize = 16;
/// Longest value that is believed when the file is read back.
const LONGEST: usize = 4 << 20;

/// A file of entries that are not durable on the topic yet. Its calls block.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    bound: u64,
    /// Where the first entry begins that was not taken.
    begin: u64,
    end: u64,
}

impl Spool {
    /// Opens the spool of a folder; what a former instance left is still in it. A torn end is cut off.
    pub(crate) fn open(folder: &Path, bound: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // The entries in it are fsynced; its name must not be lost either.
        File::open(folder)?.sync_all()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other(
                    "another gateway uses it; each needs its own gateway.entries.spool",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut spool = Self { file, bound, begin: 0, end: 0 };
        let length = spool.file.metadata()?.len();
        while let Some((_, end)) = spool.read(spool.end, length)? {
            spool.end = end;
        }
        if spool.end < length {
            tracing::warn!(bytes = length - spool.end, "torn end of the spool cut off");
            spool.file.set_len(spool.end)?;
        }
        Ok(spool)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.begin == self.end
    }

    /// Adds entries and waits until they are on disk. Returns how many found no room.
    pub(crate) fn push(&mut self, entries: &[Numbered]) -> io::Result<usize> {
        let mut bytes = Vec::new();
        let mut kept = 0;
        for entry in entries {
            let size = HEAD + KEY + entry.value.len();
            if self.end + (bytes.len() + size) as u64 > self.bound || entry.value.len() > LONGEST {
                break;
            }
            bytes.extend_from_slice(&(entry.value.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&checksum(&entry.key, &entry.value));
            bytes.extend_from_slice(&entry.key);
            bytes.extend_from_slice(&entry.value);
            kept += 1;
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.file.sync_data()?;
        self.end += bytes.len() as u64;
        Ok(entries.len() - kept)
    }

    /// Reads up to `most` of the oldest entries, and where they end.
    pub(crate) fn oldest(&self, most: usize) -> io::Result<(Vec<Numbered>, u64)> {
        let (mut entries, mut at) = (Vec::new(), self.begin);
        while entries.len() < most {
            let Some((entry, end)) = self.read(at, self.end)? else { break };
            entries.push(entry);
            at = end;
        }
        // What cannot be read cannot be taken either; it would keep the rest from ever being entered.
        if entries.is_empty() { Ok((entries, self.end)) } else { Ok((entries, at)) }
    }

    /// Forgets the entries before `end`. A crash before the file is empty repeats some, which the ledger folds.
    pub(crate) fn forget(&mut self, end: u64) -> io::Result<()> {
        self.begin = end;
        if self.is_empty() {
            self.file.set_len(0)?;
            self.file.sync_data()?;
            (self.begin, self.end) = (0, 0);
        }
        Ok(())
    }

    /// Reads the entry at `at`; `None` if there is no whole one before `limit`.
    fn read(&self, at: u64, limit: u64) -> io::Result<Option<(Numbered, u64)>> {
        let mut head = [0; HEAD + KEY];
        let body_at = at + head.len() as u64;
        if body_at > limit {
            return Ok(None);
        }
        self.file.read_exact_at(&mut head, at)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = body_at + length as u64;
        if length > LONGEST || end > limit {
            return Ok(None);
        }
        let mut value = vec![0; length];
        self.file.read_exact_at(&mut value, body_at)?;
        let mut key = [0; KEY];
        key.copy_from_slice(&head[HEAD..]);
        let whole = checksum(&key, &value) == head[4..HEAD];
        Ok(whole.then(|| (Numbered { key, value: value.into() }, end)))
    }
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; 4] {
    let digest = sha256(&[key, value].concat());
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8) -> Numbered {
        Numbered { key: [number; KEY], value: vec![number; 100].into() }
    }

    #[test]
    fn entries_come_out_in_their_order_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 10_000).unwrap();
        assert_eq!(spool.push(&[entry(1), entry(2)]).unwrap(), 0);
        assert_eq!(spool.push(&[entry(3)]).unwrap(), 0);
        let (oldest, end) = spool.oldest(1).unwrap();
        assert_eq!(oldest, [entry(1)]);
        spool.forget(end).unwrap();
        assert_eq!(spool.oldest(9).unwrap().0, [entry(2), entry(3)]);
        drop(spool);

        let mut spool = Spool::open(folder.path(), 10_000).unwrap();
        let (all, end) = spool.oldest(9).unwrap();
        assert_eq!(all, [entry(1), entry(2), entry(3)], "a repeat is folded by the ledger");
        spool.forget(end).unwrap();
        assert!(spool.is_empty());
        assert_eq!(spool.push(&[entry(4)]).unwrap(), 0);
        assert_eq!(spool.oldest(9).unwrap().0, [entry(4)]);
    }

    #[test]
    fn a_torn_end_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        Spool::open(folder.path(), 10_000).unwrap().push(&[entry(1), entry(2)]).unwrap();
        let file = OpenOptions::new().write(true).open(folder.path().join(NAME)).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        let mut spool = Spool::open(folder.path(), 10_000).unwrap();
        spool.push(&[entry(3)]).unwrap();
        assert_eq!(spool.oldest(9).unwrap().0, [entry(1), entry(3)]);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), 300).unwrap();
        assert_eq!(spool.push(&[entry(1), entry(2), entry(3)]).unwrap(), 1);
        assert_eq!(spool.oldest(9).unwrap().0.len(), 2);
    }

    #[test]
    fn two_gateways_do_not_share_a_spool() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Spool::open(folder.path(), 300).unwrap();
        assert!(Spool::open(folder.path(), 300).is_err());
    }
}
