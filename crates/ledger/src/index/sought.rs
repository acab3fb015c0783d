//! What entries are found by: rows of their hashes, by the entries that they are of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lgsp_core::ExchangeId;
use lgsp_store::{Care, Dialect, Kind, Query, Sql, Writer};
use tokio::time::Instant;

use super::{Index, OF_THE_LOG, ROWS, by_key, failed, findings, key_of, number, small, soon};
use crate::Error;
use crate::entry::{Key, Read, Signed};
use crate::erasable::SeekKey;
use crate::files::log::Place;
use crate::seek::{self, Seek};

/// Rows of one statement: SQLite binds at most 32,766 values.
const SOUGHT_ROWS: usize = 4_000;
/// How far the moment of an abandoned exchange, which its id tells, may be from that of its other entries, in µs.
const NEAR: i64 = 60_000_000;

const KINDS: [Kind; 6] =
    [Kind::Integer, Kind::Bytes, Kind::Integer, Kind::Bytes, Kind::Integer, Kind::Integer];

struct Row<'a> {
    seek: Seek,
    admitted_us: i64,
    exchange: &'a ExchangeId,
    leaf: i64,
    asked: bool,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stands {
    pub key: Key,
    pub signed: Signed,
    pub leaf: u64,
    pub place: Place,
}

/// Inserts what entries are found by, each with its leaf.
pub(super) async fn insert(
    writer: &mut Writer,
    dialect: Dialect,
    key: &SeekKey,
    entries: impl Iterator<Item = (i64, &Read)>,
) -> Result<(), lgsp_store::Error> {
    let mut rows = Vec::new();
    for (leaf, read) in entries {
        let row = |seek, asked| Row {
            seek,
            admitted_us: read.sealed.admitted_us,
            exchange: &read.key.exchange,
            leaf,
            asked,
        };
        rows.extend(seek::of_sealed(key, read).into_iter().map(|seek| row(seek, false)));
        let erasable = read.erasable.as_deref().map(|part| seek::of_erasable(key, part)).unwrap_or_default();
        rows.extend(erasable.into_iter().map(|(seek, asked)| row(seek, asked)));
    }
    // In the order of the table: rows that are near each other are on one page.
    rows.sort_unstable_by_key(|row| (row.seek, row.admitted_us));
    for rows in rows.chunks(SOUGHT_ROWS) {
        let mut sql =
            Sql::new(dialect, "INSERT INTO sought (kind, value, admitted_us, exchange_id, leaf, asked) ");
        let columns = rows.iter().map(|row| {
            let Row { seek, admitted_us, exchange, leaf, asked } = row;
            let (value, exchange) = (seek.value.as_slice().into(), exchange.as_bytes().into());
            [seek.kind.into(), value, (*admitted_us).into(), exchange, (*leaf).into(), (*asked).into()]
        });
        sql.rows(KINDS, columns).push(" ON CONFLICT DO NOTHING");
        writer.run(sql.query()).await?;
    }
    Ok(())
}

/// The same of entries that are in the index already.
pub(super) async fn insert_again(
    writer: &mut Writer,
    dialect: Dialect,
    key: &SeekKey,
    again: &[Read],
) -> Result<(), lgsp_store::Error> {
    for again in again.chunks(ROWS) {
        let keys: Vec<Key> = again.iter().map(|read| read.key).collect();
        let mut sql = super::with_keys(dialect, &keys);
        sql.push("SELECT entry.leaf, entry.exchange_id, entry.phase, entry.part FROM ").push(by_key(dialect));
        let mut leaves: HashMap<Key, i64> = HashMap::new();
        for row in writer.all(sql.query()).await? {
            if let Some(key) = key_of(&row)? {
                leaves.insert(key, row.integer("leaf")?);
            }
        }
        let entries = again.iter().filter_map(|read| Some((*leaves.get(&read.key)?, read)));
        insert(writer, dialect, key, entries).await?;
    }
    Ok(())
}

impl Index {
    /// Forgets what these exchanges are found by that can be erased, as their parts have it. Durable when it returns: the parts
    /// themselves may be gone after that.
    pub async fn forget(&self, parts: &[(Key, Vec<u8>)]) -> Result<(), Error> {
        let exchanges: BTreeSet<ExchangeId> = parts.iter().map(|(key, _)| key.exchange).collect();
        let exchanges: Vec<ExchangeId> = exchanges.into_iter().collect();
        let moments = self.moments(&exchanges).await.map_err(failed)?;
        let seeks: BTreeSet<(ExchangeId, Seek)> = parts
            .iter()
            .flat_map(|(key, part)| {
                seek::of_erasable(&self.key, part).into_keys().map(|seek| (key.exchange, seek))
            })
            .collect();
        let durably = async {
            let mut writer = self.writer(Care::Durable).await?;
            let of = |exchange| moments.get(exchange).into_iter().flatten().copied();
            let found_by =
                seeks.iter().flat_map(|(exchange, seek)| of(exchange).map(|between| (*seek, between)));
            findings::forget(&mut writer, found_by).await?;
            for (exchange, seek) in &seeks {
                for (from, to) in of(exchange) {
                    let delete = Query::new(
                        "DELETE FROM sought WHERE kind = $1 AND value = $2 AND admitted_us BETWEEN $3 AND $4 AND exchange_id = $5",
                    );
                    let delete = delete.bind(seek.kind).bind(&seek.value).bind(from).bind(to);
                    writer.run(delete.bind(exchange.as_bytes())).await?;
                }
            }
            // What is left is looked at anew.
            let all = moments.values().flatten().flat_map(|(from, to)| [*from, *to]);
            findings::note_moments(&mut writer, self.store.dialect(), all).await?;
            writer.commit().await
        };
        durably.await.map_err(failed)
    }

    /// When these exchanges may have been admitted, from and to: as each of their entries says, and near it, since the rows of what
    /// was abandoned say what its other entries do.
    async fn moments(
        &self,
        exchanges: &[ExchangeId],
    ) -> Result<BTreeMap<ExchangeId, Vec<(i64, i64)>>, lgsp_store::Error> {
        let mut moments: BTreeMap<ExchangeId, Vec<(i64, i64)>> = BTreeMap::new();
        for (exchange, admitted_us) in self.admitted_at(exchanges, soon()).await? {
            let ranges = moments.entry(exchange).or_default();
            match ranges.last_mut() {
                Some((_, to)) if admitted_us - NEAR <= *to => *to = admitted_us + NEAR,
                Some(_) | None => ranges.push((admitted_us - NEAR, admitted_us + NEAR)),
            }
        }
        Ok(moments)
    }

    /// Those of these keys that unsigned entries stand under.
    pub async fn unsigned(&self, keys: &[Key]) -> Result<Vec<Stands>, Error> {
        let dialect = self.store.dialect();
        let mut unsigned = Vec::new();
        for keys in keys.chunks(ROWS) {
            let mut sql = super::with_keys(dialect, keys);
            sql.push("SELECT ")
                .push(STANDS)
                .push(" FROM ")
                .push(by_key(dialect))
                .push(" WHERE entry.signed = 0");
            unsigned.extend(self.standing(sql).await.map_err(failed)?);
        }
        Ok(unsigned)
    }

    async fn standing(&self, mut sql: Sql<'_>) -> Result<Vec<Stands>, lgsp_store::Error> {
        stands(&self.rows(sql.query()).await?)
    }

    /// Forgets what entries are found by that others are about to take the place of, each with its erasable part as it is kept. Durable
    /// when it returns, as for those that are erased.
    pub async fn forget_leaves(&self, leaves: &[(u64, Read)]) -> Result<(), Error> {
        let durably = async {
            let mut writer = self.writer(Care::Durable).await?;
            for (leaf, read) in leaves {
                let erasable = read.erasable.as_deref().map(|part| seek::of_erasable(&self.key, part));
                let erasable = erasable.unwrap_or_default();
                for seek in seek::of_sealed(&self.key, read).into_iter().chain(erasable.into_keys()) {
                    let delete = Query::new(
                        "DELETE FROM sought WHERE kind = $1 AND value = $2 AND admitted_us = $3 AND exchange_id = $4 AND leaf = $5",
                    );
                    let delete = delete.bind(seek.kind).bind(&seek.value).bind(read.sealed.admitted_us);
                    writer.run(delete.bind(read.key.exchange.as_bytes()).bind(leaf.cast_signed())).await?;
                }
            }
            writer.commit().await
        };
        durably.await.map_err(failed)
    }

    /// The same of exchanges whose parts are gone already, in an index that is from before: reads all of it.
    pub async fn forget_all_of(&self, exchanges: &[ExchangeId]) -> Result<(), Error> {
        // Procedures and decisions stand in sealed parts.
        let moments = self.admitted_at(exchanges, soon()).await.map_err(failed)?;
        let forgetting = async {
            let mut writer = self.writer(OF_THE_LOG).await?;
            let moments = moments.iter().map(|(_, admitted_us)| *admitted_us);
            findings::note_moments(&mut writer, self.store.dialect(), moments).await?;
            for exchanges in exchanges.chunks(ROWS) {
                let mut sql = self.sql("DELETE FROM sought WHERE kind NOT IN (4, 5) AND exchange_id");
                sql.among(Kind::Bytes, exchanges.iter().map(ExchangeId::as_bytes));
                writer.run(sql.query()).await?;
            }
            writer.commit().await
        };
        forgetting.await.map_err(failed)
    }

    /// The moments at which the entries of these exchanges say that they were admitted, of each the earliest first.
    async fn admitted_at(
        &self,
        exchanges: &[ExchangeId],
        deadline: Instant,
    ) -> Result<BTreeSet<(ExchangeId, i64)>, lgsp_store::Error> {
        let mut admitted = BTreeSet::new();
        let mut reader = self.store.reader(deadline).await?;
        for exchanges in exchanges.chunks(ROWS) {
            let mut sql = self
                .sql("SELECT DISTINCT exchange_id, admitted_us FROM entry WHERE phase <> 5 AND exchange_id");
            sql.among(Kind::Bytes, exchanges.iter().map(ExchangeId::as_bytes));
            for row in reader.all(sql.query()).await? {
                let Some(exchange) = ExchangeId::from_bytes(row.bytes("exchange_id")?) else { continue };
                admitted.insert((exchange, row.integer("admitted_us")?));
            }
        }
        Ok(admitted)
    }

    /// Of these exchanges, those of which there is an entry.
    pub async fn entered(
        &self,
        exchanges: &[ExchangeId],
        deadline: Instant,
    ) -> Result<HashSet<ExchangeId>, lgsp_store::Error> {
        Ok(self.admitted_at(exchanges, deadline).await?.into_iter().map(|(exchange, _)| exchange).collect())
    }

    /// Whether an exchange is found by all of these.
    pub async fn is_found_by(
        &self,
        seeks: &[Seek],
        (admitted_us, exchange): (i64, ExchangeId),
        deadline: Instant,
    ) -> Result<bool, lgsp_store::Error> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM sought WHERE kind = $1 AND value = $2 AND admitted_us = $3 AND exchange_id = $4) \
             AS found";
        let mut reader = self.store.reader(deadline).await?;
        for seek in seeks {
            let query = Query::new(SQL).bind(seek.kind).bind(&seek.value).bind(admitted_us);
            let row = reader.optional(query.bind(exchange.as_bytes())).await?;
            if !row.map_or(Ok(false), |row| row.flag("found"))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The entries of an exchange in the order of the log, from a leaf on.
    pub async fn entries_of(
        &self,
        exchange: &ExchangeId,
        from: u64,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Stands>, lgsp_store::Error> {
        let mut sql = self.sql("SELECT ");
        sql.push(STANDS).push(" FROM entry").push_on(Dialect::Sqlite, " INDEXED BY entry_key");
        sql.push(" WHERE exchange_id = ")
            .bind(exchange.as_bytes())
            .push(" AND leaf >= ")
            .bind(from.cast_signed());
        sql.push(" ORDER BY leaf LIMIT ").bind(limit(most));
        stands(&self.store.reader(deadline).await?.all(sql.query()).await?)
    }

    /// The decisions about an exchange, and the one that was taken by it, the oldest first.
    pub async fn decisions_of(
        &self,
        exchange: &ExchangeId,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Stands>, lgsp_store::Error> {
        let seek = Seek::decisions_of(exchange);
        let mut sql = self.decisions(&seek);
        sql.push(" ORDER BY sought.admitted_us, sought.exchange_id LIMIT ").bind(limit(most));
        stands(&self.store.reader(deadline).await?.all(sql.query()).await?)
    }

    /// All decisions about an exchange.
    pub async fn acts_about(&self, exchange: &ExchangeId) -> Result<Vec<Stands>, Error> {
        let seek = Seek::decisions_of(exchange);
        self.standing(self.decisions(&seek)).await.map_err(failed)
    }

    fn decisions<'q>(&self, seek: &'q Seek) -> Sql<'q> {
        let mut sql = self.sql("SELECT ");
        sql.push(STANDS).push(" FROM sought").push_on(Dialect::Sqlite, " CROSS");
        // A leaf is one entry. The exchange tells PostgreSQL where to look for it.
        sql.push(" JOIN entry ON entry.leaf = sought.leaf AND entry.exchange_id = sought.exchange_id");
        sql.push(" WHERE sought.kind = ").bind(seek.kind).push(" AND sought.value = ").bind(&seek.value);
        sql
    }

    /// The signed decisions from a leaf on.
    pub async fn acts(&self, from: u64, most: usize) -> Result<Vec<Stands>, Error> {
        let mut sql = self.sql("SELECT ");
        sql.push(STANDS).push(" FROM entry").push_on(Dialect::Sqlite, " INDEXED BY entry_act");
        sql.push(" WHERE phase = 6 AND signed = 2 AND leaf >= ").bind(from.cast_signed());
        sql.push(" ORDER BY leaf LIMIT ").bind(limit(most));
        self.standing(sql).await.map_err(failed)
    }
}

/// What is read of an entry to tell where it stands.
const STANDS: &str =
    "entry.leaf, entry.exchange_id, entry.phase, entry.part, entry.signed, entry.segment, entry.byte";

fn stands(rows: &[lgsp_store::Row]) -> Result<Vec<Stands>, lgsp_store::Error> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(key) = key_of(row)? else { continue };
        all.push(Stands {
            key,
            signed: Signed::of_number(small(row, "signed")?),
            leaf: number(row, "leaf")?,
            place: Place { segment: number(row, "segment")?, byte: number(row, "byte")? },
        });
    }
    Ok(all)
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
