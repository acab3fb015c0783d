//! `lgsp doctor`: looks at everything that is commonly wrong with a hub, and names the command that mends it.
//!
//! Each check looks at one thing and tells what it found; none changes anything. What cannot be asked, because Kafka or a process is away or
//! lies on another machine, is said to be unknown. Paths, names of keys and of instances are told, and no key, password, address of a
//! source or record. What others say of themselves, such as the cause of a component or an error of Kafka, is told in their words.

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
use crate::client::output::Surface;
use crate::client::{Lang, Listing};
use crate::config::Config;
use asked::Asked;
use part::Parts;

/// Looks at everything and tells it. The exit code is that of the worst.
///
/// # Errors
/// Standard output cannot be written to.
pub async fn run(
    args: &Doctor,
    loaded: Result<Config, config::Error>,
    lang: Lang,
) -> anyhow::Result<ExitCode> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    // Scripts read one language.
    let lang = if listing == Listing::Json { Lang::En } else { lang };
    let findings = match loaded {
        Ok(config) => Box::pin(look(args, &config.resolved(), lang)).await,
        Err(error) => settings::problems(&error, lang),
    };
    finding::print(&findings, listing, &surface, lang)?;
    Ok(ExitCode::from(finding::worst(&findings)))
}

/// Looks at everything. The configuration has its paths resolved.
pub async fn look(args: &Doctor, config: &Config, lang: Lang) -> Vec<Finding> {
    let parts = Parts::new(&args.role);
    let asked = Asked::ask(&args.admin, config, lang).await;
    let mut findings = settings::check(config, &parts, lang);
    findings.extend(disk::check(config, lang));
    findings.extend(keys::check(config, &parts, lang));
    findings.extend(listeners::check(config, &parts, &asked, lang).await);
    findings.extend(processes::check(config, &asked, lang));
    findings.extend(kafka::check(config, &asked, lang).await);
    findings.extend(clocks::check(&asked, lang));
    findings.extend(versions::check(&asked, lang));
    findings.extend(registry::check(&asked, lang));
    findings.extend(sources::check(config, &parts, args.read_sources, lang).await);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_of_vietnamese_is_told_all_of_it_in_vietnamese() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = Config { data: dir.path().to_owned(), ..Config::default() }.resolved();
        let args = Doctor {
            data: None,
            kafka: None,
            role: Vec::new(),
            admin: Vec::new(),
            read_sources: false,
            output: None,
            settings: Default::default(),
        };
        let found = Box::pin(look(&args, &config, Lang::Vi)).await;
        let checks =
            ["config", "disk", "keys", "processes", "kafka", "clock", "versions", "registry", "sources"];
        for check in checks {
            assert!(found.iter().any(|it| it.check == check), "{check}");
        }
        for Finding { check, found, .. } in found.iter().filter(|it| it.check != "ports") {
            assert!(!found.is_ascii(), "{check}: {found}");
        }
        let english = Box::pin(look(&args, &config, Lang::En)).await;
        assert!(english.iter().all(|it| it.found.is_ascii() && it.mend.is_ascii()), "{english:?}");
    }
}
