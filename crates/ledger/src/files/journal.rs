//! The journal: every record as it came, durable after one fsync, until it is filed.
//!
//! One file and one fsync cover the sealed and the erasable part, so that this is all that an exchange waits for. Filed
//! segments are deleted, so that what is erased later does not live on here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::Damage;
use super::group::{Found, Group, find};
use super::segment::{self, HEADER, Header};

/// Identifies the life of the broker whose offsets are meant.
pub(crate) type Incarnation = [u8; 16];

/// A place in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub segment: u64,
    pub byte: u64,
}

/// A record as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub partition: i32,
    pub offset: i64,
    pub value: Bytes,
}

/// Adds a record to a group.
pub(crate) fn push(group: &mut Group, partition: i32, offset: i64, value: &[u8]) {
    group.push(&[&partition.to_le_bytes(), &offset.to_le_bytes(), value]);
}

fn parse(content: &[u8]) -> Option<Kept> {
    let (partition, rest) = content.split_first_chunk::<4>()?;
    let (offset, value) = rest.split_first_chunk::<8>()?;
    let (partition, offset) = (i32::from_le_bytes(*partition), i64::from_le_bytes(*offset));
    Some(Kept { partition, offset, value: Bytes::copy_from_slice(value) })
}

/// Writes the journal.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    incarnation: Incarnation,
    segment_size: u64,
    current: Option<Current>,
    oldest: u64,
    next_number: u64,
    /// Where the segment ends that was left last: what is behind was never durable. The beginning of time, if it is not known.
    left: Place,
}

#[derive(Debug)]
struct Current {
    file: File,
    end: Place,
}

impl Journal {
    /// Begins after whatever is there already.
    pub fn open(folder: &Path, incarnation: Incarnation, segment_size: u64) -> io::Result<Self> {
        let numbers = segment::numbers(folder)?;
        let next_number = numbers.last().map_or(1, |last| last + 1);
        let oldest = numbers.first().copied().unwrap_or(next_number);
        Ok(Self {
            folder: folder.to_owned(),
            incarnation,
            segment_size,
            current: None,
            oldest,
            next_number,
            left: Place::default(),
        })
    }

    /// Where the oldest record that is not filed may stand.
    pub fn beginning(&self) -> Place {
        beginning(self.oldest)
    }

    /// Where the next record goes, at the earliest.
    pub fn end(&self) -> Place {
        self.current.as_ref().map_or(beginning(self.next_number), |current| current.end)
    }

    /// How many segments there are, as far as it is known here.
    pub fn segments(&self) -> u64 {
        self.next_number - self.oldest
    }

    /// Looks which segments were deleted meanwhile.
    pub fn forget_deleted(&mut self) -> io::Result<()> {
        self.oldest = segment::numbers(&self.folder)?.first().copied().unwrap_or(self.next_number);
        Ok(())
    }

    /// Appends a group and waits until it is on disk. Returns where the journal ends.
    ///
    /// After an error the segment is left for good: what a failed fsync leaves behind cannot be known, and a second fsync
    /// that succeeds proves nothing. One that holds nothing yet is removed, so that a full disk is not filled with attempts. The same group
    /// may be appended again; repeats fold.
    pub fn append(&mut self, group: &mut Group) -> io::Result<Place> {
        let bytes = group.seal(0);
        let room = self.current.as_ref().map(|current| self.segment_size.saturating_sub(current.end.byte));
        if room.is_none_or(|room| room < bytes.len() as u64) {
            self.leave();
            self.current = Some(self.next_segment()?);
        }
        let Some(current) = &mut self.current else { return Err(io::ErrorKind::NotFound.into()) };
        match current.append(bytes) {
            Ok(end) => Ok(end),
            Err(error) => {
                let end = current.end;
                if end == beginning(end.segment) {
                    self.give_back(end.segment);
                } else {
                    self.leave();
                }
                Err(error)
            }
        }
    }

    fn leave(&mut self) {
        if let Some(current) = self.current.take() {
            self.left = current.end;
        }
    }

    /// Nobody was told of anything in it: its number is taken again.
    fn give_back(&mut self, number: u64) {
        self.current = None;
        if fs::remove_file(segment::path(&self.folder, number)).is_ok() {
            self.next_number = number;
        }
    }

    /// Leaves the current segment, so that it can be filed and deleted as a whole. Returns where the journal ends then.
    pub fn roll(&mut self) -> Place {
        self.leave();
        self.end()
    }

    fn next_segment(&mut self) -> io::Result<Current> {
        let path = segment::path(&self.folder, self.next_number);
        let made = self.make_segment(&path);
        if made.is_err() {
            // It may be half written; the next attempt takes the same number.
            let _ = fs::remove_file(&path);
        }
        let file = made?;
        let end = beginning(self.next_number);
        self.next_number += 1;
        Ok(Current { file, end })
    }

    fn make_segment(&self, path: &Path) -> io::Result<File> {
        let spare = spare(&self.folder);
        // Without a spare it works as well, only slower: then every fsync also writes the file's new length.
        let file = match fs::rename(&spare, path).and_then(|()| OpenOptions::new().write(true).open(path)) {
            Ok(file) => file,
            Err(_) => OpenOptions::new().write(true).create(true).truncate(true).open(path)?,
        };
        let (number, incarnation) = (self.next_number, self.incarnation);
        let Place { segment: previous, byte: previous_end } = self.left;
        let header = Header { number, incarnation, first: 0, previous_end, previous };
        file.write_all_at(&header.to_bytes(), 0)?;
        segment::sync_folder(&self.folder)?;
        Ok(file)
    }
}

impl Current {
    fn append(&mut self, bytes: &[u8]) -> io::Result<Place> {
        self.file.write_all_at(bytes, self.end.byte)?;
        self.file.sync_data()?;
        self.end.byte += bytes.len() as u64;
        Ok(self.end)
    }
}

/// Prepares the file of the next segment, filled with zeros: an fsync that need not write a new length takes a third less.
pub(crate) fn prepare_spare(folder: &Path, segment_size: u64) -> io::Result<()> {
    let spare = spare(folder);
    if spare.try_exists()? {
        return Ok(());
    }
    let filling = folder.join("filling");
    if let Err(error) = fill(&filling, segment_size) {
        // A full disk needs the room for entries.
        let _ = fs::remove_file(&filling);
        return Err(error);
    }
    fs::rename(filling, spare)
}

fn fill(path: &Path, segment_size: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    let zeros = vec![0; 64 * 1024];
    let mut left = usize::try_from(segment_size).unwrap_or(usize::MAX);
    while left > 0 {
        let piece = left.min(zeros.len());
        file.write_all(&zeros[..piece])?;
        left -= piece;
    }
    file.sync_all()
}

fn spare(folder: &Path) -> PathBuf {
    folder.join("spare")
}

/// Records that were read from the journal.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub records: Vec<Kept>,
    /// The life of the broker that the records are of.
    pub incarnation: Incarnation,
    /// Where the next batch begins.
    pub next: Place,
    /// What was skipped because it is not whole, although it once was.
    pub damage: Vec<Damage>,
}

/// Reads the next records of one segment, at most about `most` of them, and nothing beyond `durable`. At the end of a segment
/// before that of `durable`, the batch's `next` is the next segment.
pub(crate) fn read(folder: &Path, from: Place, durable: Place, most: usize) -> io::Result<Batch> {
    let mut batch = Batch { next: from, ..Batch::default() };
    let is_last = from.segment >= durable.segment;
    let end = if is_last { durable.max(from) } else { beginning(from.segment + 1) };
    let path = segment::path(folder, from.segment);
    let known_end = if is_last { Some(end.byte) } else { end_of(folder, from.segment)? };
    let Some((header, bytes)) = read_range(&path, from.byte, known_end)? else {
        batch.next = end;
        return Ok(batch);
    };
    let is_cut = known_end.is_some_and(|end| from.byte + (bytes.len() as u64) < end);
    batch.incarnation = header.map_or([0; 16], |header| header.incarnation);
    if header.is_none() && matches!(find(&bytes, 0), Found::Group { .. }) {
        batch.damage.push(Damage { file: path.clone(), byte: 0 });
    }
    let mut at = 0;
    while batch.records.len() < most {
        match find(&bytes, at) {
            Found::Group { records, end } => {
                batch.records.extend(records.iter().filter_map(|record| parse(record.content)));
                at = end;
            }
            Found::Broken { at: broken, records, resumes } => {
                // Beyond what is known to have been durable it was torn: nobody was told of it.
                if resumes.is_some() || known_end.is_some() {
                    batch.damage.push(Damage { file: path.clone(), byte: from.byte + broken as u64 });
                    batch.records.extend(records.iter().filter_map(|record| parse(record.content)));
                }
                at = resumes.unwrap_or(bytes.len());
            }
            Found::End => {
                if is_cut && batch.damage.is_empty() {
                    batch.damage.push(Damage { file: path.clone(), byte: from.byte + bytes.len() as u64 });
                }
                batch.next = end;
                return Ok(batch);
            }
        }
    }
    batch.next = Place { segment: from.segment, byte: from.byte + at as u64 };
    Ok(batch)
}

/// Where a segment ends that was left, if the one after it says so: its writer did not, if it had just started.
fn end_of(folder: &Path, number: u64) -> io::Result<Option<u64>> {
    let next = read_range(&segment::path(folder, number + 1), HEADER as u64, Some(HEADER as u64))?;
    let next = next.and_then(|(header, _)| header).filter(|next| next.previous == number);
    Ok(next.map(|next| next.previous_end))
}

/// Reads a segment's header, and its bytes between two places. `None` if there is no such segment.
fn read_range(path: &Path, from: u64, to: Option<u64>) -> io::Result<Option<(Option<Header>, Vec<u8>)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let to = to.unwrap_or(length).min(length);
    let mut header = [0; HEADER];
    let header = file.read_exact_at(&mut header, 0).ok().and_then(|()| Header::read(&header));
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(Some((header, bytes)))
}

/// Where the first group of a segment stands.
pub(crate) fn beginning(segment: u64) -> Place {
    Place { segment, byte: HEADER as u64 }
}

/// Deletes the segments before `segment`.
pub(crate) fn delete_before(folder: &Path, segment: u64) -> io::Result<()> {
    for number in segment::numbers(folder)?.into_iter().take_while(|number| *number < segment) {
        fs::remove_file(segment::path(folder, number))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Incarnation = [7; 16];
    const ALL: usize = usize::MAX;

    fn group(offsets: std::ops::Range<i64>) -> Group {
        let mut group = Group::new();
        for offset in offsets {
            push(&mut group, 3, offset, format!("entry {offset}").as_bytes());
        }
        group
    }

    /// Everything that a filer would read, as a restart finds it.
    fn read_all(folder: &Path) -> (Vec<i64>, Vec<Damage>) {
        let durable = Journal::open(folder, LIFE, 0).unwrap().roll();
        let (mut from, mut offsets, mut damage) = (beginning(1), Vec::new(), Vec::new());
        while from < durable {
            let batch = read(folder, from, durable, ALL).unwrap();
            assert!(batch.next > from);
            assert!(batch.records.iter().all(|kept| kept.value == format!("entry {}", kept.offset)));
            offsets.extend(batch.records.iter().map(|kept| kept.offset));
            damage.extend(batch.damage);
            from = batch.next;
        }
        (offsets, damage)
    }

    fn written(groups: &[std::ops::Range<i64>], segment_size: u64) -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), LIFE, segment_size).unwrap();
        let mut end = Place::default();
        for offsets in groups {
            prepare_spare(dir.path(), segment_size).unwrap();
            end = journal.append(&mut group(offsets.clone())).unwrap();
        }
        (dir, end)
    }

    #[test]
    fn what_was_appended_is_read_from_where_the_reader_was() {
        let (dir, end) = written(&[0..2, 2..3, 3..6], 1 << 16);
        let first = read(dir.path(), beginning(1), end, 1).unwrap();
        assert_eq!((first.records.len(), first.incarnation), (2, LIFE));
        let rest = read(dir.path(), first.next, end, ALL).unwrap();
        assert_eq!(rest.records.iter().map(|kept| kept.offset).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!(rest.next, end);
        assert!(read(dir.path(), end, end, ALL).unwrap().records.is_empty());
    }

    #[test]
    fn a_full_segment_is_followed_by_the_next_and_filed_ones_are_deleted() {
        let (dir, end) = written(&[0..2, 2..4, 4..6], 200);
        assert_eq!(end.segment, 3);
        assert_eq!(read_all(dir.path()), ((0..6).collect(), vec![]));
        delete_before(dir.path(), 3).unwrap();
        assert_eq!(segment::numbers(dir.path()).unwrap(), [3]);
    }

    #[test]
    fn a_group_torn_at_any_byte_is_left_out_and_all_before_it_stay() {
        let (dir, end) = written(&[0..2, 2..4], 1 << 16);
        let path = segment::path(dir.path(), 1);
        let bytes = fs::read(&path).unwrap();
        let first_end = read(dir.path(), beginning(1), end, 1).unwrap().next.byte as usize;
        for torn in first_end..end.byte as usize {
            fs::write(&path, &bytes[..torn]).unwrap();
            assert_eq!(read_all(dir.path()), (vec![0, 1], vec![]), "torn at {torn}");
        }
        for torn in 0..HEADER {
            fs::write(&path, &bytes[..torn]).unwrap();
            assert_eq!(read_all(dir.path()), (vec![], vec![]), "torn at {torn}");
        }
    }

    #[test]
    fn a_flipped_byte_is_named_and_costs_no_other_group() {
        let (dir, end) = written(&[0..2, 2..4, 4..6], 1 << 16);
        let path = segment::path(dir.path(), 1);
        let bytes = fs::read(&path).unwrap();
        let second = read(dir.path(), beginning(1), end, 1).unwrap().next;
        let third = read(dir.path(), second, end, 1).unwrap().next;
        for flipped in second.byte..third.byte {
            let mut damaged = bytes.clone();
            damaged[flipped as usize] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let (offsets, damage) = read_all(dir.path());
            let others = offsets.iter().filter(|offset| ![2, 3].contains(*offset));
            assert_eq!(others.collect::<Vec<_>>(), [&0, &1, &4, &5]);
            assert!(offsets.len() < 6);
            assert!(damage.len() == 1 && damage[0].file == path && damage[0].byte <= flipped);
        }
    }

    #[test]
    fn damage_in_the_last_group_of_a_segment_that_was_left_is_named() {
        let (dir, end) = written(&[0..2, 2..4, 4..6], 200);
        assert_eq!(end.segment, 3);
        let path = segment::path(dir.path(), 1);
        let bytes = fs::read(&path).unwrap();
        let last = read(dir.path(), beginning(1), end, ALL).unwrap();
        assert_eq!(last.records.len(), 2);
        let mut flipped = bytes.clone();
        let at = bytes.windows(7).rposition(|text| text == b"entry 1").unwrap();
        flipped[at] ^= 1;
        for damaged in [flipped, bytes[..at].to_vec()] {
            fs::write(&path, damaged).unwrap();
            let (offsets, damage) = read_all(dir.path());
            assert_eq!(offsets, [0, 2, 3, 4, 5]);
            assert!(damage.len() == 1 && damage[0].file == path, "{damage:?}");
        }
    }

    #[test]
    fn attempts_on_a_full_disk_leave_no_file_each() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), LIFE, 1 << 16).unwrap();
        for _ in 0..3 {
            journal.current = Some(journal.next_segment().unwrap());
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            journal.current.as_mut().unwrap().file = full;
            assert_eq!(journal.append(&mut group(0..1)).unwrap_err().kind(), io::ErrorKind::StorageFull);
            assert!(segment::numbers(dir.path()).unwrap().is_empty());
        }
        journal.append(&mut group(0..1)).unwrap();
        assert_eq!((journal.end().segment, read_all(dir.path())), (1, (vec![0], vec![])));
    }

    #[test]
    fn a_segment_that_cannot_be_made_leaves_nothing_and_the_next_attempt_succeeds() {
        let (dir, _) = written(&[0..1, 1..2], 100);
        let mut journal = Journal::open(dir.path(), LIFE, 100).unwrap();
        // Writing to it fails as on a full disk.
        std::os::unix::fs::symlink("/dev/full", segment::path(dir.path(), 3)).unwrap();
        let _ = fs::remove_file(spare(dir.path()));
        let mut group = group(2..4);
        let error = journal.append(&mut group).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        journal.append(&mut group).unwrap();
        assert_eq!(read_all(dir.path()), ((0..4).collect(), vec![]));
    }
}
