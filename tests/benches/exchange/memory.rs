//! Memory over many exchanges: flat, or not.

use std::time::Duration;

use anyhow::Result;

use crate::plan::{self, Load, Step, System};
use crate::run::Args;
use crate::{cpu, report};

const IN_FLIGHT: usize = 64;
/// How often memory is told.
const TIMES: u64 = 20;

/// Runs the exchanges through the hub, on Kafka if it is given, else embedded.
pub fn run(args: &Args, exchanges: u64) -> Result<()> {
    let warm_up =
        Step { in_flight: IN_FLIGHT, load: Load::WarmUp { seconds: 5.0 }, beside: None, unmeasured: false };
    let interval = (exchanges / TIMES).max(1);
    let count = Step {
        in_flight: IN_FLIGHT,
        load: Load::Count { exchanges, interval },
        beside: None,
        unmeasured: false,
    };
    let system = args.systems.iter().copied().max().unwrap_or(System::Hub);
    eprintln!(
        "memory of the {} after so many exchanges, {IN_FLIGHT} in flight, {}",
        system.name(),
        report::broker(args.kafka.as_deref())
    );
    let measured = plan::run(system, args.kafka.as_deref(), vec![warm_up, count])?;
    if let Some(measured) = measured.last() {
        let (failures, per_second) = (measured.failures, measured.per_second());
        println!("{} exchanges, {failures} failures, {per_second:.0} per second", measured.exchanges);
    }
    Ok(())
}

/// Tells the memory, from inside the slice: its standard output belongs to the result.
pub fn print(done: u64, after: Duration) {
    match cpu::resident_mib() {
        Ok(resident) => {
            eprintln!("{done:>10} exchanges  {:>7.1} s  {resident:>7.1} MiB", after.as_secs_f64())
        }
        Err(error) => eprintln!("{done:>10} exchanges: the memory could not be read: {error}"),
    }
}
