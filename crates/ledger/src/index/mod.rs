//! The index: what lists are read from. It is built from the log, and can be built again.

mod content;
mod findings;
mod forms;
mod kept;
mod list;
mod looks;
mod months;
mod period;
mod postgres;
mod put;
mod schema;
mod search;
mod shown;
mod sought;
mod traffic;
mod usage;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::{Care, Dialect, Sql, Store, Value, Writer};

pub(crate) use content::{Contents, leaves_of};
pub(crate) use findings::{Annotated, Due, Finding, FindingId, Told, Wanted, key_of_act};
pub(crate) use forms::{Filled, Forms};
pub(crate) use list::{After, Found, Query};
pub(crate) use looks::{Least, Look, Stretch};
#[cfg(test)]
pub(crate) use search::Counts;
pub(crate) use search::{Order, Search};
pub(crate) use sought::Stands;
pub(crate) use traffic::{Asked, Counted, Dossiers, Miscounted};
pub(crate) use usage::agreement_of;

use crate::Error;
use crate::entry::{Key, Read, Signed};
use crate::erasable::SeekKey;
use crate::error::INDEX;
use crate::fence::{self, Fence};
use crate::files::journal::Incarnation;
use crate::files::log::{End, Place};
use crate::rows::{KEY, ROWS, key_of, key_values, soon};
use crate::sequences::Sequences;

/// A power cut may take the last rows: the log has them. So an fsync here would only delay the intake's.
const OF_THE_LOG: Care = Care::Repeatable;
/// So much of a text is found and shown by the index, in bytes. Gateways enter shorter ones.
const LONGEST_TEXT: usize = 512;
/// Where it is on PostgreSQL.
const SCHEMA: &str = "lgsp_ledger_index";
/// Most gateway instances that are read back at a start.
const MOST_GATEWAYS: i64 = 1_000;

/// A leaf, as it goes into the index.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub leaf: u64,
    pub place: Place,
    pub read: Read,
}

/// How far the index has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub end: End,
    /// Whose offsets are stored.
    pub incarnation: Incarnation,
}

/// The index. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    store: Store,
    fence: Fence,
    months: months::Months,
    /// Under which it has what entries are found by.
    pub key: SeekKey,
}

fn failed(source: lgsp_store::Error) -> Error {
    fence::failed(INDEX, source)
}

impl Index {
    /// Opens the index, and makes it if there is none.
    pub async fn open(file: &Path, key: &SeekKey) -> Result<Self, Error> {
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        Self::open_in(&options, key, Fence::default()).await
    }

    /// The same in either database.
    pub async fn open_in(options: &lgsp_store::Options, key: &SeekKey, fence: Fence) -> Result<Self, Error> {
        let migrations = match options.dialect().map_err(failed)? {
            Dialect::Sqlite => schema::MIGRATIONS,
            Dialect::Postgres => postgres::MIGRATIONS,
        };
        let store = Store::open_in(SCHEMA, options, migrations).await.map_err(failed)?;
        let months = months::Months::default();
        // Ahead of the first entries: whoever lists them waits for their filing.
        months.prepare(&store, &[], soon()).await.map_err(failed)?;
        Ok(Self { store, fence, months, key: key.clone() })
    }

    /// Forgets everything, on PostgreSQL: it is built again from the log.
    pub async fn begin_anew(&self) -> Result<(), Error> {
        const TABLES: [&str; 13] = [
            "entry",
            "daily",
            "monthly",
            "sought",
            "span",
            "gateway",
            "progress",
            "next_offset",
            "usage",
            "built_under",
            "looked_day",
            "finding",
            "annotation",
        ];
        let emptying = async {
            let mut writer = self.writer(Care::Durable).await?;
            for table in TABLES {
                let truncate = format!("TRUNCATE {table}");
                writer.run(lgsp_store::Query::new(&truncate)).await?;
            }
            writer.run(lgsp_store::Query::new("DELETE FROM expired")).await?;
            writer.commit().await
        };
        emptying.await.map_err(failed)
    }

    /// A transaction that no caller waits for.
    async fn writer(&self, care: Care) -> Result<Writer, lgsp_store::Error> {
        self.fence.writer(&self.store, care, soon()).await
    }

    /// All rows of an answer that no caller waits for.
    async fn rows(&self, query: lgsp_store::Query<'_>) -> Result<Vec<lgsp_store::Row>, lgsp_store::Error> {
        self.store.reader(soon()).await?.all(query).await
    }

    async fn row(&self, sql: &str) -> Result<Option<lgsp_store::Row>, lgsp_store::Error> {
        self.store.reader(soon()).await?.optional(lgsp_store::Query::new(sql)).await
    }

    fn sql<'q>(&self, text: &str) -> Sql<'q> {
        Sql::new(self.store.dialect(), text)
    }

    pub async fn progress(&self) -> Result<Progress, Error> {
        self.try_progress().await.map_err(failed)
    }

    async fn try_progress(&self) -> Result<Progress, lgsp_store::Error> {
        let Some(row) = self.row("SELECT leaves, segment, byte, incarnation FROM progress").await? else {
            return Ok(Progress::default());
        };
        let place = Place { segment: number(&row, "segment")?, byte: number(&row, "byte")? };
        let incarnation = row.bytes("incarnation")?.try_into().unwrap_or_default();
        Ok(Progress { end: End { place, leaves: number(&row, "leaves")? }, incarnation })
    }

    /// The stored offsets: the next one of each partition.
    pub async fn offsets(&self) -> Result<BTreeMap<i32, i64>, Error> {
        self.try_offsets().await.map_err(failed)
    }

    async fn try_offsets(&self) -> Result<BTreeMap<i32, i64>, lgsp_store::Error> {
        let rows = self.rows(lgsp_store::Query::new("SELECT partition, next FROM next_offset")).await?;
        rows.iter().map(|row| Ok((small(row, "partition")?, row.integer("next")?))).collect()
    }

    /// The sequences of the gateways that entered last.
    pub async fn sequences(&self) -> Result<Sequences, Error> {
        let mut sequences = Sequences::default();
        for (gateway, sequence, entered) in self.gateways(MOST_GATEWAYS, soon()).await.map_err(failed)? {
            sequences.insert(gateway, sequence, entered);
        }
        Ok(sequences)
    }

    /// Brings in the sequences of these gateways that were forgotten.
    pub async fn recall<'a>(
        &self,
        sequences: &mut Sequences,
        gateways: impl Iterator<Item = &'a str>,
    ) -> Result<(), Error> {
        for gateway in sequences.unknown(gateways) {
            if let Some((gateway, sequence, entered)) = self.gateway(&gateway).await.map_err(failed)? {
                sequences.insert(gateway, sequence, entered);
            }
        }
        Ok(())
    }

    /// Of these keys, those that are entries already, and whether these are signed.
    pub async fn known(&self, keys: &[Key]) -> Result<HashMap<Key, Signed>, Error> {
        self.try_known(keys).await.map_err(failed)
    }

    async fn try_known(&self, keys: &[Key]) -> Result<HashMap<Key, Signed>, lgsp_store::Error> {
        let mut known = HashMap::new();
        for keys in keys.chunks(ROWS) {
            for row in self.rows(known_statement(self.store.dialect(), keys).query()).await? {
                let Some(key) = key_of(&row)? else { continue };
                known.insert(key, Signed::of_number(small(&row, "signed")?));
            }
        }
        Ok(known)
    }

    /// Of these exchanges, those whose end is entered already. What is not signed ends none.
    pub async fn ended(&self, exchanges: &[ExchangeId]) -> Result<HashSet<ExchangeId>, Error> {
        let both = [Phase::Final, Phase::Abandoned];
        let keys: Vec<Key> = exchanges
            .iter()
            .flat_map(|exchange| both.map(|phase| Key { exchange: *exchange, phase, part: 0 }))
            .collect();
        let known = self.known(&keys).await?.into_iter().filter(|(_, signed)| signed.counts());
        Ok(known.map(|(key, _)| key.exchange).collect())
    }

    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// A join in this order, because SQLite would read the whole index for `IN (VALUES …)`.
fn known_statement(dialect: Dialect, keys: &[Key]) -> Sql<'_> {
    let mut sql = with_keys(dialect, keys);
    sql.push("SELECT entry.exchange_id, entry.phase, entry.part, entry.signed FROM ").push(by_key(dialect));
    sql
}

/// Begins a statement about keys, which are its table `key`.
fn with_keys(dialect: Dialect, keys: &[Key]) -> Sql<'_> {
    let mut sql = Sql::new(dialect, "WITH key (exchange_id, phase, part) AS (");
    sql.rows(KEY, keys.iter().map(key_values)).push(") ");
    sql
}

/// Entries by the table of their keys, which SQLite reads first.
fn by_key(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "key CROSS JOIN entry USING (exchange_id, phase, part)",
        Dialect::Postgres => "key JOIN entry USING (exchange_id, phase, part)",
    }
}

/// A text as the index has it. Whoever may write the topic may enter any: PostgreSQL takes no NUL, and no long text into its indexes.
pub(super) fn text(text: &str) -> Value<'_> {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = &text[..end];
    if kept.contains('\0') { kept.replace('\0', "\u{fffd}").into() } else { kept.into() }
}

/// So much of a credential's digest as the index keeps.
pub(super) fn credential(digest: &[u8]) -> &[u8] {
    digest.get(..16).unwrap_or(digest)
}

fn number(row: &lgsp_store::Row, column: &str) -> Result<u64, lgsp_store::Error> {
    Ok(row.integer(column)?.cast_unsigned())
}

fn small(row: &lgsp_store::Row, column: &str) -> Result<i32, lgsp_store::Error> {
    i32::try_from(row.integer(column)?).map_err(|_| lgsp_store::Error::Value { column: column.to_owned() })
}

#[cfg(test)]
pub(super) mod tests {
    use lgsp_core::entry::salted;
    use lgsp_proto::ledger::v1::{Erasable, ExchangeFilter, Outcome, Sealed};
    use prost::Message;

    use super::*;
    use crate::entry::{Signers, read_sealed};
    use crate::seek::{Seek, Text};

    pub(super) fn key() -> SeekKey {
        SeekKey::new(&[7; 32])
    }

    /// How SQLite comes to an answer.
    pub(super) async fn plan<'q>(statement: impl FnOnce(Dialect) -> Sql<'q>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.db"), &key()).await.unwrap();
        let explained = format!("EXPLAIN QUERY PLAN {}", statement(Dialect::Sqlite).text());
        let rows = index.rows(lgsp_store::Query::new(&explained)).await.unwrap();
        rows.iter().map(|row| row.text("detail").unwrap()).collect::<Vec<_>>().join("; ")
    }

    async fn check(change: impl FnOnce(&mut Query), expect: &str) {
        let after = After { admitted_us: 5, exchange: ExchangeId::new(), leaf: 7 };
        let filter = ExchangeFilter::default();
        let mut query = Query { filter, exchange: None, after: Some(after), limit: 10 };
        change(&mut query);
        let plan = plan(|dialect| list::statement(dialect, &query, None)).await;
        assert!(plan.contains(&format!("SEARCH entry USING INDEX {expect} (")), "{plan}");
    }

    #[tokio::test]
    async fn a_page_is_found_by_an_index_however_long_the_log_is() {
        check(|_| (), "entry_shown").await;
        check(|query| query.filter.application = "tthc".to_owned(), "entry_application").await;
        check(|query| query.filter.service = "a.B".to_owned(), "entry_service").await;
        check(|query| query.filter.outcome = Outcome::Denied.into(), "entry_not_served").await;
        check(|query| query.exchange = Some(ExchangeId::new()), "entry_key").await;
    }

    #[tokio::test]
    async fn a_repeat_is_found_by_an_index_however_long_the_log_is() {
        let key = Key { exchange: ExchangeId::new(), phase: Phase::Final, part: 0 };
        let keys = [key, key];
        let plan = plan(|dialect| known_statement(dialect, &keys)).await;
        assert!(plan.contains("SEARCH entry USING INDEX entry_key"), "{plan}");
    }

    async fn opened() -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.db"), &key()).await.unwrap();
        (dir, index)
    }

    fn row(leaf: u64) -> Row {
        let exchange_id = ExchangeId::new().as_bytes().to_vec().into();
        let sealed = Sealed { exchange_id, phase: Phase::Final.into(), admitted_us: 7, ..Sealed::default() };
        let read = read_sealed(sealed.encode_to_vec().into(), &Signers::default()).unwrap();
        Row { leaf, place: Place::default(), read }
    }

    #[tokio::test]
    async fn an_entry_whose_part_was_kept_only_after_it_was_indexed_is_found_by_it_too() {
        let (_dir, index) = opened().await;
        let row = row(3);
        let put = async |rows: &[Row], again: &[Read]| {
            let sequences = Sequences::default();
            index.put(rows, again, &sequences, &Progress::default(), &BTreeMap::new()).await.unwrap();
        };
        put(std::slice::from_ref(&row), &[]).await;
        let erasable = Erasable { officer: salted("officer-17"), ..Erasable::default() };
        let again = Read { erasable: Some(erasable.encode_to_vec().into()), ..row.read.clone() };
        let search = Search {
            seeks: vec![Seek::text(&key(), Text::Officer, "officer-17")],
            limit: 10,
            ..Search::default()
        };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        assert!(index.search(&search, deadline).await.unwrap().is_empty());
        for _ in 0..2 {
            put(&[], std::slice::from_ref(&again)).await;
            let found = index.search(&search, deadline).await.unwrap();
            assert_eq!(found.iter().map(|found| found.at.leaf).collect::<Vec<_>>(), [3]);
        }
    }

    #[tokio::test]
    async fn an_index_from_before_is_built_again_and_reads_no_record_twice() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("index.db");
        let options = lgsp_store::Options::of(format!("sqlite:{}", file.display()));
        let before = Store::open(&options, &schema::MIGRATIONS[..2]).await.unwrap();
        for sql in [
            "INSERT INTO entry VALUES (0, x'00', 3, 0, 1, 0, 7, 'a', 'b', 'c', 1, 1, 48)",
            "INSERT INTO progress VALUES (0, 1, 1, 99, x'0102030405060708090a0b0c0d0e0f10')",
            "INSERT INTO next_offset VALUES (2, 17)",
            "INSERT INTO gateway VALUES ('gateway-1', 1, 1, 1, 7, x'')",
        ] {
            before.run(sql).await.unwrap();
        }
        before.close().await;
        let index = Index::open(&file, &key()).await.unwrap();
        let progress = index.progress().await.unwrap();
        assert_eq!((progress.end, progress.incarnation[0]), (End::default(), 1), "from the first leaf on");
        assert_eq!(index.offsets().await.unwrap(), [(2, 17)].into());
        assert!(index.known(&[row(0).read.key]).await.unwrap().is_empty());
    }
}
