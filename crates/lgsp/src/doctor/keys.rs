//! Keys and certificates: there, readable by nobody else, complete, and good for long enough.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use lgsp_bus::topics::Role;
use lgsp_core::time::unix_micros;

use super::finding::{Finding, Verdict};
use super::part::Parts;
use crate::client::output::Tone;
use crate::config::Config;
use crate::keys::{Key, inventory};

const CHECK: &str = "keys";
const DAY_US: i64 = 86_400_000_000;

pub(super) fn check(config: &Config, parts: &Parts) -> Vec<Finding> {
    let now_us = unix_micros(SystemTime::now());
    let keys = inventory(config, now_us);
    let ours = keys.iter().filter(|key| is_needed(key, parts));
    let mut findings: Vec<Finding> = ours.clone().flat_map(|key| of(key, now_us)).collect();
    let missing = config.kafka.domains.iter().filter(|domain| parts.need_mac(domain));
    for domain in missing.filter(|domain| !keys.iter().any(|key| key.kind == "mac" && key.name == **domain)) {
        let what = config.keys.mac.join(format!("{domain}.key")).display().to_string();
        let found =
            format!("there is no MAC key of the domain {domain}: its requests are neither sent nor served");
        findings
            .push(Finding::wrong(CHECK, what, found).mend("copy it from where it was made: docs/keys.md"));
    }
    findings
}

/// Whether a role of this machine holds it. An address of the embedded hub holds all.
fn is_needed(key: &Key, parts: &Parts) -> bool {
    match key.kind {
        "snapshot signing" => parts.include(&[Role::Registry]),
        "snapshot verifying" | "snapshot, former" | "gateway certificate" | "authority of callers" => {
            parts.include(&[Role::Gateway, Role::Registry])
        }
        "log signing" | "log, former" | "decisions" | "entries, former" => parts.include(&[Role::Ledger]),
        "mac" => parts.need_mac(&key.name),
        "subject" | "subject, destroyed" => parts.include(&[Role::Gateway, Role::Ledger]),
        _ => true,
    }
}

fn of(key: &Key, now_us: i64) -> Vec<Finding> {
    let what = key.file.clone();
    let mut found = format!("{} {}: {}", key.kind, key.name, key.standing.text());
    if let Some(until) = key.until {
        found.push_str(&format!(", {} days left", (until - now_us).div_euclid(DAY_US)));
    }
    let standing = match key.standing.tone() {
        Tone::Bad => Finding::wrong(CHECK, what, found).mend(mend(key)),
        Tone::Warning => Finding::warning(CHECK, what, found).mend(mend(key)),
        Tone::Plain | Tone::Good | Tone::Notice | Tone::Dim => Finding::ok(CHECK, what, found),
    };
    let is_secret = !matches!(
        key.kind,
        "snapshot verifying" | "snapshot, former" | "gateway certificate" | "authority of callers"
    );
    let exposed = is_secret.then(|| exposed(Path::new(&key.file))).flatten();
    match exposed {
        // Roles refuse to read it for that very reason.
        Some(exposed) if exposed.verdict == Verdict::Wrong => vec![exposed],
        Some(exposed) => vec![standing, exposed],
        None => vec![standing],
    }
}

fn mend(key: &Key) -> &'static str {
    match key.kind {
        "subject" if key.standing.text().contains("destroyed") => "delete the file",
        "subject" => "make it and copy it to every gateway and ledger: docs/keys.md, \"Subject keys\"",
        "gateway certificate" | "authority of callers" => "renew it: docs/keys.md",
        _ => "restore it from a backup, or replace it: docs/keys.md",
    }
}

/// A secret that others than its owner may read or change.
fn exposed(file: &Path) -> Option<Finding> {
    let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o777;
    let what = file.display().to_string();
    let mend = format!("chmod 600 {what}");
    if mode & 0o007 != 0 {
        let found = format!("everybody on this machine may read or change it (mode {mode:03o})");
        return Some(Finding::wrong(CHECK, what, found).mend(mend));
    }
    // That the group may read is how secrets are mounted for a pod.
    (mode & 0o020 != 0).then(|| {
        Finding::warning(CHECK, what, format!("its group may change it (mode {mode:03o})")).mend(mend)
    })
}

#[cfg(test)]
mod tests {
    use super::super::part::Part;
    use super::*;
    use crate::layout::Layout;

    fn made() -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = Config { data: dir.path().to_owned(), ..Config::default() };
        config.kafka.domains = ["land", "ledger"].map(str::to_owned).to_vec();
        let now_us = unix_micros(SystemTime::now());
        Layout::new(dir.path()).make_keys(&["land", "ledger"], now_us).expect("made");
        (dir, config.resolved())
    }

    fn bad(config: &Config, roles: &[&str]) -> Vec<(String, Verdict)> {
        let parts: Vec<Part> = roles.iter().map(|role| Part::parse(role).expect("a role")).collect();
        let found = check(config, &Parts::new(&parts));
        let name = |what: &str| what.rsplit('/').next().unwrap_or_default().to_owned();
        let bad = found.into_iter().filter(|it| it.verdict != Verdict::Ok);
        bad.map(|it| (name(&it.what), it.verdict)).collect()
    }

    #[test]
    fn the_keys_of_a_new_hub_are_well() {
        let (_dir, config) = made();
        assert_eq!(bad(&config, &[]), []);
    }

    #[test]
    fn a_key_that_others_may_read_and_one_that_is_missing_are_wrong_for_who_needs_them() {
        let (_dir, config) = made();
        let ledger = config.keys.mac.join("ledger.key");
        fs::set_permissions(&ledger, fs::Permissions::from_mode(0o644)).expect("changed");
        fs::remove_file(config.keys.mac.join("land.key")).expect("it was there");
        let both = [("ledger.key".to_owned(), Verdict::Wrong), ("land.key".to_owned(), Verdict::Wrong)];
        assert_eq!(bad(&config, &["gateway"]), both);
        assert_eq!(bad(&config, &["adapter-land"]), both[1..]);
        assert_eq!(bad(&config, &["registry"]), [], "it holds neither");
        fs::set_permissions(&ledger, fs::Permissions::from_mode(0o660)).expect("changed");
        assert_eq!(bad(&config, &["ledger"])[0], ("ledger.key".to_owned(), Verdict::Warning));
    }

    #[test]
    fn nothing_of_a_secret_is_told() {
        let (_dir, config) = made();
        let secret = fs::read_to_string(config.keys.mac.join("land.key")).expect("a key");
        assert!(!format!("{:?}", check(&config, &Parts::new(&[]))).contains(&secret[..8]));
    }
}
