//! An archive in its folder: leaves byte for byte, erasable parts, the tiles and the checkpoint that prove the leaves, and a manifest.
//!
//! ```text
//!  manifest.json                 what is in it, with digests
//!  log/000000000001.segment …    segments of the log as they were
//!  erasable.<digest>             exchange (16) · phase (4) · part (4) · length, or ffffffff of what is erased (4) · value
//!  tiles                         level (1) · index (8) · width (2) · hashes: tiles of C2SP tlog-tiles
//!  checkpoint                    as the ledger signed it
//! ```
//!
//! Numbers are little-endian.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use lgsp_tlog::{Checkpoint, Note, Tile, Tiles, VerifierKey, leaf_hash, merkle};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Error, damaged, file, hex};
use crate::files::log::{self, End, Leaf};
use crate::files::segment;

/// What an archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Of this format.
    pub version: u32,
    /// Which log it is of.
    pub origin: String,
    /// The month of its last entry, and its first segment.
    pub name: String,
    /// When its first entry was entered (Unix µs).
    pub since_us: i64,
    /// When its last entry was entered (Unix µs).
    pub until_us: i64,
    /// The segments of the log in it.
    pub segments: Vec<Segment>,
    /// The tiles that prove its leaves.
    pub tiles: Part,
    /// The checkpoint that they are proven under.
    pub checkpoint: Part,
    /// The erasable parts of its entries.
    pub erasable: Part,
    /// How many of the erasable parts are there and not erased.
    pub values: u64,
    /// Up to which leaf, not itself, the log's decisions are carried out on the erasable parts.
    pub carried_out: u64,
}

/// A segment of the log in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// Its first leaf.
    pub first: u64,
    /// One more than its last leaf.
    pub next: u64,
    /// Its file.
    pub file: Part,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its name within the archive.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    pub(super) const VERSION: u32 = 1;

    /// How many leaves it has.
    pub fn leaves(&self) -> u64 {
        self.segments.iter().map(|segment| segment.next - segment.first).sum()
    }

    /// Says which leaves of which log are in it, whatever becomes of the erasable parts.
    pub fn digest(&self) -> String {
        let named = serde_json::to_vec(&(&self.origin, &self.name, &self.segments)).unwrap_or_default();
        hex(&Sha256::digest(named))
    }

    /// Reads the manifest of an archive.
    ///
    /// # Errors
    /// There is none, or it is none of this version.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("manifest.json");
        let read: Self = serde_json::from_slice(&fs::read(&path).map_err(file(&path))?)
            .map_err(|error| damaged(&path, format!("is no manifest of an archive: {error}")))?;
        if read.version == Self::VERSION {
            return Ok(read);
        }
        Err(damaged(
            &path,
            format!("is of version {}, and this program reads {}", read.version, Self::VERSION),
        ))
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join("manifest.json");
        let json = serde_json::to_vec_pretty(self).map_err(|error| damaged(&path, error.to_string()))?;
        crate::seal::replace(&path, &json).map_err(file(&path))
    }
}

/// The archives below a folder, by their names, the oldest first. One that is not finished has none yet.
///
/// # Errors
/// The folder cannot be read.
pub fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(file(dir))? {
        let path = entry.map_err(file(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.join("manifest.json").exists() && !is_unfinished(name) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

pub(super) fn unfinished(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.new"))
}

fn is_unfinished(name: &str) -> bool {
    name.ends_with(".new")
}

/// Tiles that remember what was read of them.
struct Recorder<'a, T> {
    of: &'a T,
    read: RefCell<BTreeMap<Tile, Vec<u8>>>,
}

impl<T: Tiles> Tiles for Recorder<'_, T> {
    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        let bytes = self.of.tile(tile)?;
        self.read.borrow_mut().insert(tile, bytes.clone());
        Ok(bytes)
    }
}

/// The tiles that prove every leaf of these spans in a tree of a size: each full tile of leaves stands for all of its leaves.
pub(super) fn tiles_of(
    tiles: &impl Tiles,
    spans: impl Iterator<Item = (u64, u64)>,
    size: u64,
) -> io::Result<BTreeMap<Tile, Vec<u8>>> {
    let recorder = Recorder { of: tiles, read: RefCell::default() };
    let failed = |error: &dyn std::error::Error| io::Error::other(error.to_string());
    merkle::root(&recorder, size).map_err(|error| failed(&error))?;
    for (first, next) in spans {
        for of in first / WIDTH..=(next - 1) / WIDTH {
            merkle::prove_inclusion(&recorder, (of * WIDTH).max(first), size)
                .map_err(|error| failed(&error))?;
            leaves_tile(&recorder, of, size)?;
        }
    }
    Ok(recorder.read.into_inner())
}

const WIDTH: u64 = lgsp_tlog::tile::WIDTH as u64;

/// The tile of leaf hashes of a number, as wide as a tree of a size has it.
fn leaves_tile(tiles: &impl Tiles, of: u64, size: u64) -> io::Result<Vec<u8>> {
    let width = u16::try_from((size - of * WIDTH).min(WIDTH)).unwrap_or(lgsp_tlog::tile::WIDTH);
    tiles.tile(Tile::new(0, of, width).map_err(io::Error::other)?)
}

pub(super) fn write_tiles(path: &Path, tiles: &BTreeMap<Tile, Vec<u8>>) -> Result<Part, Error> {
    write(path, |to| {
        for (tile, bytes) in tiles {
            to.write_all(&[tile.level()])?;
            to.write_all(&tile.index().to_le_bytes())?;
            to.write_all(&tile.width().to_le_bytes())?;
            to.write_all(bytes)?;
        }
        Ok(())
    })
}

fn read_tiles(path: &Path) -> Result<BTreeMap<Tile, Vec<u8>>, Error> {
    let mut from = BufReader::new(File::open(path).map_err(file(path))?);
    let mut tiles = BTreeMap::new();
    loop {
        let mut head = [0; 11];
        match from.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(tiles),
            Err(error) => return Err(file(path)(error)),
        }
        let [level, index @ .., low, high] = head;
        let tile = Tile::new(level, u64::from_le_bytes(index), u16::from_le_bytes([low, high]));
        let tile = tile.map_err(|error| damaged(path, error.to_string()))?;
        let mut bytes = vec![0; tile.len()];
        from.read_exact(&mut bytes).map_err(file(path))?;
        tiles.insert(tile, bytes);
    }
}

/// Writes a file and waits until it is on disk. Returns what it is.
pub(super) fn write(
    path: &Path,
    content: impl FnOnce(&mut Hashing) -> io::Result<()>,
) -> Result<Part, Error> {
    let write = || {
        let mut to = Hashing::create(path)?;
        content(&mut to)?;
        to.finish(path)
    };
    write().map_err(file(path))
}

/// A file that is hashed while it is written.
pub(super) struct Hashing {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Hashing {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create(path)?), hash: Sha256::new(), bytes: 0 })
    }

    /// Waits until it is on disk.
    pub fn finish(mut self, path: &Path) -> io::Result<Part> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Part { name, bytes: self.bytes, sha256: hex(&self.hash.finalize()) })
    }
}

impl io::Write for Hashing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_all(buf)?;
        Ok(buf.len())
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        self.hash.update(buf);
        self.bytes += buf.len() as u64;
        self.file.write_all(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Copies a file and waits until it is on disk. Returns what it is.
///
/// # Errors
/// One of them cannot be read or written.
pub fn copy_file(from: &Path, to: &Path) -> Result<Part, Error> {
    let mut source = File::open(from).map_err(file(from))?;
    write(to, |to| io::copy(&mut source, to).map(drop))
}

/// Reads a file and tells its length and its SHA-256 in hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub fn part_of(path: &Path) -> Result<(u64, String), Error> {
    let read = || {
        let (mut from, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
        let mut piece = vec![0; 1 << 16];
        loop {
            match from.read(&mut piece)? {
                0 => return Ok((bytes, hex(&hash.finalize()))),
                read => {
                    hash.update(&piece[..read]);
                    bytes += read as u64;
                }
            }
        }
    };
    read().map_err(file(path))
}

fn check_part(dir: &Path, part: &Part) -> Result<(), Error> {
    let path = dir.join(&part.name);
    if part_of(&path)? == (part.bytes, part.sha256.clone()) {
        return Ok(());
    }
    Err(damaged(&path, "is not what the manifest says: take the archive from another copy"))
}

/// Reads the leaves of a segment, all of them, or says what is missing.
pub(super) fn leaves(folder: &Path, segment: (u64, u64, u64)) -> Result<Vec<Leaf>, Error> {
    let (number, first, next) = segment;
    let path = segment::path(folder, number);
    let read = recover(folder, segment)?;
    if let Some(damage) = read.damage.iter().find(|damage| damage.file == path) {
        return Err(damaged(&path, format!("is damaged at byte {}", damage.byte)));
    }
    if read.leaves.iter().map(|leaf| leaf.number).eq(first..next) {
        return Ok(read.leaves);
    }
    Err(damaged(&path, format!("does not have the leaves {first} to {} and no others", next - 1)))
}

/// Reads those leaves of a segment that can be read.
pub(super) fn readable_leaves(folder: &Path, segment: (u64, u64, u64)) -> Result<Vec<Leaf>, Error> {
    Ok(recover(folder, segment)?.leaves)
}

fn recover(folder: &Path, (number, first, _): (u64, u64, u64)) -> Result<log::Recovered, Error> {
    let path = segment::path(folder, number);
    let begin = End { place: log::begin(number), leaves: first };
    let mut read = log::recover(folder, begin).map_err(file(&path))?;
    read.leaves.retain(|leaf| leaf.place.segment == number);
    Ok(read)
}

/// Reads an archive and holds everything in it against everything: the files against the manifest, the leaves against the tiles, the
/// tiles against the checkpoint, and that against the log's keys, if any are given.
///
/// # Errors
/// What does not hold, and in which file.
pub fn verify(dir: &Path, keys: &[VerifierKey]) -> Result<Manifest, Error> {
    let manifest = Manifest::read(dir)?;
    for part in [&manifest.tiles, &manifest.checkpoint, &manifest.erasable] {
        check_part(dir, part)?;
    }
    let path = dir.join(&manifest.checkpoint.name);
    let wrong = |error: &dyn std::error::Error| damaged(&path, error.to_string());
    let note = Note::parse(&fs::read(&path).map_err(file(&path))?).map_err(|error| wrong(&error))?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(|error| wrong(&error))?;
    if !keys.is_empty() {
        note.verify(keys).map_err(|error| wrong(&error))?;
    }
    if checkpoint.origin() != manifest.origin {
        return Err(damaged(
            &path,
            format!("is of {}, and the archive of {}", checkpoint.origin(), manifest.origin),
        ));
    }
    let tiles = read_tiles(&dir.join(&manifest.tiles.name))?;
    for of in &manifest.segments {
        check_part(&dir.join("log"), &of.file)?;
        hold_against(dir, of, &tiles, &checkpoint)?;
    }
    Ok(manifest)
}

/// Every leaf has its hash in its tile, and each such tile is in the tree.
fn hold_against(
    dir: &Path,
    of: &Segment,
    tiles: &BTreeMap<Tile, Vec<u8>>,
    checkpoint: &Checkpoint,
) -> Result<(), Error> {
    let (log, size, root) = (dir.join("log"), checkpoint.size(), checkpoint.root());
    let path = segment::path(&log, of.number);
    let leaves = leaves(&log, (of.number, of.first, of.next))?;
    for leaves in leaves.chunk_by(|one, other| one.number / WIDTH == other.number / WIDTH) {
        let Some(first) = leaves.first() else { continue };
        let wrong = |error: &dyn std::error::Error| damaged(&path, format!("leaf {}: {error}", first.number));
        let tile = leaves_tile(tiles, first.number / WIDTH, size).map_err(|error| wrong(&error))?;
        for leaf in leaves {
            let at = (leaf.number % WIDTH) as usize * lgsp_tlog::Hash::LEN;
            if tile.get(at..at + lgsp_tlog::Hash::LEN) != Some(&leaf_hash(&leaf.sealed).0) {
                return Err(damaged(&path, format!("leaf {} is not the one that was sealed", leaf.number)));
            }
        }
        let proof = merkle::prove_inclusion(tiles, first.number, size).map_err(|error| wrong(&error))?;
        let leaf = leaf_hash(&first.sealed);
        merkle::verify_inclusion(&proof, first.number, &leaf, size, &root).map_err(|error| wrong(&error))?;
    }
    Ok(())
}
