//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use std::time::Duration;

use async_trait::async_trait;
use geo::Rect;
use lgsp_adapter::check::Finding;
use lgsp_adapter::health::Probe;
use lgsp_adapter::metrics::Queries;
use lgsp_adapter::{NotUnderstood, OpenError, Options, Query, Reader, Row, SourceError, Tables, records};
use lgsp_identifiers::WardCode;
use lgsp_proto::land::v1::Parcel;
use tokio::time::Instant;

use crate::dataset::{self, Dataset};
use crate::relations::{FORMER_KEY, RELATIONS, SCHEMA_VERSION};
use crate::{OwnerKey, ParcelRef, Parts, Source};

mod borders;
mod parts;
mod places;
#[cfg(test)]
mod plans;
mod read;
mod statements;

use places::Index;
use statements::Statements;

/// A cadastre on a database. Read only.
#[derive(Clone, Debug)]
pub struct Cadastre {
    tables: Tables,
    dataset: Dataset,
    /// What knows where its parcels are.
    index: Index,
    statements: Statements,
}

impl Cadastre {
    /// Opens the cadastre.
    ///
    /// # Errors
    /// It is missing, does not answer, or is not what the adapter reads.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let described = dataset::described(&options.mapping);
        let tables = match Tables::open(options, RELATIONS, SCHEMA_VERSION).await {
            Ok(tables) => tables,
            // Every mismatch at once.
            Err(OpenError::Mismatch(found)) => {
                return Err(OpenError::Mismatch([found, described.mismatches].concat()));
            }
            Err(error) => return Err(error),
        };
        let dataset = match Dataset::of(described, &options.mapping, &tables) {
            Ok(dataset) => dataset,
            Err(mismatch) => {
                tables.close().await;
                return Err(mismatch);
            }
        };
        let index = Index::of(&dataset, tables.dialect());
        let statements = Statements::new(&tables, &dataset, index);
        Ok(Self { tables, dataset, index, statements })
    }

    /// The source as its owner names it.
    pub fn name(&self) -> &str {
        self.tables.name()
    }

    /// Reads parcels in ascending order of their numbers, with what hangs on them: a query for the parcels, and then all for
    /// their parts at once, while the borders are read.
    async fn parcels(
        &self,
        query: Query<'_>,
        wanted: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let rows = reader.all(query).await?;
        self.with_parts(&mut reader, &rows, wanted).await
    }

    async fn with_parts(
        &self,
        reader: &mut Reader,
        rows: &[Row],
        wanted: Parts,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let parts = parts::wanted(&self.tables, &self.statements, rows, wanted)?;
        parts.read(reader, |row| read::parcel(&self.tables, &self.dataset, row)).await
    }
}

#[async_trait]
impl Probe for Cadastre {
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError> {
        self.tables.probe(deadline).await
    }

    fn queries(&self) -> Option<&Queries> {
        self.tables.queries()
    }

    fn not_understood(&self) -> Vec<NotUnderstood> {
        self.tables.not_understood()
    }

    fn tables(&self) -> Option<&Tables> {
        Some(&self.tables)
    }

    async fn findings(&self, query_timeout: Duration) -> Result<Vec<Finding>, SourceError> {
        borders::unusable(self, query_timeout).await
    }
}

#[async_trait]
impl Source for Cadastre {
    async fn parcel(
        &self,
        parcel: &ParcelRef,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Parcel>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let of = self.statements.parcels(parts);
        let found = match parcel {
            ParcelRef::Id(id) => self.tables.only(&mut reader, of.by_id.query().bind(id)).await?,
            ParcelRef::Key(key) => {
                let ward = key.ward();
                let by_key = of.by_key.query().bind(ward.as_str());
                let holders = reader.all(by_key.bind(key.sheet()).bind(key.number())).await?;
                last_holder(&self.tables, holders)?
            }
        };
        let Some(row) = found else { return Ok(None) };
        let found = self.with_parts(&mut reader, &[row], parts).await?;
        Ok(found.into_iter().next().map(|(_, parcel)| parcel))
    }

    async fn parcels_of_owner(
        &self,
        owner: &OwnerKey,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let of = self.statements.parcels(parts);
        let by_owner = match owner {
            OwnerKey::Person(person) => of.by_person.query(person),
            OwnerKey::Enterprise(code) => of.by_enterprise.query().bind(code.as_str()),
        };
        let query = by_owner.bind(after).bind(limit as i64);
        let query = query.bind(records::today().to_string());
        self.parcels(query, parts, deadline).await
    }

    async fn parcels_near(
        &self,
        bounds: Rect<f64>,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let Some(values) = places::values(&self.dataset, self.index, bounds, after, limit) else {
            return Ok(Vec::new());
        };
        let by_place = self.statements.by_place.query();
        self.parcels(values.into_iter().fold(by_place, Query::bind), parts, deadline).await
    }

    async fn parcels_of_ward(
        &self,
        wards: &[WardCode],
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError> {
        let query = self.statements.parcels(parts).by_ward.query();
        let query = query
            .bind(wards.first().map(WardCode::as_str))
            .bind(wards.get(1).map(WardCode::as_str))
            .bind(after)
            .bind(limit as i64);
        self.parcels(query, parts, deadline).await
    }
}

/// The first of two holders of a key, unless the other has as good a claim: then which is meant cannot be told.
fn last_holder(tables: &Tables, holders: Vec<Row>) -> Result<Option<Row>, SourceError> {
    if let [first, second] = holders.as_slice() {
        let claim = |row: &Row| {
            let valid_to = tables.record(&FORMER_KEY, row).text_as("valid_to", "key_valid_to")?;
            Ok::<_, SourceError>((row.integer("ended")?, valid_to))
        };
        let is_another = first.integer("parcel_id")? != second.integer("parcel_id")?;
        if is_another && claim(first)? == claim(second)? {
            return Err(SourceError::Contradictory);
        }
    }
    Ok(holders.into_iter().next())
}
