//! Databases of their own for tests. Behind the feature `test-databases`.
//!
//! ```
//! # use lgsp_store::{Error, Store, testing::Database};
//! # async fn test() -> Result<(), Error> {
//! for database in Database::each().await {
//!     let writer = database.filled("CREATE TABLE thing (id BIGINT)").await;
//!     let store = Store::open_read_only(&database.options()).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! SQLite is always there. PostgreSQL is when `LGSP_TEST_POSTGRES` names a server on which databases may be made, such as
//! the one that `deploy/postgres` starts; otherwise a test says that it was skipped, and fails with `LGSP_REQUIRE_SERVERS=1`.
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::{Dialect, Options, Query, Store, Value, postgres};

/// Names the server that tests may make databases on.
pub const SERVER: &str = "LGSP_TEST_POSTGRES";
/// Set to 1, it makes a test fail that would be skipped.
pub const REQUIRE_SERVERS: &str = "LGSP_REQUIRE_SERVERS";

/// An empty database of one test, which goes with this value.
pub struct Database {
    url: String,
    kept: Kept,
}

enum Kept {
    Folder(#[allow(dead_code, reason = "deleted when dropped")] TempDir),
    Server { server: String, name: String },
}

impl Database {
    /// One of each kind that is at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = vec![Self::sqlite()];
        each.extend(Self::postgres().await);
        each
    }

    /// A SQLite file that does not exist yet.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self { url, kept: Kept::Folder(folder) }
    }

    /// An empty database on the server for tests, if there is one.
    ///
    /// # Panics
    /// There is none and servers are required, or it cannot be used.
    pub async fn postgres() -> Option<Self> {
        let server = server()?;
        let name = name();
        administer(&server, &format!("CREATE DATABASE {name}")).await;
        let (place, parameters) = server.split_once('?').unwrap_or((&server, ""));
        let (place, _) = place.rsplit_once('/').unwrap();
        let url = format!("{place}/{name}?{parameters}");
        Some(Self { url, kept: Kept::Server { server, name } })
    }

    /// The kind of the database.
    pub fn dialect(&self) -> Dialect {
        match self.kept {
            Kept::Folder(_) => Dialect::Sqlite,
            Kept::Server { .. } => Dialect::Postgres,
        }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Options that open it.
    pub fn options(&self) -> Options {
        Options::of(&self.url)
    }

    /// The store opened for writing, with some tables.
    ///
    /// # Panics
    /// The statements fail.
    pub async fn filled(&self, sql: &str) -> Store {
        let store = Store::open(&self.options(), &[]).await.unwrap();
        store.run(sql).await.unwrap();
        store
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dialect().fmt(f)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Kept::Server { server, name } = &self.kept else { return };
        let (server, drop_it) = (server.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        // In a thread of its own, since a test's own may be in the middle of its runtime.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(administer(&server, &drop_it));
        });
        if dropping.join().is_err() {
            eprintln!("a database of a test could not be dropped");
        }
    }
}

/// The server that tests may make databases on, if there is one.
///
/// # Panics
/// There is none and servers are required.
pub fn server() -> Option<String> {
    let server = std::env::var(SERVER).ok().filter(|server| !server.is_empty());
    if server.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        assert!(std::env::var(REQUIRE_SERVERS).as_deref() != Ok("1"), "{test} needs {SERVER}");
        eprintln!("skipped: {test} needs {SERVER}");
    }
    server
}

async fn administer(server: &str, sql: &str) {
    let options = Options { max_connections: 1, ..Options::of(server) };
    let store = postgres::Store::open(&options, &[]).await.unwrap();
    store.run(sql).await.unwrap();
    store.close().await;
}

/// Tests of several processes share the server.
fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("lgsp_test_{}_{now}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A statement that was asked, with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its text.
    pub sql: String,
    /// What its placeholders stand for, in their order.
    pub values: Vec<Value<'static>>,
}

tokio::task_local! {
    static ASKED: RefCell<Vec<Asked>>;
}

/// Waits for a future, and tells what it asked any store meanwhile, in this order. What it spawns is not heard.
pub async fn asked<F: Future>(future: F) -> (F::Output, Vec<Asked>) {
    let listening = async {
        let output = future.await;
        (output, ASKED.with(RefCell::take))
    };
    ASKED.scope(RefCell::default(), listening).await
}

/// Nobody listens but within [`asked`].
pub(crate) fn note(query: &Query<'_>) {
    let _ = ASKED.try_with(|asked| {
        let values = query.values.iter().map(owned).collect();
        asked.borrow_mut().push(Asked { sql: query.sql.to_owned(), values });
    });
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(Cow::Owned(text.clone().into_owned())),
        Value::Integer(number) => Value::Integer(*number),
        Value::Real(number) => Value::Real(*number),
        Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.clone().into_owned())),
        Value::Array(kind, values) => Value::Array(*kind, values.iter().map(owned).collect()),
        Value::Null => Value::Null,
        Value::NoInteger => Value::NoInteger,
        Value::NoReal => Value::NoReal,
        Value::NoBytes => Value::NoBytes,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    const SQL: &str = "SELECT id FROM thing WHERE name = $1 OR id = $2";

    async fn ask(store: &Store, name: &str) {
        let mut reader = store.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
        reader.all(Query::new(SQL).bind(name).bind(7_i64)).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_future_asks_is_told_with_its_values() {
        let database = Database::sqlite();
        let store = database.filled("CREATE TABLE thing (id BIGINT, name TEXT)").await;
        ask(&store, "before").await;
        let of_two = async {
            ask(&store, "first").await;
            ask(&store, "second").await;
        };
        let ((), heard) = asked(of_two).await;
        ask(&store, "after").await;
        let told =
            |name: &'static str| Asked { sql: SQL.to_owned(), values: vec![name.into(), 7_i64.into()] };
        assert_eq!(heard, [told("first"), told("second")]);
    }
}
