//! How soon a decision holds while an application calls under the agreement that it ends.
//!
//! ```text
//! cargo bench -p lgsp-tests --bench revocation                                        on the embedded broker
//! LGSP_TEST_KAFKA=127.0.0.1:9092 cargo bench -p lgsp-tests --bench revocation         on Kafka
//! … -- --rounds 5 --in-flight 8 --output json                                         a short look
//! ```
//!
//! A hub decides over a store of its own. One application keeps a number of calls in flight, while its agreement is suspended
//! and taken up again, round after round. Of each round it is told
//!
//! * how long the suspension took to be answered: until every live gateway had it,
//! * when the last call began that was still served, seen from the moment at which the suspension was asked for.
//!
//! A call that begins after the answer and is served all the same ends the bench with an error: then the answer was not true.

#![allow(clippy::print_stdout, clippy::unwrap_used, dead_code, unused_imports)]

#[path = "../../tests/hub/caller.rs"]
mod caller;
#[path = "../../tests/hub/fixture/mod.rs"]
mod fixture;
#[path = "../../tests/hub/wire.rs"]
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use clap::Parser;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::{
    Agreement, AgreementDecision, DecideAgreementRequest, Grant, ProposeAgreementRequest,
};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use caller::App;
use fixture::{City, DAY_US, PERSON};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PURPOSE: &str = "verify";
/// How long the calls run between two decisions.
const BETWEEN: Duration = Duration::from_millis(500);

#[derive(Debug, Parser)]
struct Args {
    /// How often the agreement is suspended and taken up again.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Calls in flight.
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// How the result is written.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Counts of the calls, and when the last one began that was served, in µs since the start.
#[derive(Default)]
struct Calls {
    served: AtomicU64,
    refused: AtomicU64,
    last_served_began: AtomicU64,
}

/// One suspension.
#[derive(Clone, Copy)]
struct Round {
    answered_after: Duration,
    /// Zero: none that began after the suspension was asked for.
    last_served_after: Duration,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { tokio::spawn(run(args)).await? })
}

async fn run(args: Args) -> Result<()> {
    let city = Box::pin(City::start()).await;
    let mut agreement = in_force(&city).await;
    let (calls, stop, start) = (Arc::new(Calls::default()), CancellationToken::new(), Instant::now());
    let app = city.hub.app("hotich").purpose(PURPOSE);
    let mut callers = JoinSet::new();
    for _ in 0..args.in_flight {
        callers.spawn(call(app.clone(), calls.clone(), start, stop.clone()));
    }
    let mut rounds = Vec::with_capacity(args.rounds);
    for _ in 0..args.rounds {
        tokio::time::sleep(BETWEEN).await;
        let asked = start.elapsed();
        let operator = city.person("dung.vanhanh");
        let suspended = operator.decisions().suspend_agreement(operator.request(about(&agreement))).await?;
        let answered = start.elapsed();
        let suspended = suspended.into_inner();
        ensure!(suspended.gateways_behind.is_empty(), "a gateway did not follow: {suspended:?}");
        // What is in flight still comes back.
        tokio::time::sleep(BETWEEN).await;
        let last = Duration::from_micros(calls.last_served_began.load(Relaxed));
        ensure!(last <= answered, "a call that began after the answer was served all the same");
        rounds
            .push(Round { answered_after: answered - asked, last_served_after: last.saturating_sub(asked) });
        let active = operator.decisions().activate_agreement(operator.request(about(&suspended))).await?;
        agreement = active.into_inner();
    }
    stop.cancel();
    callers.join_all().await;
    report(&args, &rounds, &calls, start.elapsed());
    city.hub.stop().await;
    Ok(())
}

/// Calls one after the other.
async fn call(app: App, calls: Arc<Calls>, start: Instant, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let began = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match app.get_citizen(PERSON).await {
            Ok(_) => {
                calls.served.fetch_add(1, Relaxed);
                calls.last_served_began.fetch_max(began, Relaxed);
            }
            Err(_) => {
                calls.refused.fetch_add(1, Relaxed);
                // Refusals are quick: without a pause they would be all that the machine does.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

/// An agreement that three persons have put in force.
async fn in_force(city: &City) -> AgreementDecision {
    let now = unix_micros(SystemTime::now());
    let terms = Agreement {
        id: "tt-hotich-xacminh".to_owned(),
        application: "hotich".to_owned(),
        service: "lgsp.population.v1.PopulationService".to_owned(),
        grants: vec![Grant { method: "GetCitizen".to_owned(), fields: vec!["citizen.full_name".to_owned()] }],
        purposes: vec![PURPOSE.to_owned()],
        valid_from: Some(timestamp(now - DAY_US)),
        valid_to: Some(timestamp(now + DAY_US)),
        legal_basis: "Luật Hộ tịch (giả định)".to_owned(),
        ..Agreement::default()
    };
    let proposer = city.person("an.tuphap");
    let request = ProposeAgreementRequest { agreement: Some(terms), reason: "bench".to_owned() };
    let proposed = proposer.decisions().propose_agreement(proposer.request(request)).await;
    let approver = city.person("chi.congan");
    let proposed = proposed.expect("proposed").into_inner();
    let approved = approver.decisions().approve_agreement(approver.request(about(&proposed))).await;
    let operator = city.person("dung.vanhanh");
    let approved = approved.expect("approved").into_inner();
    let active = operator.decisions().activate_agreement(operator.request(about(&approved))).await;
    active.expect("activated").into_inner()
}

fn about(decision: &AgreementDecision) -> DecideAgreementRequest {
    let record = decision.agreement.as_ref().unwrap();
    let terms = record.agreement.as_ref().unwrap();
    DecideAgreementRequest {
        id: terms.id.clone(),
        version: terms.version,
        etag: record.etag,
        reason: "bench".to_owned(),
        ..DecideAgreementRequest::default()
    }
}

fn report(args: &Args, rounds: &[Round], calls: &Calls, took: Duration) {
    let milliseconds = |of: fn(&Round) -> Duration| {
        let mut times: Vec<f64> = rounds.iter().map(|round| of(round).as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        (median, times.last().copied().unwrap_or_default())
    };
    let (answered, last) =
        (milliseconds(|round| round.answered_after), milliseconds(|round| round.last_served_after));
    let (served, refused) = (calls.served.load(Relaxed), calls.refused.load(Relaxed));
    let broker = std::env::var("LGSP_TEST_KAFKA").map_or("embedded broker", |_| "Kafka");
    if args.output == Output::Json {
        println!(
            "{}",
            json!({
                "broker": broker, "rounds": rounds.len(), "inFlight": args.in_flight,
                "answeredMs": {"p50": answered.0, "max": answered.1},
                "lastServedMs": {"p50": last.0, "max": last.1},
                "served": served, "refused": refused, "servedAfterTheAnswer": 0,
            })
        );
        return;
    }
    println!(
        "{broker}, {} calls in flight, {} suspensions in {:.0} s; {served} calls served, {refused} refused\n",
        args.in_flight,
        rounds.len(),
        took.as_secs_f64(),
    );
    println!("after the suspension was asked for, ms           p50      max");
    println!("  it was answered: every gateway had it     {:>8.1} {:>8.1}", answered.0, answered.1);
    println!("  the last call began that was served       {:>8.1} {:>8.1}", last.0, last.1);
    println!("  calls that began after the answer and were served: none");
}
