//! What an exchange costs through the hub, beside what it costs without one.
//!
//! ```text
//! cargo bench -p lgsp-tests                              embedded, and on Kafka if LGSP_TEST_KAFKA=host:port is set
//! cargo bench -p lgsp-tests -- --slice 2 --pairs 3       a short look
//! cargo bench -p lgsp-tests -- --memory 1000000          memory over a million exchanges
//! cargo bench -p lgsp-tests --bench exchange -- --priority   interactive exchanges alone and beside an overload of bulk
//! cargo bench -p lgsp-tests --bench exchange -- --metrics    exchanges with and without what is counted and measured
//! ```
//!
//! Three systems do the same work, a question answered with 1 KiB and a record of it acknowledged before the answer leaves:
//!
//! * [`bare`]: request and reply over Kafka with plain rdkafka;
//! * [`naive`]: what a competent engineer would write without a hub: a typed tonic service that does the former for one
//!   method, with a hand-written consumer behind it; no policy and no filter;
//! * [`hub`]: everything on.
//!
//! Each slice is a process of its own, so that no system's idle threads cost another anything, and so that memory and
//! threads are those of one system. Slices of the naive service and the hub alternate; what is compared is the median of the
//! ratios of the pairs. A slice first offers requests at a fixed rate, the same for all, and measures from the moment a
//! request was *due* (so that a stall counts for everyone it kept waiting), then keeps the given number of requests in
//! flight, which gives throughput and CPU.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod bare;
mod broker;
mod cpu;
mod fsync;
mod hub;
mod kafka;
mod load;
mod memory;
mod metrics;
mod naive;
mod plan;
mod priority;
mod report;
mod run;
mod slice;

use anyhow::Result;
use clap::Parser as _;

/// As the hub's binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    if let Some(plan) = plan::given() {
        return slice::run(&plan?);
    }
    let args = run::Args::parse();
    match args.memory {
        Some(exchanges) => memory::run(&args, exchanges),
        None if args.priority => priority::run(&args),
        None if args.metrics => metrics::run(&args),
        None => run::run(&args),
    }
}
