//! Proofs that a leaf is in a tree, and that a tree goes on another: RFC 6962, sections 2.1.1 and 2.1.2.
//!
//! They are made from a few tiles, and verified without any, by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
//!
//! ```
//! use std::collections::BTreeMap;
//! use lgsp_tlog::{Edge, leaf_hash, merkle};
//!
//! let leaves: Vec<_> = (0..1000u16).map(|number| leaf_hash(&number.to_be_bytes())).collect();
//! let mut edge = Edge::new();
//! let old = edge.grow(leaves[..300].iter().copied());
//! let new = edge.grow(leaves[300..].iter().copied());
//! let tiles = BTreeMap::from_iter(old.tiles.into_iter().chain(new.tiles));
//!
//! let proof = merkle::prove_inclusion(&tiles, 123, 1000)?;
//! merkle::verify_inclusion(&proof, 123, &leaves[123], 1000, &new.root)?;
//!
//! let proof = merkle::prove_consistency(&tiles, 300, 1000)?;
//! merkle::verify_consistency(&proof, 300, &old.root, 1000, &new.root)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use crate::hash::{self, Hash, node_hash};
use crate::tile::{self, HEIGHT, ReadError, Tile, Tiles, WIDTH};

/// More hashes than a proof about a tree of fewer than 2^64 leaves ever has.
pub const MAX_PROOF: usize = 64;

/// What of a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such leaf.
    #[error("the leaf {index} is not in a tree of {size}")]
    Index {
        /// The index of the leaf.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A tree never shrinks.
    #[error("a tree of {new} leaves does not go on one of {old}")]
    Order {
        /// The size of the tree that was there before.
        old: u64,
        /// The size of the one that is said to go on it.
        new: u64,
    },
    /// There are fewer hashes than sizes and index ask for.
    #[error("the proof has too few hashes")]
    TooShort,
    /// There are more hashes than sizes and index ask for.
    #[error("the proof has too many hashes")]
    TooLong,
    /// Leaf and proof make another root.
    #[error("the leaf and the proof do not make the tree's root")]
    Root,
    /// The proof makes another root of the old tree.
    #[error("the proof does not make the old tree's root")]
    OldRoot,
    /// The proof makes another root of the new tree.
    #[error("the proof does not make the new tree's root")]
    NewRoot,
}

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// What should be proved is not so.
    #[error(transparent)]
    Untrue(Error),
    /// A tile could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Makes the proof that the leaf of an index is in the tree of a size: the leaf's sibling first. RFC 6962, section 2.1.1.
///
/// # Errors
/// The index is not below the size, or a tile cannot be read.
pub fn prove_inclusion(tiles: &impl Tiles, index: u64, size: u64) -> Result<Vec<Hash>, ProveError> {
    if index >= size {
        return Err(ProveError::Untrue(Error::Index { index, size }));
    }
    let mut nodes = Nodes::new(tiles, size);
    let (mut from, mut to) = (0, size);
    let mut proof = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            proof.push(nodes.root(middle, to)?);
            to = middle;
        } else {
            proof.push(nodes.root(from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Makes the proof that the tree of a new size goes on that of an old one. It is empty if they are equal or the old one is.
/// RFC 6962, section 2.1.2.
///
/// # Errors
/// The old size is greater than the new one, or a tile cannot be read.
pub fn prove_consistency(tiles: &impl Tiles, old: u64, new: u64) -> Result<Vec<Hash>, ProveError> {
    if old > new {
        return Err(ProveError::Untrue(Error::Order { old, new }));
    }
    if old == 0 {
        return Ok(Vec::new());
    }
    let mut nodes = Nodes::new(tiles, new);
    let (mut from, mut to) = (0, new);
    let mut proof = Vec::new();
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(nodes.root(middle, to)?);
            to = middle;
        } else {
            proof.push(nodes.root(from, middle)?);
            from = middle;
        }
    }
    // The whole old tree is known to whoever verifies; a part of it is not.
    if from != 0 {
        proof.push(nodes.root(from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Computes the root of the tree of a size from its rightmost tiles.
///
/// # Errors
/// A tile cannot be read.
pub fn root(tiles: &impl Tiles, size: u64) -> Result<Hash, ReadError> {
    Nodes::new(tiles, size).root(0, size)
}

/// Verifies that a leaf is in a tree.
///
/// # Errors
/// What of the proof does not hold.
pub fn verify_inclusion(
    proof: &[Hash],
    index: u64,
    leaf: &Hash,
    size: u64,
    root: &Hash,
) -> Result<(), Error> {
    if index >= size {
        return Err(Error::Index { index, size });
    }
    let mut climb = Climb { place: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match climb.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    climb.end()?;
    if hash == *root { Ok(()) } else { Err(Error::Root) }
}

/// Verifies that a tree goes on an older one: that it has the same leaves, and perhaps more after them.
///
/// # Errors
/// What of the proof does not hold.
pub fn verify_consistency(
    proof: &[Hash],
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
) -> Result<(), Error> {
    if old > new {
        return Err(Error::Order { old, new });
    }
    if old == 0 || old == new {
        return verify_without_proof(proof, old, old_root, new, new_root);
    }
    // An old tree that is perfect is a node of the new one, and known: the proof begins above it.
    let mut climb = Climb { place: old - 1, last: new - 1 };
    climb.skip_right();
    let (mut old_hash, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(Error::TooShort)?;
        (*first, rest)
    };
    let mut new_hash = old_hash;
    for sibling in rest {
        match climb.step()? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    climb.end()?;
    if old_hash != *old_root {
        return Err(Error::OldRoot);
    }
    if new_hash == *new_root { Ok(()) } else { Err(Error::NewRoot) }
}

/// Every tree goes on the empty one, and on itself.
fn verify_without_proof(
    proof: &[Hash],
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
) -> Result<(), Error> {
    if !proof.is_empty() {
        return Err(Error::TooLong);
    }
    if old == 0 && *old_root != Hash::EMPTY_TREE {
        return Err(Error::OldRoot);
    }
    if old == new && old_root != new_root {
        return Err(Error::NewRoot);
    }
    Ok(())
}

/// Where a sibling stands that the next hash of a proof is.
enum Side {
    Left,
    Right,
}

/// The way up from a node to the root. A node that has no sibling on its level is its own parent.
struct Climb {
    /// The place of the node on its level.
    place: u64,
    /// The last place on that level.
    last: u64,
}

impl Climb {
    /// Goes up past the next sibling, and tells where that is.
    fn step(&mut self) -> Result<Side, Error> {
        if self.last == 0 {
            return Err(Error::TooLong);
        }
        if self.place & 1 == 0 && self.place != self.last {
            self.up();
            return Ok(Side::Right);
        }
        while self.place & 1 == 0 && self.place != 0 {
            self.up();
        }
        self.up();
        Ok(Side::Left)
    }

    /// Goes up as long as the node is a right one.
    fn skip_right(&mut self) {
        while self.place & 1 == 1 {
            self.up();
        }
    }

    fn up(&mut self) {
        self.place >>= 1;
        self.last >>= 1;
    }

    /// The way must have led to the root.
    fn end(&self) -> Result<(), Error> {
        if self.last == 0 { Ok(()) } else { Err(Error::TooShort) }
    }
}

/// The greatest power of two below a number of leaves, of which there are at least two: where RFC 6962 parts a tree.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The nodes of a tree of one size, with the tiles that were read for them.
struct Nodes<'t, T> {
    tiles: &'t T,
    size: u64,
    read: BTreeMap<Tile, Vec<Hash>>,
}

impl<'t, T: Tiles> Nodes<'t, T> {
    fn new(tiles: &'t T, size: u64) -> Self {
        Self { tiles, size, read: BTreeMap::new() }
    }

    /// The root of the leaves of a range that is a part of the tree as RFC 6962 parts it.
    fn root(&mut self, mut from: u64, to: u64) -> Result<Hash, ReadError> {
        let mut perfect = Vec::new();
        while from < to {
            let height = (to - from).ilog2();
            perfect.push(self.perfect(height, from >> height)?);
            from += 1 << height;
        }
        let root = perfect.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
        Ok(root.unwrap_or(Hash::EMPTY_TREE))
    }

    /// The root of the perfect subtree of a height, and of an index among those of that height.
    fn perfect(&mut self, height: u32, index: u64) -> Result<Hash, ReadError> {
        let level = (height / HEIGHT) as u8;
        let above = height % HEIGHT;
        let first = index << above;
        let tile = Tile::holding(level, first, self.size);
        let hashes = match self.read.entry(tile) {
            std::collections::btree_map::Entry::Occupied(read) => read.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => new.insert(tile::read(self.tiles, tile)?),
        };
        let first = (first % u64::from(WIDTH)) as usize;
        Ok(hash::perfect(&hashes[first..first + (1 << above)]))
    }
}
