//! On PostgreSQL, `entry` and `sought` are in partitions, one for each month.
//!
//! Of each key there is one entry, whatever it says of itself. So `entry` is parted by the exchange's id, which is in the key and begins
//! with the moment at which its gateway made it: the database holds the key unique over all partitions. What is found by a moment
//! is not known to be in the partition of that month, since whoever may write the topic may enter any moment under any id. So `span` has
//! from when to when the entries are that are in a month by their ids, and a search reads the months that come into question: one, or
//! more if somebody has entered such things. Nothing is missed.
//!
//! `sought` is parted by the moment itself, which is in its key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use lgsp_core::ExchangeId;
use lgsp_core::time::{day, months_before, unix_micros};
use lgsp_store::{Dialect, Error, Kind, Query, Reader, Sql, Store, Writer};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Row;

/// In µs.
const DAY: i64 = 24 * 3_600 * 1_000_000;
/// Before this there are no partitions: the beginning of 2025 (Unix µs).
const FIRST: i64 = 1_735_664_400_000_000;
/// The month, in `span`, of ids that are of no month which has a partition.
const ELSEWHERE: i64 = -1;
/// What is asked of ids before any, and after all.
pub(super) const LOWEST: [u8; 16] = [0; 16];

/// The months whose partitions are there. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Months(Arc<Mutex<BTreeSet<i64>>>);

/// Ids among which the entries of a period are: from the first on, before the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Among(pub [u8; 16], pub [u8; 16]);

impl Months {
    /// Makes the partitions that rows come to, and that of the next month ahead of its first row.
    pub async fn prepare(&self, store: &Store, rows: &[Row], deadline: Instant) -> Result<(), Error> {
        if store.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let now = begin(unix_micros(SystemTime::now()));
        let next = end(now);
        let of_rows = rows.iter().flat_map(|row| {
            let moments = [made_us(&row.read.key.exchange), row.read.sealed.admitted_us];
            moments.into_iter().filter(|moment| (FIRST..end(next)).contains(moment)).map(begin)
        });
        let mut wanted: BTreeSet<i64> = of_rows.chain([now, next]).collect();
        wanted.retain(|month| !self.0.lock().contains(month));
        for month in wanted {
            make(store, month, deadline).await?;
            self.0.lock().insert(month);
        }
        Ok(())
    }
}

/// Makes the partitions of a month, and moves to them what was caught until now.
async fn make(store: &Store, month: i64, deadline: Instant) -> Result<(), Error> {
    const THERE: &str = "SELECT count(*) AS n FROM pg_class WHERE oid = to_regclass($1)";
    let ids = |moment| format!("'\\x{}'", hex(&id_from(moment)));
    for (table, column, from, to) in [
        ("entry", "exchange_id", ids(month), ids(end(month))),
        ("sought", "admitted_us", month.to_string(), end(month).to_string()),
    ] {
        let of_month = format!("{table}_{}", name(month));
        let mut reader = store.reader(deadline).await?;
        let there = reader.optional(Query::new(THERE).bind(&of_month)).await?;
        drop(reader);
        if there.map_or(Ok(0), |row| row.integer("n"))? > 0 {
            continue;
        }
        // One transaction. Whoever reads may stand in the way for a moment.
        store
            .run(&format!(
                "SET LOCAL lock_timeout = '20s';
                 LOCK TABLE {table}_caught IN ACCESS EXCLUSIVE MODE;
                 CREATE TABLE {of_month} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
                 WITH moved AS (DELETE FROM {table}_caught WHERE {column} >= {from} AND {column} < {to} RETURNING *)
                 INSERT INTO {of_month} SELECT * FROM moved;
                 ALTER TABLE {table} ATTACH PARTITION {of_month} FOR VALUES FROM ({from}) TO ({to})"
            ))
            .await?;
    }
    Ok(())
}

/// Notes from when to when the entries of rows are.
pub(super) async fn note(writer: &mut Writer, rows: &[&Row]) -> Result<(), Error> {
    let mut spans: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let at = row.read.sealed.admitted_us;
        let (first, last) = spans.entry(month_of(&row.read.key.exchange)).or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
    }
    if spans.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(Dialect::Postgres, "INSERT INTO span (month, first_us, last_us) ");
    let rows = spans.into_iter().map(|(month, (first, last))| [month.into(), first.into(), last.into()]);
    sql.rows([Kind::Integer; 3], rows);
    sql.push(
        " ON CONFLICT (month) DO UPDATE SET first_us = least(span.first_us, excluded.first_us), \
         last_us = greatest(span.last_us, excluded.last_us) \
         WHERE excluded.first_us < span.first_us OR excluded.last_us > span.last_us",
    );
    writer.run(sql.query()).await.map(drop)
}

/// The ids among which the entries of a period are (Unix µs; not its end); `None` if they may be anywhere.
pub(super) async fn among(
    reader: &mut Reader,
    (since_us, until_us): (Option<i64>, Option<i64>),
) -> Result<Option<Among>, Error> {
    const SQL: &str =
        "SELECT min(month) AS first, max(month) AS last FROM span WHERE last_us >= $1 AND first_us < $2";
    if since_us.is_none() && until_us.is_none() {
        return Ok(None);
    }
    let query = Query::new(SQL).bind(since_us.unwrap_or(i64::MIN)).bind(until_us.unwrap_or(i64::MAX));
    let Some(row) = reader.optional(query).await? else { return Ok(None) };
    let (Some(first), Some(last)) = (row.maybe_integer("first")?, row.maybe_integer("last")?) else {
        return Ok(Some(Among(LOWEST, LOWEST)));
    };
    Ok((first != ELSEWHERE).then(|| Among(id_from(first), id_from(end(last)))))
}

/// The month of an id, as `span` has it.
fn month_of(exchange: &ExchangeId) -> i64 {
    let made = made_us(exchange);
    let last = end(begin(unix_micros(SystemTime::now())));
    if (FIRST..end(last)).contains(&made) { begin(made) } else { ELSEWHERE }
}

/// When an id says that it was made (Unix µs).
fn made_us(exchange: &ExchangeId) -> i64 {
    let millis =
        exchange.as_bytes().iter().take(6).fold(0_i64, |millis, byte| millis << 8 | i64::from(*byte));
    millis.saturating_mul(1_000)
}

/// The first id of a moment.
fn id_from(at_us: i64) -> [u8; 16] {
    let mut id = LOWEST;
    let millis = at_us.max(0).unsigned_abs() / 1_000;
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

/// When a month begins, in Asia/Ho_Chi_Minh.
fn begin(at_us: i64) -> i64 {
    let of_month: i64 = day(at_us).rsplit('-').next().and_then(|day| day.parse().ok()).unwrap_or(1);
    months_before(at_us, 0) - (of_month - 1) * DAY
}

/// When the month that begins at a moment is over.
fn end(begin_us: i64) -> i64 {
    begin(begin_us + 32 * DAY)
}

/// `2026_11`.
fn name(month: i64) -> String {
    lgsp_core::time::month(month).replace('-', "_")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::ledger::v1::{ExchangeFilter, Outcome};
    use lgsp_store::testing::Database;

    use super::super::tests::key;
    use super::super::{After, Index, Search, list, search, soon};
    use super::*;
    use crate::fence::Fence;
    use crate::seek::Seek;

    #[test]
    fn a_month_is_that_of_the_city_and_an_id_tells_its_own() {
        // 2026-11-30 16:59:59 UTC is the last second of November there.
        let last = 1_796_057_999_000_000;
        assert_eq!((name(begin(last)), name(begin(last + 1_000_000))), ("2026_11".into(), "2026_12".into()));
        assert_eq!(end(begin(last)), last + 1_000_000);
        assert_eq!(begin(begin(last)), begin(last));
        assert_eq!((begin(FIRST), name(FIRST)), (FIRST, "2025_01".to_owned()));
        let id = ExchangeId::from_bytes(&id_from(last)).unwrap();
        assert_eq!((made_us(&id), month_of(&id)), (last, begin(last)));
        assert_eq!(month_of(&ExchangeId::from_bytes(&[0xff; 16]).unwrap()), ELSEWHERE);
    }

    /// An index with three months of 20,000 entries each.
    async fn filled(database: &Database) -> (Index, [i64; 3]) {
        let index = Index::open_in(&database.options(), &key(), Fence::default()).await.unwrap();
        let months = [FIRST, end(FIRST), end(end(FIRST))];
        for month in months {
            make(&index.store, month, soon()).await.unwrap();
            let fill = format!(
                "INSERT INTO entry (leaf, exchange_id, phase, part, signed, shown, platform, admitted_us, application, agency, service,
                     method, purpose, agreement, credential, outcome, segment, byte)
                 SELECT n, decode(lpad(to_hex({month} / 1000 + n), 12, '0') || lpad(to_hex(n), 20, '0'), 'hex'), 3, 0, 1, 1, 0,
                     {month} + n * 1000, 'application-' || n % 50, 'H13.' || n % 50, 'lgsp.a' || n % 50 || '.v1.B', 'C', 'prefill', '',
                     '', CASE WHEN n % 100 = 0 THEN 2 ELSE 1 END, 1, n FROM generate_series(1, 20000) AS n;
                 INSERT INTO sought SELECT 17 + n % 2, decode(md5((n % 1000)::text), 'hex'), {month} + n * 1000,
                     decode(lpad(to_hex({month} / 1000 + n), 12, '0') || lpad(to_hex(n), 20, '0'), 'hex'), n, 1
                     FROM generate_series(1, 20000) AS n;
                 INSERT INTO span VALUES ({month}, {month}, {month} + 20000000)"
            );
            index.store.run(&fill).await.unwrap();
        }
        index.store.run("ANALYZE entry; ANALYZE sought").await.unwrap();
        (index, months)
    }

    async fn plan(index: &Index, sql: Sql<'_>) -> String {
        let rows = index.rows(sql.explained().query()).await.unwrap();
        rows.iter().map(|row| row.text("QUERY PLAN").unwrap()).collect::<Vec<_>>().join("\n")
    }

    /// The second month alone is read, by indexes.
    #[track_caller]
    fn reads_one_month(plan: &str, condition: &str) {
        // Partitions of which nothing is here are empty, and are read so.
        let is_read_through = |line: &str| line.contains("Seq Scan") && line.contains("_2025_");
        assert!(!plan.lines().any(is_read_through), "{plan}");
        assert!(plan.contains(condition), "{condition} of {plan}");
        assert!(plan.contains("entry_2025_02"), "{plan}");
        for other in
            ["entry_2025_01", "entry_2025_03", "entry_caught", "sought_2025_01 s", "sought_2025_03 s"]
        {
            assert!(!plan.contains(other), "{other} is none of its months: {plan}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_is_read_by_an_index_in_the_partitions_of_its_months_alone() {
        let Some(database) = Database::postgres().await else { return };
        let (index, [_, month, next]) = filled(&database).await;
        let exchange = ExchangeId::from_bytes(&id_from(month + 10_000_000)).unwrap();
        let after = After { admitted_us: month + 10_000_000, exchange, leaf: 7 };
        let value = *b"\xc4\xca\x42\x38\xa0\xb9\x23\x82\x0d\xcc\x50\x9a\x6f\x75\x84\x9b";
        let seek = Seek { kind: 18, value };
        type Asked = fn(&mut Search, Seek);
        let searches: [(Asked, &str); 6] = [
            (|_, _| (), "Index Cond: ((admitted_us >= "),
            (|search, _| search.application = "application-7".to_owned(), "Index Cond: ((application = "),
            (|search, _| search.agency = "H13.7".to_owned(), "Index Cond: ((agency = "),
            (|search, _| search.service = "lgsp.a7.v1.B".to_owned(), "Index Cond: ((service = "),
            (|search, _| search.outcome = Outcome::Denied, "entry_2025_02_outcome_"),
            (|search, seek| search.seeks = vec![seek], "Index Cond: ((kind = "),
        ];
        for (change, condition) in searches {
            for after in [None, Some(after)] {
                let mut search = Search {
                    since_us: Some(month),
                    until_us: Some(next),
                    limit: 10,
                    after,
                    include_platform: true,
                    ..Search::default()
                };
                change(&mut search, seek);
                let among =
                    index.among(&search, &mut index.store.reader(soon()).await.unwrap()).await.unwrap();
                let (ranges, rest) = search.ranges();
                let sql =
                    search::statement(Dialect::Postgres, (&search, among.as_ref()), ranges[0], rest, 10);
                reads_one_month(&plan(&index, sql).await, condition);
            }
        }
        for (application, condition) in
            [("", "Index Cond: ((admitted_us >= "), ("application-7", "Index Cond: ((application = ")]
        {
            let filter = ExchangeFilter {
                since: Some(timestamp(month)),
                until: Some(timestamp(next)),
                application: application.to_owned(),
                ..ExchangeFilter::default()
            };
            let query = list::Query { filter, exchange: None, after: None, limit: 10 };
            let among = among(&mut index.store.reader(soon()).await.unwrap(), query.period()).await.unwrap();
            let sql = list::statement(Dialect::Postgres, &query, among.as_ref());
            reads_one_month(&plan(&index, sql).await, condition);
        }
    }
}
