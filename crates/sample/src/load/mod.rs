//! Writes a city to the source databases of the adapters.

mod land;
mod population;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::city::{City, Config};
use crate::error::Error;
use crate::{GENERATION, Home};

/// The file of citizens and households.
pub const POPULATION_DATABASE: &str = "population.db";

/// The file of parcels.
pub const LAND_DATABASE: &str = "land.db";

/// Citizens that are written at a time.
const BATCH: usize = 1000;

/// Version of the tables in `schema/`.
const SCHEMA_VERSION: i64 = 1;

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Citizens written.
    pub citizens: u32,
    /// Citizens to write.
    pub of: u32,
}

/// What a directory of source databases holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it was made from.
    pub config: Config,
    /// Households.
    pub households: u32,
    /// Parcels, the divided included.
    pub parcels: u32,
    /// The generator's [`GENERATION`] at the time.
    pub generation: u32,
}

/// Makes both databases in a directory, which is made if need be, and replaces those that are there. Each is written
/// under another name and renamed when it is complete and on disk.
pub async fn load(dir: &Path, config: Config, mut progress: impl FnMut(Progress)) -> Result<Summary, Error> {
    let city = City::new(config)?;
    tokio::fs::create_dir_all(dir).await?;
    let mut population =
        Draft::begin(dir, POPULATION_DATABASE, include_str!("../../schema/population.sql")).await?;
    let mut land = Draft::begin(dir, LAND_DATABASE, include_str!("../../schema/land.sql")).await?;
    population.source("csdl-dancu-cantho", "G01.30.92").await?;
    land.source("csdl-datdai-cantho", "H13.04").await?;

    let mut summary = Summary { config, households: 0, parcels: 0, generation: GENERATION };
    let mut written = 0;
    let mut batch: Vec<Home> = Vec::new();
    let mut waiting = 0;
    let mut homes = city.peekable();
    while let Some(home) = homes.next() {
        waiting += home.citizens.len();
        summary.households += 1;
        summary.parcels += home.parcels.len() as u32;
        batch.push(home);
        if waiting < BATCH && homes.peek().is_some() {
            continue;
        }
        population::write(&mut population.connection, &batch).await?;
        land::write(&mut land.connection, &batch).await?;
        written += waiting as u32;
        progress(Progress { citizens: written, of: config.citizens });
        batch.clear();
        waiting = 0;
    }

    population.finish(&summary).await?;
    land.finish(&summary).await?;
    Ok(summary)
}

/// What the databases of a directory hold; `None` unless both are there, complete, and of one making.
pub async fn existing(dir: &Path) -> Result<Option<Summary>, Error> {
    let population = summary_of(&dir.join(POPULATION_DATABASE)).await?;
    let land = summary_of(&dir.join(LAND_DATABASE)).await?;
    Ok(population.filter(|_| population == land))
}

async fn summary_of(path: &Path) -> Result<Option<Summary>, Error> {
    if !tokio::fs::try_exists(path).await? {
        return Ok(None);
    }
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let columns = "SELECT seed, citizens, households, parcels, generation FROM sample";
    let row: Option<(String, u32, u32, u32, u32)> =
        sqlx::query_as(columns).fetch_optional(&mut connection).await?;
    connection.close().await?;
    let summary = row.and_then(|(seed, citizens, households, parcels, generation)| {
        let config = Config { seed: seed.parse().ok()?, citizens };
        Some(Summary { config, households, parcels, generation })
    });
    Ok(summary)
}

/// A database under another name, until it is complete.
struct Draft {
    connection: SqliteConnection,
    draft: PathBuf,
    path: PathBuf,
}

impl Draft {
    async fn begin(dir: &Path, name: &str, schema: &'static str) -> Result<Self, Error> {
        let (path, draft) = (dir.join(name), dir.join(format!("{name}.draft")));
        remove(&draft).await?;
        // Without a journal: a draft that fails is thrown away as a whole.
        let options = SqliteConnectOptions::new()
            .filename(&draft)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(false);
        let mut connection = options.connect().await?;
        sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
        sqlx::raw_sql(schema).execute(&mut connection).await?;
        sqlx::raw_sql(include_str!("../../schema/sample.sql")).execute(&mut connection).await?;
        Ok(Self { connection, draft, path })
    }

    async fn source(&mut self, name: &str, agency_code: &str) -> Result<(), Error> {
        let insert =
            "INSERT INTO source (one, name, agency_code, synthetic, schema_version) VALUES (1, ?, ?, 1, ?)";
        let query = sqlx::query(insert).bind(name).bind(agency_code).bind(SCHEMA_VERSION);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    async fn finish(mut self, summary: &Summary) -> Result<(), Error> {
        let insert = "INSERT INTO sample (one, seed, citizens, households, parcels, generation) VALUES (1, ?, ?, ?, ?, ?)";
        let query = sqlx::query(insert)
            .bind(summary.config.seed.to_string())
            .bind(summary.config.citizens)
            .bind(summary.households)
            .bind(summary.parcels)
            .bind(summary.generation);
        query.execute(&mut self.connection).await?;
        sqlx::raw_sql("COMMIT; ANALYZE;").execute(&mut self.connection).await?;
        self.connection.close().await?;
        tokio::fs::File::open(&self.draft).await?.sync_all().await?;
        // What an earlier database left behind would be taken for this one's journal.
        for suffix in ["-wal", "-shm", "-journal"] {
            let mut leftover = self.path.clone().into_os_string();
            leftover.push(suffix);
            remove(Path::new(&leftover)).await?;
        }
        tokio::fs::rename(&self.draft, &self.path).await?;
        Ok(())
    }
}

async fn remove(path: &Path) -> Result<(), Error> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
