//! Where the processes of a data directory listen with their admin ports, so that they are found while the hub does not answer.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The folder below the data directory; a file for each role.
const FOLDER: &str = "admin-ports";
/// Most files that are read.
const MOST: usize = 64;

/// A note of a process; it goes with the process, but not by a kill.
#[derive(Debug)]
pub struct Noted(PathBuf);

impl Drop for Noted {
    fn drop(&mut self) {
        // What is left behind names a port where nobody answers: whoever reads it says so.
        let _ = fs::remove_file(&self.0);
    }
}

/// Where the ports of a data directory are noted.
pub fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// Notes where a role listens, in the place of what an earlier start has noted.
///
/// # Errors
/// The data directory cannot be written.
pub fn note(data: &Path, role: &str, address: SocketAddr) -> io::Result<Noted> {
    let folder = folder(data);
    fs::create_dir_all(&folder)?;
    let file = folder.join(role);
    fs::write(&file, format!("{address}\n"))?;
    Ok(Noted(file))
}

/// The ports that were named, or else those that are noted in a data directory.
pub fn named_or_found(named: &[SocketAddr], data: &Path) -> Vec<SocketAddr> {
    if named.is_empty() { found(data) } else { named.to_vec() }
}

/// The ports that are noted in a data directory.
pub fn found(data: &Path) -> Vec<SocketAddr> {
    let files = fs::read_dir(folder(data)).into_iter().flatten().flatten().take(MOST);
    let read = files.filter_map(|file| fs::read_to_string(file.path()).ok()?.trim().parse().ok());
    let mut ports: Vec<SocketAddr> = read.collect();
    ports.sort_unstable();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_as_long_as_its_process_lives() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(found(dir.path()), []);
        let port = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (hub, ledger) = (note(dir.path(), "hub", port(7)), note(dir.path(), "ledger", port(8)));
        assert_eq!(found(dir.path()), [port(7), port(8)]);
        drop(hub);
        assert_eq!(found(dir.path()), [port(8)]);
        drop(ledger);
        assert_eq!(found(dir.path()), []);
    }
}
