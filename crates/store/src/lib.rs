//! Opens the stores, migrates them, and hides their difference.
//!
//! ```text
//!  Options ──► Store::open            (ours: created, migrated)      ┌── SQLite      sqlx: a file, a thread for each connection
//!         └──► Store::open_read_only  (somebody else's)           ──┤
//!                    │                                              └── PostgreSQL  tokio-postgres: a server, with TLS
//!                    ▼
//!              Store::reader(deadline) ──► Reader::all(Query) ──► Row::text("column")
//!              Store::writer(care, deadline) ──► Writer::run(Query) … ──► Writer::commit
//! ```
//!
//! The URL's scheme picks the database. Whoever writes SQL that both speak needs to know no more: placeholders are `$1`, and
//! the portable types are text, bytes, whole numbers, real numbers and flags. A [`Sql`] puts a statement together, of many rows above all.
//! Whoever needs what only SQLite has opens a
//! [`sqlite::Store`].
//!
//! A query is stopped at its deadline twice: its caller stops waiting, and the database itself is told to stop, so that
//! a scan does not go on for a caller who has left.
//!
//! Nothing here knows a table of its users, and no error repeats a value, an URL or a text of the driver that could
//! hold one.

mod error;
mod migrate;
mod options;
mod postgres;
mod query;
mod row;
mod sql;
pub mod sqlite;
mod store;
#[cfg(feature = "test-databases")]
pub mod testing;
mod writer;

pub use error::Error;
pub use migrate::Migration;
pub use options::Options;
pub use postgres::{CopyIn, Load};
pub use query::{Kind, Query, Value};
pub use row::Row;
pub use sql::Sql;
pub use store::{Dialect, Reader, Store};
pub use writer::{Care, Writer};
