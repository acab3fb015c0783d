//! Reads lists from the index.

use lgsp_core::ExchangeId;
use lgsp_core::time::micros;
use lgsp_proto::ledger::v1::{ExchangeFilter, Outcome};
use lgsp_store::{Dialect, Sql};
use tokio::time::Instant;

use super::months::{self, Among};
use super::{Index, key_of, number, small, text};
use crate::entry::{Key, Signed};
use crate::files::log::Place;
use crate::sequences::{Entered, Sequence};

/// What a list is of.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub filter: ExchangeFilter,
    /// One exchange, all phases of it; of any other list, how each exchange ended.
    pub exchange: Option<ExchangeId>,
    pub after: Option<After>,
    pub limit: usize,
}

/// The entry after which a page begins. Lists go from the newest to the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct After {
    pub admitted_us: i64,
    pub exchange: ExchangeId,
    pub leaf: i64,
}

/// An entry of a list: where its sealed part stands, and what the index itself knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub at: After,
    pub key: Key,
    pub signed: Signed,
    pub place: Place,
    pub application: String,
    pub service: String,
    pub method: String,
    pub outcome: i32,
    pub platform: bool,
    /// Of what was found by a subject: whether it was asked about.
    pub asked: bool,
}

impl Index {
    /// Lists entries, newest first.
    pub async fn list(&self, query: &Query, deadline: Instant) -> Result<Vec<Found>, lgsp_store::Error> {
        let mut reader = self.store.reader(deadline).await?;
        let among = match (self.store.dialect(), query.exchange) {
            (Dialect::Postgres, None) => months::among(&mut reader, query.period()).await?,
            (Dialect::Sqlite, _) | (Dialect::Postgres, Some(_)) => None,
        };
        let rows = reader.all(statement(self.store.dialect(), query, among.as_ref()).query()).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            all.extend(found(row)?);
        }
        Ok(all)
    }

    /// The sequences of the gateways that entered last, latest first, and when.
    pub async fn gateways(&self, most: i64, deadline: Instant) -> Result<Vec<Gateway>, lgsp_store::Error> {
        let query =
            lgsp_store::Query::new("SELECT * FROM gateway ORDER BY last_entered_us DESC LIMIT $1").bind(most);
        self.store.reader(deadline).await?.all(query).await?.iter().map(told).collect()
    }

    /// The same of those that may have entered something in a period (Unix µs; not its end), the earliest first, after one of them. Of
    /// one whose first number is missing nobody knows when it was.
    pub async fn gateways_of(
        &self,
        (since_us, until_us): (i64, i64),
        after: Option<(i64, String)>,
        most: i64,
        deadline: Instant,
    ) -> Result<Vec<Gateway>, lgsp_store::Error> {
        let (after_us, after) = after.unwrap_or((since_us, String::new()));
        let query = lgsp_store::Query::new(
            "SELECT * FROM gateway WHERE last_entered_us >= $1 AND (last_entered_us, instance) > ($2, $3) \
             AND (first > 1 OR first_entered_us < $4) ORDER BY last_entered_us, instance LIMIT $5",
        );
        let query = query.bind(since_us).bind(after_us).bind(text(&after)).bind(until_us).bind(most);
        self.store.reader(deadline).await?.all(query).await?.iter().map(told).collect()
    }

    /// The sequence of a gateway.
    pub(super) async fn gateway(&self, instance: &str) -> Result<Option<Gateway>, lgsp_store::Error> {
        let query = lgsp_store::Query::new("SELECT * FROM gateway WHERE instance = $1").bind(text(instance));
        self.rows(query).await?.first().map(told).transpose()
    }

    /// How many exchanges were entered as abandoned.
    pub async fn abandoned(&self, deadline: Instant) -> Result<u64, lgsp_store::Error> {
        let mut sql = self.sql("SELECT count(*) AS n FROM entry");
        sql.push_on(Dialect::Sqlite, " INDEXED BY entry_abandoned").push(" WHERE phase = 4");
        let row = self.store.reader(deadline).await?.optional(sql.query()).await?;
        row.map_or(Ok(0), |row| number(&row, "n"))
    }
}

impl Query {
    /// From when, and until when, not itself, an entry may be (Unix µs).
    pub(super) fn period(&self) -> (Option<i64>, Option<i64>) {
        let after = self.after.map(|after| after.admitted_us.saturating_add(1));
        let until = self.filter.until.as_ref().map(micros);
        (self.filter.since.as_ref().map(micros), after.into_iter().chain(until).min())
    }
}

pub(super) fn found(row: &lgsp_store::Row) -> Result<Option<Found>, lgsp_store::Error> {
    let Some(key) = key_of(row)? else { return Ok(None) };
    let at = After {
        admitted_us: row.integer("admitted_us")?,
        exchange: key.exchange,
        leaf: row.integer("leaf")?,
    };
    Ok(Some(Found {
        key,
        at,
        signed: Signed::of_number(small(row, "signed")?),
        place: Place { segment: number(row, "segment")?, byte: number(row, "byte")? },
        application: row.text("application")?,
        service: row.text("service")?,
        method: row.text("method")?,
        outcome: small(row, "outcome")?,
        platform: row.flag("platform")?,
        asked: row.flag("asked")?,
    }))
}

/// The statement of a list. Literals are numbers of ours: SQLite uses a partial index only if it sees its condition.
pub(super) fn statement<'q>(dialect: Dialect, query: &'q Query, among: Option<&'q Among>) -> Sql<'q> {
    let filter = &query.filter;
    let mut sql = Sql::new(
        dialect,
        "SELECT leaf, exchange_id, phase, part, signed, admitted_us, segment, byte, application, service, method, outcome, platform, 0 AS asked \
         FROM entry WHERE ",
    );
    match &query.exchange {
        Some(exchange) => sql.push("exchange_id = ").bind(exchange.as_bytes()),
        // The first condition is that of the indexes.
        None => sql.push("shown > 0 AND shown = 1"),
    };
    if let Some(Among(from, before)) = among {
        sql.push(" AND exchange_id >= ").bind(from).push(" AND exchange_id < ").bind(before);
    }
    let texts = [
        (" AND application = ", &filter.application),
        (" AND service = ", &filter.service),
        (" AND method = ", &filter.method),
    ];
    for (condition, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
        sql.push(condition).bind(text(value));
    }
    if filter.outcome != 0 {
        sql.push(format_args!(" AND outcome = {}", filter.outcome));
        if filter.outcome() != Outcome::Served {
            sql.push(" AND outcome <> 1");
        }
    }
    if let Some(since) = &filter.since {
        sql.push(" AND admitted_us >= ").bind(micros(since));
    }
    if let Some(end) = &filter.until {
        sql.push(" AND admitted_us < ").bind(micros(end));
    }
    // Whoever names an exchange asks for it, whatever it is.
    if !filter.include_platform && query.exchange.is_none() {
        sql.push(" AND platform = 0");
    }
    if let Some(after) = &query.after {
        sql.push(" AND (admitted_us, exchange_id, leaf) < (").bind(after.admitted_us);
        sql.push(", ").bind(after.exchange.as_bytes());
        sql.push(", ").bind(after.leaf).push(")");
    }
    sql.push(" ORDER BY admitted_us DESC, exchange_id DESC, leaf DESC LIMIT ");
    sql.bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
    sql
}

/// A gateway instance, what arrived of its numbers, and when it entered something.
pub(crate) type Gateway = (String, Sequence, Entered);

fn told(row: &lgsp_store::Row) -> Result<Gateway, lgsp_store::Error> {
    let (first, last, received) = (number(row, "first")?, number(row, "last")?, number(row, "received")?);
    let sequence = Sequence::from_parts(first, last, received, row.bytes("gaps")?);
    let entered =
        Entered { first_us: row.integer("first_entered_us")?, last_us: row.integer("last_entered_us")? };
    Ok((row.text("instance")?, sequence, entered))
}
