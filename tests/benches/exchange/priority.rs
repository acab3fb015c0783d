//! How interactive exchanges fare beside an overload: under an agreement for bulk, and, to compare, under one like theirs.

use anyhow::Result;

use crate::load::OVERLOAD;
use crate::plan::{self, Load, Measured, Overload, Step, System};
use crate::report::{self, median};
use crate::run::Args;

/// Few enough that they alone keep nothing busy.
const PER_SECOND: f64 = 100.0;
const IN_FLIGHT: usize = 64;

/// Tells p50 and p99 alone and beside the overloads, and the medians of their ratios.
pub fn run(args: &Args) -> Result<()> {
    let overloads = [None, Some(Overload::Bulk), Some(Overload::Interactive)];
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for round in 1..=args.pairs {
        let step = |load, beside| Step { in_flight: IN_FLIGHT, load, beside, unmeasured: false };
        let warm_up = overloads.map(|beside| step(Load::WarmUp { seconds: 1.0 }, beside));
        let paced =
            overloads.map(|beside| step(Load::Paced { per_second: PER_SECOND, seconds: args.slice }, beside));
        let steps = warm_up.into_iter().zip(paced).flat_map(|(warm_up, paced)| [warm_up, paced]);
        let mut measured = plan::run(System::Hub, args.kafka.as_deref(), steps.collect())?;
        measured.retain(|measured| !matches!(measured.step.load, Load::WarmUp { .. }));
        eprintln!("round {round} of {}", args.pairs);
        rounds.push(measured);
    }
    println!(
        "interactive exchanges, {PER_SECOND} a second, beside {OVERLOAD} calls at once of an overload, {}, {} rounds",
        report::broker(args.kafka.as_deref()),
        args.pairs
    );
    println!("overload      p50 ms (ratio)      p99 ms (ratio)      not answered");
    for (index, name) in ["none", "bulk", "interactive"].into_iter().enumerate() {
        let figure = |of: &dyn Fn(&Measured) -> f64| {
            let values = rounds.iter().map(|round| of(&round[index]) / 1e3).collect();
            let ratios = rounds.iter().map(|round| of(&round[index]) / of(&round[0])).collect();
            format!("{:>8.2} ({:.2})", median(values), median(ratios))
        };
        let failures: u64 = rounds.iter().map(|round| round[index].failures).sum();
        let asked: u64 = rounds.iter().map(|round| round[index].failures + round[index].exchanges).sum();
        let (p50, p99) = (figure(&|measured| measured.p50_us), figure(&|measured| measured.p99_us));
        println!("{name:<12}{p50:<20}{p99:<20}{failures} of {asked}");
    }
    Ok(())
}
