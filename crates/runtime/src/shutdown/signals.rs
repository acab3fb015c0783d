//! The operator's signals: the first drains, the second leaves at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// The exit code of a process that was told twice to end (128 + SIGINT).
pub const EXIT_CODE: u8 = 130;

/// Ctrl-C and SIGTERM, heard from the moment this was made.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen. Make this before anything else starts, so that no signal is missed.
    ///
    /// # Errors
    /// The system does not let this process handle its signals.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => info!("interrupted"),
            _ = self.terminate.recv() => info!("asked to terminate"),
        }
    }

    /// Ends the process at once when the next signal comes. Spawn this after the first one.
    pub async fn leave_on_next(mut self) {
        self.next().await;
        warn!("told twice to end: leaving at once");
        std::process::exit(i32::from(EXIT_CODE));
    }
}
