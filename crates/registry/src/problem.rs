//! What is wrong with the rules: every problem at once, each with its place and what is accepted.

use std::collections::BTreeSet;
use std::fmt;

/// One thing that is wrong with the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file.
    pub file: String,
    /// Line of the file, from 1; 0: the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub found: String,
    /// What is accepted instead; empty when `found` says it already.
    pub accepted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.file, self.found)?,
            line => write!(out, "{}:{line}: {}", self.file, self.found)?,
        }
        if !self.accepted.is_empty() {
            write!(out, "; accepted: {}", self.accepted)?;
        }
        Ok(())
    }
}

/// Most problems that are kept; whoever has more fixes these first.
const MOST_PROBLEMS: usize = 200;

/// All that is wrong with the rules. Its `Display` has a line for each problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The problems, in the order of the files.
    pub all: Vec<Problem>,
    /// Names of entries that could not be read: what refers to them is not a problem of its own.
    unread: BTreeSet<String>,
}

impl Problems {
    /// Notes a problem.
    pub(crate) fn add(
        &mut self,
        file: &str,
        line: usize,
        found: impl Into<String>,
        accepted: impl Into<String>,
    ) {
        if self.all.len() < MOST_PROBLEMS {
            let (found, accepted) = (found.into(), accepted.into());
            self.all.push(Problem { file: file.to_owned(), line, found, accepted });
        }
    }

    /// Notes that the entry of this name could not be read.
    pub(crate) fn unread(&mut self, name: &str) {
        self.unread.insert(name.to_owned());
    }

    /// Whether there is an entry of this name that could not be read.
    pub(crate) fn is_unread(&self, name: &str) -> bool {
        self.unread.contains(name)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the rules are bad:")?;
        for problem in &self.all {
            write!(out, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// Most names that a list of accepted ones holds.
const MOST_NAMES: usize = 40;

/// A list of accepted names, sorted.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => "none is known".to_owned(),
        1..=MOST_NAMES => names.join(", "),
        more => format!("{} and {} more", names[..MOST_NAMES].join(", "), more - MOST_NAMES),
    }
}
