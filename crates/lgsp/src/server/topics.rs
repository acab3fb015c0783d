//! `lgsp topics`: makes the topics on Kafka as the hub needs them, with the rights to them, or compares them.

use std::process::ExitCode;

use lgsp_bus::Bus;
use lgsp_bus::topics::{self, AclDifferences};

use super::{loaded, no_kafka, print, sources};
use crate::cli::server as arguments;

/// Runs `lgsp topics`.
pub(super) async fn run(args: arguments::Topics) -> anyhow::Result<ExitCode> {
    let (arguments::Topics::Apply(cluster) | arguments::Topics::Check(cluster)) = &args;
    let config = loaded(&sources(&cluster.settings).set_given("kafka.brokers", cluster.kafka.as_ref()))?;
    if config.kafka.brokers.is_none() {
        return Err(no_kafka("is not set").into());
    }
    let bus = Bus::open(config.kafka)?;
    look_after_acls(&bus).await?;
    match args {
        arguments::Topics::Apply(_) => apply(&bus).await,
        arguments::Topics::Check(_) => check(&bus).await,
    }
}

/// Before anything is made: a cluster that keeps no ACLs is an error if they are asked for, and a warning if they are not.
async fn look_after_acls(bus: &Bus) -> anyhow::Result<()> {
    let asked_for = bus.options().acls;
    match topics::keeps_acls(bus).await {
        Ok(false) if asked_for => Err(lgsp_bus::Error::NoAuthorizer.into()),
        Ok(false) => {
            eprintln!(
                "warning: Kafka has no authorizer (SECURITY_DISABLED): whoever reaches its brokers may read and write every topic"
            );
            Ok(())
        }
        Ok(true) if !asked_for => {
            eprintln!(
                "warning: Kafka keeps ACLs, and kafka.acls is not set: they are neither given nor compared"
            );
            Ok(())
        }
        Err(error) if !asked_for => {
            eprintln!("warning: whether Kafka keeps ACLs cannot be told: {error}");
            Ok(())
        }
        kept => Ok(kept.map(drop)?),
    }
}

async fn apply(bus: &Bus) -> anyhow::Result<ExitCode> {
    for applied in topics::apply(bus).await? {
        print(&format!("{applied}\n"))?;
    }
    if bus.options().acls {
        let granted = topics::grant(bus).await?;
        for acl in &granted {
            print(&format!("{acl}: granted\n"))?;
        }
        if granted.is_empty() {
            print("every principal has its rights\n")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(bus: &Bus) -> anyhow::Result<ExitCode> {
    let problems = topics::check(bus).await?;
    for problem in &problems {
        print(&format!("{problem}\n"))?;
    }
    let differences =
        if bus.options().acls { topics::compare_acls(bus).await? } else { AclDifferences::default() };
    for acl in &differences.missing {
        print(&format!("{acl}: is missing: run topics apply\n"))?;
    }
    for acl in &differences.superfluous {
        print(&format!("{acl}: is superfluous: nobody declared it\n"))?;
    }
    if problems.is_empty() && differences == AclDifferences::default() {
        let acls = if bus.options().acls { ", and every principal has its rights and no other" } else { "" };
        print(&format!("every topic is as the hub needs it{acls}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
