//! Tells what must not be forgotten: requests to connect that are due, and credentials that end soon.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lgsp_core::time::{day, micros, unix_micros};
use lgsp_proto::registry::v1::{Application, Credential, Snapshot};
use lgsp_runtime::state::Fact;
use lgsp_runtime::{Component, State};
use prost_reflect::prost_types::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::connections::overdue;
use crate::credential::DAY_US;
use crate::holders::certificate_id;
use crate::register::Register;
use crate::service::Published;

/// How often to look, besides whenever the rules change.
const LOOK: Duration = Duration::from_secs(10);
/// The days before the end of a credential from which on it is told, once a day each.
const THRESHOLDS: [i64; 4] = [1, 7, 30, 60];
/// From so many days on somebody has to do something.
const URGENT: i64 = 7;
/// What has ended is told for so many days more: whoever holds it cannot call any more, and may not know why.
const ENDED: i64 = 7;
/// Most names that are told at once.
const MOST_NAMES: usize = 10;

/// What is told, and where.
pub(crate) struct Reminders {
    register: Option<Arc<Register>>,
    current: watch::Receiver<Option<Arc<Published>>>,
    connections: Component,
    credentials: Component,
    overdue: Fact,
    ending: Fact,
    /// The day on which each threshold was told last.
    told: BTreeMap<i64, String>,
}

impl Reminders {
    pub fn new(
        register: Option<Arc<Register>>,
        current: watch::Receiver<Option<Arc<Published>>>,
        state: &State,
    ) -> Self {
        let (connections, credentials) = (state.component("connections"), state.component("credentials"));
        connections.ready();
        credentials.ready();
        let (overdue, ending) = (state.fact("connections-overdue"), state.fact("credentials-ending"));
        Self { register, current, connections, credentials, overdue, ending, told: BTreeMap::new() }
    }

    /// Looks again and again, until `close`.
    pub async fn run(mut self, close: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut current = self.current.clone();
        loop {
            tokio::select! {
                () = close.cancelled() => return,
                _ = ticks.tick() => {}
                changed = current.changed() => if changed.is_err() { return },
            }
            self.look(unix_micros(SystemTime::now()));
        }
    }

    fn look(&mut self, now: i64) {
        let overdue = self.register.as_ref().map_or(0, |register| overdue(&register.now().catalogue, now));
        self.overdue.set(i64::try_from(overdue).unwrap_or(i64::MAX));
        match overdue {
            0 => self.connections.ready(),
            _ => self.connections.degraded("requests to connect wait for their answer longer than they may"),
        }
        let Some(published) = self.current.borrow_and_update().clone() else { return };
        let ending = ending(published.snapshot(), now);
        let urgent: Vec<&Last> = ending.iter().filter(|ending| ending.days < URGENT).collect();
        self.ending.set(i64::try_from(urgent.len()).unwrap_or(i64::MAX));
        if urgent.is_empty() {
            self.credentials.ready();
        } else {
            let names: Vec<String> = urgent.iter().take(MOST_NAMES).map(|ending| ending.id.clone()).collect();
            self.credentials.degraded_by("credentials end within days and have no successor", &names);
        }
        self.tell(&ending, now);
    }

    /// One line a day for each threshold under which there is something.
    fn tell(&mut self, ending: &[Last], now: i64) {
        let today = day(now);
        let mut above = i64::MIN;
        for threshold in THRESHOLDS {
            let under: Vec<&str> = ending
                .iter()
                .filter(|ending| (above..threshold).contains(&ending.days))
                .map(|ending| ending.id.as_str())
                .collect();
            above = threshold;
            if under.is_empty() || self.told.get(&threshold) == Some(&today) {
                continue;
            }
            self.told.insert(threshold, today.clone());
            let first = under.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(" ");
            warn!(
                within_days = threshold,
                count = under.len(),
                first,
                "credentials end and have no successor"
            );
        }
    }
}

/// An application whose last credential ends soon.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// The application.
    pub application: String,
    /// The code of the agency that owns it.
    pub agency: String,
    /// In how many days; negative: it has ended.
    pub days: f64,
}

/// The applications whose last credential ends soon, or has ended lately, soonest first.
pub(crate) fn of_applications(snapshot: &Snapshot, now: i64) -> Vec<Ending> {
    let applications = snapshot.applications.iter().filter(|application| !application.platform);
    let last = applications.filter_map(|application| {
        let (end, _) = last_of(application)?;
        let days = end.saturating_sub(now) as f64 / DAY_US as f64;
        let (application, agency) = (application.id.clone(), application.agency_code.clone());
        Some(Ending { application, agency, days })
    });
    let (past, soon) = (-ENDED as f64, THRESHOLDS[THRESHOLDS.len() - 1] as f64);
    let mut ending: Vec<Ending> = last.filter(|ending| (past..soon).contains(&ending.days)).collect();
    ending.sort_unstable_by(|a, b| a.days.total_cmp(&b.days).then_with(|| a.application.cmp(&b.application)));
    ending
}

/// When the last credential of an application ends, and which that is.
fn last_of(application: &Application) -> Option<(i64, String)> {
    let certificates = application.certificates.iter();
    let certificates = certificates.map(|held| (end(&held.not_after), certificate_id(held)));
    keys(&application.credentials).chain(certificates).max()
}

/// A holder's last credential that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Last {
    days: i64,
    id: String,
}

/// Whose last credential ends soon, or has ended lately, soonest first. Who has another that lasts longer is not reminded.
fn ending(snapshot: &Snapshot, now: i64) -> Vec<Last> {
    let applications = snapshot.applications.iter().filter(|application| !application.platform);
    let of_applications = applications.filter_map(last_of);
    let of_persons = snapshot.persons.iter().filter_map(|person| keys(&person.credentials).max());
    let last = of_applications.chain(of_persons);
    let days = last.map(|(end, id)| Last { days: end.saturating_sub(now).div_euclid(DAY_US), id });
    let mut ending: Vec<Last> =
        days.filter(|ending| (-ENDED..THRESHOLDS[THRESHOLDS.len() - 1]).contains(&ending.days)).collect();
    ending.sort_unstable_by(|a, b| (a.days, &a.id).cmp(&(b.days, &b.id)));
    ending
}

fn keys(credentials: &[Credential]) -> impl Iterator<Item = (i64, String)> {
    credentials.iter().map(|credential| (end(&credential.not_after), credential.key_id.clone()))
}

fn end(not_after: &Option<Timestamp>) -> i64 {
    not_after.as_ref().map_or(i64::MAX, micros)
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::registry::v1::Person;
    use lgsp_runtime::Instance;
    use lgsp_runtime::state::Condition;

    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;

    fn key(id: &str, days: i64) -> Credential {
        let not_after = Some(timestamp(NOW + days * DAY_US));
        Credential { key_id: id.to_owned(), not_after, ..Credential::default() }
    }

    fn snapshot() -> Snapshot {
        let application = |credentials| Application { credentials, ..Application::default() };
        Snapshot {
            applications: vec![
                application(vec![key("a-1", 6)]),
                application(vec![key("b-1", 0), key("b-2", 300)]),
                application(vec![key("c-1", 59)]),
                application(vec![key("d-1", 60)]),
                application(vec![key("e-1", -7), key("e-2", -3)]),
                application(vec![key("f-1", -8)]),
            ],
            persons: vec![Person { credentials: vec![key("p-1", 0)], ..Person::default() }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_last_credential_of_each_holder_is_told_from_sixty_days_on() {
        let told = ending(&snapshot(), NOW);
        let told: Vec<(i64, &str)> = told.iter().map(|ending| (ending.days, ending.id.as_str())).collect();
        assert_eq!(told, [(-3, "e-2"), (0, "p-1"), (6, "a-1"), (59, "c-1")]);
    }

    #[test]
    fn of_applications_alone_it_is_told_whose_they_are_and_in_how_many_days() {
        let mut known = snapshot();
        (known.applications[0].id, known.applications[0].agency_code) =
            ("tthc".to_owned(), "H13.05".to_owned());
        let told = of_applications(&known, NOW + DAY_US / 2);
        let days: Vec<f64> = told.iter().map(|ending| ending.days).collect();
        assert_eq!(days, [-3.5, 5.5, 58.5, 59.5], "persons are not among them");
        assert_eq!((told[1].application.as_str(), told[1].agency.as_str()), ("tthc", "H13.05"));
    }

    #[test]
    fn the_state_names_what_ends_within_a_week_and_each_threshold_is_told_once_a_day() {
        let published = Published::new(snapshot(), &BTreeMap::new(), None);
        let current = watch::Sender::new(Some(Arc::new(published)));
        let state = State::new(Instance::new("registry", "0"));
        let mut reminders = Reminders::new(None, current.subscribe(), &state);
        reminders.look(NOW);
        assert_eq!(state.condition("credentials"), Some(Condition::Degraded));
        let names = &state.status()["components"]["credentials"]["names"];
        assert_eq!(*names, serde_json::json!(["e-2", "p-1", "a-1"]));
        assert_eq!(state.status()["facts"]["credentials-ending"], 3);
        let days: Vec<i64> = reminders.told.keys().copied().collect();
        assert_eq!(days, [1, 7, 60]);
        let first = reminders.told.clone();
        reminders.look(NOW + 1);
        assert_eq!(reminders.told, first);
        reminders.look(NOW + DAY_US);
        assert_ne!(reminders.told, first, "and again on the next day");
    }
}
