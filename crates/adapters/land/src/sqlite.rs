//! The source on an SQLite database; its schema is `crates/sample/schema/land.sql`.

use std::time::Duration;

use async_trait::async_trait;
use geo::Rect;
use lgsp_adapter::health::Probe;
use lgsp_adapter::{OpenError, Origin, Reader, SourceError, Store, until};
use lgsp_identifiers::{PersonKey, WardCode};
use lgsp_proto::land::v1::Parcel;
use sqlx::Sqlite as Database;
use sqlx::query::QueryAs;
use sqlx::sqlite::SqliteArguments;
use tokio::time::Instant;

use crate::{OwnerKey, ParcelRef, Parts, Source};

mod parts;
mod rows;

use rows::ParcelRow;

const SCHEMA_VERSION: i64 = 1;
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest side of a parcel's bounding box in degrees, as the schema bounds it.
const LONGEST_PARCEL: f64 = 0.05;

/// A cadastre on SQLite. Read only.
#[derive(Clone, Debug)]
pub struct Sqlite {
    store: Store,
    origin: Origin,
}

type Select<'q> = QueryAs<'q, Database, ParcelRow, SqliteArguments>;

impl Sqlite {
    /// Opens the source.
    ///
    /// # Errors
    /// It is missing, does not answer, or has another schema.
    pub async fn open(options: &lgsp_adapter::StoreOptions) -> Result<Self, OpenError> {
        let store = Store::open_read_only(options).await?;
        let origin = Origin::read(&store, SCHEMA_VERSION, Instant::now() + OPENING_TIMEOUT).await?;
        Ok(Self { store, origin })
    }

    /// The source as its owner names it.
    pub fn name(&self) -> &str {
        &self.origin.source
    }

    /// Reads parcels with what hangs on them: a query for the parcels, and one for each kind of part.
    async fn parcels(
        &self,
        select: Select<'_>,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let mut reader: Reader = self.store.reader(deadline).await?;
        let rows = until(deadline, select.fetch_all(&mut *reader)).await?;
        let mut parcels = Vec::with_capacity(rows.len());
        for row in rows {
            let number = row.parcel_id;
            parcels.push((number, row.into_parcel(&self.origin)?));
        }
        parts::add(&mut reader, &mut parcels, parts, deadline).await?;
        Ok(parcels)
    }
}

#[async_trait]
impl Probe for Sqlite {
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError> {
        let mut reader = self.store.reader(deadline).await?;
        let any = sqlx::query("SELECT parcel_id FROM parcel LIMIT 1").fetch_optional(&mut *reader);
        until(deadline, any).await?;
        Ok(())
    }
}

#[async_trait]
impl Source for Sqlite {
    async fn parcel(
        &self,
        parcel: &ParcelRef,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Parcel>, SourceError> {
        let select: Select<'_> = match parcel {
            ParcelRef::Id(id) => sqlx::query_as(rows::BY_ID).bind(id),
            ParcelRef::Key(key) => {
                let by_key = sqlx::query_as(rows::BY_KEY).bind(key.ward().as_str().to_owned());
                by_key.bind(key.sheet()).bind(key.number())
            }
        };
        Ok(self.parcels(select, parts, deadline).await?.pop().map(|(_, parcel)| parcel))
    }

    async fn parcels_of_owner(
        &self,
        owner: &OwnerKey,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let by_owner = match owner {
            OwnerKey::Person(PersonKey::Number(_)) => rows::BY_PERSON,
            OwnerKey::Person(PersonKey::OldCard(_)) => rows::BY_OLD_CARD,
            OwnerKey::Enterprise(_) => rows::BY_ENTERPRISE,
        };
        let select = sqlx::query_as(by_owner).bind(owner.as_str()).bind(after).bind(limit as i64);
        self.parcels(select, parts, deadline).await
    }

    async fn parcels_near(
        &self,
        bounds: Rect<f64>,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let (least, greatest) = (bounds.min(), bounds.max());
        let select = sqlx::query_as(rows::BY_BOUNDS)
            .bind(least.x - LONGEST_PARCEL)
            .bind(greatest.x)
            .bind(least.x)
            .bind(greatest.y)
            .bind(least.y)
            .bind(after)
            .bind(limit as i64);
        self.parcels(select, parts, deadline).await
    }

    async fn parcels_of_ward(
        &self,
        wards: &[WardCode],
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let select = sqlx::query_as(rows::BY_WARD)
            .bind(wards.first().map(WardCode::as_str))
            .bind(wards.get(1).map(WardCode::as_str))
            .bind(after)
            .bind(limit as i64);
        self.parcels(select, parts, deadline).await
    }
}
