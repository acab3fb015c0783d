//! The folder of the rules, as bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The files of the rules, in the order in which they are checked.
pub const FILES: [&str; 8] = [
    "agencies.toml",
    "purposes.toml",
    "services.toml",
    "roles.toml",
    "applications.toml",
    "credentials.toml",
    "agreements.toml",
    INVENTORY,
];
/// What is counted and is no rule: a registry with a store begins with it. It may be missing.
pub(crate) const INVENTORY: &str = "inventory.toml";

/// Most bytes of one file.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;
/// Most files of the folder.
const MOST_FILES: usize = 256;

/// The files of the rules (`*.toml`) and the contracts beside them (`*.binpb`), by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    pub(crate) files: BTreeMap<String, Bytes>,
}

impl Folder {
    /// Reads the folder. Blocking.
    ///
    /// # Errors
    /// The folder or one of its files cannot be read, or is larger than rules are.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Editors keep their own files beside ours under such names.
            let ours = (name.ends_with(".toml") || name.ends_with(".binpb")) && !name.starts_with('.');
            if !ours {
                continue;
            }
            if files.len() == MOST_FILES {
                return Err(io::Error::other(format!("the folder holds more than {MOST_FILES} files")));
            }
            files.insert(name.clone(), read_file(&entry.path())?);
        }
        Ok(Self { files })
    }

    /// A folder of texts, by file name.
    pub fn of<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let file = |(name, text): (&str, &str)| (name.to_owned(), Bytes::copy_from_slice(text.as_bytes()));
        Self { files: texts.into_iter().map(file).collect() }
    }

    /// SHA-256 over names and contents: two folders with one digest hold the same rules.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for (name, content) in &self.files {
            hasher.update((name.len() as u64).to_be_bytes());
            hasher.update(name);
            hasher.update((content.len() as u64).to_be_bytes());
            hasher.update(content);
        }
        hasher.finalize().into()
    }
}

fn read_file(path: &Path) -> io::Result<Bytes> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other(format!("{} is larger than {LARGEST_FILE} bytes", path.display())));
    }
    Ok(content.into())
}
