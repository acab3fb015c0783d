//! Entry bundles: the leaves themselves, 256 at a time, as [tlog-tiles](https://c2sp.org/tlog-tiles), section "Log entries",
//! has them. Each leaf stands after its length in two bytes, the greater first.

use std::fmt;
use std::str::FromStr;

use crate::tile::{self, WIDTH, check_width, parse_place, place};

/// The longest leaf that two bytes can tell the length of.
pub const MAX_LEAF: usize = u16::MAX as usize;

const LENGTH: usize = 2;

/// Which entry bundle: its index, and how many leaves it has. It goes with the tile of level 0 at the same place.
///
/// ```
/// use lgsp_tlog::Bundle;
///
/// assert_eq!(Bundle::new(1_234_067, 5)?.path(), "tile/entries/x001/x234/067.p/5");
/// # Ok::<(), lgsp_tlog::tile::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    index: u64,
    width: u16,
}

/// Why leaves are no bundle, or bytes are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A leaf's length does not fit into two bytes.
    #[error("a leaf has at most 65535 bytes, and this one {0}")]
    LeafTooLong(usize),
    /// A bundle has 1 to 256 leaves.
    #[error("an entry bundle has 1 to 256 leaves, and not {0}")]
    Count(usize),
    /// The bytes end within a leaf, or before the last one.
    #[error("the entry bundle ends before its last leaf does")]
    Short,
    /// There are more bytes than the leaves have.
    #[error("the entry bundle goes on after its last leaf")]
    Long,
}

impl Bundle {
    /// The bundle at this place.
    ///
    /// # Errors
    /// The width is not 1 to 256.
    pub fn new(index: u64, width: u16) -> Result<Self, tile::Error> {
        check_width(width)?;
        Ok(Self { index, width })
    }

    /// Which one, from 0 on: its first leaf is that of 256 times the index.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many leaves it has: 256 if it is full.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all of its leaves and will never change.
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// Where it is below the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// Reads a [path](Self::path).
    ///
    /// # Errors
    /// It is anything else, also one that could be written shorter.
    pub fn parse(path: &str) -> Result<Self, tile::Error> {
        let (index, width) = parse_place(path.strip_prefix("tile/entries/").ok_or(tile::Error::Path)?)?;
        Self::new(index, width)
    }

    /// All bundles of a tree of this size.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Bundle> {
        let width = u64::from(WIDTH);
        (0..size.div_ceil(width))
            .map(move |index| Self { index, width: (size - index * width).min(width) as u16 })
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl FromStr for Bundle {
    type Err = tile::Error;

    fn from_str(path: &str) -> Result<Self, tile::Error> {
        Self::parse(path)
    }
}

/// Encodes the leaves of one bundle.
///
/// # Errors
/// There is none or there are more than 256, or one is longer than [`MAX_LEAF`].
pub fn encode<L: AsRef<[u8]>>(leaves: &[L]) -> Result<Vec<u8>, Error> {
    if leaves.is_empty() || leaves.len() > usize::from(WIDTH) {
        return Err(Error::Count(leaves.len()));
    }
    let mut bundle = Vec::with_capacity(leaves.iter().map(|leaf| LENGTH + leaf.as_ref().len()).sum());
    for leaf in leaves {
        append(&mut bundle, leaf.as_ref())?;
    }
    Ok(bundle)
}

/// Adds one more leaf to the bytes of a bundle. The caller sees to it that they have fewer than 256.
///
/// # Errors
/// The leaf is longer than [`MAX_LEAF`]; the bytes are as they were.
pub fn append(bundle: &mut Vec<u8>, leaf: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(leaf.len()).map_err(|_| Error::LeafTooLong(leaf.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(leaf);
    Ok(())
}

/// Reads the leaves of a bundle of this width.
///
/// ```
/// use lgsp_tlog::bundle;
///
/// let bytes = bundle::encode(&["one", "two"])?;
/// assert_eq!(bytes, b"\x00\x03one\x00\x03two");
/// assert_eq!(bundle::decode(&bytes, 2)?, [b"one", b"two"]);
/// # Ok::<(), bundle::Error>(())
/// ```
///
/// # Errors
/// The bytes are not exactly so many leaves.
pub fn decode(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Error> {
    let mut rest = bytes;
    let mut leaves = Vec::with_capacity(usize::from(width.min(WIDTH)));
    for _ in 0..width {
        let (length, after) = rest.split_first_chunk::<LENGTH>().ok_or(Error::Short)?;
        let (leaf, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(Error::Short)?;
        leaves.push(leaf);
        rest = after;
    }
    if rest.is_empty() { Ok(leaves) } else { Err(Error::Long) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_of_every_length_come_back_as_they_were() {
        let leaves = [vec![], vec![1], vec![2; 256], vec![3; MAX_LEAF]];
        let bytes = encode(&leaves).expect("four leaves");
        assert_eq!(decode(&bytes, 4).expect("four leaves"), leaves);
    }

    #[test]
    fn a_leaf_too_long_or_too_many_of_them_are_refused() {
        assert_eq!(encode(&[vec![0; MAX_LEAF + 1]]), Err(Error::LeafTooLong(MAX_LEAF + 1)));
        assert_eq!(encode(&[""; 257]), Err(Error::Count(257)));
        assert_eq!(encode::<&str>(&[]), Err(Error::Count(0)));
        assert!(encode(&[""; 256]).is_ok());
    }

    #[test]
    fn a_byte_more_or_less_is_refused() {
        let bytes = encode(&["one", "two"]).expect("two leaves");
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end], 2), Err(Error::Short), "{end}");
        }
        assert_eq!(decode(&bytes, 1), Err(Error::Long));
        assert_eq!(decode(&bytes, 3), Err(Error::Short));
    }

    #[test]
    fn a_bundle_stands_where_the_leaves_tile_does() {
        let bundles: Vec<_> = Bundle::of_tree(515).map(|bundle| bundle.path()).collect();
        assert_eq!(bundles, ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/3"]);
        for path in bundles {
            assert_eq!(Bundle::parse(&path).map(|bundle| bundle.path()), Ok(path));
        }
        for wrong in
            ["tile/0/000", "tile/entries/", "tile/entries/0", "tile/data/000", "tile/entries/000.p/256"]
        {
            assert!(Bundle::parse(wrong).is_err(), "{wrong}");
        }
    }
}
