//! A witness: sees to it that the logs of others are never rewritten, and cosigns their checkpoints as long as they are not.
//!
//! ```text
//!  POST /add-checkpoint ──► http.rs ──► desk.rs ──► lgsp_tlog::witness, which decides
//!                                        ├──► store.rs: what was cosigned last, on disk before the answer leaves
//!                                        └──► forks.rs: what was refused and must not be lost
//! ```
//!
//! It speaks [tlog-witness](https://c2sp.org/tlog-witness) and nothing else, without Kafka and without the hub: whoever runs
//! it should be somebody else than whoever runs the log.
//!
//! What it must never do: cosign what does not go on what it cosigned before. So it never begins anew by itself: a state that is
//! damaged or gone is an error, and not a witness that has seen nothing.

mod desk;
mod forks;
mod http;
mod options;
mod store;
mod witness;

pub use forks::{Fork, Kind};
pub use options::{Options, Watched};
pub use store::Seen;
pub use witness::{Error, Status, bind, start, status};
