use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lgsp_runtime::{Shutdown, Stage, State};
use lgsp_tlog::SignerKey;
use lgsp_tlog::witness::Witness;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tracing::info;

use crate::desk::Desk;
use crate::forks::{Fork, Forks};
use crate::store::{self, Store};
use crate::{Options, Seen, http};

/// Why a witness does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error("the witness cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// What it has cosigned is not known.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What it refused cannot be read.
    #[error("the forks below {path} cannot be read: {source}")]
    Forks {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The keys make no witness.
    #[error(transparent)]
    Setup(#[from] lgsp_tlog::witness::SetupError),
    /// The process is ending.
    #[error("the witness is ending")]
    Ending,
}

/// Binds the address where logs ask.
///
/// # Errors
/// It is taken, or not ours.
pub async fn bind(options: &Options) -> Result<TcpListener, Error> {
    let address = options.listen;
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

/// Starts a witness with its key on a bound listener.
///
/// State: `witness` tells whether it cosigns and of forks; `cosigned` and `refused-forks` count since the start.
///
/// # Errors
/// Its folder is another witness's, or its state is damaged or gone: it never begins anew by itself.
pub async fn start(
    options: Options,
    key: SignerKey,
    listener: TcpListener,
    state: &State,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let logs = options.watched();
    let keys = logs.iter().map(|log| (log.origin.clone(), log.keys.clone())).collect();
    let witness = Witness::new(key, logs)?;
    let dir = options.dir.clone();
    let store = spawn_blocking(move || Store::open(&dir)).await.map_err(|_| Error::Ending)??;
    info!(vkey = %witness.verifier(), "witness open");
    let desk = Arc::new(Desk {
        witness,
        keys,
        store: Mutex::new(store),
        forks: Forks::of(&options.dir),
        component: state.component("witness"),
        cosigned: state.fact("cosigned"),
        refused: state.fact("refused-forks"),
    });
    let telling = Arc::clone(&desk);
    spawn_blocking(move || telling.tell()).await.map_err(|_| Error::Ending)?;
    if let Ok(address) = listener.local_addr() {
        info!(%address, "witness listens");
    }
    let stop = shutdown.begins(Stage::StopAccepting);
    shutdown.spawn(Stage::Drain, "witness", http::serve(listener, desk, stop));
    Ok(())
}

/// What a witness has cosigned and refused.
#[derive(Clone, Debug)]
pub struct Status {
    /// What it cosigned last of each log.
    pub seen: Vec<Seen>,
    /// What it refused and kept.
    pub forks: Vec<Fork>,
}

/// Reads the folder of a witness, which may run. Blocking.
///
/// # Errors
/// The folder cannot be read, or its state is damaged.
pub fn status(dir: &Path) -> Result<Status, Error> {
    let seen = store::look(dir)?;
    let forks = Forks::of(dir).found().map_err(|source| Error::Forks { path: dir.to_owned(), source })?;
    Ok(Status { seen, forks })
}
