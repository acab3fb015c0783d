//! `lgsp backup` and `lgsp restore`: everything that a hub cannot be made again without, as one set.
//!
//! ```text
//!  manifest.json     what is in it, with the digest of each file
//!  config.toml       the file of --config
//!  data/             the data directory: keys, rules, stores (each as of one moment), and the ledger up to a head
//!  elsewhere/<key>   what the configuration has outside of the data directory, by its key
//! ```
//!
//! The city's databases (`sources/`) are the sources' own, and not in it. The ledger's index follows from the rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use lgsp_core::time::{system_time, unix_micros};
use lgsp_ledger::keep;
use lgsp_tlog::{Checkpoint, Note, VerifierKey};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::backup::{Backup, Restore};
use crate::client::Listing;
use crate::client::output::{line, note};
use crate::config::Config;
use crate::keep::{Progress, log_keys};
use crate::roles::VERSION;

/// What is not copied of a data directory itself, beside the ledger, which is copied in its own way: the sources have owners of their
/// own.
const LEFT_OUT: [&str; 2] = ["lock", "sources"];
/// What SQLite calls the files that it puts beside a store: what is in them is in the copy of the store.
const BESIDE_A_STORE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What a backup says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    version: u32,
    program: String,
    made: String,
    /// Leaves of the log that are sealed in it, and their root.
    sealed: u64,
    root: String,
    files: Vec<Kept>,
    /// What lies outside of the data directory: the key of the configuration, and where it lay.
    elsewhere: Vec<(String, PathBuf)>,
    /// What is not in it and has to be kept by other means.
    missing: Vec<String>,
}

/// A file of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    path: PathBuf,
    bytes: u64,
    sha256: String,
}

const FORMAT: u32 = 1;

/// Copies a hub, whether it runs or not.
///
/// # Errors
/// The folder is there already, there is no ledger, or a file cannot be read or written.
pub async fn backup(args: &Backup, config: &Config) -> anyhow::Result<ExitCode> {
    ensure!(!args.to.exists(), "{} is there already: name a new folder with --to", args.to.display());
    ensure!(
        config.ledger.store.is_empty(),
        "ledger.store is on PostgreSQL, and this command copies files alone: stop the ledger, then pg_dump -Fc -n 'lgsp_ledger*' of the \
         store first and a copy of ledger.dir after it, so that the copied log is never behind the copied head (docs/ledger.md, \
         \"On PostgreSQL\")"
    );
    let new = PathBuf::from(format!("{}.new", args.to.display()));
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("{} of an unfinished backup", new.display()))?;
    }
    let mut progress = Progress::on_terminal();
    let made = make(&new, args, config, &mut progress).await;
    progress.end();
    let manifest = match made {
        Ok(manifest) => manifest,
        Err(error) => {
            // What is unfinished has secrets in it, and is of no use.
            let _ = fs::remove_dir_all(&new);
            return Err(error);
        }
    };
    fs::rename(&new, &args.to).with_context(|| args.to.display().to_string())?;
    sync(args.to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    tell(args.output, &manifest, "backed up to", &args.to)?;
    Ok(ExitCode::SUCCESS)
}

async fn make(
    to: &Path,
    args: &Backup,
    config: &Config,
    progress: &mut Progress,
) -> anyhow::Result<Manifest> {
    private_folder(to)?;
    let data = to.join("data");
    private_folder(&data)?;
    // The ledger first: what the registry's store knows may be newer than the log, and never older.
    progress.say("ledger");
    let copied = keep::copy(&config.ledger.dir, &data.join("ledger")).await?;
    progress.say("stores, rules and keys");
    let mut left_out = vec![config.ledger.dir.clone()];
    left_out.extend(LEFT_OUT.map(|name| config.data.join(name)));
    copy_tree(&config.data, &data, &left_out).await?;
    let mut elsewhere = Vec::new();
    for (key, path) in outside(config) {
        let copy = to.join("elsewhere").join(key);
        private_folder(&to.join("elsewhere"))?;
        if path.is_dir() {
            private_folder(&copy)?;
            copy_tree(&path, &copy, &left_out).await?;
        } else {
            copy_one(&path, &copy).await?;
        }
        elsewhere.push((key.to_owned(), path));
    }
    if let Some(file) = &args.settings.config {
        copy_one(file, &to.join("config.toml")).await?;
    }
    let mut missing = Vec::new();
    if config.registry.store.starts_with("postgres") {
        missing.push("registry.store is on PostgreSQL: back it up there, with pg_dump".to_owned());
    }
    progress.say("digests");
    let manifest = Manifest {
        version: FORMAT,
        program: VERSION.to_owned(),
        made: OffsetDateTime::from(system_time(unix_micros(SystemTime::now()))).format(&Rfc3339)?,
        sealed: copied.sealed,
        root: copied.root.to_string(),
        files: files(to, Path::new(""))?,
        elsewhere,
        missing,
    };
    fs::write(to.join("manifest.json"), serde_json::to_vec_pretty(&manifest)?)?;
    sync(&to.join("manifest.json"))?;
    verify(to, &[], progress).await.context("the backup was read back, and does not hold")?;
    Ok(manifest)
}

/// The paths of the configuration that lie outside of the data directory and are there, by their keys.
fn outside(config: &Config) -> Vec<(&'static str, PathBuf)> {
    let keys = &config.keys;
    let mut paths = vec![
        ("keys.mac", keys.mac.clone()),
        ("keys.subjects", keys.subjects.clone()),
        ("keys.snapshot-public", keys.snapshot_public.clone()),
        ("keys.log", keys.log.clone()),
        ("keys.decisions", keys.decisions.clone()),
        ("registry.rules", config.registry.rules.clone()),
        ("registry.signing-key", config.registry.signing_key.path().to_owned()),
        ("registry.former-keys", config.registry.former_keys.clone()),
        ("registry.last-published", config.registry.last_published.clone()),
    ];
    paths.extend(keys.log_former.clone().map(|path| ("keys.log-former", path)));
    paths.extend(keys.entries_former.clone().map(|path| ("keys.entries-former", path)));
    if let Some(store) = config.registry.store.strip_prefix("sqlite:") {
        paths.push(("registry.store", PathBuf::from(store)));
    }
    paths
        .retain(|(_, path)| !path.as_os_str().is_empty() && path.exists() && !path.starts_with(&config.data));
    paths
}

/// Copies a folder with all below it, but for what lies at these paths.
async fn copy_tree(from: &Path, to: &Path, left_out: &[PathBuf]) -> anyhow::Result<()> {
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        for entry in fs::read_dir(&from).with_context(|| from.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if left_out.contains(&path) || is_beside_a_store(&path)? {
                continue;
            }
            if path.is_dir() {
                private_folder(&to.join(&name))?;
                folders.push((path, to.join(&name)));
            } else {
                copy_one(&path, &to.join(&name)).await?;
            }
        }
    }
    Ok(())
}

/// Whether a file is SQLite's own, and not somebody's with such a name.
fn is_beside_a_store(path: &Path) -> anyhow::Result<bool> {
    let path = path.to_string_lossy();
    let Some(store) = BESIDE_A_STORE.iter().find_map(|suffix| path.strip_suffix(suffix)) else {
        return Ok(false);
    };
    let store = Path::new(store);
    Ok(store.is_file() && is_store(store)?)
}

async fn copy_one(from: &Path, to: &Path) -> anyhow::Result<()> {
    if is_store(from)? {
        keep::copy_store(from, to).await?;
    } else {
        keep::copy_file(from, to)?;
    }
    let permissions = fs::metadata(from).with_context(|| from.display().to_string())?.permissions();
    fs::set_permissions(to, permissions).with_context(|| to.display().to_string())
}

/// SQLite's files begin so.
fn is_store(path: &Path) -> anyhow::Result<bool> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let file = fs::File::open(path).with_context(|| path.display().to_string())?;
    file.take(16).read_to_end(&mut head).with_context(|| path.display().to_string())?;
    Ok(head == b"SQLite format 3\0")
}

/// Every file below a folder, with its digest.
fn files(root: &Path, below: &Path) -> anyhow::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(root.join(below))?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let relative = below.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            kept.extend(files(root, &relative)?);
        } else if relative != Path::new("manifest.json") {
            let (bytes, sha256) = keep::part_of(&path)?;
            kept.push(Kept { path: relative, bytes, sha256 });
        }
    }
    Ok(kept)
}

/// Holds a backup against its manifest, its stores against themselves, and its log against its tree and checkpoint.
async fn verify(from: &Path, keys: &[VerifierKey], progress: &mut Progress) -> anyhow::Result<Manifest> {
    let path = from.join("manifest.json");
    let manifest = fs::read(&path).with_context(|| format!("{} is no backup", from.display()))?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).with_context(|| format!("{} is no manifest", path.display()))?;
    ensure!(
        manifest.version == FORMAT,
        "{} is of format {}, and this program reads {FORMAT}",
        path.display(),
        manifest.version
    );
    for kept in &manifest.files {
        let path = from.join(&kept.path);
        progress.say(&kept.path.display().to_string());
        let is_kept = keep::part_of(&path)? == (kept.bytes, kept.sha256.clone());
        ensure!(
            is_kept,
            "{} is not what the manifest says: take the backup from another copy",
            path.display()
        );
        if is_store(&path)? {
            keep::check_store(&path).await?;
        }
    }
    let ledger = from.join("data/ledger");
    let copied =
        keep::verify_copy(&ledger, keys, |done, of| progress.say(&format!("{done} of {of} entries")))?;
    let is_it = (copied.sealed, copied.root.to_string()) == (manifest.sealed, manifest.root.clone());
    ensure!(is_it, "{} has another head than the manifest says", ledger.display());
    Ok(manifest)
}

/// Makes a data directory of a backup, once all of it holds.
///
/// # Errors
/// The backup does not hold, the directory is in use, or the log has signed more than the backup has.
pub async fn restore(args: &Restore) -> anyhow::Result<ExitCode> {
    let keys = log_keys(&args.log_key)?;
    let mut progress = Progress::on_terminal();
    let verified = verify(&args.from, &keys, &mut progress).await;
    progress.end();
    let manifest = verified?;
    is_free(&args.data, manifest.sealed)?;
    let mut known = None;
    if let Some(newest) = &args.checkpoint {
        let newest = checkpoint(newest)?;
        let (signed, sealed) = (newest.size(), manifest.sealed);
        ensure!(
            signed <= sealed || args.rewound,
            "the log has signed {signed} entries, and the backup has {sealed}: if it went on from there, it would sign a fork, which \
             witnesses refuse. Look for a newer backup; or restore with --rewound, begin a new log under a new ledger.origin, \
             and tell the auditors (docs/ledger.md)"
        );
        known = Some(signed);
    }
    let new = PathBuf::from(format!("{}.restoring", args.data.display()));
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("{} of an unfinished restore", new.display()))?;
    }
    private_folder(&new)?;
    let nowhere = Path::new("");
    copy_back(&args.from.join("data"), &new)?;
    for extra in
        ["elsewhere", "config.toml"].map(|name| args.from.join(name)).iter().filter(|path| path.exists())
    {
        let to = new.join(extra.file_name().unwrap_or(nowhere.as_os_str()));
        if extra.is_dir() {
            private_folder(&to)?;
            copy_back(extra, &to)?;
        } else {
            keep::copy_file(extra, &to)?;
        }
    }
    if args.data.exists() {
        fs::remove_dir(&args.data).with_context(|| args.data.display().to_string())?;
    }
    fs::rename(&new, &args.data).with_context(|| args.data.display().to_string())?;
    sync(args.data.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    tell(args.output, &manifest, "restored to", &args.data)?;
    if args.output != Some(Listing::Json) {
        for (key, path) in &manifest.elsewhere {
            let here = args.data.join("elsewhere").join(key);
            line(&format!("{key} lay in {}: put {} there", path.display(), here.display()))?;
        }
        line(&format!(
            "what was entered or decided after {} is not in it, erasures too, but for what the topic on Kafka brings again",
            manifest.made
        ))?;
    }
    if args.rewound {
        tell_rewound(manifest.sealed, known);
    }
    Ok(ExitCode::SUCCESS)
}

/// What must be done before a rewound log signs anything: on standard error, so that no reader of the output misses it.
fn tell_rewound(sealed: u64, signed: Option<u64>) {
    let ended = signed.map_or_else(String::new, |signed| format!(", which ended at {signed} entries"));
    note(&format!(
        "REWOUND to {sealed} entries. Before the first start set a new ledger.origin (in the configuration file, or with \
         --set ledger.origin=NAME): under the old one the log would sign a fork, which witnesses refuse. Keep what is left of the \
         old log{ended}, and tell witnesses and auditors (docs/ledger.md, \"Restore\")"
    ));
}

/// Byte for byte: stores too, which nobody uses.
fn copy_back(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            private_folder(&to)?;
            copy_back(&path, &to)?;
        } else {
            keep::copy_file(&path, &to)?;
            fs::set_permissions(&to, fs::metadata(&path)?.permissions())?;
        }
    }
    sync(to)
}

/// Nothing is written over: least of all a log that has signed more.
fn is_free(data: &Path, sealed: u64) -> anyhow::Result<()> {
    let is_empty = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| data.display().to_string()),
    };
    if is_empty {
        return Ok(());
    }
    let there = checkpoint(&data.join("ledger/checkpoint"));
    match there.map(|there| there.size()) {
        Ok(signed) if signed > sealed => bail!(
            "the log in {} has signed {signed} entries, and the backup has {sealed}: keep that folder, it is the newer one. \
             A log that is put back signs a fork (docs/ledger.md)",
            data.display()
        ),
        Ok(_) | Err(_) => {
            bail!(
                "{} is not empty: nothing is written over; name another directory with --data",
                data.display()
            )
        }
    }
}

fn checkpoint(path: &Path) -> anyhow::Result<Checkpoint> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let note = Note::parse(&bytes).with_context(|| format!("{} is no checkpoint", path.display()))?;
    Checkpoint::parse(note.text()).with_context(|| format!("{} is no checkpoint", path.display()))
}

fn private_folder(path: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| path.display().to_string())
}

fn sync(path: &Path) -> anyhow::Result<()> {
    fs::File::open(path).and_then(|file| file.sync_all()).with_context(|| path.display().to_string())
}

fn tell(output: Option<Listing>, manifest: &Manifest, what: &str, place: &Path) -> anyhow::Result<()> {
    let bytes: u64 = manifest.files.iter().map(|kept| kept.bytes).sum();
    if output == Some(Listing::Json) {
        let told = json!({
            "made": manifest.made, "sealed": manifest.sealed, "root": manifest.root, "files": manifest.files.len(),
            "bytes": bytes, "folder": place, "elsewhere": manifest.elsewhere, "missing": manifest.missing,
        });
        line(&told.to_string())?;
        return Ok(());
    }
    line(&format!(
        "{what} {}: {} files, {bytes} bytes, of {}",
        place.display(),
        manifest.files.len(),
        manifest.made
    ))?;
    line(&format!("log {} sealed entries, root {}", manifest.sealed, manifest.root))?;
    for missing in &manifest.missing {
        line(&format!("not in it: {missing}"))?;
    }
    Ok(())
}
