//! What the rules count, and from when on it is told.

use std::time::Duration;

use lgsp_runtime::config::{self, Problems, Row, row, section, units};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::calendar::Calendar;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Purposes, applications and holidays of one list.
const MOST_NAMED: usize = 64;

/// What is looked for in the exchange log, for auditors. Each rule looks at a day of Asia/Ho_Chi_Minh, each environment apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Anomalies {
    /// How often the days that have changed are looked at.
    #[serde(with = "units::duration")]
    pub every: Duration,
    /// Most findings of a rule and a day; the strongest are kept.
    pub most_findings: usize,
    /// When offices work.
    pub hours: Calendar,
    /// Many exchanges in a short time.
    pub mass_lookups: MassLookups,
    /// Exchanges outside of working hours.
    pub off_hours: OffHours,
    /// Exchanges without a dossier.
    pub no_dossier: NoDossier,
    /// One officer asks about many subjects.
    pub many_subjects: ManySubjects,
    /// Many ask about one person.
    pub sought_person: SoughtPerson,
    /// An application asks a service far more or less than it used to.
    pub change: Change,
}

/// Many exchanges of one officer or one application in a window of the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MassLookups {
    /// Whether it is looked for.
    pub enabled: bool,
    /// How long a window is. Windows lie side by side from midnight on.
    #[serde(with = "units::duration")]
    pub window: Duration,
    /// From how many exchanges of an officer on.
    pub officer: u32,
    /// From how many exchanges of an application on.
    pub application: u32,
}

/// Exchanges of a day outside of working hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OffHours {
    /// Whether it is looked for.
    pub enabled: bool,
    /// From how many exchanges of an officer on.
    pub officer: u32,
    /// Applications that nobody uses outside of working hours, whether they name an officer or not.
    pub applications: Vec<String>,
    /// From how many exchanges of such an application on.
    pub application: u32,
}

/// Exchanges without a dossier, for purposes that go with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct NoDossier {
    /// Whether it is looked for.
    pub enabled: bool,
    /// Purposes that go with a dossier.
    pub purposes: Vec<String>,
    /// From how many of a thousand exchanges of an application for a purpose on.
    pub per_mille: u32,
    /// Of no fewer exchanges a share is told.
    pub least: u32,
    /// From how many exchanges of an officer on, one after the other.
    pub run: u32,
}

/// One officer asked about many subjects on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ManySubjects {
    /// Whether it is looked for.
    pub enabled: bool,
    /// From how many different subjects on.
    pub officer: u32,
}

/// Many asked about one person on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SoughtPerson {
    /// Whether it is looked for.
    pub enabled: bool,
    /// From how many different officers on.
    pub officers: u32,
    /// From how many different applications on.
    pub applications: u32,
}

/// The exchanges of an application with a service on a day, against the same weekday of the weeks before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Change {
    /// Whether it is looked for.
    pub enabled: bool,
    /// How many weeks before the day are its baseline.
    pub weeks: u32,
    /// With fewer weeks of them nothing is said.
    pub least_weeks: u32,
    /// From how many robust deviations on: 1.4826 times the median of the distances from the median.
    pub deviations: u32,
    /// A difference of fewer exchanges is not told.
    pub least: u32,
}

impl Default for Anomalies {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(5 * 60),
            most_findings: 100,
            hours: Calendar::default(),
            mass_lookups: MassLookups::default(),
            off_hours: OffHours::default(),
            no_dossier: NoDossier::default(),
            many_subjects: ManySubjects::default(),
            sought_person: SoughtPerson::default(),
            change: Change::default(),
        }
    }
}

impl Default for MassLookups {
    fn default() -> Self {
        Self { enabled: true, window: Duration::from_secs(10 * 60), officer: 120, application: 6_000 }
    }
}

impl Default for OffHours {
    fn default() -> Self {
        Self { enabled: true, officer: 10, applications: Vec::new(), application: 100 }
    }
}

impl Default for NoDossier {
    fn default() -> Self {
        let purposes = ["civil-status", "land-transfer", "business-licensing", "school-enrolment"];
        let purposes = purposes.map(str::to_owned).to_vec();
        Self { enabled: true, purposes, per_mille: 500, least: 50, run: 15 }
    }
}

impl Default for ManySubjects {
    fn default() -> Self {
        Self { enabled: true, officer: 200 }
    }
}

impl Default for SoughtPerson {
    fn default() -> Self {
        Self { enabled: true, officers: 6, applications: 6 }
    }
}

impl Default for Change {
    fn default() -> Self {
        Self { enabled: true, weeks: 8, least_weeks: 4, deviations: 6, least: 200 }
    }
}

impl Anomalies {
    /// By which it is told whether a day was evaluated by these rules.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let rules = Self { every: Duration::ZERO, ..self.clone() };
        Sha256::digest(serde_json::to_vec(&rules).unwrap_or_default()).into()
    }
}

const ENABLED: &str = "true or false";
const COUNT: &str = "1 to 1000000000";
const COUNTS: std::ops::RangeInclusive<u32> = 1..=1_000_000_000;

impl config::Options for Anomalies {
    fn reference() -> Vec<Row> {
        let rows = vec![
            row(
                "every",
                units::duration::ACCEPTS,
                "How often the days whose exchanges have changed are looked at. At least 100 ms.",
            ),
            row(
                "most-findings",
                "1 to 1000",
                "Most findings of a rule, of one measure and one day. The strongest are kept.",
            ),
        ];
        [
            rows,
            section::<Calendar>("hours"),
            section::<MassLookups>("mass-lookups"),
            section::<OffHours>("off-hours"),
            section::<NoDossier>("no-dossier"),
            section::<ManySubjects>("many-subjects"),
            section::<SoughtPerson>("sought-person"),
            section::<Change>("change"),
        ]
        .concat()
    }

    fn check(&self, problems: &mut Problems) {
        if self.every < Duration::from_millis(100) {
            problems.add("every", "is shorter than 100 ms");
        }
        problems.range("most-findings", self.most_findings, 1..=1_000);
        problems.section("hours", &self.hours);
        problems.section("mass-lookups", &self.mass_lookups);
        problems.section("off-hours", &self.off_hours);
        problems.section("no-dossier", &self.no_dossier);
        problems.section("many-subjects", &self.many_subjects);
        problems.section("sought-person", &self.sought_person);
        problems.section("change", &self.change);
    }
}

impl config::Options for MassLookups {
    fn reference() -> Vec<Row> {
        vec![
            row("enabled", ENABLED, "Whether many exchanges in a short time are told."),
            row(
                "window",
                units::duration::ACCEPTS,
                "How short a time: windows lie side by side from midnight on. 1m to 1d, a whole part of a day.",
            ),
            row("officer", COUNT, "From how many exchanges of one officer in a window on."),
            row("application", COUNT, "From how many exchanges of one application in a window on."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        let window = self.window.as_secs();
        if window < 60 || self.window.subsec_nanos() > 0 || !DAY.as_secs().is_multiple_of(window) {
            problems.add("window", "is no whole part of a day, or shorter than a minute");
        }
        problems.range("officer", self.officer, COUNTS);
        problems.range("application", self.application, COUNTS);
    }
}

impl config::Options for OffHours {
    fn reference() -> Vec<Row> {
        vec![
            row("enabled", ENABLED, "Whether exchanges outside of ledger.anomalies.hours are told."),
            row("officer", COUNT, "From how many such exchanges of one officer on a day on."),
            row(
                "applications",
                "a list of applications",
                "Applications that nobody uses outside of working hours: all their exchanges count, whether they name an officer or not.",
            ),
            row("application", COUNT, "From how many exchanges of such an application on a day on."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("officer", self.officer, COUNTS);
        problems.range("application", self.application, COUNTS);
        few(problems, "applications", self.applications.len());
    }
}

impl config::Options for NoDossier {
    fn reference() -> Vec<Row> {
        vec![
            row("enabled", ENABLED, "Whether exchanges without a dossier are told."),
            row(
                "purposes",
                "a list of purposes",
                "Purposes that go with a dossier. Of others nothing is expected.",
            ),
            row(
                "per-mille",
                "1 to 1000",
                "From how many of a thousand exchanges of one application for one of these purposes on a day on.",
            ),
            row("least", COUNT, "Of no fewer exchanges on a day a share is told."),
            row("run", COUNT, "From how many exchanges of one officer on, one after the other on a day."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("per-mille", self.per_mille, 1..=1_000);
        problems.range("least", self.least, COUNTS);
        problems.range("run", self.run, COUNTS);
        few(problems, "purposes", self.purposes.len());
    }
}

impl config::Options for ManySubjects {
    fn reference() -> Vec<Row> {
        vec![
            row("enabled", ENABLED, "Whether officers who ask about many subjects are told."),
            row(
                "officer",
                COUNT,
                "From how many different subjects on that one officer asks about on a day. What an answer told along the way does not count.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("officer", self.officer, COUNTS);
    }
}

impl config::Options for SoughtPerson {
    fn reference() -> Vec<Row> {
        vec![
            row("enabled", ENABLED, "Whether persons about whom many ask are told."),
            row("officers", COUNT, "From how many different officers on that ask about one person on a day."),
            row(
                "applications",
                COUNT,
                "From how many different applications on that ask about one person on a day.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("officers", self.officers, COUNTS);
        problems.range("applications", self.applications, COUNTS);
    }
}

impl config::Options for Change {
    fn reference() -> Vec<Row> {
        vec![
            row(
                "enabled",
                ENABLED,
                "Whether it is told when an application asks a service far more or less than on the same weekday before.",
            ),
            row("weeks", "2 to 52", "How many weeks before a day are its baseline. Holidays are left out."),
            row("least-weeks", "2 to 52", "With fewer such days nothing is said."),
            row(
                "deviations",
                "1 to 1000",
                "From how many robust deviations on: 1.4826 times the median of the distances from the median.",
            ),
            row("least", COUNT, "A difference of fewer exchanges is not told."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("weeks", self.weeks, 2..=52);
        problems.range("least-weeks", self.least_weeks, 2..=52);
        if self.least_weeks > self.weeks {
            problems.add("least-weeks", "is more than weeks");
        }
        problems.range("deviations", self.deviations, 1..=1_000);
        problems.range("least", self.least, COUNTS);
    }
}

fn few(problems: &mut Problems, key: &str, count: usize) {
    if count > MOST_NAMED {
        problems.add(key, format!("names more than {MOST_NAMED}"));
    }
}
