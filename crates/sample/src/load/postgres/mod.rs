//! One database with a schema for each domain, filled in one transaction: when it fails, nothing was there.

mod copy;
mod geometry;
mod target;

use lgsp_store::{Load, Options, Store};

use super::domains::{DOMAINS, Domain, SAMPLE_SCHEMA, last_rows};
use super::rows::Rows;
use super::schema::{Twin, twin};
use super::tables::{Rowwise, Tables};
use super::{Progress, Stage, Summary, fill};
use crate::city::{City, Config};
use crate::error::Error;

use self::target::Target;

/// The role that may read the schemas and change nothing. It has no password; whoever administers the server gives it one,
/// or lets it in otherwise.
pub const READER: &str = "lgsp_reader";

/// The schemas that a database gets: one a domain, with its name.
pub fn schemas() -> impl Iterator<Item = &'static str> {
    DOMAINS.iter().map(|domain| domain.name)
}

/// Room for sorting while indexes are made.
const SETTINGS: &str = "SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL synchronous_commit = off;";

/// What was loaded into PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What the city holds.
    pub summary: Summary,
    /// Whether parcels have a geometry of PostGIS besides their GeoJSON; false on a server without PostGIS.
    pub has_geometry: bool,
}

/// Makes the schemas `population`, `land`, `health`, `education` and `business` in a database of PostgreSQL, and a role
/// [`READER`] that may read them. A synthetic city that is there is replaced.
///
/// # Errors
/// The size is not accepted, the database holds something else under one of these names, or it cannot be written; then
/// it stays as it is.
pub async fn load(
    options: &Options,
    config: Config,
    mut progress: impl FnMut(Progress),
) -> Result<Loaded, Error> {
    City::new(config)?;
    let store = Store::open(options, &[]).await?;
    let loaded = load_into(&store, config, &mut progress).await;
    store.close().await;
    loaded
}

async fn load_into(
    store: &Store,
    config: Config,
    progress: &mut impl FnMut(Progress),
) -> Result<Loaded, Error> {
    let target = Target::inspect(store).await?;
    // Roles belong to the whole server: one that is made twice at once would make two loads wait for each other.
    store.run(&format!("DO $$ {} $$", include_str!("reader.sql"))).await?;
    let mut filling =
        Filling { load: store.load().await?, twins: Vec::new(), has_postgis: target.has_postgis };
    filling.begin().await?;
    let mut rows = Rowwise::begin(filling).await?;
    let summary = fill(&mut rows, config, progress).await?;
    let mut filling = rows.tables;
    for (position, domain) in DOMAINS.iter().enumerate() {
        let stage = Stage::Indexes(domain.name);
        progress(Progress { citizens: config.citizens, of: config.citizens, stage });
        filling.finish(domain, position).await?;
        filling.write(domain, &last_rows(&summary)).await?;
    }
    filling.load.commit().await?;
    Ok(Loaded { summary, has_geometry: target.has_postgis })
}

/// The transaction, with the schemas of the domains in their order.
struct Filling {
    load: Load,
    twins: Vec<Twin>,
    has_postgis: bool,
}

impl Tables for Filling {
    async fn write(&mut self, domain: &'static Domain, rows: &Rows<'_>) -> Result<(), Error> {
        let borders = if self.has_postgis { rows.borders.as_slice() } else { &[] };
        let mut copy = self.load.copy_in(&copy::statement(domain.name, rows, borders)).await?;
        for part in copy::encoded(rows, borders) {
            copy.send(part).await?;
        }
        copy.finish().await?;
        Ok(())
    }
}

impl Filling {
    async fn begin(&mut self) -> Result<(), Error> {
        self.load.run(SETTINGS).await?;
        if self.has_postgis {
            self.load.run("CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public").await?;
        }
        for domain in &DOMAINS {
            let name = domain.name;
            let mut twin = twin(domain.schema);
            let sample = super::schema::twin(SAMPLE_SCHEMA);
            self.load
                .run(&format!(
                    "DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}; SET LOCAL search_path TO {name}, public; \
                     COMMENT ON SCHEMA {name} IS 'Synthetic: everything in here is made up.'"
                ))
                .await?;
            twin.tables.extend(sample.tables);
            twin.names.extend(sample.names);
            twin.constraints.extend(sample.constraints);
            self.load.run(&twin.tables.join("; ")).await?;
            if name == LAND && self.has_postgis {
                self.load.run(geometry::COLUMN).await?;
            }
            self.twins.push(twin);
        }
        Ok(())
    }

    /// Makes the keys and indexes of a domain, its statistics, and its rights.
    async fn finish(&mut self, domain: &Domain, position: usize) -> Result<(), Error> {
        let name = domain.name;
        self.load.run(&format!("SET LOCAL search_path TO {name}, public")).await?;
        let twin = &self.twins[position];
        self.load.run(&twin.constraints.join("; ")).await?;
        if name == LAND && self.has_postgis {
            self.load.run(geometry::INDEX).await?;
        }
        self.load.run(&format!("ANALYZE {}", twin.names.join(", "))).await?;
        let grant = format!(
            "GRANT USAGE ON SCHEMA {name} TO {READER}; GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {READER}"
        );
        Ok(self.load.run(&grant).await?)
    }
}

const LAND: &str = "land";
