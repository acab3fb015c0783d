//! The erasable parts, apart from the log: what is erased here is gone, and the log's proofs still hold.

use std::path::Path;

use lgsp_store::{Migration, sqlite::Store};
use sqlx::QueryBuilder;

use crate::Error;
use crate::entry::Read;
use crate::error::ERASABLE;

/// A row that was erased stays, without its value, so that a repeat of its entry does not bring it back.
const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "erasable parts",
    sql: "
CREATE TABLE erasable (
    exchange_id BLOB    NOT NULL,
    phase       INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    value       BLOB,
    PRIMARY KEY (exchange_id, phase, part)
) STRICT, WITHOUT ROWID",
}];

/// Rows of one statement.
const ROWS: usize = 500;

/// The store of the erasable parts. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Erasables {
    store: Store,
}

fn failed(source: impl Into<lgsp_store::Error>) -> Error {
    Error::Store { what: ERASABLE, source: source.into() }
}

impl Erasables {
    pub async fn open(file: &Path) -> Result<Self, Error> {
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        let store = Store::open(&options, MIGRATIONS).await.map_err(failed)?;
        Ok(Self { store })
    }

    /// Keeps the erasable parts of these entries. What is there already, or was erased, stays as it is.
    pub async fn put(&self, entries: &[Read]) -> Result<(), Error> {
        self.try_put(entries).await.map_err(failed)
    }

    async fn try_put(&self, entries: &[Read]) -> Result<(), sqlx::Error> {
        let with: Vec<(&Read, &[u8])> =
            entries.iter().filter_map(|read| Some((read, read.erasable.as_deref()?))).collect();
        if with.is_empty() {
            return Ok(());
        }
        let mut transaction = self.store.pool().begin_with("BEGIN IMMEDIATE").await?;
        for with in with.chunks(ROWS) {
            let mut query =
                QueryBuilder::new("INSERT OR IGNORE INTO erasable (exchange_id, phase, part, value) ");
            query.push_values(with, |mut values, (read, erasable)| {
                values
                    .push_bind(read.key.exchange.as_bytes().as_slice())
                    .push_bind(read.key.phase as i32)
                    .push_bind(i64::from(read.key.part))
                    .push_bind(*erasable);
            });
            query.build().persistent(false).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}
