//! Keys and certificates: there, readable by nobody else, complete, and good for long enough.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use lgsp_bus::topics::Role;
use lgsp_core::time::unix_micros;

use super::finding::{Finding, Verdict};
use super::part::Parts;
use crate::client::Lang;
use crate::client::output::Tone;
use crate::config::Config;
use crate::keys::{Key, Kind, Standing, inventory};

const CHECK: &str = "keys";
const DAY_US: i64 = 86_400_000_000;

pub(super) fn check(config: &Config, parts: &Parts, lang: Lang) -> Vec<Finding> {
    let now_us = unix_micros(SystemTime::now());
    let keys = inventory(config, now_us);
    let ours = keys.iter().filter(|key| is_needed(key, parts));
    let mut findings: Vec<Finding> = ours.clone().flat_map(|key| of(key, now_us, lang)).collect();
    let missing = config.kafka.domains.iter().filter(|domain| parts.need_mac(domain));
    for domain in
        missing.filter(|domain| !keys.iter().any(|key| key.kind == Kind::Mac && key.name == **domain))
    {
        let what = config.keys.mac.join(format!("{domain}.key")).display().to_string();
        let found = match lang {
            Lang::En => {
                format!(
                    "there is no MAC key of the domain {domain}: its requests are neither sent nor served"
                )
            }
            Lang::Vi => {
                format!(
                    "không có khoá MAC của lĩnh vực {domain}: yêu cầu của lĩnh vực không gửi được, không phục vụ được"
                )
            }
        };
        let mend = lang.pick(
            "copy it from where it was made: docs/keys.md",
            "chép khoá từ nơi đã tạo ra nó: docs/keys.md",
        );
        findings.push(Finding::wrong(CHECK, what, found).mend(mend));
    }
    findings
}

/// Whether a role of this machine holds it. An address of the embedded hub holds all.
fn is_needed(key: &Key, parts: &Parts) -> bool {
    match key.kind {
        Kind::SnapshotSigning => parts.include(&[Role::Registry]),
        Kind::SnapshotVerifying | Kind::SnapshotFormer | Kind::GatewayCertificate | Kind::CallerAuthority => {
            parts.include(&[Role::Gateway, Role::Registry])
        }
        Kind::LogSigning | Kind::LogFormer | Kind::Decisions | Kind::EntriesFormer => {
            parts.include(&[Role::Ledger])
        }
        Kind::Mac => parts.need_mac(&key.name),
        Kind::Subject | Kind::SubjectDestroyed => parts.include(&[Role::Gateway, Role::Ledger]),
        Kind::WitnessSigning => true,
    }
}

fn of(key: &Key, now_us: i64, lang: Lang) -> Vec<Finding> {
    let what = key.file.clone();
    let mut found = format!("{} {}: {}", key.kind.text(lang), key.name, key.standing.text(lang));
    if let Some(until) = key.until {
        let days = (until - now_us).div_euclid(DAY_US);
        found.push_str(&match lang {
            Lang::En => format!(", {days} days left"),
            Lang::Vi => format!(", còn {days} ngày"),
        });
    }
    let standing = match key.standing.tone() {
        Tone::Bad => Finding::wrong(CHECK, what, found).mend(mend(key, lang)),
        Tone::Warning => Finding::warning(CHECK, what, found).mend(mend(key, lang)),
        Tone::Plain | Tone::Good | Tone::Notice | Tone::Dim => Finding::ok(CHECK, what, found),
    };
    let exposed = key.kind.is_secret().then(|| exposed(Path::new(&key.file), lang)).flatten();
    match exposed {
        // Roles refuse to read it for that very reason.
        Some(exposed) if exposed.verdict == Verdict::Wrong => vec![exposed],
        Some(exposed) => vec![standing, exposed],
        None => vec![standing],
    }
}

fn mend(key: &Key, lang: Lang) -> &'static str {
    match key.kind {
        Kind::Subject if key.standing == Standing::Destroyed => lang.pick("delete the file", "xoá tệp"),
        Kind::Subject => lang.pick(
            "make it and copy it to every gateway and ledger: docs/keys.md, \"Subject keys\"",
            "tạo khoá và chép đến mọi cổng và sổ cái: docs/keys.md, \"Subject keys\"",
        ),
        Kind::GatewayCertificate | Kind::CallerAuthority => {
            lang.pick("renew it: docs/keys.md", "gia hạn: docs/keys.md")
        }
        Kind::SnapshotSigning
        | Kind::SnapshotVerifying
        | Kind::SnapshotFormer
        | Kind::LogSigning
        | Kind::LogFormer
        | Kind::Mac
        | Kind::Decisions
        | Kind::EntriesFormer
        | Kind::SubjectDestroyed
        | Kind::WitnessSigning => lang.pick(
            "restore it from a backup, or replace it: docs/keys.md",
            "phục hồi từ bản sao lưu, hoặc thay khoá: docs/keys.md",
        ),
    }
}

/// A secret that others than its owner may read or change.
fn exposed(file: &Path, lang: Lang) -> Option<Finding> {
    let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o777;
    let what = file.display().to_string();
    let mend = format!("chmod 600 {what}");
    if mode & 0o007 != 0 {
        let everybody = lang.pick(
            "everybody on this machine may read or change it",
            "ai dùng máy này cũng đọc hoặc sửa được",
        );
        return Some(Finding::wrong(CHECK, what, format!("{everybody} (mode {mode:03o})")).mend(mend));
    }
    // That the group may read is how secrets are mounted for a pod.
    (mode & 0o020 != 0).then(|| {
        let group = lang.pick("its group may change it", "nhóm người dùng của tệp sửa được");
        Finding::warning(CHECK, what, format!("{group} (mode {mode:03o})")).mend(mend)
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
        let found = check(config, &Parts::new(&parts), Lang::En);
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
        assert!(!format!("{:?}", check(&config, &Parts::new(&[]), Lang::En)).contains(&secret[..8]));
    }
}
