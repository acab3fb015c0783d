//! Configuration: defaults, then one TOML file, then the environment, then the command line.
//!
//! Each crate owns its [`Options`]; a role's configuration only composes them. Keys are kebab-case. The environment
//! names a key as `LGSP__SECTION__KEY_WITH_DASHES`; the double underscore keeps us apart from the `LGSP_…` variables
//! that Kubernetes makes for a service of that name.

mod load;
mod reference;
mod secret;
pub mod units;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use load::{ENVIRONMENT_PREFIX, Sources, load};
pub use reference::{Row, drift, render, row, section};
pub use secret::{Secret, SecretError, SecretFile};

/// The exit code of a process whose configuration is bad (`EX_USAGE` of `sysexits.h`).
pub const EXIT_CODE: u8 = 64;

/// A crate's or a role's options.
///
/// Implementors are plain serde structs: `rename_all = "kebab-case"`, `deny_unknown_fields`, `default`.
pub trait Options: Serialize + DeserializeOwned + Default {
    /// Tells what each key accepts and means. Keys are relative to these options; [`section`] puts another crate's
    /// rows under a key. [`drift`] tells a test whether a row is missing or left over.
    fn reference() -> Vec<Row>;

    /// Checks what serde cannot: ranges, and keys that belong together.
    fn check(&self, problems: &mut Problems) {
        let _ = problems;
    }
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The full key, such as `gateway.max-in-flight`; empty if the source could not be read at all.
    pub key: String,
    /// What is wrong, and with which value.
    pub found: String,
    /// What the key accepts, from its row of the reference.
    pub accepts: Option<String>,
    /// Where the value came from: the default, a file, an environment variable or the command line.
    pub origin: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        out.write_str(&self.found)?;
        if let Some(accepts) = &self.accepts {
            write!(out, "; accepted: {accepts}")?;
        }
        if let Some(origin) = &self.origin {
            write!(out, " ({origin})")?;
        }
        Ok(())
    }
}

/// Collects what [`Options::check`] finds.
#[derive(Debug, Default)]
pub struct Problems {
    section: Vec<String>,
    found: Vec<(String, String)>,
}

impl Problems {
    /// Notes that the value of `key` is wrong; `found` says how.
    pub fn add(&mut self, key: &str, found: impl Into<String>) {
        let key = self.section.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
        self.found.push((key, found.into()));
    }

    /// Checks the options that stand under `key`.
    pub fn section<T: Options>(&mut self, key: &str, options: &T) {
        self.within(key, |problems| options.check(problems));
    }

    /// Checks what stands under `key` by something other than its own options.
    pub fn within(&mut self, key: &str, check: impl FnOnce(&mut Self)) {
        self.section.push(key.to_owned());
        check(self);
        self.section.pop();
    }

    /// Notes a number of `key` that is outside `accepted`.
    pub fn range<T: PartialOrd + fmt::Display>(
        &mut self,
        key: &str,
        value: T,
        accepted: std::ops::RangeInclusive<T>,
    ) {
        if !accepted.contains(&value) {
            self.add(key, format!("{value} is not between {} and {}", accepted.start(), accepted.end()));
        }
    }
}

/// The configuration is bad. Its `Display` has a line for each problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// All problems that were found; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the configuration is bad:")?;
        for problem in &self.problems {
            write!(out, "\n  {problem}")?;
        }
        Ok(())
    }
}
