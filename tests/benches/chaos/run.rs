//! The run: start, load and kills, settling, and the verdict.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::hub::{Hub, Role};
use crate::kills::{self, Kill};
use crate::load::{DEADLINE, Load};
use crate::log::{Checkpoints, Log};
use crate::report::Report;
use crate::topics::{self, Shared};
use crate::{Args, Output, verdict};

/// How long the log may take to have everything, once nobody calls any more.
const SETTLES_IN: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// More than callers wait for an answer.
const CALLERS_END_IN: Duration = DEADLINE.saturating_mul(4);

/// Runs it all; the exit code says whether everything holds.
pub async fn run(args: Args) -> Result<ExitCode> {
    let scratch = tempfile::Builder::new().prefix("lgsp-chaos-").tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| scratch.path().to_owned());
    let ran = Box::pin(run_in(&args, &dir)).await;
    let holds = ran.as_ref().is_ok_and(Report::holds);
    if !holds {
        let _ = scratch.keep();
        eprintln!("keys, log and what the processes said are kept in {}", dir.display());
    }
    let report = ran?;
    match args.output {
        Output::Table => print!("{report}"),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report.json())?),
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_in(args: &Args, dir: &Path) -> Result<Report> {
    let lgsp = lgsp(args)?;
    eprintln!("starting two gateways, registry, ledger and two adapters in {}", dir.display());
    let mut hub = Hub::start(dir, &lgsp, &args.kafka).await?;
    let (followed, _followers) = topics::follow(&hub.bus)?;
    let checkpoints = Checkpoints::new(hub.log_key()?);
    let watching = tokio::spawn(checkpoints.clone().watch(hub.reached.clone()));
    let load = Load::new(&hub, args.per_second)?;
    let stop = CancellationToken::new();

    let (began, callers) = (Instant::now(), load.start(args.in_flight, &stop));
    let progress = tokio::spawn(tell_progress(load.clone(), args.exchanges));
    let killed = kill_all(args, &mut hub, &load).await;
    stop.cancel();
    progress.abort();
    let took = began.elapsed();
    timeout(CALLERS_END_IN, callers.join_all()).await.context("callers wait beyond their deadline")?;
    let kills = killed?;

    eprintln!("{} exchanges served; waiting for the log to settle", load.served.load(Relaxed));
    for role in Role::all().filter(|role| matches!(role, Role::Gateway(_))) {
        hub.end(role).await?;
    }
    let mut log = Log::default();
    settle(&hub, &followed, &checkpoints, &mut log).await?;
    watching.abort();
    let mut judged = verdict::judge(&load.ended.lock(), &followed.lock(), &log, &hub.killed);
    judged.violations.extend(checkpoints.hold(&log, &hub.reached.ledger()));
    judged.violations.append(&mut checkpoints.violations.lock());
    for role in
        Role::all().filter(|role| !matches!(role, Role::Gateway(_))).collect::<Vec<_>>().into_iter().rev()
    {
        hub.end(role).await?;
    }
    let (is_well, files) = hub.check_files()?;
    if !is_well {
        judged.violations.push(format!("lgsp ledger check: {files}"));
    }
    let (leaves, seen) = (log.hashes.len(), checkpoints.seen.lock().len());
    let (calls, served, reasons) = (load.calls(), load.served.load(Relaxed), load.reasons.lock().clone());
    Ok(Report { took, calls, served, reasons, kills, leaves, checkpoints: seen, files, verdict: judged })
}

/// Kills spread over the run; returns when all are done and so many exchanges were served as wanted.
async fn kill_all(args: &Args, hub: &mut Hub, load: &Load) -> Result<Vec<Kill>> {
    let victims = kills::victims(args);
    let every = args.exchanges / (victims.len() as u64 + 1);
    let mut killed = Vec::with_capacity(victims.len());
    for (number, victim) in (1..).zip(&victims) {
        kills::until_served(load, every * number).await?;
        let kill = kills::kill(*victim, args, hub, load).await?;
        let clear = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
        eprintln!(
            "{clear}{number} of {}: {} killed; back after {:.1} s, {:.1} s without service at most",
            victims.len(),
            victim.name(),
            kill.back_after.as_secs_f64(),
            kill.without_service.as_secs_f64(),
        );
        killed.push(kill);
    }
    kills::until_served(load, args.exchanges).await?;
    Ok(killed)
}

/// Waits until the log has all that stands on Kafka, and an end of every exchange. If it never has, the verdict says what is missing.
async fn settle(hub: &Hub, followed: &Shared, checkpoints: &Checkpoints, log: &mut Log) -> Result<()> {
    let began = Instant::now();
    loop {
        let is_caught_up = topics::is_caught_up(&hub.bus, followed).await?;
        let admin = hub.reached.ledger();
        log.read(&admin, &checkpoints.ask(&admin)?)?;
        if (is_caught_up && followed.lock().is_in(log)) || began.elapsed() > SETTLES_IN {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// On a terminal, how far it is.
async fn tell_progress(load: Arc<Load>, of: u64) {
    while std::io::stderr().is_terminal() {
        let (served, calls) = (load.served.load(Relaxed), load.calls());
        eprint!("\r{served} of {of} served, of {calls} calls\x1b[K");
        sleep(LOOK_AGAIN).await;
    }
}

/// The binary: the one that was named, or that which cargo puts beside its benches.
fn lgsp(args: &Args) -> Result<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("lgsp"));
    let lgsp = args.lgsp.clone().or_else(beside).context("where this program is")?;
    ensure!(lgsp.exists(), "{} is missing: cargo build --release -p lgsp", lgsp.display());
    Ok(lgsp)
}
