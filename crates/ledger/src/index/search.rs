//! Finds exchanges for auditors: by ranges of an index, however long the log is.

use lgsp_proto::ledger::v1::Outcome;
use lgsp_store::{Dialect, Reader, Sql};
use tokio::time::Instant;

use super::list::found;
use super::months::{self, Among};
use super::{After, Found, Index, credential, number, text};
use crate::seek::Seek;

/// What is searched. Every set field must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    pub since_us: Option<i64>,
    /// Not itself.
    pub until_us: Option<i64>,
    pub application: String,
    pub agency: String,
    pub service: String,
    pub method: String,
    pub purpose: String,
    pub agreement: String,
    pub outcome: Outcome,
    pub credential: Vec<u8>,
    pub include_platform: bool,
    pub environment: String,
    pub without_dossier: bool,
    /// A subject in each month in which it can be looked for, the earliest first. Months are apart in time.
    pub subject: Option<Vec<Seek>>,
    /// All of these.
    pub seeks: Vec<Seek>,
    pub order: Order,
    /// Goes on after this one.
    pub after: Option<After>,
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// How many there are of each outcome, by its number.
pub(crate) type Counts = [u64; OUTCOMES];

const OUTCOMES: usize = 9;

impl Search {
    /// The ranges that are read one after the other, and what else must hold of what is in them.
    pub(super) fn ranges(&self) -> (Vec<Option<Seek>>, &[Seek]) {
        match (&self.subject, self.seeks.split_first()) {
            (Some(months), _) => {
                let mut ranges: Vec<_> = months.iter().copied().map(Some).collect();
                if self.order == Order::NewestFirst {
                    ranges.reverse();
                }
                (ranges, &self.seeks)
            }
            (None, Some((first, rest))) => (vec![Some(*first)], rest),
            (None, None) => (vec![None], &[]),
        }
    }
}

impl Search {
    /// From when, and until when, not itself, what is found may be (Unix µs).
    fn period(&self) -> (Option<i64>, Option<i64>) {
        let after = |order| self.after.filter(|_| self.order == order).map(|after| after.admitted_us);
        let since = self.since_us.into_iter().chain(after(Order::OldestFirst)).max();
        let until = after(Order::NewestFirst).map(|at| at.saturating_add(1));
        (since, self.until_us.into_iter().chain(until).min())
    }
}

impl Index {
    /// Finds exchanges, each as the entry that is shown of it. A stream without an end is found by its opening.
    pub async fn search(&self, search: &Search, deadline: Instant) -> Result<Vec<Found>, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        let among = self.among(search, &mut reader).await?;
        let (ranges, rest) = search.ranges();
        let mut all = Vec::new();
        for range in ranges {
            let mut sql = statement(
                self.store.dialect(),
                (search, among.as_ref()),
                range,
                rest,
                search.limit - all.len(),
            );
            for row in &reader.all(sql.query()).await? {
                all.extend(found(row)?);
            }
            if all.len() >= search.limit {
                break;
            }
        }
        Ok(all)
    }

    /// Counts what a search would find.
    pub async fn count(&self, search: &Search, deadline: Instant) -> Result<Counts, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        let among = self.among(search, &mut reader).await?;
        let (ranges, rest) = search.ranges();
        let mut counts = Counts::default();
        for range in ranges {
            let mut sql = count_statement(self.store.dialect(), (search, among.as_ref()), range, rest);
            let Some(row) = reader.optional(sql.query()).await? else { continue };
            for (outcome, count) in counts.iter_mut().enumerate() {
                *count += number(&row, &format!("of_{outcome}"))?;
            }
        }
        Ok(counts)
    }

    /// Where to look on PostgreSQL.
    pub(super) async fn among(
        &self,
        search: &Search,
        reader: &mut Reader,
    ) -> Result<Option<Among>, lgsp_store::Error> {
        match self.store.dialect() {
            Dialect::Sqlite => Ok(None),
            Dialect::Postgres => months::among(reader, search.period()).await,
        }
    }
}

/// One range. The order is that of the index which it is read from.
pub(super) fn statement<'q>(
    dialect: Dialect,
    (search, among): (&'q Search, Option<&'q Among>),
    range: Option<Seek>,
    rest: &'q [Seek],
    limit: usize,
) -> Sql<'q> {
    let mut sql = Sql::new(
        dialect,
        "SELECT e.leaf, e.exchange_id, e.phase, e.part, e.signed, e.admitted_us, e.segment, e.byte, e.application, e.service, e.method, \
         e.outcome, e.platform, ",
    );
    sql.push(match range {
        Some(_) => {
            "(SELECT max(t.asked) FROM sought AS t WHERE t.kind = s.kind AND t.value = s.value AND t.admitted_us = s.admitted_us \
             AND t.exchange_id = s.exchange_id) AS asked"
        }
        None => "0 AS asked",
    });
    let of = from(&mut sql, range);
    conditions(&mut sql, (search, among), rest, of);
    let (compares, direction) = match search.order {
        Order::NewestFirst => ("<", "DESC"),
        Order::OldestFirst => (">", "ASC"),
    };
    if let Some(after) = &search.after {
        sql.push(format_args!(" AND ({of}.admitted_us, {of}.exchange_id) {compares} ("))
            .bind(after.admitted_us);
        sql.push(", ").bind(after.exchange.as_bytes()).push(")");
    }
    sql.push(format_args!(" ORDER BY {of}.admitted_us {direction}, {of}.exchange_id {direction} LIMIT "));
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql
}

/// One pass, and nothing to sort: an aggregate for each outcome.
pub(super) fn count_statement<'q>(
    dialect: Dialect,
    (search, among): (&'q Search, Option<&'q Among>),
    range: Option<Seek>,
    rest: &'q [Seek],
) -> Sql<'q> {
    let counts =
        (0..OUTCOMES).map(|outcome| format!("count(*) FILTER (WHERE e.outcome = {outcome}) AS of_{outcome}"));
    let mut sql = Sql::new(dialect, "SELECT ");
    sql.push(counts.collect::<Vec<_>>().join(", "));
    let of = from(&mut sql, range);
    conditions(&mut sql, (search, among), rest, of);
    sql
}

/// Where the rows come from; returns the table that has their order.
fn from(sql: &mut Sql<'_>, range: Option<Seek>) -> &'static str {
    let Some(seek) = range else {
        sql.push(" FROM entry AS e WHERE e.shown > 0");
        return "e";
    };
    // Several entries of a stream may be found by the same: the first one stands for all. The join is by the index of what is shown.
    sql.push(" FROM sought AS s");
    sql.push_on(Dialect::Sqlite, " CROSS JOIN entry AS e INDEXED BY entry_shown");
    sql.push_on(Dialect::Postgres, " JOIN entry AS e");
    sql.push(
        " ON e.admitted_us = s.admitted_us AND e.exchange_id = s.exchange_id AND e.shown > 0 \
         WHERE NOT EXISTS (SELECT 1 FROM sought AS t WHERE t.kind = s.kind AND t.value = s.value AND t.admitted_us = s.admitted_us \
         AND t.exchange_id = s.exchange_id AND t.leaf < s.leaf) AND s.kind = ",
    );
    sql.bind(seek.kind).push(" AND s.value = ").bind(seek.value.to_vec());
    "s"
}

fn conditions<'q>(
    sql: &mut Sql<'q>,
    (search, among): (&'q Search, Option<&'q Among>),
    rest: &'q [Seek],
    of: &str,
) {
    if let Some(Among(first, before)) = among {
        sql.push(" AND e.exchange_id >= ").bind(first).push(" AND e.exchange_id < ").bind(before);
    }
    let texts = [
        ("application", &search.application),
        ("agency", &search.agency),
        ("service", &search.service),
        ("method", &search.method),
        ("purpose", &search.purpose),
        ("agreement", &search.agreement),
        ("environment", &search.environment),
    ];
    for (column, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
        sql.push(format_args!(" AND e.{column} = ")).bind(text(value));
    }
    // Literals are of ours: SQLite uses a partial index only if it sees its condition.
    if !search.agreement.is_empty() {
        sql.push(" AND e.agreement <> ''");
    }
    match search.outcome {
        Outcome::Unspecified => {}
        Outcome::Served => {
            sql.push(" AND e.outcome = 1");
        }
        other => {
            sql.push(format_args!(" AND e.outcome = {} AND e.outcome <> 1", other as i32));
        }
    }
    if search.without_dossier {
        sql.push(" AND e.dossier = 0");
    }
    if !search.credential.is_empty() {
        sql.push(" AND e.credential = ").bind(credential(&search.credential));
    }
    if !search.include_platform {
        sql.push(" AND e.platform = 0");
    }
    // A page that goes on after an exchange has that for an end: with two, SQLite may read from the wrong one on. PostgreSQL tells the months
    // that it need not read by a bound of the moment alone.
    let goes_on = |order| search.after.is_some() && search.order == order;
    let (since_us, until_us) = match sql.dialect() {
        Dialect::Sqlite => (
            search.since_us.filter(|_| !goes_on(Order::OldestFirst)),
            search.until_us.filter(|_| !goes_on(Order::NewestFirst)),
        ),
        Dialect::Postgres => search.period(),
    };
    for (compares, moment) in [(">=", since_us), ("<", until_us)] {
        if let Some(moment) = moment {
            sql.push(format_args!(" AND {of}.admitted_us {compares} ")).bind(moment);
        }
    }
    for seek in rest {
        sql.push(
            " AND EXISTS (SELECT 1 FROM sought AS x WHERE x.admitted_us = e.admitted_us AND x.exchange_id = e.exchange_id AND x.kind = ",
        );
        sql.bind(seek.kind).push(" AND x.value = ").bind(&seek.value).push(")");
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::ExchangeId;

    use super::super::tests::{key, plan};
    use super::*;
    use crate::seek::Text;

    fn search(change: impl FnOnce(&mut Search)) -> Search {
        let after = After { admitted_us: 5, exchange: ExchangeId::new(), leaf: 7 };
        let mut search = Search {
            since_us: Some(1),
            until_us: Some(9),
            after: Some(after),
            limit: 10,
            ..Search::default()
        };
        change(&mut search);
        search
    }

    async fn page(change: impl FnOnce(&mut Search)) -> String {
        let search = search(change);
        let (ranges, rest) = search.ranges();
        let plan = plan(|dialect| statement(dialect, (&search, None), ranges[0], rest, 10)).await;
        assert!(plan.contains("(admitted_us,exchange_id)"), "it begins after the last page: {plan}");
        assert!(
            !plan.contains("TEMP B-TREE") && !plan.contains("SCAN"),
            "nothing is sorted or read through: {plan}"
        );
        plan
    }

    #[tokio::test]
    async fn a_page_of_a_search_is_one_range_of_an_index_however_long_the_log_is() {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let check = async |change: fn(&mut Search), expect: &str| {
                let plan = page(|search| {
                    search.order = order;
                    change(search);
                })
                .await;
                assert!(plan.contains(expect), "{expect} of {plan}");
            };
            check(|_| (), "SEARCH e USING INDEX entry_shown (").await;
            check(
                |search| search.application = "tthc".to_owned(),
                "SEARCH e USING INDEX entry_application (",
            )
            .await;
            check(|search| search.agency = "H13.03".to_owned(), "SEARCH e USING INDEX entry_agency (").await;
            check(|search| search.service = "a.B".to_owned(), "SEARCH e USING INDEX entry_service (").await;
            check(|search| search.agreement = "a-b".to_owned(), "SEARCH e USING INDEX entry_agreement (")
                .await;
            check(|search| search.outcome = Outcome::Denied, "SEARCH e USING INDEX entry_not_served (").await;
            check(
                |search| {
                    search.seeks =
                        vec![Seek::text(&key(), Text::Officer, "a"), Seek::text(&key(), Text::Dossier, "b")]
                },
                "SEARCH s USING PRIMARY KEY (kind=? AND value=? AND ",
            )
            .await;
            check(
                |search| search.subject = Some(vec![Seek { kind: 17, value: [7; 16] }]),
                "SEARCH e USING INDEX entry_shown (admitted_us=? AND exchange_id=?)",
            )
            .await;
        }
    }

    #[tokio::test]
    async fn exchanges_are_counted_by_the_index_alone() {
        for (change, expect) in [
            ((|_| ()) as fn(&mut Search), "entry_shown ("),
            (|search| search.application = "tthc".to_owned(), "entry_application ("),
            (|search| search.outcome = Outcome::Denied, "entry_not_served ("),
        ] {
            let search = search(change);
            let plan = plan(|dialect| count_statement(dialect, (&search, None), None, &[])).await;
            assert!(plan.contains(&format!("USING COVERING INDEX {expect}")), "{plan}");
        }
    }
}
