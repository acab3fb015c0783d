//! Who is killed, in turn: each gateway, each adapter, the ledger, the registry, and one broker of three.

use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use crate::Args;
use crate::hub::{Hub, Role};
use crate::load::Load;
use crate::process::{PATIENCE, run_well};

const KAFKA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/kafka");
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const BROKERS: usize = 3;

/// Who may be killed, by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Gateway,
    Adapter,
    Ledger,
    Registry,
    Broker,
}

/// One that is killed.
#[derive(Clone, Copy, Debug)]
pub enum Victim {
    Process(Role),
    Broker(usize),
}

impl Victim {
    fn kind(self) -> Kind {
        match self {
            Self::Process(Role::Gateway(_)) => Kind::Gateway,
            Self::Process(Role::Adapter(_)) => Kind::Adapter,
            Self::Process(Role::Ledger) => Kind::Ledger,
            Self::Process(Role::Registry) => Kind::Registry,
            Self::Broker(_) => Kind::Broker,
        }
    }

    pub fn name(self) -> String {
        match self {
            Self::Process(role) => role.name(),
            Self::Broker(_) => "one broker of three".to_owned(),
        }
    }
}

/// What a kill meant.
pub struct Kill {
    pub victim: Victim,
    /// From the kill until it was ready again.
    pub back_after: Duration,
    /// The longest that a domain was not served through a gateway.
    pub without_service: Duration,
}

/// All that are killed, round after round; another broker in each, if it is known where they are kept.
pub fn victims(args: &Args) -> Vec<Victim> {
    let is_asked_for = |victim: &Victim| args.kill.is_empty() || args.kill.contains(&victim.kind());
    let round = |round: usize| {
        let broker = args.kafka_dir.is_some().then_some(Victim::Broker(round % BROKERS + 1));
        Role::all().rev().map(Victim::Process).chain(broker).filter(is_asked_for)
    };
    (0..args.rounds).flat_map(round).collect()
}

/// Kills one and starts it again; returns when everything is served through every gateway.
pub async fn kill(victim: Victim, args: &Args, hub: &mut Hub, load: &Load) -> Result<Kill> {
    let away = Duration::try_from_secs_f64(args.away)?;
    load.lanes.begin();
    let killed = Instant::now();
    match (victim, &args.kafka_dir) {
        (Victim::Process(role), _) => {
            hub.kill(role)?;
            sleep(away).await;
            hub.start_role(role).await?;
        }
        (Victim::Broker(number), Some(dir)) => {
            let tell = |what: &str| {
                let mut command = Command::new(KAFKA);
                command.args([what, "--broker", &number.to_string(), "--dir"]).arg(dir);
                run_well(&mut command)
            };
            tell("kill")?;
            sleep(away).await;
            tell("start-broker")?;
        }
        (Victim::Broker(_), None) => {}
    }
    let (back_after, back) = (killed.elapsed(), load.lanes.moment());
    let began = Instant::now();
    while !load.lanes.all_served_since(back) {
        ensure!(began.elapsed() < PATIENCE, "{} is back, and not everything is served", victim.name());
        sleep(LOOK_AGAIN).await;
    }
    Ok(Kill { victim, back_after, without_service: load.lanes.longest() })
}

/// Waits until so many exchanges were served.
pub async fn until_served(load: &Load, exchanges: u64) -> Result<()> {
    let (mut last, mut at) = (load.served.load(Relaxed), Instant::now());
    loop {
        let served = load.served.load(Relaxed);
        if served >= exchanges {
            return Ok(());
        }
        if served > last {
            (last, at) = (served, Instant::now());
        }
        ensure!(at.elapsed() < PATIENCE, "nothing is served any more");
        sleep(LOOK_AGAIN).await;
    }
}
