//! Where the cities are: in databases of their own on a server of PostgreSQL, or in files of SQLite.

mod postgres;
mod progress;
mod sqlite;

use std::path::PathBuf;

use anyhow::Result;
use lgsp_adapter::Options;
use lgsp_sample::Config;

use progress::Meter;

/// A place for cities.
pub enum Database {
    Postgres(postgres::Server),
    /// The folder of the cities' folders.
    Sqlite(PathBuf),
}

impl Database {
    /// A server of PostgreSQL.
    ///
    /// # Errors
    /// The URL names none.
    pub fn postgres(url: &str) -> Result<Self> {
        Ok(Self::Postgres(postgres::Server::parse(url)?))
    }

    /// Finds a city that is whole, or makes it.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn hold(&self, city: Config) -> Result<()> {
        let holds = match self {
            Self::Postgres(server) => server.holds(city).await?,
            Self::Sqlite(folder) => sqlite::holds(folder, city).await?,
        };
        if holds {
            eprintln!("{}: found", name(city));
            return Ok(());
        }
        let mut meter = Meter::start(name(city));
        let progress = |progress| meter.tell(progress);
        match self {
            Self::Postgres(server) => server.make(city, progress).await?,
            Self::Sqlite(folder) => sqlite::make(folder, city, progress).await?,
        }
        meter.stop();
        Ok(())
    }

    /// How an adapter is configured to read its domain of a city.
    pub fn source(&self, city: Config, domain: &str) -> Options {
        Options::of(match self {
            Self::Postgres(server) => server.source(city, domain),
            Self::Sqlite(folder) => sqlite::source(folder, city, domain),
        })
    }

    /// Deletes a city.
    ///
    /// # Errors
    /// It cannot be deleted.
    pub async fn forget(&self, city: Config) -> Result<()> {
        match self {
            Self::Postgres(server) => server.forget(city).await,
            Self::Sqlite(folder) => sqlite::forget(folder, city),
        }
    }

    /// The database and its version.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn described(&self) -> Result<String> {
        match self {
            Self::Postgres(server) => server.described().await,
            Self::Sqlite(_) => sqlite::described().await,
        }
    }
}

/// What a city is called on its server or in its folder: the same seed and size, the same city.
fn name(city: Config) -> String {
    format!("lgsp_bench_{}_{}", city.citizens, city.seed)
}
