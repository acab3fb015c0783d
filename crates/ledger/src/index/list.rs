//! Reads lists from the index.

use lgsp_core::ExchangeId;
use lgsp_core::time::micros;
use lgsp_proto::ledger::v1::{ExchangeFilter, Outcome, Phase};
use lgsp_store::sqlite::until;
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};
use tokio::time::Instant;

use super::Index;
use crate::entry::{Key, Signed};
use crate::files::log::Place;
use crate::sequences::Sequence;

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

#[derive(FromRow)]
pub(super) struct FoundRow {
    leaf: i64,
    exchange_id: Vec<u8>,
    phase: i32,
    part: u32,
    signed: i32,
    admitted_us: i64,
    segment: i64,
    byte: i64,
    application: String,
    service: String,
    method: String,
    outcome: i32,
    platform: bool,
    asked: bool,
}

impl Index {
    /// Lists entries, newest first.
    pub async fn list(&self, query: &Query, deadline: Instant) -> Result<Vec<Found>, lgsp_store::Error> {
        let mut reader = self.store().reader(deadline).await?;
        let mut sql = statement(query);
        let rows: Vec<FoundRow> =
            until(deadline, sql.build_query_as().persistent(false).fetch_all(&mut *reader)).await?;
        Ok(rows.into_iter().filter_map(found).collect())
    }

    /// The sequences of the gateways that entered last, latest first, and when.
    pub async fn gateways(&self, most: i64, deadline: Instant) -> Result<Vec<Gateway>, lgsp_store::Error> {
        let mut reader = self.store().reader(deadline).await?;
        until(deadline, gateways(&mut reader, most)).await
    }

    /// The same of those that entered something since a moment (Unix µs), the earliest first, after one of them.
    pub async fn gateways_since(
        &self,
        since_us: i64,
        after: Option<(i64, String)>,
        most: i64,
        deadline: Instant,
    ) -> Result<Vec<Gateway>, lgsp_store::Error> {
        let mut reader = self.store().reader(deadline).await?;
        let (after_us, after) = after.unwrap_or((since_us, String::new()));
        let query = sqlx::query_as(
            "SELECT * FROM gateway WHERE last_entered_us >= ? AND (last_entered_us, instance) > (?, ?) \
             ORDER BY last_entered_us, instance LIMIT ?",
        );
        let query = query.bind(since_us).bind(after_us).bind(after).bind(most);
        let rows: Vec<GatewayRow> = until(deadline, query.fetch_all(&mut *reader)).await?;
        Ok(rows.into_iter().map(told).collect())
    }

    /// How many exchanges were entered as abandoned.
    pub async fn abandoned(&self, deadline: Instant) -> Result<u64, lgsp_store::Error> {
        let mut reader = self.store().reader(deadline).await?;
        let count = sqlx::query_as::<_, (i64,)>(
            "SELECT count(*) FROM entry INDEXED BY entry_abandoned WHERE phase = 4",
        );
        let (count,) = until(deadline, count.fetch_one(&mut *reader)).await?;
        Ok(count.cast_unsigned())
    }
}

pub(super) fn found(row: FoundRow) -> Option<Found> {
    let exchange = ExchangeId::from_bytes(&row.exchange_id)?;
    Some(Found {
        key: Key { exchange, phase: Phase::try_from(row.phase).ok()?, part: row.part },
        at: After { admitted_us: row.admitted_us, exchange, leaf: row.leaf },
        signed: Signed::of_number(row.signed),
        place: Place { segment: row.segment.cast_unsigned(), byte: row.byte.cast_unsigned() },
        application: row.application,
        service: row.service,
        method: row.method,
        outcome: row.outcome,
        platform: row.platform,
        asked: row.asked,
    })
}

/// The statement of a list. Literals are numbers of ours: SQLite uses a partial index only if it sees its condition.
pub(super) fn statement(query: &Query) -> QueryBuilder<Sqlite> {
    let filter = &query.filter;
    let mut sql = QueryBuilder::new(
        "SELECT leaf, exchange_id, phase, part, signed, admitted_us, segment, byte, application, service, method, outcome, platform, 0 AS asked \
         FROM entry WHERE ",
    );
    match &query.exchange {
        Some(exchange) => sql.push("exchange_id = ").push_bind(exchange.as_bytes().to_vec()),
        // The first condition is that of the indexes.
        None => sql.push("shown > 0 AND shown = 1"),
    };
    let texts = [
        (" AND application = ", &filter.application),
        (" AND service = ", &filter.service),
        (" AND method = ", &filter.method),
    ];
    for (condition, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
        sql.push(condition).push_bind(value.clone());
    }
    if filter.outcome != 0 {
        sql.push(format_args!(" AND outcome = {}", filter.outcome));
        if filter.outcome() != Outcome::Served {
            sql.push(" AND outcome <> 1");
        }
    }
    if let Some(since) = &filter.since {
        sql.push(" AND admitted_us >= ").push_bind(micros(since));
    }
    if let Some(end) = &filter.until {
        sql.push(" AND admitted_us < ").push_bind(micros(end));
    }
    // Whoever names an exchange asks for it, whatever it is.
    if !filter.include_platform && query.exchange.is_none() {
        sql.push(" AND platform = 0");
    }
    if let Some(after) = &query.after {
        sql.push(" AND (admitted_us, exchange_id, leaf) < (").push_bind(after.admitted_us);
        sql.push(", ").push_bind(after.exchange.as_bytes().to_vec());
        sql.push(", ").push_bind(after.leaf).push(")");
    }
    sql.push(" ORDER BY admitted_us DESC, exchange_id DESC, leaf DESC LIMIT ");
    sql.push_bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
    sql
}

#[derive(FromRow)]
struct GatewayRow {
    instance: String,
    first: i64,
    last: i64,
    received: i64,
    last_entered_us: i64,
    gaps: Vec<u8>,
}

/// A gateway instance, what arrived of its numbers, and when it last entered something (Unix µs).
pub(crate) type Gateway = (String, Sequence, i64);

pub(super) async fn gateways(
    connection: &mut SqliteConnection,
    most: i64,
) -> Result<Vec<Gateway>, sqlx::Error> {
    let query = sqlx::query_as("SELECT * FROM gateway ORDER BY last_entered_us DESC LIMIT ?");
    let rows: Vec<GatewayRow> = query.bind(most).fetch_all(connection).await?;
    Ok(rows.into_iter().map(told).collect())
}

pub(super) async fn gateway(
    connection: &mut SqliteConnection,
    instance: &str,
) -> Result<Option<Gateway>, sqlx::Error> {
    let query = sqlx::query_as("SELECT * FROM gateway WHERE instance = ?");
    let row: Option<GatewayRow> = query.bind(instance).fetch_optional(connection).await?;
    Ok(row.map(told))
}

fn told(row: GatewayRow) -> Gateway {
    let (first, last, received) =
        (row.first.cast_unsigned(), row.last.cast_unsigned(), row.received.cast_unsigned());
    (row.instance, Sequence::from_parts(first, last, received, &row.gaps), row.last_entered_us)
}
