//! The right edge of a growing tree: all that is needed to add leaves, and no more.

use crate::hash::{self, Hash, node_hash};
use crate::tile::{self, LEVELS, ReadError, Tile, Tiles, WIDTH, hashes_at};

/// A tree that grows. It keeps the hashes of the partial tiles alone, at most 255 a level and 64 KiB in all, whatever its
/// size; so it is cheap to clone, and a caller may grow a clone and put it in the tree's place once its tiles are written.
///
/// ```
/// use lgsp_tlog::{Edge, leaf_hash};
///
/// let mut edge = Edge::new();
/// let growth = edge.grow((0..300u16).map(|number| leaf_hash(&number.to_be_bytes())));
/// let paths: Vec<_> = growth.tiles.iter().map(|(tile, _)| tile.path()).collect();
/// assert_eq!(paths, ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]);
/// assert_eq!((edge.size(), edge.root()), (300, growth.root));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// The hashes of each level's partial tile, in order.
    levels: [Vec<Hash>; LEVELS],
}

/// What came of leaves: all that a log must serve anew before it tells of its new size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The size before.
    pub from: u64,
    /// The size now.
    pub size: u64,
    /// The root of the tree of that size.
    pub root: Hash,
    /// The tiles that became full, in the order in which they did, and then the partial tile of each level that has
    /// another one than before.
    pub tiles: Vec<(Tile, Vec<u8>)>,
}

/// Why a tree could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tile could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tiles are not those of the tree that was asked for.
    #[error("the tiles of {size} leaves make the root {found}, and not {expected}")]
    Root {
        /// How many leaves the tree has.
        size: u64,
        /// The root that was asked for.
        expected: Hash,
        /// The root that the tiles make.
        found: Hash,
    },
}

impl Edge {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the tree of a size, from the partial tiles of that size: one read a level at most.
    ///
    /// # Errors
    /// A tile cannot be read, or the tiles make another root.
    pub fn open(size: u64, root: Hash, tiles: &impl Tiles) -> Result<Self, Error> {
        let mut edge = Self { size, ..Self::default() };
        for (level, hashes) in (0..).zip(&mut edge.levels) {
            let there = hashes_at(level, size);
            if !there.is_multiple_of(u64::from(WIDTH)) {
                *hashes = tile::read(tiles, Tile::holding(level, there - 1, size))?;
            }
        }
        let found = edge.root();
        if found == root { Ok(edge) } else { Err(Error::Root { size, expected: root, found }) }
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree: RFC 6962, section 2.1.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            // From right to left, the smallest perfect subtree first.
            let mut end = hashes.len();
            while end > 0 {
                let start = end - (1 << end.trailing_zeros());
                let left = hash::perfect(&hashes[start..end]);
                root = Some(root.map_or(left, |right| node_hash(&left, &right)));
                end = start;
            }
        }
        root.unwrap_or(Hash::EMPTY_TREE)
    }

    /// Adds leaves, by their [hashes](crate::leaf_hash), after those that are there.
    pub fn grow(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Growth {
        let from = self.size;
        let mut tiles = Vec::new();
        let mut touched = 0;
        for leaf in leaves {
            touched = touched.max(self.push(leaf, &mut tiles));
        }
        let partial = (0..).zip(&self.levels).take(touched).filter(|(_, hashes)| !hashes.is_empty());
        for (level, hashes) in partial {
            let last = hashes_at(level, self.size) - 1;
            tiles.push((Tile::holding(level, last, self.size), bytes(hashes)));
        }
        Growth { from, size: self.size, root: self.root(), tiles }
    }

    /// Adds a leaf, and tells how many levels have a hash more.
    fn push(&mut self, leaf: Hash, tiles: &mut Vec<(Tile, Vec<u8>)>) -> usize {
        self.size += 1;
        let mut hash = leaf;
        for (level, hashes) in (0..).zip(&mut self.levels) {
            hashes.push(hash);
            if hashes.len() < usize::from(WIDTH) {
                return usize::from(level) + 1;
            }
            let last = hashes_at(level, self.size) - 1;
            tiles.push((Tile::holding(level, last, self.size), bytes(hashes)));
            hash = hash::perfect(hashes);
            hashes.clear();
        }
        LEVELS
    }
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
