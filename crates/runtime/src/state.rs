//! What a process tells about itself: its components, each in a condition, and a few numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

use crate::Instance;
use crate::metrics::{self, Metrics};
use crate::pages::{Page, Pages};

/// The condition of one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Not ready yet.
    Starting,
    /// Does its work.
    Ready,
    /// Does its work, but somebody should look at it.
    Degraded,
    /// Does not do its work now; may recover.
    Failed,
    /// Is ending, on purpose.
    Leaving,
}

impl Condition {
    /// Tells whether a component in this condition does its work.
    #[must_use]
    pub fn serves(self) -> bool {
        match self {
            Self::Ready | Self::Degraded => true,
            Self::Starting | Self::Failed | Self::Leaving => false,
        }
    }
}

/// The state that a role publishes. A cheap handle: all clones tell of the same process.
#[derive(Clone, Debug)]
pub struct State {
    shared: Arc<Shared>,
    scope: Arc<str>,
}

#[derive(Debug)]
struct Shared {
    instance: Instance,
    started: Instant,
    picture: watch::Sender<Picture>,
    facts: Mutex<BTreeMap<String, Arc<AtomicI64>>>,
    pages: Mutex<Vec<Arc<dyn Pages>>>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Picture {
    components: BTreeMap<String, Told>,
    panicked: BTreeSet<String>,
}

#[derive(Debug)]
struct Told {
    condition: Condition,
    cause: Option<&'static str>,
    /// What the cause is about.
    names: Vec<String>,
    since: SystemTime,
}

impl Told {
    fn since_now(condition: Condition, cause: Option<&'static str>, names: &[String]) -> Self {
        Self { condition, cause, names: names.to_vec(), since: SystemTime::now() }
    }
}

impl State {
    /// Makes the state of a process without components: live, and not ready.
    #[must_use]
    pub fn new(instance: Instance) -> Self {
        let shared = Shared {
            instance,
            started: Instant::now(),
            picture: watch::Sender::new(Picture::default()),
            facts: Mutex::default(),
            pages: Mutex::default(),
            metrics: Metrics::default(),
        };
        let shared = Arc::new(shared);
        shared.clone().observe();
        Self { shared, scope: "".into() }
    }

    /// Returns a handle whose components and facts are named `scope/…`, for several roles in one process.
    #[must_use]
    pub fn scoped(&self, scope: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: self.scoped_name(scope).into() }
    }

    /// Returns who tells this state.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// Adds a component; it is starting. The same name twice is the same component.
    #[must_use]
    pub fn component(&self, name: &'static str) -> Component {
        let component = Component { shared: Arc::clone(&self.shared), name: self.scoped_name(name).into() };
        component.tell(Condition::Starting, None, &[]);
        component
    }

    /// Adds a number to the status, such as `in-flight`; it is 0. The same name twice is the same number.
    #[must_use]
    pub fn fact(&self, name: &'static str) -> Fact {
        let mut facts = self.shared.facts.lock();
        Fact(Arc::clone(facts.entry(self.scoped_name(name)).or_default()))
    }

    /// What this process counts and measures.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Shows pages on the admin port.
    pub fn show(&self, pages: Arc<dyn Pages>) {
        self.shared.pages.lock().push(pages);
    }

    /// The page of a path, if a role of this process shows one. It may block on the disk.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn page(&self, path: &str) -> io::Result<Option<Page>> {
        let shown = self.shared.pages.lock().clone();
        for pages in shown {
            if let Some(page) = pages.page(path)? {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    /// Puts every component of this scope into [`Condition::Leaving`], for good.
    pub fn leave(&self) {
        self.shared.picture.send_modify(|picture| {
            let ours = |name: &str| self.scope.is_empty() || name.starts_with(&format!("{}/", self.scope));
            for (_, told) in picture.components.iter_mut().filter(|(name, _)| ours(name)) {
                *told = Told::since_now(Condition::Leaving, None, &[]);
            }
        });
    }

    /// Notes that a task which the role consists of has panicked: the process is not live from now on.
    pub fn task_panicked(&self, name: &str) {
        let name = self.scoped_name(name);
        self.shared.picture.send_modify(|picture| {
            picture.panicked.insert(name);
        });
    }

    /// Tells whether the process is worth keeping: none of its long-running tasks has panicked.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.shared.picture.borrow().panicked.is_empty()
    }

    /// Tells whether the process has components and all of them do their work.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.picture.borrow().is_ready()
    }

    /// Returns the condition of a component of this scope, if there is one of that name.
    #[must_use]
    pub fn condition(&self, name: &str) -> Option<Condition> {
        let picture = self.shared.picture.borrow();
        picture.components.get(&self.scoped_name(name)).map(|told| told.condition)
    }

    /// Returns why a component of this scope is in its condition, if it has told that.
    #[must_use]
    pub fn cause(&self, name: &str) -> Option<&'static str> {
        let picture = self.shared.picture.borrow();
        picture.components.get(&self.scoped_name(name)).and_then(|told| told.cause)
    }

    /// Waits until the process is ready. Waits for ever if it never is: put a bound around it.
    pub async fn until_ready(&self) {
        let mut changes = self.shared.picture.subscribe();
        // The sender lives as long as `self`, so that waiting cannot fail.
        let _ = changes.wait_for(Picture::is_ready).await;
    }

    /// Names what keeps the process from being ready or live, one line each.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let picture = self.shared.picture.borrow();
        let panicked = picture.panicked.iter().map(|name| format!("{name}: panicked"));
        let not_serving = picture.components.iter().filter(|(_, told)| !told.condition.serves());
        let not_serving = not_serving.map(|(name, told)| match told.cause {
            Some(cause) => format!("{name}: {} ({cause})", told.condition.text()),
            None => format!("{name}: {}", told.condition.text()),
        });
        panicked.chain(not_serving).collect()
    }

    /// Renders the whole state, for `/status`.
    #[must_use]
    pub fn status(&self) -> serde_json::Value {
        let (live, ready) = (self.is_live(), self.is_ready());
        let picture = self.shared.picture.borrow();
        let components = picture.components.iter().map(|(name, told)| {
            let mut component = serde_json::json!({
                "condition": told.condition,
                "cause": told.cause,
                "since": OffsetDateTime::from(told.since).format(&Rfc3339).ok(),
            });
            if !told.names.is_empty() {
                component["names"] = told.names.clone().into();
            }
            (name.clone(), component)
        });
        let facts = self.shared.facts.lock();
        let facts = facts.iter().map(|(name, number)| (name.clone(), number.load(Ordering::Relaxed).into()));
        serde_json::json!({
            "role": self.shared.instance.role(),
            "instance": self.shared.instance.name(),
            "version": self.shared.instance.version(),
            "uptime-seconds": self.shared.started.elapsed().as_secs(),
            "live": live,
            "ready": ready,
            "panicked": picture.panicked,
            "components": components.collect::<serde_json::Map<_, _>>(),
            "facts": facts.collect::<serde_json::Map<_, _>>(),
        })
    }

    fn scoped_name(&self, name: &str) -> String {
        if self.scope.is_empty() { name.to_owned() } else { format!("{}/{name}", self.scope) }
    }
}

impl Shared {
    /// Shows components and facts as metrics, as long as there is a state.
    fn observe(self: Arc<Self>) {
        let (components, facts) = (Arc::downgrade(&self), Arc::downgrade(&self));
        let components = move || components.upgrade().map(|shared| shared.components()).unwrap_or_default();
        let facts = move || facts.upgrade().map(|shared| shared.facts()).unwrap_or_default();
        metrics::observe_state(&self.metrics, &self.instance, self.started, components, facts);
    }

    fn components(&self) -> Vec<metrics::Component> {
        let picture = self.picture.borrow();
        picture.components.iter().map(|(name, told)| (name.clone(), told.condition)).collect()
    }

    fn facts(&self) -> Vec<metrics::Fact> {
        let facts = self.facts.lock();
        facts.iter().map(|(name, number)| (name.clone(), number.load(Ordering::Relaxed))).collect()
    }
}

impl Condition {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Leaving => "leaving",
        }
    }
}

impl Picture {
    fn is_ready(&self) -> bool {
        !self.components.is_empty() && self.components.values().all(|told| told.condition.serves())
    }
}

/// One component's own handle to what the process tells of it.
///
/// Causes are constant texts, so that they come from a closed set and hold nothing of an exchange.
#[derive(Clone, Debug)]
pub struct Component {
    shared: Arc<Shared>,
    name: Arc<str>,
}

impl Component {
    /// The component does its work.
    pub fn ready(&self) {
        self.tell(Condition::Ready, None, &[]);
    }

    /// The component does its work, but somebody should look at it.
    pub fn degraded(&self, cause: &'static str) {
        self.tell(Condition::Degraded, Some(cause), &[]);
    }

    /// The same, and what should be looked at: names of the hub's own things, such as key ids, and never of a person or a record.
    pub fn degraded_by(&self, cause: &'static str, names: &[String]) {
        self.tell(Condition::Degraded, Some(cause), names);
    }

    /// The component does not do its work now.
    pub fn failed(&self, cause: &'static str) {
        self.tell(Condition::Failed, Some(cause), &[]);
    }

    /// The same, and by what: names as those of [`Self::degraded_by`].
    pub fn failed_by(&self, cause: &'static str, names: &[String]) {
        self.tell(Condition::Failed, Some(cause), names);
    }

    /// The component is not ready yet, and waits for `cause`.
    pub fn starting(&self, cause: &'static str) {
        self.tell(Condition::Starting, Some(cause), &[]);
    }

    /// The component is ending, on purpose and for good.
    pub fn leaving(&self) {
        self.tell(Condition::Leaving, None, &[]);
    }

    fn tell(&self, condition: Condition, cause: Option<&'static str>, names: &[String]) {
        self.shared.picture.send_if_modified(|picture| {
            let known = picture.components.get(&*self.name);
            let unchanged = known.is_some_and(|told| {
                told.condition == condition && told.cause == cause && told.names == names
            });
            let has_left = known.is_some_and(|told| told.condition == Condition::Leaving);
            if unchanged || has_left {
                return false;
            }
            let told = Told::since_now(condition, cause, names);
            picture.components.insert(self.name.as_ref().to_owned(), told);
            true
        });
    }
}

/// A number in the status.
#[derive(Clone, Debug)]
pub struct Fact(Arc<AtomicI64>);

impl Fact {
    /// Sets the number.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to the number; a negative `value` takes away.
    pub fn add(&self, value: i64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    /// Returns the number.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State::new(Instance::new("up", "1.2.3"))
    }

    #[test]
    fn a_process_is_ready_when_it_has_components_and_all_of_them_do_their_work() {
        let state = state();
        assert!(!state.is_ready(), "it has no components yet");
        let (listener, snapshot) = (state.component("listener"), state.component("snapshot"));
        listener.ready();
        assert!(!state.is_ready(), "the snapshot is starting");
        snapshot.degraded("snapshot-stale");
        assert!(state.is_ready());
        listener.failed("port-lost");
        assert!(!state.is_ready());
        assert_eq!(state.complaints(), ["listener: failed (port-lost)"]);
        assert!(state.is_live(), "a failure may pass; a restart would not help");
    }

    #[test]
    fn two_roles_in_one_process_do_not_speak_for_each_other() {
        let state = state();
        let (gateway, ledger) = (state.scoped("gateway"), state.scoped("ledger"));
        let (ours, theirs) = (gateway.component("bus"), ledger.component("bus"));
        ours.ready();
        theirs.ready();
        gateway.leave();
        ours.ready();
        assert_eq!(gateway.condition("bus"), Some(Condition::Leaving), "who leaves, leaves for good");
        assert_eq!(ledger.condition("bus"), Some(Condition::Ready));
        assert!(!state.is_ready());
    }

    #[test]
    fn a_repeated_condition_keeps_its_since() {
        let state = state();
        let component = state.component("bus");
        component.failed("broker-unreachable");
        let first = state.status()["components"]["bus"].clone();
        component.failed("broker-unreachable");
        assert_eq!(state.status()["components"]["bus"], first);
        assert_eq!(first["cause"], "broker-unreachable");
    }

    #[test]
    fn a_component_names_what_should_be_looked_at() {
        let state = state();
        let component = state.component("credentials");
        component.degraded_by("credentials-end-soon", &["tthc-1".to_owned()]);
        assert_eq!(state.status()["components"]["credentials"]["names"], serde_json::json!(["tthc-1"]));
        component.ready();
        assert_eq!(state.status()["components"]["credentials"]["names"], serde_json::Value::Null);
    }

    #[test]
    fn the_status_names_the_instance_and_its_numbers() {
        let state = state();
        let in_flight = state.scoped("gateway").fact("in-flight");
        in_flight.add(3);
        in_flight.add(-1);
        let status = state.status();
        assert_eq!(status["role"], "up");
        assert_eq!(status["instance"], state.instance().name());
        assert_eq!(status["version"], "1.2.3");
        assert_eq!(status["facts"]["gateway/in-flight"], 2);
    }
}
