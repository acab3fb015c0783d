//! Groups of records: what one fsync makes durable, as it stands in a file.
//!
//! ```text
//!  group  = magic (4) · records' bytes (4) · count (4) · first (8) · crc32c of these 20 (4) · records
//!  record = length (4) · crc32c of length and content (4) · content
//! ```
//!
//! All numbers are little-endian. A group is written only after the one before it was fsynced, so that a torn write can
//! only be the last group of a file: a broken group with a whole one behind it was damaged later.

/// Bytes before the records of a group.
pub(crate) const GROUP_HEADER: usize = 24;
/// Bytes before the content of a record.
pub(crate) const RECORD_HEADER: usize = 8;

/// Not text, so that no caller's metadata can hold it.
const MAGIC: [u8; 4] = [0xc7, b'L', b'G', 0x1a];

/// Records that are put together to be written at once.
#[derive(Debug)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    count: u32,
}

impl Group {
    pub fn new() -> Self {
        Self { bytes: vec![0; GROUP_HEADER], count: 0 }
    }

    /// Adds a record of several pieces. Returns where it will stand, counted from the begin of the group.
    pub fn push(&mut self, pieces: &[&[u8]]) -> usize {
        let at = self.bytes.len();
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>() as u32;
        let length = length.to_le_bytes();
        let crc = pieces.iter().fold(crc32c::crc32c(&length), |crc, piece| crc32c::crc32c_append(crc, piece));
        self.bytes.extend_from_slice(&length);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        for piece in pieces {
            self.bytes.extend_from_slice(piece);
        }
        self.count += 1;
        at
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes of the whole group.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Completes the header; `first` is the number of the first record. Returns the bytes to write.
    pub fn seal(&mut self, first: u64) -> &[u8] {
        let length = (self.bytes.len() - GROUP_HEADER) as u32;
        self.bytes[..4].copy_from_slice(&MAGIC);
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        self.bytes[8..12].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[12..20].copy_from_slice(&first.to_le_bytes());
        let crc = crc32c::crc32c(&self.bytes[..20]);
        self.bytes[20..GROUP_HEADER].copy_from_slice(&crc.to_le_bytes());
        &self.bytes
    }

    pub fn clear(&mut self) {
        self.bytes.truncate(GROUP_HEADER);
        self.count = 0;
    }
}

/// A record that was read back whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// Its number, counted on from the group's first.
    pub number: u64,
    /// Where it stands in the file's bytes.
    pub at: usize,
    pub content: &'a [u8],
}

/// What stands at a place of a file.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A whole group; the next one begins at `end`.
    Group { records: Vec<Record<'a>>, end: usize },
    /// Nothing more was written.
    End,
    /// A group that is not whole, from `at` on. `records` are those that are; `resumes` is where a later group begins.
    Broken { at: usize, records: Vec<Record<'a>>, resumes: Option<usize> },
}

/// Reads what stands at `from`.
pub(crate) fn find(bytes: &[u8], from: usize) -> Found<'_> {
    let rest = bytes.get(from..).unwrap_or_default();
    // Files are filled with zeros ahead of the writing.
    if rest.iter().all(|byte| *byte == 0) {
        return Found::End;
    }
    let Some(head) = header(rest) else {
        return Found::Broken { at: from, records: Vec::new(), resumes: later_group(bytes, from + 1) };
    };
    let (records, broken) = records(bytes, from + GROUP_HEADER, &head);
    match broken {
        None => Found::Group { records, end: from + GROUP_HEADER + head.length },
        Some(at) => Found::Broken { at, records, resumes: later_group(bytes, from + GROUP_HEADER) },
    }
}

/// Reads the records of a group. Returns those that are whole, and where the first one stands that is not.
fn records<'a>(bytes: &'a [u8], begin: usize, head: &Header) -> (Vec<Record<'a>>, Option<usize>) {
    let end = begin + head.length;
    let mut records = Vec::with_capacity(head.count.min(4_096));
    let (mut at, mut broken) = (begin, None);
    for number in (head.first..).take(head.count) {
        let content = record(bytes, at);
        if content.is_none() {
            broken = broken.or(Some(at));
        }
        records.extend(content.map(|content| Record { number, at, content }));
        // A length that leads out of the group is what was damaged.
        let length = bytes.get(at..at + RECORD_HEADER).map_or(0, |head| number_at(head, 0) as usize);
        let next = at + RECORD_HEADER + length;
        if next > end {
            return (records, broken.or(Some(at)));
        }
        at = next;
    }
    (records, broken.or((at != end).then_some(at)))
}

/// Reads the record at a place; `None` if it is not whole.
pub(crate) fn record(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let head = bytes.get(at..at + RECORD_HEADER)?;
    let (length, crc) = (number_at(head, 0), number_at(head, 4));
    let content = bytes.get(at + RECORD_HEADER..)?.get(..length as usize)?;
    (crc32c::crc32c_append(crc32c::crc32c(&head[..4]), content) == crc).then_some(content)
}

struct Header {
    length: usize,
    count: usize,
    first: u64,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let head = bytes.get(..GROUP_HEADER)?;
    if head[..4] != MAGIC || crc32c::crc32c(&head[..20]) != number_at(head, 20) {
        return None;
    }
    let first = u64::from(number_at(head, 12)) | u64::from(number_at(head, 16)) << 32;
    Some(Header { length: number_at(head, 4) as usize, count: number_at(head, 8) as usize, first })
}

/// Where a group begins at `from` or later.
fn later_group(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..).unwrap_or_default();
    let candidates = rest.windows(MAGIC.len()).enumerate().filter(|(_, window)| **window == MAGIC);
    candidates.map(|(offset, _)| from + offset).find(|place| header(&bytes[*place..]).is_some())
}

/// A number of four bytes; 0 outside, which no caller reads.
fn number_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(first: u64, records: &[&[u8]]) -> Vec<u8> {
        let mut group = Group::new();
        for record in records {
            group.push(&[record]);
        }
        group.seal(first).to_vec()
    }

    fn contents(found: Found<'_>) -> (u64, Vec<Vec<u8>>, usize) {
        match found {
            Found::Group { records, end } => {
                let contents = records.iter().map(|record| record.content.to_vec()).collect();
                (records[0].number, contents, end)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn groups_are_read_back_as_they_were_written() {
        let mut file = group(7, &[b"one", b"", b"three"]);
        file.extend(group(10, &[b"four"]));
        file.extend([0; 100]);
        let (first, records, end) = contents(find(&file, 0));
        assert_eq!((first, records), (7, vec![b"one".to_vec(), vec![], b"three".to_vec()]));
        let (first, records, end) = contents(find(&file, end));
        assert_eq!((first, records), (10, vec![b"four".to_vec()]));
        assert!(matches!(find(&file, end), Found::End));
    }

    #[test]
    fn a_group_torn_at_any_byte_is_broken_with_nothing_behind_it() {
        let whole = group(1, &[b"one", b"two"]);
        for torn in 1..whole.len() {
            let found = find(&whole[..torn], 0);
            assert!(matches!(found, Found::Broken { resumes: None, .. }), "torn at {torn}: {found:?}");
        }
    }

    #[test]
    fn a_flipped_byte_anywhere_is_noticed_and_the_group_behind_is_found() {
        let first = group(1, &[b"one", b"two"]);
        let mut file = first.clone();
        file.extend(group(3, &[b"three"]));
        for flipped in 0..first.len() {
            let mut damaged = file.clone();
            damaged[flipped] ^= 0x10;
            let Found::Broken { resumes: Some(resumes), at, records } = find(&damaged, 0) else {
                panic!("byte {flipped} is not noticed");
            };
            assert_eq!(resumes, first.len());
            assert!(at <= flipped, "the place that is named is the broken record's");
            for record in records {
                assert_eq!(record.content, if record.number == 1 { b"one" } else { b"two" });
            }
        }
    }

    #[test]
    fn the_other_records_of_a_damaged_group_are_still_read() {
        let mut bytes = group(1, &[b"one", b"two", b"three"]);
        let two = bytes.windows(3).position(|window| window == b"two").unwrap();
        bytes[two] ^= 1;
        let Found::Broken { records, .. } = find(&bytes, 0) else { panic!("it is damaged") };
        let numbers: Vec<u64> = records.iter().map(|record| record.number).collect();
        assert_eq!(numbers, [1, 3]);
    }

    #[test]
    fn a_record_is_read_alone_by_its_place() {
        let mut group = Group::new();
        group.push(&[b"one"]);
        let at = group.push(&[b"tw", b"o"]);
        let bytes = group.seal(0).to_vec();
        assert_eq!(record(&bytes, at), Some(b"two".as_slice()));
        assert_eq!(record(&bytes, at + 1), None);
    }
}
