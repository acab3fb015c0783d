use std::collections::HashSet;

use lgsp_core::Subject;
use lgsp_core::entry::SubjectRef;

use super::Error;

/// Most subjects that one entry names: their digests take 34 bytes each of the 65,535 that a leaf of the log may have.
pub const MOST_SUBJECTS: usize = 1_500;

/// Whose data leaves with an answer or a part of one, each once.
///
/// They are plain numbers until [`SubjectKeys`](lgsp_core::entry::SubjectKeys) hashes them, so they never leave the
/// process and have no `Debug`.
#[derive(Default)]
pub struct Subjects {
    asked: Vec<SubjectRef>,
    found: HashSet<(Subject, Box<str>)>,
}

impl Subjects {
    /// Begins with those whom the request asked about.
    pub fn asked(asked: Vec<SubjectRef>) -> Self {
        Self { asked, found: HashSet::new() }
    }

    /// All of them, those asked about first.
    pub fn to_refs(&self) -> Vec<SubjectRef> {
        let found = self.found.iter().map(|(kind, value)| SubjectRef {
            kind: *kind,
            value: value.to_string(),
            asked: false,
        });
        self.asked.iter().cloned().chain(found).collect()
    }

    /// Forgets whom the answer named; keeps whom the request asked about.
    pub fn begin_part(&mut self) {
        self.found.clear();
    }

    pub(super) fn note(&mut self, kind: Subject, value: &[u8]) -> Result<(), Error> {
        let value = std::str::from_utf8(value).map_err(|_| Error::Malformed)?;
        let known =
            value.is_empty() || self.asked.iter().any(|asked| asked.kind == kind && asked.value == value);
        if known {
            return Ok(());
        }
        self.found.insert((kind, value.into()));
        if self.asked.len() + self.found.len() > MOST_SUBJECTS { Err(Error::TooManySubjects) } else { Ok(()) }
    }
}
