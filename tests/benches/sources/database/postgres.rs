//! A database for each city on a server of PostgreSQL.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lgsp::sample_data::reader_url;
use lgsp_sample::{Config, GENERATION, Progress, schemas};
use lgsp_store::{Options, Query, Store};
use tokio::time::Instant;

use super::name;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server on which databases may be made.
pub struct Server {
    /// The database that it was named by, and from which the others are made.
    url: String,
    /// What stands before the name of a database.
    place: String,
    /// What stands behind it.
    parameters: String,
}

impl Server {
    /// Reads `postgres://<user>@<host>:<port>/<database>`.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(url: &str) -> Result<Self> {
        let (database, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
        let parts = database.rsplit_once('/').filter(|(place, _)| place.contains('@'));
        let (place, _) = parts.context("--postgres takes postgres://USER@HOST:PORT/DATABASE")?;
        Ok(Self { url: url.to_owned(), place: place.to_owned(), parameters: parameters.to_owned() })
    }

    /// The owner's URL of a city.
    fn owner(&self, city: Config) -> String {
        format!("{}/{}{}", self.place, name(city), self.parameters)
    }

    /// An adapter's URL of its domain: that of a role that may change nothing.
    pub fn source(&self, city: Config, domain: &str) -> String {
        reader_url(&self.owner(city), domain)
    }

    /// Whether a city is there as a whole. It is made in one transaction, and its last row says from what.
    pub async fn holds(&self, city: Config) -> Result<bool> {
        let database = "SELECT 1 AS one FROM pg_database WHERE datname = $1";
        if !finds(&self.url, Query::new(database).bind(name(city))).await? {
            return Ok(false);
        }
        let Some(schema) = schemas().last() else { return Ok(false) };
        let table = "SELECT 1 AS one FROM pg_tables WHERE schemaname = $1 AND tablename = 'sample'";
        if !finds(&self.owner(city), Query::new(table).bind(schema)).await? {
            return Ok(false);
        }
        let made = format!(
            "SELECT 1 AS one FROM {schema}.sample WHERE seed = $1 AND citizens = $2 AND generation = $3"
        );
        let made = Query::new(&made).bind(city.seed.to_string()).bind(city.citizens).bind(GENERATION);
        finds(&self.owner(city), made).await
    }

    /// Makes a city, in place of what is left of an earlier attempt.
    pub async fn make(&self, city: Config, progress: impl FnMut(Progress)) -> Result<()> {
        self.forget(city).await?;
        run(&self.url, &format!("CREATE DATABASE {}", name(city))).await?;
        let url = self.owner(city);
        lgsp_sample::load_postgres(&Options::of(&url), city, progress).await?;
        // What the server does by itself in the minutes after a load would fall into the measuring.
        run(&url, "VACUUM").await?;
        run(&url, "CHECKPOINT").await
    }

    pub async fn forget(&self, city: Config) -> Result<()> {
        run(&self.url, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name(city))).await
    }

    pub async fn described(&self) -> Result<String> {
        let store = Store::open_read_only(&Options::of(&self.url)).await?;
        let mut reader = store.reader(Instant::now() + PATIENCE).await?;
        let version = Query::new("SELECT current_setting('server_version') AS version");
        let version = reader.optional(version).await?.context("the server's version")?.text("version")?;
        drop(reader);
        store.close().await;
        let version = version.split(' ').next().unwrap_or_default();
        let host = self.place.rsplit_once('@').map_or("", |(_, host)| host);
        Ok(format!("PostgreSQL {version} at {host}"))
    }
}

/// Whether a query finds a row.
async fn finds(url: &str, query: Query<'_>) -> Result<bool> {
    let store = Store::open_read_only(&Options::of(url)).await?;
    let mut reader = store.reader(Instant::now() + PATIENCE).await?;
    let found = reader.optional(query).await;
    drop(reader);
    store.close().await;
    Ok(found?.is_some())
}

async fn run(url: &str, sql: &str) -> Result<()> {
    let store = Store::open(&Options::of(url), &[]).await?;
    let ran = store.run(sql).await;
    store.close().await;
    ran.with_context(|| sql.to_owned())
}
