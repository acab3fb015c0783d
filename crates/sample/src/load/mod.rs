//! Writes a city to source databases: to five files of SQLite, or to five schemas of one PostgreSQL database.
//!
//! ```text
//!  City ─► fill: batches of homes ─► Sink ─► Rowwise: rows of each domain's tables ─► SQLite, PostgreSQL
//!          (made by a task of its own  └──► crate::fhir
//!           while others are taken)
//! ```

mod domains;
mod postgres;
mod rows;
mod schema;
mod sqlite;
mod tables;

use std::future::Future;

use tokio::sync::mpsc;

use crate::city::{City, Config};
use crate::error::Error;
use crate::{GENERATION, Home};

pub use postgres::{Loaded, READER, load as load_postgres, schemas};
pub use sqlite::{existing, load};

/// The file of citizens and households.
pub const POPULATION_DATABASE: &str = "population.db";

/// The file of parcels.
pub const LAND_DATABASE: &str = "land.db";

/// The file of cards, patients and immunizations.
pub const HEALTH_DATABASE: &str = "health.db";

/// The file of students and diplomas.
pub const EDUCATION_DATABASE: &str = "education.db";

/// The file of enterprises.
pub const BUSINESS_DATABASE: &str = "business.db";

/// Citizens that are written at a time, at least.
const BATCH: usize = 1000;

/// Batches that are made ahead of the one that is written.
const AHEAD: usize = 2;

/// Version of the tables in `schema/`.
const SCHEMA_VERSION: i64 = 1;

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Citizens written.
    pub citizens: u32,
    /// Citizens to write.
    pub of: u32,
    /// What is done besides writing them.
    pub stage: Stage,
}

/// The parts of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Homes are made and written.
    Records,
    /// All are written; the tables of a domain get their indexes and statistics.
    Indexes(&'static str),
}

/// What a city holds.
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

/// What takes the homes of a city.
pub(crate) trait Sink {
    /// Writes some homes, after those that were taken before.
    fn take(&mut self, homes: &[Home]) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Makes a city and lets a sink take it, a batch at a time.
pub(crate) async fn fill(
    sink: &mut impl Sink,
    config: Config,
    progress: &mut impl FnMut(Progress),
) -> Result<Summary, Error> {
    let city = City::new(config)?;
    let (sender, batches) = mpsc::channel(AHEAD);
    let making = tokio::task::spawn_blocking(move || make(city, &sender));
    let written = take_all(sink, config, batches, progress).await;
    // The batches are gone with their receiver, so the maker ends.
    match making.await {
        Ok(()) => written,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down.
            Err(_) => Err(Error::Interrupted),
        },
    }
}

/// Sends homes in batches, until nobody takes them any more.
fn make(city: City, batches: &mpsc::Sender<Vec<Home>>) {
    let mut batch = Vec::new();
    let mut waiting = 0;
    for home in city {
        waiting += home.citizens.len();
        batch.push(home);
        if waiting >= BATCH {
            waiting = 0;
            if batches.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
        }
    }
    if !batch.is_empty() {
        // Whoever does not take the last batch knows why.
        let _ = batches.blocking_send(batch);
    }
}

async fn take_all(
    sink: &mut impl Sink,
    config: Config,
    mut batches: mpsc::Receiver<Vec<Home>>,
    progress: &mut impl FnMut(Progress),
) -> Result<Summary, Error> {
    let mut summary = Summary { config, households: 0, parcels: 0, generation: GENERATION };
    let mut citizens = 0;
    while let Some(homes) = batches.recv().await {
        sink.take(&homes).await?;
        for home in &homes {
            summary.households += 1;
            summary.parcels += home.parcels.len() as u32;
            citizens += home.citizens.len() as u32;
        }
        progress(Progress { citizens, of: config.citizens, stage: Stage::Records });
    }
    Ok(summary)
}
