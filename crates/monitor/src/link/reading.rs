//! What the signals of one moment say of a link, and by what.

use lgsp_core::{Hop, Reason};
use serde::{Deserialize, Serialize};

use super::{Cause, Level};

/// Most instances that a piece of evidence names.
const MOST_NAMED: usize = 8;

/// The signals behind a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Evidence {
    /// When the last good sign came, Unix µs; 0: none is known.
    pub last_sign_us: i64,
    /// So many failed…
    pub failed: u32,
    /// …of so many exchanges of the last five minutes.
    pub of: u32,
    /// Why the last one failed: a name of docs/errors.md, or empty.
    pub reason: String,
    /// Where the last one failed, or empty.
    pub hop: String,
    /// Instances that it is about.
    pub instances: Vec<String>,
    /// How far the clock of the first of them is ahead of the monitor's, in µs; negative: behind. 0 unless that is the trouble.
    pub clock_us: i64,
}

impl Evidence {
    /// Names instances, as many as evidence holds.
    #[must_use]
    pub(crate) fn of<'a>(mut self, instances: impl IntoIterator<Item = &'a str>) -> Self {
        for instance in instances {
            // A gateway may be heard and tell of itself, too.
            let is_named = self.instances.iter().any(|named| named == instance);
            if !is_named && self.instances.len() < MOST_NAMED {
                self.instances.push(instance.to_owned());
            }
        }
        self
    }

    /// Counts of exchanges.
    pub fn counted(count: &lgsp_core::traffic::Count) -> Self {
        let (reason, hop) = count.failure.unzip();
        Self {
            last_sign_us: count.last_us,
            failed: count.failed,
            of: count.of,
            reason: reason.flatten().map(Reason::name).unwrap_or_default().to_owned(),
            hop: hop.map(hop_name).unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }
}

fn hop_name(hop: Hop) -> &'static str {
    match hop {
        Hop::Unspecified => "",
        Hop::Client => "client",
        Hop::Gateway => "gateway",
        Hop::Broker => "broker",
        Hop::Adapter => "adapter",
        Hop::Source => "source",
    }
}

/// What the signals of one moment say of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How it is.
    pub level: Level,
    /// Why; `None` for one that works.
    pub cause: Option<Cause>,
    /// By what.
    pub evidence: Evidence,
}

impl Reading {
    pub(crate) fn working(evidence: Evidence) -> Self {
        Self { level: Level::Working, cause: None, evidence }
    }

    pub(crate) fn of(level: Level, cause: Cause, evidence: Evidence) -> Self {
        Self { level, cause: Some(cause), evidence }
    }

    pub(super) fn says(&self) -> (Level, Option<Cause>) {
        (self.level, self.cause)
    }
}
