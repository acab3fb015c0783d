//! Opens the stores, migrates them, and hides their difference.
//!
//! The path: [`Options`] name a store by URL → [`Store::open`] creates it when it is missing and runs the
//! [`Migration`]s that it has not seen, or [`Store::open_read_only`] opens what somebody else wrote →
//! [`Store::reader`] lends a connection until a deadline. A query is stopped at its deadline twice: [`until`] stops
//! waiting for it, and SQLite itself is interrupted, so that a scan does not go on for a caller who has left.
//!
//! The URL's scheme picks the database; `sqlite:` is the only one so far.
//!
//! Nothing here knows a table of its users, and no error repeats a value, an URL or a text of the driver that could
//! hold one.

mod error;
mod migrate;
mod options;
mod store;

pub use error::Error;
pub use migrate::Migration;
pub use options::Options;
pub use store::{Reader, Store, until};
