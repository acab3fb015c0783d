//! Sample traffic: the 11 applications exchange through the gateway by scenarios that officers know.
//!
//! ```text
//!  table (scenarios) ─┐
//!  synthetic city ─► cast ─► plan ─► case ─► desks (pace, office hours) ─► calls ─► gateway
//!                                                        └─► tally ─► /status
//! ```
//!
//! `table` holds the scenarios as data: register a birth, transfer a right of land use, enrol a pupil. `plan` makes one
//! case after the other out of them and the people of the city in the data directory, always the same for the same city.
//! `desks` makes their exchanges at a bounded pace, a few in flight, each by `calls` with the application's own key.
//!
//! Sample traffic can be told from any other. Every request id begins with [`REQUEST_IDS`], in the erasable part of its
//! entry; and it runs in a hub of the environment `sandbox` only, which stands in the sealed part, for ever.
//!
//! It must never fail the hub, ask for anybody outside the synthetic city, or log whom it asks for. An exchange that fails
//! is counted, and nothing more.

mod calls;
mod cast;
mod desks;
mod hours;
mod plan;
mod scenario;
mod subjects;
mod table;
mod tally;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::path::Path;

use lgsp_runtime::{Shutdown, Stage, State};

use calls::Applications;
use desks::Desks;
pub use hours::{Busyness, Hours};
use plan::Plan;
pub use plan::REQUEST_IDS;
use tally::Tally;

/// The environment in which sample traffic may run.
pub const ENVIRONMENT: &str = "sandbox";

/// How much sample traffic, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Exchanges a minute at the busiest time.
    pub per_minute: NonZeroU32,
    /// When the city is at work.
    pub hours: Hours,
}

/// Starts the traffic of a city towards the gateway at an address, with the keys in a data directory.
///
/// State: how many exchanges were `served`, `not-found`, `denied`, `invalid`, `failed` and `timed-out`, how many ended
/// otherwise than was expected, and how many were skipped.
///
/// # Errors
/// There is no such city.
pub async fn start(
    options: Options,
    city: lgsp_sample::Config,
    address: &str,
    data: &Path,
    state: &State,
    shutdown: &Shutdown,
) -> Result<(), lgsp_sample::Error> {
    let plan = Plan::new(city)?;
    let applications = Applications::connect(address, data).await;
    let stop = shutdown.begins(Stage::NotServing);
    let desks = Desks::new(&options, plan, applications, Tally::new(state), stop);
    // Its panic would say nothing about the hub, which stays live.
    shutdown.group(Stage::NotServing, "sample traffic").spawn(desks.run());
    Ok(())
}
