//! An opened SQL source: its store, what stands for the adapter's relations, who answers for it, and what was not
//! understood.

mod by_person;
mod in_force;
mod inspect;
mod not_understood;
mod numbered;
mod of_page;
mod reader;
mod record;
mod shapes;
mod statement;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lgsp_store::{Dialect, Query, Row, Store};
use tokio::time::Instant;

use crate::health::Probe;
use crate::mapping::compile::Compiled;
use crate::metrics::Queries;
use crate::relation::Relation;
use crate::{OpenError, Options, Origin, SourceError};

pub use by_person::ByPerson;
pub use not_understood::{Counts, METRIC, NotUnderstood};
pub use numbered::Numbered;
pub use of_page::{Add, OfPage, Part};
pub use reader::Reader;
pub use record::Record;
pub use statement::Statement;

/// How long an opening may take.
const OPENING_TIMEOUT: Duration = Duration::from_secs(30);

/// An opened SQL source. Read only; a cheap handle.
#[derive(Clone, Debug)]
pub struct Tables {
    store: Store,
    origin: Arc<Origin>,
    pub(crate) relations: Arc<[Compiled]>,
    probes: Arc<[Statement]>,
    counts: Counts,
    queries: Queries,
}

impl Tables {
    /// Opens a source and holds it against the relations.
    ///
    /// Without a mapping it has the native schema of this version, and says in its table `source` who answers for it. With
    /// one, the configuration says that.
    ///
    /// # Errors
    /// It cannot be opened or does not answer, has another version of the schema, or differs from the relations; then every
    /// difference is named.
    pub async fn open(
        options: &Options,
        relations: &'static [Relation],
        schema_version: i64,
    ) -> Result<Self, OpenError> {
        let store = Store::open_read_only(&options.source.store()).await?;
        let deadline = Instant::now() + OPENING_TIMEOUT;
        let opened = Self::inspected(&store, options, relations, schema_version, deadline).await;
        if opened.is_err() {
            store.close().await;
        }
        opened
    }

    async fn inspected(
        store: &Store,
        options: &Options,
        relations: &'static [Relation],
        schema_version: i64,
        deadline: Instant,
    ) -> Result<Self, OpenError> {
        store.probe(deadline).await?;
        let origin = if options.mapping.is_empty() {
            Origin::read(store, schema_version, deadline).await?
        } else {
            options.source.origin()
        };
        let relations: Arc<[Compiled]> =
            inspect::relations(store, &options.mapping, relations, deadline).await?.into();
        let probes = relations.iter().map(|relation| probe_of(relation, &relations)).collect();
        Ok(Self {
            store: store.clone(),
            origin: Arc::new(origin),
            relations,
            probes,
            counts: Counts::default(),
            queries: Queries::of(system(store.dialect()), "SELECT"),
        })
    }

    /// A statement with what stands for the mapped relations that it names. To be made when the source is opened.
    ///
    /// `key {any of} SELECT … {end}` looks for the keys that a query finds first. It is `IN`, but PostgreSQL takes it into
    /// each part of a mapped union, where an index is, and not only around it.
    ///
    /// `{in force on $2}` is true of a record whose column `until` is not before that day, [`records::today`] as a text.
    ///
    /// [`records::today`]: crate::records::today
    pub fn statement(&self, sql: &str) -> Statement {
        let (any_of, end) = match self.dialect() {
            Dialect::Sqlite => ("IN (", ")"),
            Dialect::Postgres => ("= ANY (ARRAY(", "))"),
        };
        let sql = in_force::written_out(&sql.replace("{any of}", any_of).replace("{end}", end));
        Statement::new(&sql, &self.relations)
    }

    /// Lends a connection until a deadline.
    ///
    /// # Errors
    /// None became free before the deadline, or none could be opened.
    pub async fn reader(&self, deadline: Instant) -> Result<Reader, SourceError> {
        Ok(Reader::new(self.store.reader(deadline).await?, &self.queries))
    }

    /// Reads the only record that a statement finds, if it finds any. Let it look for two.
    ///
    /// # Errors
    /// It finds two: which of them is right cannot be told. Or the source did not answer.
    pub async fn only(&self, reader: &mut Reader, query: Query<'_>) -> Result<Option<Row>, SourceError> {
        let mut rows = reader.all(query).await?;
        if rows.len() > 1 {
            return Err(SourceError::Contradictory);
        }
        Ok(rows.pop())
    }

    /// Reads every record that a statement finds.
    ///
    /// # Errors
    /// The source did not answer.
    pub async fn all<T>(
        &self,
        reader: &mut Reader,
        query: Query<'_>,
        read: fn(&Self, &Row) -> Result<T, SourceError>,
    ) -> Result<Vec<T>, SourceError> {
        reader.all(query).await?.iter().map(|row| read(self, row)).collect()
    }

    /// The record of a relation in a row.
    pub fn record<'a>(&'a self, relation: &'static Relation, row: &'a Row) -> Record<'a> {
        Record { relation, row, counts: &self.counts, origin: &self.origin }
    }

    /// Who answers for the records.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The source as its owner names it.
    pub fn name(&self) -> &str {
        &self.origin.source
    }

    /// The database.
    pub fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// The name that OpenTelemetry has for a database.
fn system(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgresql",
    }
}

/// Names every column, so that a source is unhealthy that changed its schema or the hub's rights to it. The database looks for all
/// of them before it would read a record, and none is read: nobody has asked about the one that it would be of.
fn probe_of(relation: &Compiled, relations: &[Compiled]) -> Statement {
    let columns: Vec<&str> = relation.relation.columns.iter().map(|column| column.name).collect();
    let sql = format!("SELECT {} FROM {} LIMIT 0", columns.join(", "), relation.relation.name);
    Statement::new(&sql, relations)
}

#[async_trait]
impl Probe for Tables {
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError> {
        let mut reader = self.reader(deadline).await?;
        for probe in &*self.probes {
            reader.all(probe.query()).await?;
        }
        Ok(())
    }

    fn not_understood(&self) -> Vec<NotUnderstood> {
        self.counts.all()
    }

    fn queries(&self) -> Option<&Queries> {
        Some(&self.queries)
    }

    fn tables(&self) -> Option<&Tables> {
        Some(self)
    }
}
