use std::sync::Arc;
use std::time::Duration;

use lgsp_bus::{Bus, Start, topics};
use lgsp_proto::registry::v1::administration_service_server::AdministrationServiceServer;
use lgsp_proto::registry::v1::catalogue_service_server::CatalogueServiceServer;
use lgsp_proto::registry::v1::connection_service_server::ConnectionServiceServer;
use lgsp_proto::registry::v1::credential_service_server::CredentialServiceServer;
use lgsp_proto::registry::v1::decision_service_server::DecisionServiceServer;
use lgsp_proto::registry::v1::history_service_server::HistoryServiceServer;
use lgsp_proto::registry::v1::registry_service_server::RegistryServiceServer;
use lgsp_runtime::state::Fact;
use lgsp_runtime::{Component, Shutdown, Stage, State};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing::warn;

use crate::administrators::Administrators;
use crate::changes::Changes;
use crate::connections::Connections;
use crate::credentials::Credentials;
use crate::decisions::Decisions;
use crate::desk::Desk;
use crate::first::first;
use crate::followers::Followers;
use crate::history::HistoryError;
use crate::kept::Kept;
use crate::next::{Known, OnTopic};
use crate::origin::Origin;
use crate::own;
use crate::past::Past;
use crate::publisher::{Publisher, on_disk, read};
use crate::recover;
use crate::register::Register;
use crate::reminders::{self, Ending, Reminders};
use crate::rules::{Checked, check};
use crate::service::{Published, Service};
use crate::services::Services;
use crate::settle::waits_for_production;
use crate::sign::SnapshotKey;
use crate::working_days::Holidays;
use crate::{Error, Options};

/// How often decisions of other registries are looked for, and how long that may take.
const FOLLOW: Duration = Duration::from_secs(1);

/// A running registry. A cheap handle.
#[derive(Clone, Debug)]
pub struct Registry {
    current: watch::Receiver<Option<Arc<Published>>>,
    revision: Fact,
    register: Option<Arc<Register>>,
    followers: Followers,
    holidays: Holidays,
    environment: String,
}

/// Where the rules are, and how they are now.
struct Rules {
    origin: Origin,
    register: Option<Arc<Register>>,
    checked: Checked,
    looked_at: [u8; 32],
}

/// Reads and checks the rules, and starts to publish them as soon as the broker is there.
///
/// State: `rules` tells of the files or of the store, `topic` of what is published, and the number `revision` which that is;
/// `connections` tells of requests that wait for too long, `credentials` of those that end soon.
///
/// # Errors
/// The rules cannot be read or do not hold together (every problem is named), or the signing key, the file of the last
/// published snapshot or the store cannot be read.
pub async fn start(
    options: Options,
    bus: &Bus,
    state: &State,
    shutdown: &Shutdown,
) -> Result<Registry, Error> {
    let (signing_key, former_keys) = (options.signing_key.clone(), options.former_keys.clone());
    let key = on_disk(move || SnapshotKey::read(&signing_key, &former_keys)).await?;
    let kept = Kept::new(&options.last_published);
    let last_kept = on_disk({
        let kept = kept.clone();
        move || Ok((kept.read()?, kept.read_topic()?))
    });
    let (last_kept, topic_before) = last_kept.await?;
    let last_kept = last_kept.and_then(|record| Known::open(&key, &record));
    let is_this_topic = topic_before.map(|before| before == name_of_topic(bus));
    // A registry from before did not keep where it has published.
    let has_published_here = last_kept.is_some() && is_this_topic != Some(false);
    not_without_its_store(&options, &kept).await?;
    let Rules { origin, register, checked, looked_at } = rules(&options, last_kept.as_ref()).await?;
    if register.is_some() {
        let (kept, store) = (kept.clone(), wherever_it_is_read(&options.store));
        on_disk(move || kept.write_store(&store)).await?;
    }

    let tail = bus.tail(topics::REGISTRY, Start::Beginning)?;
    let (rules, topic, revision) =
        (state.component("rules"), state.component("topic"), state.fact("revision"));
    rules.ready();
    let close = shutdown.begins(Stage::Close);
    let followers = Followers::new();
    if let Some(register) = &register {
        let listening = followers.clone().listen(bus.clone(), close.clone());
        shutdown.spawn(Stage::Close, "heartbeats of gateways", listening);
        let following = follow(register.clone(), rules.clone(), close.clone());
        shutdown.spawn(Stage::Close, "history of the registry", following);
    }
    let current = watch::Sender::new(None);
    let (current_now, revision_now) = (current.subscribe(), revision.clone());
    let reminders = Reminders::new(register.clone(), current.subscribe(), state);
    shutdown.spawn(Stage::Close, "reminders of the registry", reminders.run(close.clone()));
    let registry = Registry {
        current: current_now,
        revision: revision_now,
        register: register.clone(),
        followers,
        holidays: Holidays::of(&options.holidays),
        environment: options.environment.clone(),
    };
    let publisher = Publisher {
        bus: bus.clone(),
        options,
        key,
        register,
        checked,
        looked_at,
        kept,
        last_kept,
        has_published_here,
        has_kept_topic: is_this_topic == Some(true),
        on_topic: OnTopic::default(),
        current,
        rules,
        topic,
        revision,
    };
    shutdown.spawn(Stage::Close, "publisher of the rules", publisher.run(origin, tail, close));
    Ok(registry)
}

/// The topic of the rules, told from that of every other cluster and namespace.
pub(crate) fn name_of_topic(bus: &Bus) -> String {
    let options = bus.options();
    let cluster = options.brokers.as_ref().map_or_else(|| "embedded".to_owned(), ToString::to_string);
    format!("{cluster} {} {}", options.namespace, topics::REGISTRY)
}

/// The URL of a store that means the same to a registry which is started in another folder.
fn wherever_it_is_read(store: &str) -> String {
    let absolute = store.strip_prefix("sqlite:").and_then(|path| std::path::absolute(path).ok());
    absolute.map_or_else(|| store.to_owned(), |path| format!("sqlite:{}", path.display()))
}

/// Refuses to go by the files where a store has decided: they still grant what was revoked since.
async fn not_without_its_store(options: &Options, kept: &Kept) -> Result<(), Error> {
    if options.store().is_some() || options.goes_by_files_on_purpose() {
        return Ok(());
    }
    let kept = kept.clone();
    match on_disk(move || kept.read_store()).await? {
        Some(store) => Err(Error::WithoutStore { store }),
        None => Ok(()),
    }
}

async fn rules(options: &Options, published: Option<&Known>) -> Result<Rules, Error> {
    if let Some(store) = options.store() {
        let first = async || Ok((first(options).await?, published.map_or(0, Known::revision)));
        let ours = published.map(|known| &known.snapshot);
        let ours = ours.filter(|snapshot| snapshot.environment == options.environment);
        let register = Register::open(&store, &options.environment, ours, first).await;
        let unusable = |error| match error {
            Error::History(source) => Error::Store { store: options.store.clone(), source },
            other => other,
        };
        let register = Arc::new(register.map_err(unusable)?);
        let (held, origin) = (register.now(), Origin::Decisions(register.held()));
        let checked = held.checked.clone();
        return Ok(Rules { origin, register: Some(register), checked, looked_at: [0; 32] });
    }
    let folder = read(options.rules.clone()).await?;
    let checked = check(&folder, &options.environment)?;
    let origin = Origin::Files(Changes::of(options)?);
    Ok(Rules { origin, register: None, checked, looked_at: folder.digest() })
}

/// What keeps a registry from its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Well,
    StoreAway,
    /// It is of the sandbox, and production has not said which credentials are its own.
    BeforeProduction,
    /// It works on, and lacks what the newer one has.
    BesideNewer,
    /// It cannot read what the newer one has written.
    BehindNewer,
}

const STORE_AWAY: &str = "the store of the registry does not answer: nothing can be decided";

/// What is wrong with the registry's store, as its state tells it: `store-failed`. `None`: nothing.
pub fn store_trouble(state: &State) -> Option<&'static str> {
    (state.cause("rules") == Some(STORE_AWAY)).then_some("store-failed")
}

/// Takes in what other registries decide. While the store is away, gateways keep the rules that they have.
async fn follow(register: Arc<Register>, rules: Component, close: CancellationToken) {
    let mut ticks = interval(FOLLOW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut standing, mut told) = (Standing::Well, 0);
    loop {
        tokio::select! {
            () = close.cancelled() => return,
            _ = ticks.tick() => {}
        }
        told = recover::tell(&register.now().catalogue, told);
        let followed = register.follow(FOLLOW).await;
        let now = match &followed {
            Ok(()) if own::are_of_a_newer_program(&register.now().catalogue) => Standing::BesideNewer,
            Ok(()) if waits_for_production(&register.now().catalogue) => Standing::BeforeProduction,
            Ok(()) => Standing::Well,
            Err(HistoryError::Newer { .. }) => Standing::BehindNewer,
            Err(_) => Standing::StoreAway,
        };
        if now != standing {
            standing = now;
            tell(standing, followed.err(), &rules);
        }
    }
}

fn tell(standing: Standing, error: Option<HistoryError>, rules: &Component) {
    if let Some(error) = error {
        warn!(%error, "nothing can be decided");
    }
    match standing {
        Standing::Well => rules.ready(),
        Standing::StoreAway => {
            rules.degraded(STORE_AWAY);
        }
        Standing::BeforeProduction => {
            warn!(
                "credentials of an older history were not published from here, and are left: start the registry of production"
            );
            rules.degraded("waits for the registry of production");
        }
        Standing::BesideNewer => {
            warn!("a newer program has put the registry's services, and they stay: update this one");
            rules.degraded("the registry's services are those of a newer program");
        }
        Standing::BehindNewer => {
            rules.degraded("the history was written by a newer program: nothing can be decided");
        }
    }
}

impl Registry {
    /// The services, for [`lgsp_bus::serve`] under the domain `registry`.
    pub fn routes(&self) -> Routes {
        let desk = Desk::new(self.register.clone(), self.followers.clone());
        let decisions = Decisions::new(desk.clone());
        let connections = Connections::new(desk.clone(), self.holidays.clone());
        Routes::new(RegistryServiceServer::new(Service::new(self.current.clone())))
            .add_service(DecisionServiceServer::new(decisions))
            .add_service(ConnectionServiceServer::new(connections))
            .add_service(CatalogueServiceServer::new(Services::new(desk.clone())))
            .add_service(CredentialServiceServer::new(Credentials::new(desk.clone())))
            .add_service(AdministrationServiceServer::new(Administrators::new(desk.clone())))
            .add_service(HistoryServiceServer::new(Past::new(desk, self.current.clone(), &self.environment)))
    }

    /// Whether the rules that are published know this key as one of an application's.
    pub fn knows_key(&self, application: &str, public_key: &[u8; 32]) -> bool {
        let published = self.current.borrow().clone();
        let applications = published.iter().flat_map(|published| &published.snapshot().applications);
        let mut credentials =
            applications.filter(|known| known.id == application).flat_map(|known| &known.credentials);
        credentials.any(|known| known.ed25519_public_key[..] == public_key[..])
    }

    /// The applications whose last credential ends within 60 days, or has ended lately; soonest first, and no more than so many.
    pub fn credentials_ending(&self, now: i64, most: usize) -> Vec<Ending> {
        let published = self.current.borrow().clone();
        let of = |published: Arc<Published>| reminders::of_applications(published.snapshot(), now);
        let mut ending = published.map(of).unwrap_or_default();
        ending.truncate(most);
        ending
    }

    /// The revision that is published; 0 before the first.
    pub fn revision(&self) -> u64 {
        u64::try_from(self.revision.get()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::Change;
    use lgsp_runtime::Instance;
    use lgsp_runtime::state::Condition;
    use lgsp_store::Options as StoreOptions;
    use tokio::time::Instant;

    use super::*;
    use crate::rules::Folder;

    #[tokio::test]
    async fn a_registry_says_in_its_state_that_a_newer_program_works_on_its_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreOptions::of(format!("sqlite:{}", folder.path().join("registry.db").display()));
        let shipped = check(&Folder::of(crate::shipped().iter().copied()), "production").unwrap();
        let first = async || Ok::<_, Error>((shipped, 0));
        let register = Arc::new(Register::open(&store, "production", None, first).await.unwrap());
        let last = register.now().catalogue.clone();
        let theirs = Change {
            sequence: last.sequence + 1,
            revision: last.revision,
            own_services: own::NUMBER + 1,
            ..Change::default()
        };
        assert!(register.history().append(&theirs, Instant::now() + FOLLOW).await.unwrap());

        let state = State::new(Instance::new("registry", "0.0.0"));
        let rules = state.component("rules");
        rules.ready();
        let close = CancellationToken::new();
        let following = tokio::spawn(follow(register, rules, close.clone()));
        let degraded = async {
            while state.condition("rules") != Some(Condition::Degraded) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(FOLLOW * 20, degraded).await.expect("the state tells");
        close.cancel();
        following.await.unwrap();
    }
}
