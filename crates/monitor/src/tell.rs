//! What roles tell of their own links, without the bus: on the page `/links` of their admin port, and to a monitor in the same process.

use std::fmt;
use std::io;
use std::sync::Arc;

use lgsp_runtime::pages::{Page, Pages};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::link::{Cause, Evidence, Kind, Level};

/// The path of the page.
pub const PATH: &str = "/links";
/// Most links that one process tells of.
pub const MOST_TOLD: usize = 4_096;

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

/// The page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Telling {
    /// Who tells: the process.
    pub instance: String,
    /// The links.
    pub links: Vec<Told>,
}

type Teller = Box<dyn Fn() -> Vec<Told> + Send + Sync>;

/// All that the roles of one process tell of their links. A cheap handle.
#[derive(Clone)]
pub struct Tellers {
    instance: Arc<str>,
    tellers: Arc<Mutex<Vec<Teller>>>,
}

impl fmt::Debug for Tellers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tellers").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Tellers {
    /// Nobody tells anything yet, in the name of a process.
    pub fn new(instance: &str) -> Self {
        Self { instance: instance.into(), tellers: Arc::default() }
    }

    /// Asks a role from now on. It must not block, and returns nothing once it has ended.
    pub fn add(&self, teller: impl Fn() -> Vec<Told> + Send + Sync + 'static) {
        self.tellers.lock().push(Box::new(teller));
    }

    /// What is told now.
    pub fn ask(&self) -> Telling {
        let links = self.tellers.lock().iter().flat_map(|teller| teller()).take(MOST_TOLD).collect();
        Telling { instance: self.instance.to_string(), links }
    }
}

impl Pages for Tellers {
    fn page(&self, path: &str) -> io::Result<Option<Page>> {
        if path != PATH {
            return Ok(None);
        }
        let body = serde_json::to_vec(&self.ask()).map_err(io::Error::other)?;
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
        let page = tellers.page(PATH).unwrap().unwrap();
        let read: Telling = serde_json::from_slice(&page.body).unwrap();
        assert_eq!((read.instance.as_str(), read.links), ("hub-1", vec![one, other]));
        assert!(tellers.page("/status").unwrap().is_none());
    }
}
