//! What keeps an index without a running ledger: rows that were archived go, and what is in it can be compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use futures::TryStreamExt as _;
use lgsp_core::time::{day, month, unix_micros};
use lgsp_store::{Care, Query};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Row as _};

use super::{Index, failed};
use crate::Error;

/// What there is of a table and a month: its rows, and the sum of their digests, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub rows: u64,
    digest: u128,
}

pub(crate) type Contents = BTreeMap<(&'static str, String), Content>;

/// The tables that follow from the log: name, what names a row, and when it was.
const TABLES: [(&str, &str, &str); 5] = [
    ("entry", "printf('leaf %012d', leaf)", "admitted_us"),
    ("sought", "printf('leaf %012d', leaf)", "admitted_us"),
    ("daily", "printf('day %06d', day)", "NULL"),
    ("gateway", "instance", "NULL"),
    ("usage", "day || ' ' || agreement || ' ' || gateway", "NULL"),
];
/// How long counts of a day are compared, in µs: older ones may be there still.
const COUNTED: i64 = 24 * 3_600 * 1_000_000;

impl Index {
    /// Takes away what stands at leaves: from the first to before the second, each.
    pub async fn take_away(&self, spans: &[(u64, u64)]) -> Result<(), Error> {
        let taking = async {
            let mut writer = self.writer(Care::Durable).await?;
            for (first, next) in spans {
                for statement in [
                    "DELETE FROM sought WHERE leaf >= $1 AND leaf < $2",
                    "DELETE FROM entry WHERE leaf >= $1 AND leaf < $2",
                ] {
                    let delete = Query::new(statement).bind(first.cast_signed()).bind(next.cast_signed());
                    writer.run(delete).await?;
                }
            }
            writer.commit().await
        };
        taking.await.map_err(failed)
    }

    /// Takes over how far another index knows the topic to be read: this does not follow from the log.
    pub async fn take_offsets_of(&self, other: &Self) -> Result<(), Error> {
        let incarnation = other.progress().await?.incarnation;
        let progress = super::Progress { incarnation, ..self.progress().await? };
        let offsets = other.offsets().await?;
        self.put(&[], &[], &crate::sequences::Sequences::default(), &progress, &offsets).await
    }

    /// What is in it, table by table and month by month.
    pub async fn contents(&self) -> Result<Contents, Error> {
        let mut contents = Contents::new();
        for (table, name, at) in TABLES {
            let count = |month, _, digest| {
                let of = contents.entry((table, month)).or_default();
                of.rows += 1;
                of.digest = of.digest.wrapping_add(digest);
            };
            self.each(table, name, at, count).await?;
        }
        Ok(contents)
    }

    /// The rows of a table and a month by what names them, with the sum of the digests of each name.
    pub async fn rows_of(&self, table: &str, of: &str) -> Result<BTreeMap<String, u128>, Error> {
        let mut rows: BTreeMap<String, u128> = BTreeMap::new();
        for (table, name, at) in TABLES.into_iter().filter(|(it, _, _)| *it == table) {
            let note = |month: String, name, digest| {
                if month == of {
                    let sum = rows.entry(name).or_default();
                    *sum = sum.wrapping_add(digest);
                }
            };
            self.each(table, name, at, note).await?;
        }
        Ok(rows)
    }

    async fn each(
        &self,
        table: &str,
        name: &str,
        at: &str,
        mut tell: impl FnMut(String, String, u128),
    ) -> Result<(), Error> {
        // Two files are compared; there is one index on PostgreSQL.
        let Some(store) = self.store.sqlite() else { return Ok(()) };
        let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info(?) ORDER BY name").bind(table);
        let columns: Vec<String> = columns.fetch_all(store.pool()).await.map_err(of_sqlite)?;
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        let counted = day(unix_micros(SystemTime::now()) - COUNTED);
        let only = if table == "usage" { format!("WHERE day >= '{counted}'") } else { String::new() };
        let sql = format!("SELECT {at}, {name}, {} FROM {table} {only}", quoted.join(" || ',' || "));
        let mut rows = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch(store.pool());
        while let Some(row) = rows.try_next().await.map_err(of_sqlite)? {
            let at: Option<i64> = row.try_get(0).map_err(of_sqlite)?;
            let (name, content): (String, String) =
                (row.try_get(1).map_err(of_sqlite)?, row.try_get(2).map_err(of_sqlite)?);
            let digest = Sha256::digest(content.as_bytes());
            let digest = digest.first_chunk::<16>().map_or(0, |bytes| u128::from_le_bytes(*bytes));
            tell(at.map(month).unwrap_or_default(), name, digest);
        }
        Ok(())
    }
}

fn of_sqlite(error: sqlx::Error) -> Error {
    failed(error.into())
}

/// How many leaves an index has that somebody else writes; `None` while it cannot be told.
pub(crate) async fn leaves_of(path: &Path) -> Option<u64> {
    let options = lgsp_store::Options::of(format!("sqlite:{}", path.display()));
    let store = lgsp_store::sqlite::Store::open_read_only(&options).await.ok()?;
    let leaves = sqlx::query_scalar("SELECT leaves FROM progress").fetch_one(store.pool()).await;
    store.close().await;
    leaves.ok().map(i64::cast_unsigned)
}
