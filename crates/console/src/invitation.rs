//! One-time links: whoever runs the hub lets themselves in, without an issuer.
//!
//! A link holds a random word. What is kept of it is a file named by its digest, in a folder that nobody else reads: whoever may write there
//! may let somebody in, and whoever reads it may not.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::session::{digest, secret};

/// How long a link is good.
pub const GOOD_FOR: Duration = Duration::from_secs(10 * 60);
/// Most links that wait.
const MOST: usize = 32;
/// Where the console listens, for whoever makes a link.
const ADDRESS: &str = "address";
const SUFFIX: &str = "link";

/// The folder of the links.
#[derive(Clone, Debug)]
pub struct Invitations {
    folder: PathBuf,
}

impl Invitations {
    /// The links of a data directory.
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join("console") }
    }

    /// Notes where the console listens.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn listens(&self, at: &str) -> io::Result<()> {
        self.make()?;
        fs::write(self.folder.join(ADDRESS), at)
    }

    /// Makes a link that is good once.
    ///
    /// # Errors
    /// No console has noted where it listens, or the folder cannot be written.
    pub fn invite(&self) -> io::Result<String> {
        let address = fs::read_to_string(self.folder.join(ADDRESS))?;
        self.forget_old()?;
        let word = secret();
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(&word))?;
        Ok(format!("{}/enter/{word}", address.trim()))
    }

    /// Whether a word is that of a link, which is not good any more then.
    pub(crate) fn redeem(&self, word: &str) -> bool {
        let file = self.file(word);
        let Ok(made) = fs::metadata(&file).and_then(|known| known.modified()) else { return false };
        let is_young = SystemTime::now().duration_since(made).unwrap_or_default() < GOOD_FOR;
        // Of two who bring it at once, one takes it away.
        fs::remove_file(file).is_ok() && is_young
    }

    fn file(&self, word: &str) -> PathBuf {
        self.folder.join(format!("{}.{SUFFIX}", hex::encode(digest(word))))
    }

    fn make(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }

    fn forget_old(&self) -> io::Result<()> {
        let mut waiting = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == SUFFIX) {
                let made = fs::metadata(&path).and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
                waiting.push((made, path));
            }
        }
        waiting.sort();
        let now = SystemTime::now();
        let most = waiting.len().saturating_sub(MOST - 1);
        for (place, (made, path)) in waiting.iter().enumerate() {
            let is_old = now.duration_since(*made).unwrap_or_default() >= GOOD_FOR;
            if is_old || place < most {
                // Whoever is let in by it takes it away at the same moment.
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn invitations() -> (tempfile::TempDir, Invitations) {
        let dir = tempfile::tempdir().expect("a folder");
        let invitations = Invitations::of(dir.path());
        invitations.listens("http://127.0.0.1:8080").expect("noted");
        (dir, invitations)
    }

    fn word(link: &str) -> String {
        link.rsplit('/').next().expect("a word").to_owned()
    }

    #[test]
    fn a_link_is_good_once() {
        let (_dir, invitations) = invitations();
        let link = invitations.invite().expect("made");
        assert!(link.starts_with("http://127.0.0.1:8080/enter/"), "{link}");
        assert!(invitations.redeem(&word(&link)));
        assert!(!invitations.redeem(&word(&link)));
        for odd in ["", "x", "../address", "..%2faddress"] {
            assert!(!invitations.redeem(odd), "{odd}");
        }
    }

    #[test]
    fn a_link_is_good_for_ten_minutes() {
        let (_dir, invitations) = invitations();
        let word = word(&invitations.invite().expect("made"));
        let old = SystemTime::now() - GOOD_FOR;
        File::options()
            .write(true)
            .open(invitations.file(&word))
            .expect("there")
            .set_modified(old)
            .expect("set");
        assert!(!invitations.redeem(&word));
    }

    #[test]
    fn links_that_wait_are_bounded_and_kept_as_digests() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, invitations) = invitations();
        let words: Vec<String> = (0..MOST + 3).map(|_| word(&invitations.invite().expect("made"))).collect();
        let names: Vec<String> = fs::read_dir(&invitations.folder)
            .expect("there")
            .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
            .collect();
        assert_eq!(names.iter().filter(|name| name.ends_with(SUFFIX)).count(), MOST);
        assert!(words.iter().all(|word| names.iter().all(|name| !name.contains(word))));
        let mode = fs::metadata(&invitations.folder).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
