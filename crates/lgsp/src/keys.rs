//! `lgsp keys`: every key and certificate that the configuration names, where it lies and how long it is good. Of a secret no
//! more is told than a digest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use lgsp_core::entry::sha256;
use lgsp_core::snapshot::key_id;
use lgsp_core::time::{day, month, unix_micros};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::Encode as _;

use crate::cli::server::Keys as Arguments;
use crate::client::output::{Surface, Tone, line};
use crate::client::table::{Cell, Table};
use crate::client::{Lang, Listing};
use crate::config::Config;
use crate::layout::{
    key_files, read_kept_key, read_mac_key, read_public_keys, read_signing_key, read_symmetric_key,
};
use crate::roles::destroyed_keys;

const DAY_US: i64 = 86_400_000_000;
/// From so many days before its end on, a key wants attention.
const WARN_DAYS: i64 = 60;
/// How far ahead the next month's subject key should be there.
const AHEAD_DAYS: i64 = 7;
/// What stands before a secret when its digest is told, so that no other digest of it is.
const DIGEST: &[u8] = b"lgsp key id\n";

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SnapshotSigning,
    SnapshotVerifying,
    SnapshotFormer,
    LogSigning,
    LogFormer,
    Mac,
    Decisions,
    EntriesFormer,
    Subject,
    SubjectDestroyed,
    GatewayCertificate,
    CallerAuthority,
    WitnessSigning,
}

impl Kind {
    /// Its name, for scripts.
    pub(crate) fn name(self) -> &'static str {
        self.text(Lang::En)
    }

    pub(crate) fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::SnapshotSigning => lang.pick("snapshot signing", "khoá ký bộ quy tắc"),
            Self::SnapshotVerifying => lang.pick("snapshot verifying", "khoá kiểm tra bộ quy tắc"),
            Self::SnapshotFormer => lang.pick("snapshot, former", "khoá kiểm tra bộ quy tắc, cũ"),
            Self::LogSigning => lang.pick("log signing", "khoá ký nhật ký"),
            Self::LogFormer => lang.pick("log, former", "khoá ký nhật ký, cũ"),
            Self::Mac => lang.pick("mac", "khoá MAC"),
            Self::Decisions => lang.pick("decisions", "khoá ký quyết định"),
            Self::EntriesFormer => lang.pick("entries, former", "khoá ký bản ghi, cũ"),
            Self::Subject => lang.pick("subject", "khoá chủ thể"),
            Self::SubjectDestroyed => lang.pick("subject, destroyed", "khoá chủ thể đã huỷ"),
            Self::GatewayCertificate => lang.pick("gateway certificate", "chứng thư của cổng"),
            Self::CallerAuthority => lang.pick("authority of callers", "chứng thư bảo đảm cho bên gọi"),
            Self::WitnessSigning => lang.pick("witness signing", "khoá ký của bên làm chứng"),
        }
    }

    /// Whether nobody but its owner may read it.
    pub(crate) fn is_secret(self) -> bool {
        match self {
            Self::SnapshotVerifying
            | Self::SnapshotFormer
            | Self::GatewayCertificate
            | Self::CallerAuthority => false,
            Self::SnapshotSigning
            | Self::LogSigning
            | Self::LogFormer
            | Self::Mac
            | Self::Decisions
            | Self::EntriesFormer
            | Self::Subject
            | Self::SubjectDestroyed
            | Self::WitnessSigning => true,
        }
    }
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    /// The domain, the month or the file's own name.
    pub(crate) name: String,
    /// First 16 hex digits of a digest; of each, if the file holds several.
    ids: Vec<String>,
    pub(crate) file: String,
    /// The last moment at which it is good (Unix µs), if it ends.
    pub(crate) until: Option<i64>,
    pub(crate) standing: Standing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// One key is being replaced by another.
    TwoAtOnce,
    Ends,
    Ended,
    Missing,
    /// A decision of the log has destroyed it, and its file is still there.
    Destroyed,
    Unusable(String),
}

impl Standing {
    pub(crate) fn text(&self, lang: Lang) -> String {
        let text = match self {
            Self::Good => lang.pick("good", "tốt"),
            Self::TwoAtOnce => lang.pick("being replaced", "đang được thay"),
            Self::Ends => lang.pick("ends soon", "sắp hết hạn"),
            Self::Ended => lang.pick("has ended", "đã hết hạn"),
            Self::Missing => lang.pick("missing", "thiếu"),
            Self::Destroyed => {
                lang.pick("destroyed, and still there: delete it", "đã huỷ mà vẫn còn: hãy xoá")
            }
            Self::Unusable(why) => return format!("{}: {why}", lang.pick("unusable", "không dùng được")),
        };
        text.to_owned()
    }

    pub(crate) fn tone(&self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::TwoAtOnce | Self::Ends => Tone::Warning,
            Self::Ended | Self::Missing | Self::Destroyed | Self::Unusable(_) => Tone::Bad,
        }
    }
}

/// Lists the keys. The exit code is 1 if one is missing, has ended or cannot be used.
///
/// # Errors
/// Standard output cannot be written to.
pub fn run(args: &Arguments, config: &Config, lang: Lang) -> anyhow::Result<ExitCode> {
    let keys = inventory(config, unix_micros(SystemTime::now()));
    print(&keys, args.output, lang)?;
    let is_bad = |key: &Key| key.standing.tone() == Tone::Bad;
    Ok(if keys.iter().any(is_bad) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Every key that a role of this configuration may need, at a moment (Unix µs).
pub(crate) fn inventory(config: &Config, now: i64) -> Vec<Key> {
    let mut keys = Vec::new();
    snapshot_keys(&mut keys, config);
    signing_key(&mut keys, Kind::LogSigning, &config.keys.log);
    if let Some(former) = &config.keys.log_former {
        signing_key(&mut keys, Kind::LogFormer, former);
    }
    mac_keys(&mut keys, &config.keys.mac);
    kept_keys(&mut keys, config);
    subject_keys(&mut keys, config, now);
    certificates(&mut keys, config, now);
    if config.witness.name.is_some() {
        signing_key(&mut keys, Kind::WitnessSigning, &config.witness.key);
    }
    keys
}

fn snapshot_keys(keys: &mut Vec<Key>, config: &Config) {
    let signing = config.registry.signing_key.path();
    let id = read_signing_key(signing).map(|key| vec![key_id(key.verifying_key().as_bytes())]);
    keys.push(Key::of(Kind::SnapshotSigning, signing, id));
    let files = [
        (Kind::SnapshotVerifying, &config.keys.snapshot_public),
        (Kind::SnapshotFormer, &config.registry.former_keys),
    ];
    for (kind, file) in files.into_iter().filter(|(_, file)| !file.as_os_str().is_empty()) {
        let ids = read_public_keys(file);
        keys.push(Key::of(kind, file, ids.map(|ids| ids.iter().map(|key| key_id(key.as_bytes())).collect())));
    }
}

/// A key that signs checkpoints; its id is that of the public half.
fn signing_key(keys: &mut Vec<Key>, kind: Kind, file: &Path) {
    let id = read_signing_key(file).map(|key| vec![key_id(key.verifying_key().as_bytes())]);
    keys.push(Key::of(kind, file, id));
}

fn mac_keys(keys: &mut Vec<Key>, folder: &Path) {
    keys.extend(of_folder(Kind::Mac, folder, |path| {
        // What it holds is read as a role reads it; only then is its text looked at.
        read_mac_key(path)?;
        Ok(secret_ids(path))
    }));
}

/// The ids of the secrets that stand in a file.
fn secret_ids(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().map(|key| secret_id(&hex::decode(key).unwrap_or_default())).collect()
}

/// Those of what is kept for ever: a file holds the one that signs first, and after it those that did before.
fn kept_keys(keys: &mut Vec<Key>, config: &Config) {
    let files = [
        (Kind::Decisions, Some(&config.keys.decisions)),
        (Kind::EntriesFormer, config.keys.entries_former.as_ref()),
    ];
    for (kind, file) in files.into_iter().filter_map(|(kind, file)| Some((kind, file?))) {
        let key = Key::of(kind, file, read_kept_key(file).map(|_| secret_ids(file)));
        // Former ones stay: nothing is being replaced.
        let standing = if key.standing == Standing::TwoAtOnce { Standing::Good } else { key.standing };
        keys.push(Key { standing, ..key });
    }
}

/// A month's key is good for ever: what was hashed with it is found with it; until it is destroyed. This month's has to be there, and
/// the next one's a week before.
fn subject_keys(keys: &mut Vec<Key>, config: &Config, now: i64) {
    let folder = &config.keys.subjects;
    let read = |path: &Path| Ok(vec![secret_id(&read_symmetric_key(path)?)]);
    let mut found = of_folder(Kind::Subject, folder, read);
    match destroyed_keys::listed(&config.ledger.dir) {
        Ok(destroyed) => {
            for key in found.iter_mut().filter(|key| destroyed.contains(&key.name)) {
                key.standing = Standing::Destroyed;
            }
        }
        Err(error) => keys.push(Key::of::<io::Error>(Kind::SubjectDestroyed, &config.ledger.dir, Err(error))),
    }
    let mut wanted = vec![month(now), month(now + AHEAD_DAYS * DAY_US)];
    wanted.dedup();
    wanted.retain(|month| !found.iter().any(|key| key.name == *month));
    keys.extend(found);
    for month in wanted {
        let file = folder.join(format!("{month}.key"));
        keys.push(Key { name: month, ..Key::missing(Kind::Subject, &file) });
    }
}

fn certificates(keys: &mut Vec<Key>, config: &Config, now: i64) {
    let mut files: Vec<(Kind, PathBuf)> = Vec::new();
    if let Some(tls) = &config.gateway.tls {
        files.push((Kind::GatewayCertificate, tls.certificate.clone()));
        files.extend(tls.client_ca.iter().map(|file| (Kind::CallerAuthority, file.clone())));
    }
    for (kind, file) in files {
        match read_certificates(&file) {
            Ok(found) => keys.extend(found.iter().map(|found| Key::of_certificate(kind, &file, found, now))),
            Err(error) => keys.push(Key::of::<io::Error>(kind, &file, Err(error))),
        }
    }
}

fn of_folder(
    kind: Kind,
    folder: &Path,
    read: impl Fn(&Path) -> Result<Vec<String>, crate::layout::Error>,
) -> Vec<Key> {
    match key_files(folder) {
        Ok(files) => {
            files.into_iter().map(|(name, path)| Key { name, ..Key::of(kind, &path, read(&path)) }).collect()
        }
        Err(error) => vec![Key::of(kind, folder, Err(error))],
    }
}

fn read_certificates(file: &Path) -> io::Result<Vec<Certificate>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    Certificate::load_pem_chain(&fs::read(file)?).map_err(invalid)
}

impl Key {
    fn of<E: std::fmt::Display>(kind: Kind, file: &Path, ids: Result<Vec<String>, E>) -> Self {
        if !file.exists() {
            return Self::missing(kind, file);
        }
        let (ids, standing) = match ids {
            Ok(ids) if ids.len() > 1 => (ids, Standing::TwoAtOnce),
            Ok(ids) => (ids, Standing::Good),
            Err(error) => (Vec::new(), Standing::Unusable(error.to_string())),
        };
        Self { ids, standing, ..Self::missing(kind, file) }
    }

    fn of_certificate(kind: Kind, file: &Path, found: &Certificate, now: i64) -> Self {
        let until = found.tbs_certificate.validity.not_after.to_unix_duration();
        let until = i64::try_from(until.as_micros()).unwrap_or(i64::MAX);
        let standing = match until {
            until if until < now => Standing::Ended,
            until if until < now + WARN_DAYS * DAY_US => Standing::Ends,
            _ => Standing::Good,
        };
        let ids = found.to_der().map(|der| vec![hex::encode(&sha256(&der)[..8])]).unwrap_or_default();
        Self { ids, until: Some(until), standing, ..Self::missing(kind, file) }
    }

    fn missing(kind: Kind, file: &Path) -> Self {
        let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let file = file.display().to_string();
        Self { kind, name, ids: Vec::new(), file, until: None, standing: Standing::Missing }
    }
}

/// What a secret is known by: enough to see whether two processes hold the same one, and nothing of it.
fn secret_id(secret: &[u8]) -> String {
    hex::encode(&sha256(&[DIGEST, secret].concat())[..8])
}

fn print(keys: &[Key], asked: Option<Listing>, lang: Lang) -> anyhow::Result<()> {
    let surface = Surface::of_stdout();
    let listing = surface.listing(asked);
    if listing == Listing::Json {
        for key in keys {
            line(&document(key).to_string())?;
        }
        return Ok(());
    }
    let header = match lang {
        Lang::En => ["KEY", "NAME", "ID", "GOOD UNTIL", "STANDING", "FILE"],
        Lang::Vi => ["KHOÁ", "TÊN", "MÃ", "CÓ HẠN ĐẾN", "TÌNH TRẠNG", "TỆP"],
    };
    let mut table = Table::new(header.to_vec());
    for key in keys {
        table.row(vec![
            key.kind.text(lang).into(),
            key.name.as_str().into(),
            key.ids.join(" ").into(),
            key.until.map(day).unwrap_or_default().into(),
            Cell::new(key.standing.text(lang), key.standing.tone()),
            key.file.as_str().into(),
        ]);
    }
    table.write(listing, &surface)?;
    Ok(())
}

fn document(key: &Key) -> Value {
    json!({
        "kind": key.kind.name(),
        "name": key.name,
        "ids": key.ids,
        "file": key.file,
        "goodUntil": key.until.map(day),
        "standing": key.standing.text(Lang::En),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    const JUNE: i64 = 1_780_300_000_000_000;

    fn made() -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().expect("a scratch directory");
        Layout::new(dir.path()).make_keys(&["land", "ledger"], JUNE).expect("made");
        let config = Config { data: dir.path().to_owned(), ..Config::default() }.resolved();
        (dir, config)
    }

    fn standings(config: &Config, now: i64) -> Vec<(String, Standing)> {
        let named = |key: Key| (format!("{} {}", key.kind.name(), key.name), key.standing);
        inventory(config, now).into_iter().map(named).collect()
    }

    #[test]
    fn every_key_of_a_new_hub_is_there_and_good() {
        let (_dir, config) = made();
        let keys = standings(&config, JUNE);
        let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "snapshot signing snapshot",
            "snapshot verifying snapshot.pub",
            "log signing log",
            "mac land",
            "mac ledger",
            "decisions decisions",
            "subject 2026-06",
            "subject 2026-07",
        ];
        assert_eq!(names, expected);
        assert!(keys.iter().all(|(_, standing)| *standing == Standing::Good), "{keys:?}");
    }

    #[test]
    fn what_is_missing_damaged_or_being_replaced_is_told() {
        let (dir, config) = made();
        let layout = Layout::new(dir.path());
        let land = layout.mac_keys().join("land.key");
        let both = format!("{}{}", fs::read_to_string(&land).expect("a key"), "0f".repeat(32));
        fs::write(&land, both).expect("written");
        fs::write(layout.mac_keys().join("ledger.key"), "no key").expect("written");
        fs::remove_file(layout.snapshot_key()).expect("it was there");
        let keys = standings(&config, JUNE + 60 * DAY_US);
        let standing = |name: &str| &keys.iter().find(|(found, _)| found == name).expect(name).1;
        assert_eq!(*standing("mac land"), Standing::TwoAtOnce);
        assert!(matches!(standing("mac ledger"), Standing::Unusable(_)));
        assert_eq!(*standing("snapshot signing snapshot"), Standing::Missing);
        assert_eq!(*standing("subject 2026-08"), Standing::Missing, "that of the month");
    }

    #[test]
    fn a_subject_key_whose_destruction_is_entered_is_told_while_its_file_is_there() {
        let (dir, config) = made();
        fs::create_dir(&config.ledger.dir).expect("made");
        fs::write(config.ledger.dir.join("destroyed-keys"), "2026-05\n2026-06\n").expect("written");
        let standing = || standings(&config, JUNE).into_iter().find(|(name, _)| name == "subject 2026-06");
        assert_eq!(standing().expect("a key").1, Standing::Destroyed);
        assert_eq!(Standing::Destroyed.tone(), Tone::Bad);
        let july = Layout::new(dir.path()).subject_keys().join("2026-07.key");
        assert!(july.exists());
        assert!(
            standings(&config, JUNE)
                .iter()
                .any(|(name, it)| name == "subject 2026-07" && *it == Standing::Good)
        );
    }

    #[test]
    fn two_processes_with_one_secret_tell_the_same_and_nothing_of_it() {
        let (dir, config) = made();
        let key = fs::read_to_string(Layout::new(dir.path()).mac_keys().join("land.key")).expect("a key");
        let told = || {
            let land = inventory(&config, JUNE).into_iter().find(|key| key.name == "land").expect("a key");
            document(&land).to_string()
        };
        assert_eq!(told(), told());
        let told = told();
        assert!(!told.contains(&key[..8]), "{told}");
    }
}
