//! What roles tell of their own links, without the bus: on the page `/links` of their admin port, and to a monitor in the same process.

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use lgsp_core::time::unix_micros;
use lgsp_runtime::pages::{Page, Pages};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::link::{Cause, Evidence, Kind, Level};

/// The path of the page.
pub const PATH: &str = "/links";
/// Most links that one process tells of.
pub const MOST_TOLD: usize = 4_096;
/// Most facts that one process tells.
pub const MOST_FACTS: usize = 1_024;

/// What one instance says of one link, now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Told {
    /// What the link connects.
    pub kind: Kind,
    /// Which of the kind.
    pub name: String,
    /// Who says it.
    pub instance: String,
    /// How the link is.
    pub state: Level,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Since when, Unix µs; 0: not told.
    #[serde(default)]
    pub since_us: i64,
    /// By what.
    #[serde(default)]
    pub evidence: Evidence,
}

/// What a fact measures. Alerts are made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// What part of a file system is free, 0 to 1.
    DiskFree,
    /// How many entries are filed and not sealed.
    SealingLag,
    /// How many records a consumer has not done with.
    ConsumerLag,
    /// For how many days a certificate or a key is good; negative when it has ended.
    CertificateDays,
    /// What part of an agreement's quota of the day is used; 1 is all.
    QuotaUsed,
    /// What the slowest hundredth of a domain's exchanges of the last five minutes took, in seconds.
    Slowest,
    /// Of a newer hub.
    #[serde(other)]
    Other,
}

/// A number that a process tells of itself or of what it sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fact {
    /// What is measured.
    pub measure: Measure,
    /// What it is measured of: a name of the hub's own things that stays over restarts, and never of a person.
    pub subject: String,
    /// How much it is.
    pub value: f64,
    /// Whose the subject is: the code of an agency, if it is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
}

impl Fact {
    /// A fact of a subject that is nobody's in particular.
    pub fn new(measure: Measure, subject: impl Into<String>, value: f64) -> Self {
        Self { measure, subject: subject.into(), value, owner: String::new() }
    }

    /// The same of a subject that an agency owns.
    #[must_use]
    pub fn of(self, owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), ..self }
    }
}

/// The page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Telling {
    /// Who tells: the process.
    pub instance: String,
    /// What its clock says, Unix µs; 0: an older one does not tell.
    #[serde(default)]
    pub at_us: i64,
    /// The links.
    pub links: Vec<Told>,
    /// What else it knows.
    #[serde(default)]
    pub facts: Vec<Fact>,
}

type Teller = Box<dyn Fn() -> Vec<Told> + Send + Sync>;
type FactTeller = Box<dyn Fn() -> Vec<Fact> + Send + Sync>;

/// All that the roles of one process tell of their links. A cheap handle.
#[derive(Clone, Debug)]
pub struct Tellers {
    shared: Arc<Shared>,
}

struct Shared {
    instance: String,
    links: Mutex<Vec<Teller>>,
    facts: Mutex<Vec<FactTeller>>,
}

/// The page `/links` of an admin port, for as long as somebody else has the tellers: they hold roles, and roles the state that shows
/// the page.
#[derive(Clone, Debug)]
pub struct LinksPage(Weak<Shared>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tellers").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Tellers {
    /// Nobody tells anything yet, in the name of a process.
    pub fn new(instance: &str) -> Self {
        let shared =
            Shared { instance: instance.to_owned(), links: Mutex::default(), facts: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Asks a role from now on. It must not block, and returns nothing once it has ended.
    pub fn add(&self, teller: impl Fn() -> Vec<Told> + Send + Sync + 'static) {
        self.shared.links.lock().push(Box::new(teller));
    }

    /// Asks for facts, too, as [`Self::add`] does for links.
    pub fn add_facts(&self, teller: impl Fn() -> Vec<Fact> + Send + Sync + 'static) {
        self.shared.facts.lock().push(Box::new(teller));
    }

    /// What is told now.
    pub fn ask(&self) -> Telling {
        let Shared { instance, links, facts } = &*self.shared;
        Telling {
            instance: instance.clone(),
            at_us: unix_micros(SystemTime::now()),
            links: links.lock().iter().flat_map(|teller| teller()).take(MOST_TOLD).collect(),
            facts: facts.lock().iter().flat_map(|teller| teller()).take(MOST_FACTS).collect(),
        }
    }

    /// What an admin port shows of it.
    pub fn page(&self) -> LinksPage {
        LinksPage(Arc::downgrade(&self.shared))
    }
}

impl Pages for LinksPage {
    fn page(&self, path: &str) -> io::Result<Option<Page>> {
        let Some(shared) = self.0.upgrade().filter(|_| path == PATH) else { return Ok(None) };
        let body = serde_json::to_vec(&Tellers { shared }.ask()).map_err(io::Error::other)?;
        Ok(Some(Page { content_type: "application/json", never_changes: false, body: body.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_what_every_role_of_the_process_tells() {
        let tellers = Tellers::new("hub-1");
        let told = |name: &str| Told {
            kind: Kind::Source,
            name: name.to_owned(),
            instance: "adapter-land-1".to_owned(),
            state: Level::Down,
            cause: Some(Cause::SourceTimedOut),
            since_us: 7,
            evidence: Evidence::default(),
        };
        let (one, other) = (told("land/a"), told("land/b"));
        let again = one.clone();
        tellers.add(move || vec![again.clone()]);
        let again = other.clone();
        tellers.add(move || vec![again.clone()]);
        let fact = Fact::new(Measure::DiskFree, "disk/hub-1/data", 0.25);
        let again = fact.clone();
        tellers.add_facts(move || vec![again.clone(); 2 * MOST_FACTS]);
        let page = tellers.page().page(PATH).unwrap().unwrap();
        let read: Telling = serde_json::from_slice(&page.body).unwrap();
        assert_eq!((read.instance.as_str(), read.links), ("hub-1", vec![one, other]));
        assert_eq!((read.facts.len(), &read.facts[0]), (MOST_FACTS, &fact));
        assert!(read.at_us > 0);
        assert!(tellers.page().page("/status").unwrap().is_none());
        let page = tellers.page();
        drop(tellers);
        assert!(page.page(PATH).unwrap().is_none(), "it keeps nothing of a process that has ended");
    }

    #[test]
    fn the_page_of_an_older_or_a_newer_process_is_read_as_far_as_it_is_understood() {
        let older: Telling = serde_json::from_str(r#"{"instance":"hub-1","links":[]}"#).unwrap();
        assert_eq!((older.at_us, older.facts), (0, Vec::new()));
        let newer = r#"{"instance":"hub-1","links":[],"facts":[{"measure":"moon","subject":"x","value":1}]}"#;
        let newer: Telling = serde_json::from_str(newer).unwrap();
        assert_eq!(newer.facts[0].measure, Measure::Other);
    }
}
