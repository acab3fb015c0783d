//! What was refused and must not be lost: two checkpoints that a log has signed, and that do not go together.
//!
//! Each stands in a folder of its own below `forks/`, with the checkpoint that was cosigned before and the one that was
//! refused, signed as they came.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lgsp_tlog::{Checkpoint, Note};

use crate::Seen;
use crate::store::{make, replace, sync_folder};

/// Most that are kept of a kind: more say nothing new. Each kind has its own, so that what anybody can bring about crowds nothing
/// out that is proven.
const MOST: usize = 50;

const FOLDER: &str = "forks";
const COSIGNED: &str = "cosigned";
const REFUSED: &str = "refused";

/// How two checkpoints do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They are of one size and have two roots: whoever has the log's key made both, and nobody needs anything else to see it.
    TwoRoots,
    /// One is larger, and was not shown to go on the other. A log that was not rewritten can show it at any time. Whoever asked
    /// may have lost the proof, so it is withdrawn if the checkpoint is cosigned after all.
    NotShown,
}

impl Kind {
    const ALL: [Self; 2] = [Self::TwoRoots, Self::NotShown];

    /// How it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoRoots => "two-roots",
            Self::NotShown => "not-shown",
        }
    }
}

/// A fork that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// How the two do not go together.
    pub kind: Kind,
    /// What was refused.
    pub refused: Checkpoint,
    /// Its folder.
    pub path: PathBuf,
}

/// The forks of a witness. It blocks on the disk.
#[derive(Debug)]
pub(crate) struct Forks {
    folder: PathBuf,
}

impl Forks {
    pub fn of(dir: &Path) -> Self {
        Self { folder: dir.join(FOLDER) }
    }

    /// Keeps what was refused, and what was cosigned before. True if it is new.
    pub fn keep(&self, kind: Kind, seen: &Seen, refused: (&Checkpoint, &Note)) -> io::Result<bool> {
        let path = self.path(kind, refused.0);
        if path.exists() || self.count(kind)? >= MOST {
            return Ok(false);
        }
        let new = self.folder.join("new");
        match fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => make(&self.folder).and_then(|()| fs::create_dir(&new))?,
        }
        replace(&new.join(COSIGNED), seen.note.to_string().as_bytes())?;
        replace(&new.join(REFUSED), refused.1.to_string().as_bytes())?;
        fs::rename(&new, &path)?;
        sync_folder(&self.folder)?;
        Ok(true)
    }

    /// Takes back that a checkpoint was not shown to go on another: now it was.
    pub fn withdraw(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        match fs::remove_dir_all(self.path(Kind::NotShown, checkpoint)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            withdrawn => withdrawn,
        }
    }

    /// All that are there.
    pub fn found(&self) -> io::Result<Vec<Fork>> {
        let mut found = Vec::new();
        for path in self.paths()? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let Some(kind) = Kind::ALL.into_iter().find(|kind| name.starts_with(kind.name())) else {
                continue;
            };
            let refused = Note::parse(&fs::read(path.join(REFUSED))?).ok();
            let refused = refused.and_then(|refused| Checkpoint::parse(refused.text()).ok());
            found.extend(refused.map(|refused| Fork { kind, refused, path }));
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    fn count(&self, kind: Kind) -> io::Result<usize> {
        let is_of = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(kind.name()))
        };
        Ok(self.paths()?.iter().filter(|path| is_of(path)).count())
    }

    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// A root is of one checkpoint alone, whatever the log is called.
    fn path(&self, kind: Kind, refused: &Checkpoint) -> PathBuf {
        let root = hex::encode(&refused.root().as_bytes()[..8]);
        self.folder.join(format!("{}-{}-{root}", kind.name(), refused.size()))
    }
}
