//! Takes entries in, seals, indexes, proves, answers auditors.
//!
//! The path of an entry:
//!
//! ```text
//!  lgsp.exchange ──► intake ──► journal, one fsync per group ──► watch: what waits for it may leave
//!                                  │
//!                                  ▼  behind it, nobody waits
//!                                filing ──► log (sealed parts, append-only) ──► erasable parts ──► index ──► followers
//!                                                                                                   ├──► usage ──► lgsp.usage
//!                                                                                                   └──► seal ──► checkpoint
//!                                                                                                   ▲
//!  lgsp.request.<domain> ──► abandon: no end a minute after the deadline                            service: lists, audit
//! ```
//!
//! 1. The intake tails the topic from its own stored offsets; nothing is committed to Kafka. Everything that arrived while
//!    the last fsync ran is the next group: there is no timer. A record goes into the journal as it is, undecoded.
//! 2. The filing folds repeats of a key (exchange id, phase, part), appends the sealed parts to the log and fsyncs it, then
//!    stores the erasable parts apart, then indexes both and stores the offsets, then deletes the journal's segment.
//! 3. The sealer grows the log's Merkle tree by them, puts it under the next head with the offsets that were consumed, and signs it.
//! 4. The index is built from the log and the erasable parts, and is built again if it is lost. Lists and searches are read from all of them.
//!    What auditors decide is an entry itself, and carried out where it is filed.
//!
//! Files: `intake/` is the journal, `log/` the log, `tree/`, `head` and `checkpoint` its seal, `erasable.db` what can be forgotten,
//! `index.db` the index.
//!
//! The intake knows no store and no service; nothing that is asked of the ledger can delay it. The log is never changed:
//! what is damaged there is named, and the rest is read. No erasable value is ever in the log, the index, a trace or an error.

mod abandon;
mod acts;
mod anomalies;
mod audit;
mod damage;
mod displace;
mod entry;
mod erasable;
mod error;
mod fence;
mod files;
mod filing;
mod follow;
mod forgetting;
mod index;
mod intake;
pub mod keep;
mod ledger;
mod options;
mod page;
mod recovery;
mod retention;
mod rows;
mod seal;
mod seek;
mod sequences;
mod service;
#[doc(hidden)]
pub mod steps;
mod traffic;
mod usage;

pub use anomalies::{
    Anomalies, Calendar, Change, Holiday, ManySubjects, MassLookups, NoDossier, OffHours, SoughtPerson, Time,
    Weekday,
};
pub use error::{Error, store_trouble};
pub use files::Damage;
pub use ledger::{Keys, Ledger, start};
pub use options::{Abandon, Options, Witness};
pub use retention::{Retention, Term};
pub use seal::{Checked, Error as SealError, HeadError, Problem, Status, check, status};

use std::io;
use std::path::PathBuf;

/// Runs what blocks on the disk where it may.
pub(crate) async fn disk<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|_| Error::Ending)?.map_err(|source| Error::File { path, source })
}
