//! Tiles: the tree's hashes in pieces of 256, as [tlog-tiles](https://c2sp.org/tlog-tiles), section "Merkle Tree", has them.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::str::FromStr;

use crate::Hash;
use crate::encoding;

/// How many hashes a full tile has.
pub const WIDTH: u16 = 256;

/// How many levels of the tree a tile spans.
pub(crate) const HEIGHT: u32 = 8;

/// The highest level that a path may name.
const MAX_LEVEL: u8 = 63;

/// The levels that a tree of fewer than 2^64 leaves has.
pub(crate) const LEVELS: usize = 8;

/// Which tile: its level, its index within the level, and how many hashes it has.
///
/// ```
/// use lgsp_tlog::Tile;
///
/// let tile = Tile::new(0, 1_234_067, 256)?;
/// assert_eq!(tile.path(), "tile/0/x001/x234/067");
/// assert_eq!("tile/1/000.p/17".parse(), Tile::new(1, 0, 17));
/// # Ok::<(), lgsp_tlog::tile::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Why there is no such tile or entry bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Levels are 0 to 63.
    #[error("a tile's level is at most 63")]
    Level,
    /// Empty ones are not served, and none is wider than a full one.
    #[error("a tile has 1 to 256 hashes, and an entry bundle as many entries")]
    Width,
    /// The path is not written as the specification says.
    #[error(
        "a tile's path is like tile/0/x001/234 or tile/0/x001/234.p/5, an entry bundle's like tile/entries/x001/234"
    )]
    Path,
}

impl Tile {
    /// The tile at this place.
    ///
    /// # Errors
    /// The level is above 63, or the width is not 1 to 256.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, Error> {
        if level > MAX_LEVEL {
            return Err(Error::Level);
        }
        check_width(width)?;
        Ok(Self { level, index, width })
    }

    /// 0 for the tiles of leaf hashes; the hashes of a level are those of the full tiles below.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Which one of its level, from 0 on.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has: 256 if it is full.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all of its hashes and will never change.
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        usize::from(self.width) * Hash::LEN
    }

    /// Never: an empty tile is none.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Where it is below the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// Reads a [path](Self::path).
    ///
    /// # Errors
    /// It is anything else, also one that could be written shorter.
    pub fn parse(path: &str) -> Result<Self, Error> {
        let (level, place) =
            path.strip_prefix("tile/").and_then(|rest| rest.split_once('/')).ok_or(Error::Path)?;
        let level = encoding::decimal(level).and_then(|level| u8::try_from(level).ok()).ok_or(Error::Path)?;
        let (index, width) = parse_place(place)?;
        Self::new(level, index, width)
    }

    /// All tiles of a tree of this size, level by level. The partial ones are those that a log serves with its checkpoint.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Tile> {
        (0..LEVELS as u8).flat_map(move |level| {
            let hashes = hashes_at(level, size);
            (0..hashes.div_ceil(u64::from(WIDTH))).map(move |index| Self::in_tree(level, index, hashes))
        })
    }

    /// The tile at an index of a level that has so many hashes; it must have one there.
    fn in_tree(level: u8, index: u64, hashes: u64) -> Self {
        let there = hashes - index * u64::from(WIDTH);
        Self { level, index, width: there.min(u64::from(WIDTH)) as u16 }
    }

    /// The tile that has a hash of a level, in a tree of this size; the hash must be in the tree.
    pub(crate) fn holding(level: u8, hash: u64, size: u64) -> Self {
        Self::in_tree(level, hash / u64::from(WIDTH), hashes_at(level, size))
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl FromStr for Tile {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self, Error> {
        Self::parse(path)
    }
}

/// How many hashes a level has in a tree of this size.
pub(crate) fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(HEIGHT * u32::from(level)).unwrap_or(0)
}

pub(crate) fn check_width(width: u16) -> Result<(), Error> {
    if (1..=WIDTH).contains(&width) { Ok(()) } else { Err(Error::Width) }
}

/// The end of a path: the index in elements of three digits, all but the last after an `x`, and the width if it is partial.
pub(crate) fn place(index: u64, width: u16) -> String {
    let mut place = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        place = format!("x{:03}/{place}", rest % 1000);
        rest /= 1000;
    }
    if width == WIDTH { place } else { format!("{place}.p/{width}") }
}

/// Reads a [`place`].
pub(crate) fn parse_place(text: &str) -> Result<(u64, u16), Error> {
    let (digits, width) = match text.split_once(".p/") {
        Some((digits, width)) => {
            let width = encoding::decimal(width).and_then(|width| u16::try_from(width).ok());
            (digits, width.filter(|width| (1..WIDTH).contains(width)).ok_or(Error::Path)?)
        }
        None => (text, WIDTH),
    };
    let mut index: u64 = 0;
    for element in digits.split('/') {
        let thousandth: u64 = element.trim_start_matches('x').parse().map_err(|_| Error::Path)?;
        index = index.checked_mul(1000).and_then(|index| index.checked_add(thousandth)).ok_or(Error::Path)?;
    }
    // Whatever was read otherwise than it is written was written otherwise than it must be.
    if place(index, width) == text { Ok((index, width)) } else { Err(Error::Path) }
}

/// Where tiles are read from: a folder, a database, another's log.
pub trait Tiles {
    /// Reads a tile: exactly [`Tile::len`] bytes.
    ///
    /// # Errors
    /// It cannot be read. After [`NotFound`](io::ErrorKind::NotFound) for a partial tile the full one is asked for, since a
    /// log may drop a partial tile once there is the full one.
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>>;
}

/// Why a tile could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The reader failed.
    #[error("{tile} was not read")]
    Read {
        /// Which tile.
        tile: Tile,
        /// What the reader said.
        source: io::Error,
    },
    /// The reader gave something else.
    #[error("{tile} has {bytes} bytes, and not {}", tile.len())]
    Length {
        /// Which tile.
        tile: Tile,
        /// How many bytes there were.
        bytes: usize,
    },
}

/// Reads the hashes of a tile; in place of a partial one that is gone, the beginning of the full one.
pub(crate) fn read(tiles: &(impl Tiles + ?Sized), tile: Tile) -> Result<Vec<Hash>, ReadError> {
    match read_exactly(tiles, tile) {
        Err(ReadError::Read { source, .. })
            if source.kind() == io::ErrorKind::NotFound && !tile.is_full() =>
        {
            let mut hashes = read_exactly(tiles, Tile { width: WIDTH, ..tile })?;
            hashes.truncate(tile.width.into());
            Ok(hashes)
        }
        read => read,
    }
}

fn read_exactly(tiles: &(impl Tiles + ?Sized), tile: Tile) -> Result<Vec<Hash>, ReadError> {
    let bytes = tiles.tile(tile).map_err(|source| ReadError::Read { tile, source })?;
    let hashes = Hash::sequence(&bytes).filter(|hashes| hashes.len() == usize::from(tile.width));
    hashes.ok_or(ReadError::Length { tile, bytes: bytes.len() })
}

impl<T: Tiles + ?Sized> Tiles for &T {
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        (**self).tile(tile)
    }
}

impl Tiles for BTreeMap<Tile, Vec<u8>> {
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        self.get(&tile).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let paths = [
            ("tile/0/x001/x234/067", (0, 1_234_067, 256)),
            ("tile/0/000", (0, 0, 256)),
            ("tile/63/999.p/255", (63, 999, 255)),
            ("tile/1/x001/000.p/1", (1, 1000, 1)),
            ("tile/0/x018/x446/x744/x073/x709/x551/615", (0, u64::MAX, 256)),
        ];
        for (path, (level, index, width)) in paths {
            let tile = Tile::new(level, index, width).expect("a tile");
            assert_eq!(tile.path(), path);
            assert_eq!(Tile::parse(path), Ok(tile));
        }
    }

    #[test]
    fn a_path_that_is_written_otherwise_is_none() {
        let wrong = [
            "",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/xx001/002",
            "tile/0/x001/x002",
            "tile/0/+01",
            "tile/00/001",
            "tile/-1/001",
            "tile/64/001",
            "tile/256/001",
            "tile/8/0/001",
            "tile/entries/001",
            "tile/0/001.p/0",
            "tile/0/001.p/01",
            "tile/0/001.p/256",
            "tile/0/001.p/",
            "tile/0/001.p",
            "tile/0/001.p/1/",
            "tile/0/001.p/1.p/1",
            "/tile/0/001",
            "tile/0/001/",
            "tile//001",
            // One more than there are indexes.
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ];
        for path in wrong {
            assert!(Tile::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn the_tiles_of_a_tree_are_those_of_the_specifications_example() {
        let tiles: Vec<_> = Tile::of_tree(70_000).collect();
        let full = |level| tiles.iter().filter(|tile| tile.level == level && tile.is_full()).count();
        let partial =
            |level| tiles.iter().find(|tile| tile.level == level && !tile.is_full()).map(Tile::width);
        assert_eq!((full(0), partial(0)), (273, Some(112)));
        assert_eq!((full(1), partial(1)), (1, Some(17)));
        assert_eq!((full(2), partial(2)), (0, Some(1)));
        assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);

        assert_eq!(Tile::of_tree(0).count(), 0);
        let of_256: Vec<_> = Tile::of_tree(256).map(|tile| tile.path()).collect();
        assert_eq!(of_256, ["tile/0/000", "tile/1/000.p/1"]);
    }
}
