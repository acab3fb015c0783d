//! The tree, held against RFC 6962's own definition and against another implementation, `tlog_tiles`, that shares no code.

use std::collections::BTreeMap;

use lgsp_tlog::merkle::{self, Error};
use lgsp_tlog::tile::Tiles;
use lgsp_tlog::{Edge, Hash, Tile, edge, leaf_hash, node_hash};
use proptest::prelude::*;
use tlog_tiles::HashReader;

/// RFC 6962, section 2.1, word by word.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_TREE,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&mth(left), &mth(right))
        }
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// A log's tiles, with those of all sizes at which it stopped, and its roots there.
fn log(stops: impl IntoIterator<Item = u64>) -> (BTreeMap<Tile, Vec<u8>>, BTreeMap<u64, Hash>) {
    let (mut edge, mut tiles, mut roots) = (Edge::new(), BTreeMap::new(), BTreeMap::new());
    for stop in stops {
        let growth = edge.grow((edge.size()..stop).map(|number| leaf_hash(&number.to_be_bytes())));
        tiles.extend(growth.tiles);
        roots.insert(growth.size, growth.root);
    }
    (tiles, roots)
}

#[test]
fn the_root_of_every_size_is_that_of_the_definition() {
    let all = leaves(600);
    let (tiles, roots) = log(0..=600);
    for (size, root) in roots {
        assert_eq!(root, mth(&all[..size as usize]), "{size}");
        assert_eq!(merkle::root(&tiles, size).expect("its tiles"), root, "{size}");
    }
}

#[test]
fn every_leaf_is_proved_in_every_tree_and_nowhere_else() {
    let all = leaves(280);
    let (tiles, roots) = log((1..=100).chain(250..=280));
    for (&size, root) in &roots {
        for index in 0..size {
            let proof = merkle::prove_inclusion(&tiles, index, size).expect("its tiles");
            let verify = |index, leaf, size, root| merkle::verify_inclusion(&proof, index, leaf, size, root);
            let leaf = &all[index as usize];
            assert_eq!(verify(index, leaf, size, root), Ok(()), "{index} of {size}");
            let next = (index + 1) % size;
            if next != index {
                assert!(verify(next, leaf, size, root).is_err(), "{index} of {size} elsewhere");
                let other = &all[next as usize];
                assert_eq!(
                    verify(index, other, size, root),
                    Err(Error::Root),
                    "another than {index} of {size}"
                );
            }
            if let Some(larger) = roots.get(&(size + 1)) {
                assert!(verify(index, leaf, size + 1, larger).is_err(), "{index} of {size} in a larger tree");
            }
        }
    }
}

#[test]
fn every_tree_goes_on_every_older_one() {
    let (tiles, roots) = log((0..=100).chain(250..=280));
    for (&new, new_root) in &roots {
        for (&old, old_root) in roots.range(..=new) {
            let proof = merkle::prove_consistency(&tiles, old, new).expect("its tiles");
            let verify =
                |old_root, new_root| merkle::verify_consistency(&proof, old, old_root, new, new_root);
            assert_eq!(verify(old_root, new_root), Ok(()), "{old} to {new}");
            let other = leaf_hash(b"other");
            assert!(verify(&other, new_root).is_err(), "another {old} to {new}");
            if old > 0 {
                assert!(verify(old_root, &other).is_err(), "{old} to another {new}");
            }
        }
    }
}

#[test]
fn any_flipped_bit_of_a_proof_is_refused_and_so_is_a_hash_more_or_less() {
    let (tiles, roots) = log([5, 100, 256, 300]);
    let root = |size| &roots[&size];
    let leaf = leaf_hash(&99u64.to_be_bytes());
    let included = merkle::prove_inclusion(&tiles, 99, 300).expect("its tiles");
    spoil(&included, |proof| merkle::verify_inclusion(proof, 99, &leaf, 300, root(300)));
    for old in [5, 100, 256] {
        let proof = merkle::prove_consistency(&tiles, old, 300).expect("its tiles");
        spoil(&proof, |proof| merkle::verify_consistency(proof, old, root(old), 300, root(300)));
    }
}

fn spoil(proof: &[Hash], verify: impl Fn(&[Hash]) -> Result<(), Error>) {
    assert_eq!(verify(proof), Ok(()));
    for hash in 0..proof.len() {
        for bit in 0..256 {
            let mut flipped = proof.to_vec();
            flipped[hash].0[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&flipped).is_err(), "bit {bit} of hash {hash}");
        }
    }
    assert_eq!(verify(&[proof, &[Hash([0; 32])]].concat()), Err(Error::TooLong));
    assert_eq!(verify(&proof[..proof.len() - 1]), Err(Error::TooShort));
}

#[test]
fn what_no_tree_can_prove_is_refused() {
    let (tiles, roots) = log([7]);
    let root = &roots[&7];
    let leaf = leaf_hash(b"leaf");
    assert_eq!(merkle::verify_inclusion(&[], 0, &leaf, 0, root), Err(Error::Index { index: 0, size: 0 }));
    assert_eq!(merkle::verify_inclusion(&[], 7, &leaf, 7, root), Err(Error::Index { index: 7, size: 7 }));
    assert_eq!(merkle::verify_consistency(&[], 8, root, 7, root), Err(Error::Order { old: 8, new: 7 }));
    assert_eq!(merkle::verify_consistency(&[], 0, &leaf, 7, root), Err(Error::OldRoot));
    assert_eq!(merkle::verify_consistency(&[leaf], 0, &Hash::EMPTY_TREE, 7, root), Err(Error::TooLong));
    assert_eq!(merkle::verify_consistency(&[leaf], 7, root, 7, root), Err(Error::TooLong));
    assert_eq!(merkle::verify_consistency(&[], 7, &leaf, 7, root), Err(Error::NewRoot));
    assert!(merkle::prove_inclusion(&tiles, 7, 7).is_err());
    assert!(merkle::prove_consistency(&tiles, 8, 7).is_err());
    // The greatest sizes do not overflow.
    let long = vec![leaf; 64];
    assert_eq!(merkle::verify_inclusion(&long, 0, &leaf, u64::MAX, root), Err(Error::Root));
    assert!(merkle::verify_inclusion(&long, u64::MAX - 1, &leaf, u64::MAX, root).is_err());
    assert!(merkle::verify_consistency(&long, u64::MAX - 1, root, u64::MAX, root).is_err());
}

/// Our tiles, as the other implementation reads hashes.
struct Other<'t>(&'t BTreeMap<Tile, Vec<u8>>, u64);

impl HashReader for Other<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.read(*index)).collect())
    }
}

impl Other<'_> {
    /// The hash of an index: of a perfect subtree, whose hashes of a level are in one tile.
    fn read(&self, index: u64) -> tlog_tiles::Hash {
        let (height, place) = tlog_tiles::split_stored_hash_index(index);
        let first = place << (height % 8);
        let at = |tile: &Tile| tile.level() == height / 8 && tile.index() == first / 256;
        let tile = Tile::of_tree(self.1).find(at).expect("in the tree");
        let hashes = self.0[&tile].as_chunks().0.iter().copied().map(tlog_tiles::Hash);
        let mut row: Vec<_> = hashes.skip((first % 256) as usize).take(1 << (height % 8)).collect();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| tlog_tiles::node_hash(pair[0], pair[1])).collect();
        }
        row[0]
    }
}

#[test]
fn another_implementation_makes_the_same_roots_and_proofs_of_the_tiles() {
    let sizes = [1, 2, 3, 255, 256, 257, 511, 513, 1000, 65_535, 65_536, 65_537, 70_000];
    let (tiles, roots) = log(sizes);
    for size in sizes {
        let other = Other(&tiles, size);
        assert_eq!(roots[&size].0, tlog_tiles::tlog::tree_hash(size, &other).expect("its tiles").0, "{size}");
        for index in [0, 1, size / 3, size / 2, size - 1].into_iter().filter(|index| *index < size) {
            let theirs = tlog_tiles::tlog::prove_record(size, index, &other).expect("its tiles");
            let ours = merkle::prove_inclusion(&tiles, index, size).expect("its tiles");
            assert_eq!(ours, from_other(&theirs), "{index} of {size}");
        }
        for old in sizes.into_iter().filter(|old| *old <= size) {
            let theirs = tlog_tiles::tlog::prove_tree(size, old, &other).expect("its tiles");
            let ours = merkle::prove_consistency(&tiles, old, size).expect("its tiles");
            assert_eq!(ours, from_other(&theirs), "{old} to {size}");
        }
    }
}

fn from_other(proof: &[tlog_tiles::Hash]) -> Vec<Hash> {
    proof.iter().map(|hash| Hash(hash.0)).collect()
}

#[test]
fn a_tree_is_opened_where_it_was_left_and_with_its_root_alone() {
    let stops = [0, 1, 255, 256, 257, 65_536, 65_800];
    let (tiles, roots) = log(stops);
    for stop in stops {
        let mut opened = Edge::open(stop, roots[&stop], &tiles).expect("its tiles");
        let mut grown = Edge::new();
        grown.grow(leaves(stop));
        assert_eq!(opened, grown, "{stop}");
        assert_eq!(opened.grow(leaves(300)), grown.grow(leaves(300)), "{stop}");

        let error = Edge::open(stop, leaf_hash(b"other"), &tiles).expect_err("another root");
        assert!(matches!(error, edge::Error::Root { .. }), "{error}");
    }
    let mut spoiled = tiles.clone();
    let last = Tile::of_tree(65_800).filter(|tile| tile.level() == 0).last().expect("a tile");
    spoiled.get_mut(&last).expect("its bytes")[5] ^= 1;
    assert!(matches!(Edge::open(65_800, roots[&65_800], &spoiled), Err(edge::Error::Root { .. })));
    spoiled.get_mut(&last).expect("its bytes").pop();
    let error = Edge::open(65_800, roots[&65_800], &spoiled).expect_err("a byte less");
    assert_eq!(error.to_string(), "tile/0/257.p/8 has 255 bytes, and not 256");
    spoiled.remove(&last);
    assert!(Edge::open(65_800, roots[&65_800], &spoiled).is_err());
}

#[test]
fn a_partial_tile_that_is_gone_is_read_from_the_full_one() {
    let (mut tiles, roots) = log([300, 1000]);
    tiles.retain(|tile, _| tile.is_full() || Tile::of_tree(1000).any(|of_last| of_last == *tile));
    assert!(tiles.tile(Tile::new(0, 1, 44).expect("a tile")).is_err(), "it is gone");
    let leaf = leaf_hash(&299u64.to_be_bytes());
    let proof = merkle::prove_inclusion(&tiles, 299, 300);
    // That of level 1 is not: it has grown, and is not full yet.
    assert!(proof.is_err());
    tiles.insert(
        Tile::new(1, 0, 1).expect("a tile"),
        tiles[&Tile::new(1, 0, 3).expect("a tile")][..32].to_vec(),
    );
    let proof = merkle::prove_inclusion(&tiles, 299, 300).expect("read from the full one");
    assert_eq!(merkle::verify_inclusion(&proof, 299, &leaf, 300, &roots[&300]), Ok(()));
}

#[test]
fn a_proof_reads_few_tiles() {
    let (tiles, _) = log([70_000]);
    let counted = Counted { tiles, reads: std::cell::Cell::new(0) };
    merkle::prove_inclusion(&counted, 12_345, 70_000).expect("its tiles");
    // Its own tile of leaves, the last one of each level, and the one above its own.
    assert!(counted.reads.get() <= 6, "{}", counted.reads.get());
}

struct Counted {
    tiles: BTreeMap<Tile, Vec<u8>>,
    reads: std::cell::Cell<usize>,
}

impl Tiles for Counted {
    fn tile(&self, tile: Tile) -> std::io::Result<Vec<u8>> {
        self.reads.set(self.reads.get() + 1);
        self.tiles.tile(tile)
    }
}

proptest! {
    /// However leaves come in, tiles and root are the same; and all that a tree of the size needs was told at some time.
    #[test]
    fn batches_make_no_difference(batches in prop::collection::vec(0u64..400, 0..8)) {
        let mut stop = 0;
        let stops: Vec<u64> = batches.iter().map(|batch| { stop += batch; stop }).collect();
        let (tiles, _) = log(stops);
        let mut at_once = Edge::new();
        let growth = at_once.grow(leaves(stop));
        prop_assert_eq!(growth.tiles.len(), Tile::of_tree(stop).count());
        for (tile, bytes) in growth.tiles {
            prop_assert_eq!(tiles.get(&tile), Some(&bytes));
        }
        prop_assert_eq!(growth.root, mth(&leaves(stop)));
    }

    /// What was read is written as it was, whatever it is.
    #[test]
    fn what_is_read_is_written_as_it_was(bytes in mangled()) {
        use lgsp_tlog::{Checkpoint, Note, Proof, witness::Request};
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert_eq!(note.to_string().into_bytes(), bytes.clone());
            if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
                prop_assert_eq!(checkpoint.text(), note.text());
            }
        }
        if let Ok(proof) = Proof::parse(&bytes) {
            prop_assert_eq!(proof.to_string().into_bytes(), bytes.clone());
        }
        if let Ok(request) = Request::parse(&bytes) {
            prop_assert_eq!(request.to_string().into_bytes(), bytes);
        }
    }
}

const NOTE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

/// A note, a request or a proof with a few bytes changed, gone or repeated.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    let good = prop::sample::select(vec![
        NOTE.to_owned(),
        format!("old 20852014\n{hash}\n{NOTE}"),
        format!("c2sp.org/tlog-proof@v1\nextra bGVhZg==\nindex 5\n{hash}\n{NOTE}"),
    ]);
    let change = (any::<prop::sample::Index>(), 0..3, prop::sample::select(b"\n -+=0aA\xe2".to_vec()));
    (good, prop::collection::vec(change, 0..4)).prop_map(|(good, changes)| {
        let mut bytes = good.into_bytes();
        for (at, what, byte) in changes {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}
