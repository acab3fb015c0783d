//! `lgsp doctor`: looks at everything that is commonly wrong with a hub, and names the command that mends it.
//!
//! Each check looks at one thing and tells what it found; none changes anything. What cannot be asked, because Kafka or a process is away or
//! lies on another machine, is said to be unknown. Paths, names of keys and of instances are told, and no key, password, address of a
//! source or record.

mod asked;
mod clocks;
mod disk;
mod finding;
mod kafka;
mod keys;
mod listeners;
mod part;
mod processes;
mod registry;
mod settings;
mod sources;
mod versions;

use std::process::ExitCode;

use lgsp_runtime::config;

pub use finding::{Finding, Verdict};
pub use part::Part;

use crate::cli::server::Doctor;
use crate::config::Config;
use asked::Asked;
use part::Parts;

/// Looks at everything and tells it. The exit code is that of the worst.
///
/// # Errors
/// Standard output cannot be written to.
pub async fn run(args: &Doctor, loaded: Result<Config, config::Error>) -> anyhow::Result<ExitCode> {
    let findings = match loaded {
        Ok(config) => Box::pin(look(args, &config.resolved())).await,
        Err(error) => settings::problems(&error),
    };
    finding::print(&findings, args.output)?;
    Ok(ExitCode::from(finding::worst(&findings)))
}

/// Looks at everything. The configuration has its paths resolved.
pub async fn look(args: &Doctor, config: &Config) -> Vec<Finding> {
    let parts = Parts::new(&args.role);
    let asked = Asked::ask(&args.admin, config).await;
    let mut findings = settings::check(config, &parts);
    findings.extend(disk::check(config));
    findings.extend(keys::check(config, &parts));
    findings.extend(listeners::check(config, &parts, &asked).await);
    findings.extend(processes::check(config, &asked));
    findings.extend(kafka::check(config, &asked).await);
    findings.extend(clocks::check(&asked));
    findings.extend(versions::check(&asked));
    findings.extend(registry::check(&asked));
    findings.extend(sources::check(config, &parts, args.read_sources).await);
    findings
}
