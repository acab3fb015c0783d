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

/// A group that was read back whole.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    /// Number of its first record.
    pub first: u64,
    /// Each record's place in the file's bytes, and its content.
    pub records: Vec<(usize, &'a [u8])>,
    /// Where the next group begins.
    pub end: usize,
}

/// What stands at a place of a file.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Group(Whole<'a>),
    /// Nothing more was written.
    End,
    /// A group that is not whole. `at` is its first bad byte range; `resumes`, where a later group begins.
    Broken {
        at: usize,
        resumes: Option<usize>,
    },
}

/// Reads what stands at `from`.
pub(crate) fn find(bytes: &[u8], from: usize) -> Found<'_> {
    let rest = bytes.get(from..).unwrap_or_default();
    // Files are filled with zeros ahead of the writing.
    if rest.iter().all(|byte| *byte == 0) {
        return Found::End;
    }
    let Some(head) = header(rest) else { return broken(bytes, from, from + 1) };
    let end = from + GROUP_HEADER + head.length;
    let mut records = Vec::with_capacity(head.count.min(4_096));
    let mut at = from + GROUP_HEADER;
    for _ in 0..head.count {
        let Some(content) = record(bytes, at).filter(|content| at + RECORD_HEADER + content.len() <= end)
        else {
            return broken(bytes, at, from + GROUP_HEADER);
        };
        records.push((at, content));
        at += RECORD_HEADER + content.len();
    }
    if at != end {
        return broken(bytes, at, from + GROUP_HEADER);
    }
    Found::Group(Whole { first: head.first, records, end })
}

/// Reads the record at a place; `None` if it is not whole.
pub(crate) fn record(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let head = bytes.get(at..at + RECORD_HEADER)?;
    let (length, crc) = (number(head, 0), number(head, 4));
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
    if head[..4] != MAGIC || crc32c::crc32c(&head[..20]) != number(head, 20) {
        return None;
    }
    let first = u64::from(number(head, 12)) | u64::from(number(head, 16)) << 32;
    Some(Header { length: number(head, 4) as usize, count: number(head, 8) as usize, first })
}

/// Looks for a later group from `search` on.
fn broken(bytes: &[u8], at: usize, search: usize) -> Found<'_> {
    let rest = bytes.get(search..).unwrap_or_default();
    let candidates = rest.windows(MAGIC.len()).enumerate().filter(|(_, window)| **window == MAGIC);
    let resumes =
        candidates.map(|(offset, _)| search + offset).find(|place| header(&bytes[*place..]).is_some());
    Found::Broken { at, resumes }
}

/// A number of four bytes; 0 outside, which no caller reads.
fn number(bytes: &[u8], at: usize) -> u32 {
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
            Found::Group(whole) => {
                let records = whole.records.iter().map(|(_, content)| content.to_vec()).collect();
                (whole.first, records, whole.end)
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
            let Found::Broken { resumes: Some(resumes), at } = find(&damaged, 0) else {
                panic!("byte {flipped} is not noticed");
            };
            assert_eq!(resumes, first.len());
            assert!(at <= flipped, "the place that is named is the broken record's");
        }
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
