//! The hashes of the tree on disk: one file a level, each hash in its place. A tile is a piece of such a file.
//!
//! Everything here follows from the log, and is made again from it if it is lost.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lgsp_tlog::{Hash, Tile, Tiles, tile};

use crate::files::segment;

/// The levels that a tree of fewer than 2^64 leaves has.
const LEVELS: usize = 8;
/// Leaves of an entry bundle.
pub(crate) const BUNDLE: u64 = tile::WIDTH as u64;
/// Bytes of a number.
const NUMBER: u64 = 8;

/// The files of the tree. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Hashes {
    levels: Arc<[File]>,
    /// In which segment of the log each entry bundle begins.
    segments: Arc<File>,
    folder: Arc<Path>,
}

impl Hashes {
    /// Opens the files, and makes those that are missing.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let open =
            |path: PathBuf| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let levels = (0..LEVELS).map(|level| open(folder.join(level.to_string())));
        let levels = levels.collect::<io::Result<Vec<File>>>()?;
        let segments = open(folder.join("segments"))?;
        segment::sync_folder(folder)?;
        Ok(Self { levels: levels.into(), segments: Arc::new(segments), folder: folder.into() })
    }

    /// Opens the files as they are.
    pub fn open_to_read(folder: &Path) -> io::Result<Self> {
        let levels = (0..LEVELS).map(|level| File::open(folder.join(level.to_string())));
        let levels = levels.collect::<io::Result<Vec<File>>>()?;
        let segments = Arc::new(File::open(folder.join("segments"))?);
        Ok(Self { levels: levels.into(), segments, folder: folder.into() })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes tiles, each in its place.
    pub fn write(&self, tiles: &[(Tile, Vec<u8>)]) -> io::Result<()> {
        for (tile, bytes) in tiles {
            self.level(tile.level())?.write_all_at(bytes, byte(*tile))?;
        }
        Ok(())
    }

    /// Notes in which segment of the log a leaf stands, if a bundle begins with it.
    pub fn note_segment(&self, leaf: u64, segment: u64) -> io::Result<()> {
        if !leaf.is_multiple_of(BUNDLE) {
            return Ok(());
        }
        self.segments.write_all_at(&segment.to_le_bytes(), leaf / BUNDLE * NUMBER)
    }

    /// The segment of the log in which a bundle begins.
    pub fn segment(&self, bundle: u64) -> io::Result<u64> {
        let mut bytes = [0; NUMBER as usize];
        self.segments.read_exact_at(&mut bytes, bundle * NUMBER)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The hash of a leaf.
    pub fn leaf(&self, leaf: u64) -> io::Result<Hash> {
        let mut hash = [0; Hash::LEN];
        self.level(0)?.read_exact_at(&mut hash, leaf * Hash::LEN as u64)?;
        Ok(Hash(hash))
    }

    /// The hashes of leaves, from one up to another; zeros where there are none.
    pub fn leaves(&self, first: u64, end: u64) -> io::Result<Vec<Hash>> {
        let file = self.level(0)?;
        let mut bytes = vec![0; (end - first) as usize * Hash::LEN];
        let mut read = 0;
        while read < bytes.len() {
            match file.read_at(&mut bytes[read..], first * Hash::LEN as u64 + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let hashes = bytes.as_chunks::<{ Hash::LEN }>().0.iter();
        Ok(hashes.map(|hash| Hash(*hash)).collect())
    }

    /// Waits until everything that was written is on disk.
    pub fn sync(&self) -> io::Result<()> {
        self.levels.iter().chain([&*self.segments]).try_for_each(File::sync_data)
    }

    fn level(&self, level: u8) -> io::Result<&File> {
        self.levels.get(usize::from(level)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Tiles for Hashes {
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; tile.len()];
        match self.level(tile.level())?.read_exact_at(&mut bytes, byte(tile)) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(io::ErrorKind::NotFound.into()),
            Err(error) => Err(error),
        }
    }
}

fn byte(tile: Tile) -> u64 {
    tile.index() * u64::from(tile::WIDTH) * Hash::LEN as u64
}

#[cfg(test)]
mod tests {
    use lgsp_tlog::{Edge, leaf_hash};

    use super::*;

    fn hashes(from: u64, to: u64) -> impl Iterator<Item = Hash> {
        (from..to).map(|leaf| leaf_hash(&leaf.to_be_bytes()))
    }

    #[test]
    fn a_tree_is_opened_again_from_its_files_at_any_size_that_it_had() {
        let dir = tempfile::tempdir().unwrap();
        let files = Hashes::open(dir.path()).unwrap();
        let mut edge = Edge::new();
        let sizes = [1, 255, 256, 257, 70_000];
        let mut roots = Vec::new();
        for size in sizes {
            let growth = edge.grow(hashes(edge.size(), size));
            files.write(&growth.tiles).unwrap();
            roots.push((size, growth.root));
        }
        let files = Hashes::open(dir.path()).unwrap();
        for (size, root) in roots {
            assert_eq!(Edge::open(size, root, &files).unwrap().size(), size);
        }
        assert_eq!(files.leaf(69_999).unwrap(), leaf_hash(&69_999_u64.to_be_bytes()));
        let beyond = Tile::new(0, 300, 1).unwrap();
        assert_eq!(files.tile(beyond).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_bundle_begins_in_the_segment_of_its_first_leaf() {
        let dir = tempfile::tempdir().unwrap();
        let files = Hashes::open(dir.path()).unwrap();
        for leaf in 0..600 {
            files.note_segment(leaf, 1 + leaf / 500).unwrap();
        }
        assert_eq!((files.segment(1).unwrap(), files.segment(2).unwrap()), (1, 2));
        assert!(files.segment(3).is_err());
    }
}
