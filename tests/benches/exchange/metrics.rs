//! What counting and measuring costs: exchanges of one hub, in turns with and without it.

use anyhow::Result;

use crate::plan::{self, Load, Measured, Step, System};
use crate::report::{self, median};
use crate::run::Args;

const IN_FLIGHT: usize = 64;
const WARM_UP_SECONDS: f64 = 5.0;

/// Tells throughput and CPU of both, and the medians of the ratios of neighbours.
pub fn run(args: &Args) -> Result<()> {
    let step = |load, unmeasured| Step { in_flight: IN_FLIGHT, load, unmeasured, beside: None };
    let mut steps = vec![step(Load::WarmUp { seconds: WARM_UP_SECONDS }, false)];
    for pair in 0..args.pairs {
        // Who comes first changes, so that a drift of the machine favours neither.
        let first = pair % 2 == 0;
        steps.extend([first, !first].map(|unmeasured| step(Load::Full { seconds: args.slice }, unmeasured)));
    }
    let measured = plan::run(System::Hub, args.kafka.as_deref(), steps)?;
    let (without, with): (Vec<&Measured>, Vec<&Measured>) =
        measured.iter().skip(1).partition(|measured| measured.step.unmeasured);
    let of = |values: &[&Measured], figure: &dyn Fn(&Measured) -> f64| {
        median(values.iter().map(|measured| figure(measured)).collect())
    };
    let ratio = |figure: &dyn Fn(&Measured) -> f64| {
        median(with.iter().zip(&without).map(|(with, without)| figure(with) / figure(without)).collect())
    };
    let gateway = |measured: &Measured| measured.cpu_us.get("gateway").copied().unwrap_or_default();
    let broker = report::broker(args.kafka.as_deref());
    println!("exchanges with {IN_FLIGHT} in flight, {broker}, {} pairs", args.pairs);
    println!("                          with metrics   without   ratio");
    for (name, figure) in [
        ("exchanges a second", &Measured::per_second as &dyn Fn(&Measured) -> f64),
        ("µs of CPU of the gateway", &gateway),
    ] {
        let (with, without) = (of(&with, figure), of(&without, figure));
        println!("{name:<26}{with:>12.1}{without:>10.1}{:>8.3}", ratio(figure));
    }
    Ok(())
}
