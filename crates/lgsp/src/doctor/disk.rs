//! Free space where the hub writes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::client::Lang;
use crate::config::Config;
use crate::roles::facts::{self, Space};

const CHECK: &str = "disk";
/// Below so much of a file system somebody should look; the alerts `disk` and `LgspDiskFull` have the same.
const LITTLE: f64 = 0.10;
/// Below so much there is no time left.
const TOO_LITTLE: f64 = 0.03;
/// Below so many bytes, however small the file system is.
const LITTLE_BYTES: u64 = 1 << 30;
const TOO_LITTLE_BYTES: u64 = 256 << 20;

pub(super) fn check(config: &Config, lang: Lang) -> Vec<Finding> {
    let folders = [&config.data, &config.ledger.dir, &config.gateway.entries.spool, &config.keys.mac];
    // Those on one file system are told once.
    let mut seen: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let mut findings = Vec::new();
    for folder in folders {
        let Some(there) = folder.ancestors().find(|folder| folder.exists()) else { continue };
        let Ok(metadata) = there.metadata() else {
            findings.push(Finding::unknown(
                CHECK,
                folder.display().to_string(),
                lang.pick("cannot be seen", "không xem được"),
            ));
            continue;
        };
        seen.entry(metadata.dev()).or_insert_with(|| there.to_owned());
    }
    findings.extend(seen.values().map(|folder| of(folder, lang)));
    findings
}

fn of(folder: &Path, lang: Lang) -> Finding {
    let what = folder.display().to_string();
    match facts::space(folder) {
        Ok(space) => told(what, space, lang),
        Err(error) => {
            let untold = lang.pick("its free space is not told", "không biết còn trống bao nhiêu");
            Finding::unknown(CHECK, what, format!("{untold}: {error}"))
        }
    }
}

fn told(what: String, space: Space, lang: Lang) -> Finding {
    let (free, part) = (space.free, space.part().unwrap_or(0.0));
    let gib = free as f64 / f64::from(1 << 30);
    let found = match lang {
        Lang::En => format!("{gib:.1} GiB free, {:.0} %", part * 100.0),
        Lang::Vi => format!("còn trống {gib:.1} GiB, {:.0} %", part * 100.0),
    };
    let mend = lang.pick(
        "make room or grow the disk; lgsp ledger archive moves old parts of the exchange log away",
        "giải phóng chỗ hoặc mở rộng ổ đĩa; lgsp ledger archive chuyển phần cũ của nhật ký đi nơi khác",
    );
    if part < TOO_LITTLE || free < TOO_LITTLE_BYTES {
        return Finding::wrong(CHECK, what, found).mend(mend);
    }
    if part < LITTLE || free < LITTLE_BYTES {
        return Finding::warning(CHECK, what, found).mend(mend);
    }
    Finding::ok(CHECK, what, found)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn little_space_is_a_warning_and_too_little_is_wrong() {
        const GIB: u64 = 1 << 30;
        let verdict = |free, all| told("/srv".to_owned(), Space { free, all }, Lang::En).verdict;
        assert_eq!(verdict(50 * GIB, 100 * GIB), Verdict::Ok);
        assert_eq!(verdict(9 * GIB, 100 * GIB), Verdict::Warning);
        assert_eq!(verdict(2 * GIB, 100 * GIB), Verdict::Wrong);
        assert_eq!(verdict(GIB / 2, GIB), Verdict::Warning, "half of a small disk");
        assert_eq!(verdict(GIB / 8, GIB / 4), Verdict::Wrong);
    }

    #[test]
    fn folders_of_one_file_system_are_told_once_also_before_they_are_made() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = Config { data: dir.path().join("not/yet"), ..Config::default() }.resolved();
        let found = check(&config, Lang::En);
        assert_eq!(found.len(), 1);
        assert!(found[0].found.contains("GiB free"), "{found:?}");
    }
}
