//! The log: the sealed parts, byte for byte, in the order in which they became leaves. It is only ever appended to.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Damage;
use super::group::{Found, Group, Record, find};
pub(crate) use super::reader::Reader;
use super::segment::{self, HEADER, Header};

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub segment: u64,
    pub byte: u64,
}

/// How far the log has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub place: Place,
    /// How many leaves there are: also the number of the next one, from 0.
    pub leaves: u64,
}

/// A sealed part, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub number: u64,
    pub place: Place,
    pub sealed: Bytes,
}

/// Appends to the log.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    segment_size: u64,
    /// Whose segments it writes: what an earlier writer still appends is left out.
    pub generation: u64,
    end: End,
    current: Option<File>,
}

impl Log {
    /// Opens the log at the end that [`recover`] found.
    pub fn open(folder: &Path, segment_size: u64, generation: u64, end: End) -> Self {
        Self { folder: folder.to_owned(), segment_size, generation, end, current: None }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn end(&self) -> End {
        self.end
    }

    /// Appends sealed parts and waits until they are on disk. Returns where each stands.
    ///
    /// After an error nothing was appended: the next attempt begins a new segment, whose header says where this one ends. One that was begun
    /// in vain is removed, so that a full disk is not filled with attempts.
    pub fn append(&mut self, sealed: &[Bytes]) -> io::Result<Vec<Place>> {
        let before = self.end;
        let appended = self.try_append(sealed);
        if appended.is_err() {
            self.give_up(before);
        }
        appended
    }

    fn give_up(&mut self, before: End) {
        self.current = None;
        if self.end != before {
            // If it cannot be removed, it stays as one that holds nothing.
            let _ = fs::remove_file(segment::path(&self.folder, self.end.place.segment));
            self.end = before;
        }
    }

    fn try_append(&mut self, sealed: &[Bytes]) -> io::Result<Vec<Place>> {
        let mut group = Group::new();
        let within: Vec<usize> = sealed.iter().map(|sealed| group.push(&[sealed])).collect();
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = group.seal(self.end.leaves);
        let full = self.end.place.byte + bytes.len() as u64 > self.segment_size;
        let file = match self.current.take() {
            Some(file) if !full => file,
            Some(_) | None => self.next_segment()?,
        };
        file.write_all_at(bytes, self.end.place.byte)?;
        file.sync_data()?;
        self.current = Some(file);
        let begin = self.end.place;
        let places = within.iter().map(|at| Place { byte: begin.byte + *at as u64, ..begin }).collect();
        self.end.place.byte += bytes.len() as u64;
        self.end.leaves += sealed.len() as u64;
        Ok(places)
    }

    fn next_segment(&mut self) -> io::Result<File> {
        // Beyond every segment that is there: nobody's is ever written over.
        let newest = segment::numbers(&self.folder)?.last().copied().unwrap_or(0);
        let number = newest.max(self.end.place.segment) + 1;
        let path = segment::path(&self.folder, number);
        let header = Header {
            number,
            incarnation: u128::from(self.generation).to_le_bytes(),
            first: self.end.leaves,
            previous_end: self.end.place.byte,
            previous: self.end.place.segment,
        };
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        self.end.place = Place { segment: number, byte: HEADER as u64 };
        file.write_all_at(&header.to_bytes(), 0)?;
        file.sync_all()?;
        segment::sync_folder(&self.folder)?;
        Ok(file)
    }
}

/// What the files of the log say from a place on.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub leaves: Vec<Leaf>,
    pub damage: Vec<Damage>,
    /// Where the log goes on.
    pub end: End,
    /// Bytes of a torn write, which were not counted as the log's.
    pub torn: u64,
}

/// Reads one segment from `from` on. What it holds is handed over whole: a segment is bounded.
///
/// A torn write can only be at the end of the log: there it is left out, because it is in the journal still. Whatever
/// else is broken was damaged later; it is named, and the leaves behind it are read.
pub(crate) fn recover(folder: &Path, from: End) -> io::Result<Recovered> {
    let number = from.place.segment;
    let next = next_header(folder, number)?;
    let mut recovered = read(folder, from, next.and_then(|next| end_of(next, number)))?;
    let Some(next) = next else { return Ok(recovered) };
    for between in number + 1..next.number {
        // One whose header was damaged is read all the same.
        if is_written(folder, between)? && header(folder, between)?.is_none() {
            let salvaged = read(folder, End { place: begin(between), leaves: 0 }, end_of(next, between))?;
            recovered.leaves.extend(salvaged.leaves);
            recovered.damage.extend(salvaged.damage);
        }
    }
    let end = End { place: Place { segment: next.number, byte: HEADER as u64 }, leaves: next.first };
    Ok(Recovered { end, ..recovered })
}

/// Looks for damage in a segment of which everything before `end`, where the log ends now, was once fsynced.
pub(crate) fn check(folder: &Path, number: u64, end: Place) -> io::Result<Vec<Damage>> {
    Ok(salvage(folder, number, end)?.damage)
}

/// The same, with what can be read of it.
pub(crate) fn salvage(folder: &Path, number: u64, end: Place) -> io::Result<Recovered> {
    let next = next_header(folder, number)?.and_then(|next| end_of(next, number));
    // One that is not the log's was written by a ledger that had been replaced, or torn at its begin.
    if number < end.segment && next.is_none() {
        return Ok(Recovered::default());
    }
    let known_end = if number == end.segment { Some(end.byte) } else { next };
    let from = End { place: Place { segment: number, byte: HEADER as u64 }, leaves: 0 };
    read(folder, from, known_end)
}

/// Reads a segment until `known_end`, or until its last whole group. What is before `from` is not read.
fn read(folder: &Path, from: End, known_end: Option<u64>) -> io::Result<Recovered> {
    let path = segment::path(folder, from.place.segment);
    let mut recovered = Recovered { end: from, ..Recovered::default() };
    let (begin, expected) = (from.place.byte, known_end.unwrap_or(0).max(from.place.byte));
    let Piece { header, length, bytes } = piece(&path, begin, known_end)?;
    let damage = |byte: u64| Damage { file: path.clone(), byte };
    if length < expected {
        recovered.damage.push(damage(length));
    }
    if length > 0 && header.is_none() {
        recovered.damage.push(damage(0));
    }
    let leaf = |record: &Record<'_>| Leaf {
        number: record.number,
        place: Place { byte: begin + record.at as u64, ..from.place },
        sealed: Bytes::copy_from_slice(record.content),
    };
    let mut at = 0;
    loop {
        match find(&bytes, at) {
            Found::Group { records, end } => {
                recovered.leaves.extend(records.iter().map(leaf));
                at = end;
            }
            Found::Broken { resumes: None, .. } if known_end.is_none() => {
                recovered.torn = bytes.len().saturating_sub(at) as u64;
                break;
            }
            Found::Broken { at: broken, records, resumes } => {
                recovered.damage.push(damage(begin + broken as u64));
                recovered.leaves.extend(records.iter().map(leaf));
                at = resumes.unwrap_or(bytes.len());
            }
            Found::End => break,
        }
    }
    recovered.end.place.byte = begin + at as u64;
    recovered.end.leaves = recovered.leaves.last().map_or(from.leaves, |last| last.number + 1);
    Ok(recovered)
}

/// A piece of a segment.
#[derive(Default)]
struct Piece {
    header: Option<Header>,
    /// Bytes of the whole file.
    length: u64,
    bytes: Vec<u8>,
}

/// Reads a segment from a byte up to another one, or to its end. Nothing if there is no such file.
fn piece(path: &Path, from: u64, to: Option<u64>) -> io::Result<Piece> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Piece::default()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let end = to.unwrap_or(length).min(length);
    let mut header = [0; HEADER];
    let header = file.read_exact_at(&mut header, 0).ok().and_then(|()| Header::read(&header));
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(Piece { header, length, bytes })
}

/// The header of the segment after `number`. One whose header was torn holds nothing yet, and one of an earlier writer than
/// of a segment before it was written by a ledger that had been replaced.
fn next_header(folder: &Path, number: u64) -> io::Result<Option<Header>> {
    let before = header(folder, number)?.map_or(0, writer);
    for later in segment::numbers(folder)?.into_iter().filter(|later| *later > number) {
        let header = header(folder, later)?.filter(|header| writer(*header) >= before);
        if header.is_some() {
            return Ok(header);
        }
    }
    Ok(None)
}

/// The header of a segment; `None` if there is none or it was torn.
fn header(folder: &Path, number: u64) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER];
    match File::open(segment::path(folder, number)) {
        Ok(file) => Ok(file.read_exact_at(&mut bytes, 0).ok().and_then(|()| Header::read(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a segment ends, as the header after it says.
fn end_of(next: Header, number: u64) -> Option<u64> {
    (next.previous == number).then_some(next.previous_end)
}

/// Whether a segment has more than its header.
fn is_written(folder: &Path, number: u64) -> io::Result<bool> {
    match fs::metadata(segment::path(folder, number)) {
        Ok(metadata) => Ok(metadata.len() > HEADER as u64),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whose segment it is.
fn writer(header: Header) -> u128 {
    u128::from_le_bytes(header.incarnation)
}

/// Who wrote the newest segment that says so; 0 if there is none.
pub(crate) fn newest_generation(folder: &Path) -> io::Result<u64> {
    for number in segment::numbers(folder)?.into_iter().rev() {
        if let Some(header) = header(folder, number)? {
            return Ok(u64::try_from(writer(header)).unwrap_or(u64::MAX));
        }
    }
    Ok(0)
}

/// The number of a segment's first leaf, and whether it is the log's last segment.
pub(crate) fn first_leaf(folder: &Path, number: u64) -> io::Result<(u64, bool)> {
    let header = header(folder, number)?.ok_or(io::ErrorKind::NotFound)?;
    Ok((header.first, next_header(folder, number)?.is_none()))
}

/// The segments of the log but for its last one: the number of each, its first leaf, and the one after its last.
pub(crate) fn spans(folder: &Path) -> io::Result<Vec<(u64, u64, u64)>> {
    let mut spans = Vec::new();
    let mut number = segment::numbers(folder)?.first().copied();
    while let Some(of) = number.take() {
        let next = next_header(folder, of)?;
        if let (Some(of), Some(next)) = (header(folder, of)?, next) {
            spans.push((of.number, of.first, next.first));
        }
        number = next.map(|next| next.number);
    }
    Ok(spans)
}

/// Where the first group of a segment begins.
pub(crate) fn begin(segment: u64) -> Place {
    Place { segment, byte: HEADER as u64 }
}

/// Where the log begins; `None` if there is none yet.
pub(crate) fn beginning(folder: &Path) -> io::Result<Option<Place>> {
    Ok(segment::numbers(folder)?.first().copied().map(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(numbers: std::ops::Range<u64>) -> Vec<Bytes> {
        numbers.map(|number| Bytes::from(format!("leaf {number}"))).collect()
    }

    fn beginning_of(folder: &Path) -> End {
        End { place: beginning(folder).unwrap().unwrap(), leaves: 0 }
    }

    /// All leaves from the beginning on, as a rebuild reads them.
    fn read_all(folder: &Path) -> (Vec<u64>, Recovered) {
        let (mut from, mut numbers, mut damage) = (beginning_of(folder), Vec::new(), Vec::new());
        loop {
            let recovered = recover(folder, from).unwrap();
            for leaf in &recovered.leaves {
                assert_eq!(leaf.sealed, format!("leaf {}", leaf.number));
                let read = Reader::new(folder).sealed(leaf.place).unwrap().unwrap();
                assert_eq!(read, leaf.sealed);
            }
            numbers.extend(recovered.leaves.iter().map(|leaf| leaf.number));
            damage.extend(recovered.damage.clone());
            if recovered.end.place.segment == from.place.segment {
                return (numbers, Recovered { damage, ..recovered });
            }
            from = recovered.end;
        }
    }

    fn written(segment_size: u64) -> (tempfile::TempDir, Log) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(dir.path(), segment_size, 1, End::default());
        for numbers in [0..2, 2..3, 3..6] {
            log.append(&sealed(numbers)).unwrap();
        }
        (dir, log)
    }

    #[test]
    fn leaves_are_read_back_with_their_numbers_over_segments() {
        for segment_size in [1, 100, 1 << 16] {
            let (dir, log) = written(segment_size);
            let (numbers, recovered) = read_all(dir.path());
            assert_eq!(numbers, (0..6).collect::<Vec<_>>());
            assert_eq!((recovered.end, recovered.damage), (log.end(), vec![]));
        }
    }

    #[test]
    fn a_torn_write_at_any_byte_is_left_out_and_the_log_goes_on_behind_it() {
        let (dir, log) = written(1 << 16);
        let path = segment::path(dir.path(), 1);
        let bytes = fs::read(&path).unwrap();
        let third = recover(dir.path(), beginning_of(dir.path())).unwrap().leaves[3].place.byte as usize;
        for torn in third - 20..log.end().place.byte as usize {
            let copy = tempfile::tempdir().unwrap();
            fs::write(segment::path(copy.path(), 1), &bytes[..torn]).unwrap();
            let (numbers, recovered) = read_all(copy.path());
            assert_eq!((numbers, recovered.damage.len()), (vec![0, 1, 2], 0), "torn at {torn}");
            let mut log = Log::open(copy.path(), 1 << 16, 1, recovered.end);
            log.append(&sealed(3..5)).unwrap();
            let (numbers, recovered) = read_all(copy.path());
            assert_eq!((numbers, recovered.damage), (vec![0, 1, 2, 3, 4], vec![]), "torn at {torn}");
        }
    }

    #[test]
    fn a_flipped_byte_is_named_and_the_leaves_behind_it_keep_their_numbers() {
        let (dir, log) = written(1 << 16);
        let path = segment::path(dir.path(), 1);
        let bytes = fs::read(&path).unwrap();
        for flipped in HEADER..log.end().place.byte as usize {
            let mut damaged = bytes.clone();
            damaged[flipped] ^= 0x40;
            fs::write(&path, &damaged).unwrap();
            let damage = check(dir.path(), 1, log.end().place).unwrap();
            assert!(damage.len() == 1 && damage[0].file == path && damage[0].byte <= flipped as u64);
            let (numbers, _) = read_all(dir.path());
            assert!(numbers.iter().all(|number| *number < 6));
        }
        fs::write(&path, &bytes).unwrap();
        assert_eq!(check(dir.path(), 1, log.end().place).unwrap(), []);
    }

    #[test]
    fn a_file_that_was_cut_is_named() {
        let (dir, log) = written(1 << 16);
        let path = segment::path(dir.path(), 1);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        assert_eq!(check(dir.path(), 1, log.end().place).unwrap()[0].byte, bytes.len() as u64 - 3);
        fs::remove_file(&path).unwrap();
        assert_eq!(check(dir.path(), 1, log.end().place).unwrap()[0].byte, 0);
    }

    #[test]
    fn a_write_that_fails_appends_nothing_and_the_next_one_goes_on() {
        let (dir, mut log) = written(1 << 16);
        log.current = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let end = log.end();
        assert_eq!(log.append(&sealed(6..7)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(log.end(), end);
        log.append(&sealed(6..8)).unwrap();
        assert_eq!(read_all(dir.path()).0, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn attempts_on_a_full_disk_leave_no_file_each() {
        let (dir, mut log) = written(1);
        let (end, before) = (log.end(), segment::numbers(dir.path()).unwrap());
        for _ in 0..3 {
            // As on a full disk: the next segment is made, and the group does not go into it.
            log.next_segment().unwrap();
            log.give_up(end);
            assert_eq!((log.end(), segment::numbers(dir.path()).unwrap()), (end, before.clone()));
        }
        log.append(&sealed(6..7)).unwrap();
        assert_eq!(read_all(dir.path()).0, (0..7).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_replaced_writer_still_appends_is_not_the_logs() {
        let (dir, old) = written(1 << 16);
        let mut paused = Log::open(dir.path(), 1, 1, old.end());
        let mut log = Log::open(dir.path(), 1 << 16, 2, old.end());
        log.append(&sealed(6..8)).unwrap();
        paused.append(&[Bytes::from("forged")]).unwrap();
        log.append(&sealed(8..9)).unwrap();
        let mut again = Log::open(dir.path(), 1 << 16, 3, log.end());
        again.append(&sealed(9..10)).unwrap();
        let (numbers, recovered) = read_all(dir.path());
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
        assert_eq!((recovered.end, recovered.damage), (again.end(), vec![]));
        let end = again.end().place;
        for number in 1..=end.segment {
            assert_eq!(check(dir.path(), number, end).unwrap(), []);
        }
    }

    #[test]
    fn a_segment_whose_header_is_damaged_is_read_and_named() {
        let (dir, log) = written(100);
        let damaged = segment::path(dir.path(), 2);
        let mut bytes = fs::read(&damaged).unwrap();
        bytes[20] ^= 1;
        fs::write(&damaged, bytes).unwrap();
        let (numbers, recovered) = read_all(dir.path());
        assert_eq!(numbers, (0..6).collect::<Vec<_>>());
        assert_eq!(recovered.end, log.end());
        assert_eq!(recovered.damage, [Damage { file: damaged, byte: 0 }]);
    }
}
