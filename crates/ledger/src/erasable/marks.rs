//! What decisions have made of exchanges: erased, held, withheld.

use std::collections::{BTreeSet, HashMap};

use lgsp_core::ExchangeId;
use lgsp_store::{Kind, Query, Writer};

use super::{Erasables, ROWS, failed};
use crate::Error;
use crate::entry::Key;

/// A mark of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Mark {
    Erased = 1,
    /// It is not erased.
    Held = 2,
    /// Its subjects are not told of it until a moment.
    Withheld = 3,
}

/// The marks of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub erased: bool,
    pub held: bool,
    /// Unix µs; 0: never was.
    pub withheld_until_us: i64,
}

impl Erasables {
    /// The marks of those of these exchanges that have any.
    pub async fn marks(
        &self,
        exchanges: &[ExchangeId],
    ) -> Result<HashMap<ExchangeId, Marks>, lgsp_store::Error> {
        let mut marks: HashMap<ExchangeId, Marks> = HashMap::new();
        for exchanges in exchanges.chunks(ROWS) {
            let mut sql = self.sql("SELECT exchange_id, kind, until_us FROM mark WHERE exchange_id");
            sql.among(Kind::Bytes, exchanges.iter().map(ExchangeId::as_bytes));
            for row in self.rows(sql.query()).await? {
                let Some(exchange) = ExchangeId::from_bytes(row.bytes("exchange_id")?) else { continue };
                let (kind, until_us) = (row.integer("kind")?, row.integer("until_us")?);
                let of = marks.entry(exchange).or_default();
                of.erased |= kind == Mark::Erased as i64;
                of.held |= kind == Mark::Held as i64;
                if kind == Mark::Withheld as i64 {
                    of.withheld_until_us = until_us;
                }
            }
        }
        Ok(marks)
    }

    /// Of these exchanges, those that are erased.
    pub async fn erased(&self, mut exchanges: Vec<ExchangeId>) -> Result<Vec<ExchangeId>, Error> {
        let marks = self.marks(&exchanges).await.map_err(failed)?;
        exchanges.retain(|exchange| marks.get(exchange).is_some_and(|marks| marks.erased));
        Ok(exchanges)
    }

    /// Up to which leaf, not itself, decisions are carried out here.
    pub async fn carried_out(&self) -> Result<u64, Error> {
        let row = self.row(Query::new("SELECT next FROM carried_out")).await;
        let next = row.and_then(|row| row.map_or(Ok(0), |row| row.integer("next")));
        Ok(next.map_err(failed)?.cast_unsigned())
    }

    /// The parts of these exchanges that are not erased.
    pub async fn parts_of(&self, exchanges: &[ExchangeId]) -> Result<Vec<(Key, Vec<u8>)>, Error> {
        self.try_parts_of(exchanges).await.map_err(failed)
    }

    async fn try_parts_of(&self, exchanges: &[ExchangeId]) -> Result<Vec<(Key, Vec<u8>)>, lgsp_store::Error> {
        let mut parts = Vec::new();
        for exchanges in exchanges.chunks(ROWS) {
            let mut sql = self.sql(
                "SELECT exchange_id, phase, part, value FROM erasable WHERE value IS NOT NULL AND exchange_id",
            );
            sql.among(Kind::Bytes, exchanges.iter().map(ExchangeId::as_bytes));
            for row in &self.rows(sql.query()).await? {
                parts.extend(super::part(row)?.and_then(|(key, value)| Some((key, value?.into()))));
            }
        }
        Ok(parts)
    }

    /// Carries the decision out that stands at a leaf: marks these exchanges.
    pub async fn mark(
        &self,
        leaf: u64,
        mark: Mark,
        until_us: i64,
        exchanges: &[ExchangeId],
    ) -> Result<(), Error> {
        let marking = async {
            let mut writer = self.writer().await?;
            for exchanges in exchanges.chunks(ROWS) {
                self.insert_marks(&mut writer, mark, until_us, exchanges).await?;
                if mark == Mark::Erased {
                    self.blank_marked(&mut writer, exchanges.iter()).await?;
                }
            }
            note(&mut writer, leaf).await?;
            writer.commit().await
        };
        marking.await.map_err(failed)
    }

    /// The same for one that takes a mark away.
    pub async fn unmark(&self, leaf: u64, mark: Mark, exchanges: &[ExchangeId]) -> Result<(), Error> {
        let marking = async {
            let mut writer = self.writer().await?;
            for exchanges in exchanges.chunks(ROWS) {
                let mut sql = self.sql("DELETE FROM mark WHERE kind = ");
                sql.bind(mark as i32).push(" AND exchange_id");
                sql.among(Kind::Bytes, exchanges.iter().map(ExchangeId::as_bytes));
                writer.run(sql.query()).await?;
            }
            note(&mut writer, leaf).await?;
            writer.commit().await
        };
        marking.await.map_err(failed)
    }

    /// Notes that what stands at a leaf changes nothing here.
    pub async fn pass(&self, leaf: u64) -> Result<(), Error> {
        self.unmark(leaf, Mark::Held, &[]).await
    }

    async fn insert_marks(
        &self,
        writer: &mut Writer,
        mark: Mark,
        until_us: i64,
        exchanges: &[ExchangeId],
    ) -> Result<(), lgsp_store::Error> {
        // PostgreSQL changes no row twice in one statement.
        let exchanges: BTreeSet<&ExchangeId> = exchanges.iter().collect();
        let mut sql = self.sql("INSERT INTO mark (exchange_id, kind, until_us) ");
        let rows = exchanges
            .into_iter()
            .map(|exchange| [exchange.as_bytes().into(), (mark as i32).into(), until_us.into()]);
        sql.rows([Kind::Bytes, Kind::Integer, Kind::Integer], rows);
        sql.push(" ON CONFLICT (exchange_id, kind) DO UPDATE SET until_us = excluded.until_us");
        writer.run(sql.query()).await.map(drop)
    }
}

/// Notes up to which leaf decisions are carried out.
pub(super) async fn note(writer: &mut Writer, leaf: u64) -> Result<(), lgsp_store::Error> {
    let query = Query::new(
        "INSERT INTO carried_out (id, next) VALUES (0, $1) ON CONFLICT (id) DO UPDATE SET next = excluded.next",
    );
    writer.run(query.bind(leaf.saturating_add(1).cast_signed())).await.map(drop)
}
