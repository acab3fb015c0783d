//! Where news of the rules comes from: files that somebody edits, or decisions.

use std::sync::Arc;

use tokio::sync::watch;

use crate::changes::{Changes, Look};
use crate::register::Held;

/// Tells that the rules should be looked at.
pub(crate) enum Origin {
    /// The folder of the rules.
    Files(Changes),
    /// What the register holds.
    Decisions(watch::Receiver<Arc<Held>>),
}

impl Origin {
    /// Waits until the rules should be looked at. It may be dropped and called again.
    pub async fn next(&mut self) -> Look {
        match self {
            Self::Files(changes) => changes.next().await,
            Self::Decisions(held) => {
                if held.changed().await.is_err() {
                    // The register has ended with the process: nothing more is decided.
                    std::future::pending::<()>().await;
                }
                Look::Decided
            }
        }
    }
}
