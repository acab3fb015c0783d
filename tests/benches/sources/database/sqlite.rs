//! A folder for each city, with a file for each domain.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use lgsp_sample::{
    BUSINESS_DATABASE, Config, EDUCATION_DATABASE, HEALTH_DATABASE, LAND_DATABASE, POPULATION_DATABASE,
    Progress,
};
use lgsp_store::{Options, Query, Store};
use tokio::time::Instant;

use super::name;

const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a city is there as a whole.
pub async fn holds(folder: &Path, city: Config) -> Result<bool> {
    let existing = lgsp_sample::existing(&place(folder, city)).await?;
    Ok(existing.is_some_and(|summary| summary.config == city))
}

pub async fn make(folder: &Path, city: Config, progress: impl FnMut(Progress)) -> Result<()> {
    lgsp_sample::load(&place(folder, city), city, progress).await?;
    Ok(())
}

/// An adapter's URL of its domain.
pub fn source(folder: &Path, city: Config, domain: &str) -> String {
    let file = match domain {
        lgsp_adapter_population::DOMAIN => POPULATION_DATABASE,
        lgsp_adapter_land::DOMAIN => LAND_DATABASE,
        lgsp_adapter_health::DOMAIN => HEALTH_DATABASE,
        lgsp_adapter_education::DOMAIN => EDUCATION_DATABASE,
        lgsp_adapter_business::DOMAIN => BUSINESS_DATABASE,
        other => unreachable!("there is no domain {other}"),
    };
    format!("sqlite:{}", place(folder, city).join(file).display())
}

pub fn forget(folder: &Path, city: Config) -> Result<()> {
    match std::fs::remove_dir_all(place(folder, city)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub async fn described() -> Result<String> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("empty.db").display());
    let store = Store::open(&Options::of(url), &[]).await?;
    let mut reader = store.reader(Instant::now() + PATIENCE).await?;
    let version = reader.optional(Query::new("SELECT sqlite_version() AS version")).await?;
    let version = version.context("SQLite's version")?.text("version")?;
    drop(reader);
    store.close().await;
    Ok(format!("SQLite {version}"))
}

fn place(folder: &Path, city: Config) -> PathBuf {
    folder.join(name(city))
}
