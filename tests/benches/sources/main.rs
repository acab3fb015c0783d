//! What every method of the five adapters costs over sources of a city's size, and how that grows with the city.
//!
//! ```text
//! cargo bench -p lgsp-tests --bench sources -- --postgres postgres://lgsp@127.0.0.1:5433/postgres
//! cargo bench -p lgsp-tests --bench sources -- --sqlite                                  the same, on files
//! cargo bench -p lgsp-tests --bench sources -- --sqlite --citizens 10000 --seconds 1     a short look
//! ```
//!
//! For each size a synthetic city is made by the loader of `lgsp sample-data`, or found where an earlier run kept it. The
//! five adapters open it as their configuration would, and are called by the tonic traits that they implement: no Kafka, no
//! gateway, nothing to encode or decode, one call at a time.
//!
//! ```text
//!  Database ──► a city of each size ──► five adapters ──┐
//!                                                       ├──► Case: a method, asked by one kind of key ──► measure ──► Report
//!  City ──► Keys, drawn evenly by a fixed seed ─────────┘                                            └──► plans
//! ```
//!
//! A case is measured at one size right after the other, so that what else the machine does meanwhile falls on all sizes
//! alike and their ratio holds. Nine of ten questions have an answer, the tenth asks for what is not there; an answer that is
//! not as expected ends the bench, since it would be of no use to time it.

#![allow(clippy::print_stdout)]

mod case;
mod city;
mod database;
mod domains;
mod keys;
mod measure;
mod plans;
mod report;
mod run;

use anyhow::{Context as _, Result};
use clap::Parser as _;

fn main() -> Result<()> {
    let args = run::Args::parse();
    let databases = args.databases()?;
    if databases.is_empty() {
        eprintln!("{}", run::NO_DATABASE);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // In a task, as the bus calls an adapter: the thread that blocks here would be woken from outside for every answer.
    runtime.block_on(async { tokio::spawn(run::run(args, databases)).await.context("the bench")? })
}
