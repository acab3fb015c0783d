//! A file that records are appended to, with one `fdatasync` for all that came while the last one ran.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use tokio::sync::{mpsc, oneshot};

/// More than are ever in flight here.
const MOST_WAITING: usize = 4_096;

type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// A cheap handle.
#[derive(Clone)]
pub struct Log {
    records: mpsc::Sender<Waiting>,
}

impl Log {
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::create(path)?;
        let (records, waiting) = mpsc::channel(MOST_WAITING);
        std::thread::Builder::new().name("ledger-fsync".to_owned()).spawn(move || write(file, waiting))?;
        Ok(Self { records })
    }

    /// Returns when the record is on disk.
    pub async fn append(&self, record: Vec<u8>) -> Result<()> {
        let (done, on_disk) = oneshot::channel();
        self.records.send((record, done)).await.ok().context("the log has ended")?;
        on_disk.await.context("the log has failed")
    }
}

fn write(mut file: File, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, MOST_WAITING) > 0 {
        let bytes: Vec<u8> = group.iter().flat_map(|(record, _)| record).copied().collect();
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for (_, done) in group.drain(..) {
            // Whoever asked may have left.
            let _ = done.send(());
        }
    }
}
