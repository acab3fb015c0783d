//! The file of an export, and how far it has come.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_proto::ledger::v1::{AuditFilter, ExportedExchange, Outcome};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::cli::audit::ExportFormat;
use crate::client::audit::spreadsheet;
use crate::client::{Error, output};

/// How far an export has come, beside its file.
const CURSOR: &str = "cursor";
/// It is kept after so many exchanges.
const KEPT_AFTER: usize = 500;
/// Bytes that are read at once.
const PIECE: usize = 1 << 16;
/// UTF-8's byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// What a manifest says instead of a value that can be erased, or that is a subject's.
const GIVEN: &str = "given";

/// What is exported, without the values that can be erased: only that they were given. The hub takes no cursor of another search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    pub format: String,
    pub bom: bool,
    pub since_us: Option<i64>,
    pub until_us: i64,
    pub filter: serde_json::Map<String, serde_json::Value>,
}

impl Wanted {
    pub(super) fn new(asked: &AuditFilter, format: ExportFormat, bom: bool) -> Self {
        let format = match format {
            ExportFormat::Csv => "csv",
            ExportFormat::Jsonl => "jsonl",
        };
        let now = unix_micros(std::time::SystemTime::now());
        Self {
            format: format.to_owned(),
            bom,
            since_us: asked.since.as_ref().map(micros),
            until_us: asked.until.as_ref().map_or(now, micros),
            filter: without_personal_values(asked),
        }
    }

    /// What is asked for, in the period of this export.
    pub(super) fn within(&self, asked: AuditFilter) -> AuditFilter {
        AuditFilter { since: self.since_us.map(timestamp), until: Some(timestamp(self.until_us)), ..asked }
    }

    /// Whether it is the same, whenever it was asked for.
    fn is_as(&self, other: &Self) -> bool {
        let other = Self { since_us: self.since_us, until_us: self.until_us, ..other.clone() };
        *self == other
    }
}

fn without_personal_values(asked: &AuditFilter) -> serde_json::Map<String, serde_json::Value> {
    let subject = asked.subject.clone().unwrap_or_default();
    let credential = hex::encode(&asked.credential);
    let outcome = match asked.outcome() {
        Outcome::Unspecified => "",
        outcome => outcome.as_str_name(),
    };
    let presence = |value: &str| if value.is_empty() { "" } else { GIVEN };
    let fields = [
        ("environment", &*asked.environment),
        ("application", &asked.application),
        ("agencyCode", &asked.agency_code),
        ("service", &asked.service),
        ("method", &asked.method),
        ("outcome", outcome),
        ("purpose", &asked.purpose),
        ("procedure", &asked.procedure),
        ("agreement", &asked.agreement),
        ("credential", &credential),
        ("officer", presence(&asked.officer)),
        ("dossier", presence(&asked.dossier)),
        ("requestId", presence(&asked.request_id)),
        ("person", presence(&subject.person)),
        ("parcel", presence(&subject.parcel)),
        ("enterprise", presence(&subject.enterprise)),
        ("keyedSubject", if asked.keyed_subject.is_some() { GIVEN } else { "" }),
    ];
    let set = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let set = set.map(|(name, value)| (name.to_owned(), value.into()));
    let flags = [("withoutDossier", asked.without_dossier), ("platform", asked.include_platform)];
    let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
    set.chain(flags.map(|(name, _)| (name.to_owned(), true.into()))).collect()
}

/// How far it has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct State {
    wanted: Wanted,
    cursor: String,
    bytes: u64,
    counts: Counts,
}

/// What was written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Counts {
    pub exchanges: u64,
    pub erased: u64,
    pub first: String,
    pub last: String,
}

/// An export under way.
pub(super) struct Export {
    path: PathBuf,
    file: File,
    digest: Sha256,
    state: State,
    /// Lines that are not in the file yet.
    lines: Vec<u8>,
    waiting: usize,
}

impl Export {
    /// Begins a file, or goes on in the one that broke off. Tells which.
    ///
    /// # Errors
    /// The file is there and finished, is that of another export, or cannot be read or written.
    pub(super) fn open(path: &Path, wanted: Wanted) -> Result<(Self, bool), Error> {
        let bad = |problem: &str| Error::Export { path: path.to_owned(), problem: problem.to_owned() };
        let kept = match fs::read(beside(path, CURSOR)) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error(path)(error)),
        };
        let Some(kept) = kept else {
            // Officers and dossiers stand in it: it is nobody else's to read.
            let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
            let file = file.map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => bad("is there already, and finished: name another file"),
                _ => io_error(path)(error),
            })?;
            return Ok((Self::begin(path, file, wanted)?, false));
        };
        let state: State = serde_json::from_slice(&kept).map_err(|_| bad("its cursor cannot be read"))?;
        if !state.wanted.is_as(&wanted) {
            return Err(bad("is that of another export, which broke off: name another file"));
        }
        Ok((Self::go_on(path, state)?, true))
    }

    fn begin(path: &Path, file: File, wanted: Wanted) -> Result<Self, Error> {
        let mut lines = if wanted.bom { BOM.to_vec() } else { Vec::new() };
        if wanted.format == "csv" {
            lines.extend(spreadsheet::header());
        }
        let state = State { wanted, ..State::default() };
        let digest = Sha256::new();
        let mut export = Self { path: path.to_owned(), file, digest, state, lines, waiting: 0 };
        export.keep()?;
        Ok(export)
    }

    /// What was written after the cursor was kept is written again.
    fn go_on(path: &Path, state: State) -> Result<Self, Error> {
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io_error(path))?;
        let (digest, bytes) = digest_of(&mut file, state.bytes).map_err(io_error(path))?;
        if bytes < state.bytes {
            let problem = "is shorter than it was: name another file".to_owned();
            return Err(Error::Export { path: path.to_owned(), problem });
        }
        file.set_len(state.bytes).map_err(io_error(path))?;
        file.seek(SeekFrom::End(0)).map_err(io_error(path))?;
        Ok(Self { path: path.to_owned(), file, digest, state, lines: Vec::new(), waiting: 0 })
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.state.wanted
    }

    pub(super) fn cursor(&self) -> &str {
        &self.state.cursor
    }

    pub(super) fn exchanges(&self) -> u64 {
        self.state.counts.exchanges
    }

    /// Writes an exchange.
    pub(super) fn append(&mut self, exported: ExportedExchange) -> Result<(), Error> {
        let admitted = exported.exchange.as_ref().and_then(|it| it.admitted.as_ref());
        let admitted = crate::client::audit::rfc3339(admitted);
        let counts = &mut self.state.counts;
        counts.exchanges += 1;
        counts.erased += u64::from(exported.erased);
        if counts.first.is_empty() {
            counts.first.clone_from(&admitted);
        }
        counts.last = admitted;
        self.state.cursor.clone_from(&exported.cursor);
        if self.state.wanted.format == "csv" {
            self.lines.extend(spreadsheet::row(&exported));
        } else {
            let told = ExportedExchange { cursor: String::new(), ..exported };
            self.lines.extend(output::json_line(&told)?.into_bytes());
            self.lines.push(b'\n');
        }
        self.waiting += 1;
        if self.waiting >= KEPT_AFTER { self.keep() } else { Ok(()) }
    }

    /// Puts what was appended on the disk, and then how far it has come.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        let failed = io_error(&self.path);
        self.file.write_all(&self.lines).map_err(&failed)?;
        self.file.sync_data().map_err(&failed)?;
        self.digest.update(&self.lines);
        self.state.bytes += self.lines.len() as u64;
        self.lines.clear();
        self.waiting = 0;
        let state = serde_json::to_vec(&self.state).map_err(|error| failed(io::Error::other(error)))?;
        let (cursor, next) = (beside(&self.path, CURSOR), beside(&self.path, "cursor.next"));
        fs::write(&next, state).and_then(|()| fs::rename(&next, &cursor)).map_err(failed)
    }

    /// Leaves nothing of an export that never began.
    pub(super) fn discard(self) {
        for file in [beside(&self.path, CURSOR), self.path] {
            // It is empty, and may as well stay.
            let _ = fs::remove_file(file);
        }
    }

    /// What the manifest says of the file: its path, length, SHA-256, what was asked for and what was written.
    pub(super) fn told(&self) -> (&Path, u64, String, &Wanted, &Counts) {
        let sha256 = hex::encode(self.digest.clone().finalize());
        (&self.path, self.state.bytes, sha256, &self.state.wanted, &self.state.counts)
    }

    /// Ends it: there is nothing to go on with any more.
    pub(super) fn finish(self) -> Result<(), Error> {
        fs::remove_file(beside(&self.path, CURSOR)).map_err(io_error(&self.path))
    }
}

/// The file beside a file that says something of it.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    name.into()
}

/// The digest of the first bytes of a file, and how many there were of those.
pub(super) fn digest_of(file: &mut File, bytes: u64) -> io::Result<(Sha256, u64)> {
    let (mut digest, mut read) = (Sha256::new(), 0);
    let mut piece = vec![0; PIECE];
    let mut rest = file.take(bytes);
    loop {
        let count = rest.read(&mut piece)?;
        if count == 0 {
            return Ok((digest, read));
        }
        digest.update(&piece[..count]);
        read += count as u64;
    }
}

pub(super) fn io_error(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Folder { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::SubjectKey;

    use super::*;

    fn exported(number: u32) -> ExportedExchange {
        ExportedExchange { officer: format!("o{number}"), cursor: format!("c{number}"), ..Default::default() }
    }

    fn wanted() -> Wanted {
        Wanted::new(&AuditFilter::default(), ExportFormat::Jsonl, false)
    }

    #[test]
    fn an_export_that_broke_off_goes_on_after_what_was_kept() {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let path = dir.path().join("x.jsonl");
        let (mut export, resumed) = Export::open(&path, wanted()).expect("begun");
        assert!(!resumed);
        export.append(exported(1)).expect("written");
        export.keep().expect("kept");
        drop(export);
        let mut half = OpenOptions::new().append(true).open(&path).expect("there");
        half.write_all(b"{\"officer\":\"o").expect("a line that was never finished");

        let (mut export, resumed) = Export::open(&path, wanted()).expect("goes on");
        assert!(resumed);
        assert_eq!((export.cursor(), export.exchanges()), ("c1", 1));
        export.append(exported(2)).expect("written");
        export.keep().expect("kept");
        let (_, bytes, sha256, ..) = export.told();
        let whole = fs::read(&path).expect("there");
        assert_eq!(whole, b"{\"officer\":\"o1\"}\n{\"officer\":\"o2\"}\n");
        assert_eq!((bytes, sha256), (whole.len() as u64, hex::encode(Sha256::digest(&whole))));

        let other = Wanted::new(&AuditFilter::default(), ExportFormat::Csv, false);
        assert!(Export::open(&path, other).is_err(), "another export broke off there");
        export.finish().expect("ended");
        assert!(Export::open(&path, wanted()).is_err(), "it is finished");
    }

    #[test]
    fn what_is_kept_of_a_search_has_no_value_of_a_person() {
        let subject = Some(SubjectKey { person: "092085000011".to_owned(), ..SubjectKey::default() });
        let asked = AuditFilter {
            subject,
            officer: "an.nguyen".to_owned(),
            application: "tthc".to_owned(),
            ..AuditFilter::default()
        };
        let kept = serde_json::to_string(&Wanted::new(&asked, ExportFormat::Csv, true)).expect("JSON");
        assert!(!kept.contains("092085000011") && !kept.contains("an.nguyen"), "{kept}");
        assert!(kept.contains(r#""person":"given""#) && kept.contains(r#""application":"tthc""#), "{kept}");
    }
}
