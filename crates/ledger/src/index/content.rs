//! What keeps an index without a running ledger: rows that were archived go, and what is in it can be compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use futures::TryStreamExt as _;
use lgsp_core::time::{day, month, unix_micros};
use lgsp_store::{Care, Query, Sql};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Row as _};

use super::{Index, failed, soon};
use crate::Error;

/// What there is of a table and a month: its rows, and the sum of their digests, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub rows: u64,
    digest: u128,
}

pub(crate) type Contents = BTreeMap<(&'static str, String), Content>;

/// The tables that follow from the log: name, what names a row, and when it was.
const TABLES: [(&str, &str, &str); 6] = [
    ("entry", "printf('leaf %012d', leaf)", "admitted_us"),
    ("sought", "printf('leaf %012d', leaf)", "admitted_us"),
    ("daily", "printf('day %06d', day)", "NULL"),
    ("monthly", "printf('month %06d', month)", "NULL"),
    ("gateway", "instance", "NULL"),
    ("usage", "day || ' ' || agreement || ' ' || gateway", "NULL"),
];
/// Rows that are looked at in one transaction.
const ROWS_AT_ONCE: u32 = 50_000;
/// Runs of leaves that are looked for at once.
const SPANS_AT_ONCE: usize = 200;
/// How long counts of a day are compared, in µs: older ones may be there still.
const COUNTED: i64 = 24 * 3_600 * 1_000_000;

impl Index {
    /// Takes away what stands at leaves: from the first to before the second, each. It is read once for all of them, and in transactions
    /// that are bounded: what was ended in between is done again from the start.
    pub async fn take_away(&self, spans: &[(u64, u64)]) -> Result<(), Error> {
        self.take_away_by(spans, ROWS_AT_ONCE).await.map_err(failed)
    }

    async fn take_away_by(&self, spans: &[(u64, u64)], most: u32) -> Result<(), lgsp_store::Error> {
        let spans = joined(spans);
        for spans in spans.chunks(SPANS_AT_ONCE) {
            self.take_sought_away(spans, most).await?;
        }
        for (first, next) in spans {
            for from in (first..next).step_by(most as usize) {
                let delete = Query::new("DELETE FROM entry WHERE leaf >= $1 AND leaf < $2");
                let delete = delete.bind(from.cast_signed());
                let mut writer = self.writer(Care::Durable).await?;
                writer.run(delete.bind((from + u64::from(most)).min(next).cast_signed())).await?;
                writer.commit().await?;
            }
        }
        Ok(())
    }

    /// No order of the table is that of leaves, and one that was would cost more with each entry than this does once a month.
    async fn take_sought_away(&self, spans: &[(u64, u64)], most: u32) -> Result<(), lgsp_store::Error> {
        let mut from = At::FIRST;
        loop {
            let mut sql = self.sql("SELECT kind, value, admitted_us, exchange_id, leaf FROM sought WHERE ");
            from.compare(&mut sql, ">");
            sql.push(" ORDER BY kind, value, admitted_us, exchange_id, leaf LIMIT 1 OFFSET ").bind(most - 1);
            let row = self.store.reader(soon()).await?.optional(sql.query()).await?;
            let to = row.map(|row| At::of(&row)).transpose()?;
            let mut sql = self.sql("DELETE FROM sought WHERE ");
            from.compare(&mut sql, ">");
            if let Some(to) = &to {
                sql.push(" AND ");
                to.compare(&mut sql, "<=");
            }
            sql.push(" AND (FALSE");
            for (first, next) in spans {
                sql.push(" OR leaf >= ").bind(first.cast_signed());
                sql.push(" AND leaf < ").bind(next.cast_signed());
            }
            sql.push(")");
            let mut writer = self.writer(Care::Durable).await?;
            writer.run(sql.query()).await?;
            writer.commit().await?;
            match to {
                Some(to) => from = to,
                None => return Ok(()),
            }
        }
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

/// The place of a row in the table of what entries are found by.
struct At {
    kind: i64,
    value: Vec<u8>,
    admitted_us: i64,
    exchange: Vec<u8>,
    leaf: i64,
}

impl At {
    /// Before any row.
    const FIRST: Self = Self {
        kind: i64::MIN,
        value: Vec::new(),
        admitted_us: i64::MIN,
        exchange: Vec::new(),
        leaf: i64::MIN,
    };

    fn of(row: &lgsp_store::Row) -> Result<Self, lgsp_store::Error> {
        Ok(Self {
            kind: row.integer("kind")?,
            value: row.bytes("value")?.to_vec(),
            admitted_us: row.integer("admitted_us")?,
            exchange: row.bytes("exchange_id")?.to_vec(),
            leaf: row.integer("leaf")?,
        })
    }

    fn compare<'q>(&'q self, sql: &mut Sql<'q>, how: &str) {
        sql.push("(kind, value, admitted_us, exchange_id, leaf) ").push(how).push(" (").bind(self.kind);
        sql.push(", ").bind(self.value.as_slice()).push(", ").bind(self.admitted_us);
        sql.push(", ").bind(self.exchange.as_slice()).push(", ").bind(self.leaf).push(")");
    }
}

/// Spans that begin where others end are one with them.
fn joined(spans: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (first, next) in spans {
        match joined.last_mut() {
            Some((_, end)) if *end == *first => *end = *next,
            Some(_) | None => joined.push((*first, *next)),
        }
    }
    joined
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

#[cfg(test)]
mod tests {
    use lgsp_core::ExchangeId;
    use lgsp_proto::ledger::v1::{Phase, Sealed};
    use lgsp_store::testing::asked;
    use prost::Message as _;

    use super::super::{Progress, Row};
    use super::*;
    use crate::entry::{Signers, read_sealed};
    use crate::erasable::SeekKey;
    use crate::files::log::Place;
    use crate::sequences::Sequences;

    fn row(leaf: u64) -> Row {
        let sealed = Sealed {
            exchange_id: ExchangeId::new().as_bytes().to_vec().into(),
            phase: Phase::Final.into(),
            procedure: format!("1.{leaf:06}"),
            ..Sealed::default()
        };
        let read = read_sealed(sealed.encode_to_vec().into(), &Signers::default()).unwrap();
        Row { leaf, place: Place::default(), read }
    }

    #[tokio::test]
    async fn what_was_archived_in_many_runs_is_looked_for_once_and_a_bounded_number_of_rows_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.db"), &SeekKey::new(&[7; 32])).await.unwrap();
        let rows: Vec<Row> = (0..30).map(row).collect();
        let (sequences, progress) = (Sequences::default(), Progress::default());
        index.put(&rows, &[], &sequences, &progress, &BTreeMap::new()).await.unwrap();
        let runs: Vec<(u64, u64)> = (0..10).map(|run| (2 * run, 2 * run + 1)).collect();
        let (taken, asked) = asked(index.take_away_by(&runs, 7)).await;
        taken.unwrap();
        let deletes = asked.iter().filter(|asked| asked.sql.starts_with("DELETE FROM sought"));
        assert_eq!(deletes.count(), 5, "30 rows, 7 at a time, whatever the number of runs");
        let left: Vec<String> = (0..30)
            .filter(|leaf| *leaf >= 20 || leaf % 2 == 1)
            .map(|leaf: u64| format!("leaf {leaf:012}"))
            .collect();
        for table in ["sought", "entry"] {
            let rows = index.rows_of(table, &month(0)).await.unwrap();
            assert_eq!(rows.into_keys().collect::<Vec<_>>(), left, "{table}");
        }
    }
}
