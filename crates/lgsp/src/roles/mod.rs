//! The roles, as they are composed in one process or run alone.
//!
//! A [`Host`] is what the roles of a process share: the configuration, the bus and the state. Each role starts from it and
//! becomes a [`Role`], whose shutdown ends it; `up` ends several in their order.

pub mod adapter;
pub mod console;
pub mod destroyed_keys;
pub mod facts;
pub mod gateway;
pub mod ledger;
pub mod links;
pub mod monitor;
pub mod registry;
pub mod subject_keys;
pub mod traffic;
pub mod witness;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use lgsp_bus::{Bus, MacKey, MacKeys, topics};
use lgsp_monitor::tell::Tellers;
use lgsp_runtime::shutdown::Late;
use lgsp_runtime::{Component, Instance, Shutdown, State};
use tracing::{info, warn};

use crate::config::Config;

/// The version that this build tells of itself.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the roles of a process share. A cheap handle.
#[derive(Clone, Debug)]
pub struct Host {
    /// The configuration, with its paths resolved.
    pub config: Box<Config>,
    /// The bus.
    pub bus: Bus,
    /// What the process tells of itself.
    pub state: State,
    /// What the roles tell of their links.
    pub links: Tellers,
}

/// A running role.
#[derive(Debug)]
pub struct Role {
    /// Its name, such as `gateway` or `adapter-land`.
    pub name: &'static str,
    /// Its end.
    pub shutdown: Shutdown,
}

/// A role that nobody stopped ends as by a kill, with its threads.
impl Drop for Role {
    fn drop(&mut self) {
        self.shutdown.abandon();
    }
}

/// What a role of a host starts with.
struct Start {
    instance: Instance,
    state: State,
    shutdown: Shutdown,
    /// From the first task on: a start that fails leaves nothing behind.
    role: Role,
}

impl Host {
    /// Opens the bus. A broker that is away is no error.
    ///
    /// # Errors
    /// The bus's options have no meaning, or a client could not be built.
    pub fn open(config: Config, state: State) -> anyhow::Result<Self> {
        let bus = Bus::open(config.kafka.clone()).context("the bus cannot be opened")?;
        bus.show(state.metrics());
        let links = Tellers::new(state.instance().name());
        state.show(Arc::new(links.page()));
        let host = Self { config: Box::new(config), bus, state, links };
        facts::of_process(&host);
        facts::of_consumers(&host);
        Ok(host)
    }

    fn start(&self, name: &'static str) -> Start {
        let state = self.state.scoped(name);
        let shutdown = Shutdown::new(state.clone(), self.config.shutdown.clone());
        let role = Role { name, shutdown: shutdown.clone() };
        Start { instance: Instance::new(name, VERSION), state, shutdown, role }
    }

    /// The MAC keys of all domains.
    fn mac_keys(&self) -> anyhow::Result<MacKeys> {
        Ok(MacKeys::new(crate::layout::read_mac_keys(&self.config.keys.mac)?))
    }

    /// The MAC key of one domain.
    fn mac_key(&self, domain: &str) -> anyhow::Result<MacKey> {
        Ok(crate::layout::read_mac_key(&self.config.keys.mac.join(format!("{domain}.key")))?)
    }
}

impl Start {
    fn into_role(self) -> Role {
        self.role
    }
}

impl Role {
    /// Ends the role in order; what does not end within its bound is left behind, and said.
    pub async fn stop(&self) {
        for Late { stage, name, tasks } in self.shutdown.run().await {
            warn!(role = self.name, %stage, name, tasks, "did not end within its bound");
        }
        info!(role = self.name, "role ended");
    }
}

/// How often the topics are looked at until they are as the hub needs them.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Compares the topics of a role with what it needs until nothing is wrong with them, and tells what is.
pub async fn watch_topics(host: Host, role: topics::Role) {
    let told = host.state.component("topics");
    told.starting("waits for the broker");
    loop {
        match topics::check_of(&host.bus, &role).await {
            Ok(problems) if problems.is_empty() => return told.ready(),
            Ok(problems) => {
                for problem in &problems {
                    warn!(
                        topic = problem.topic,
                        problem = problem.problem,
                        "topic is not as the hub needs it"
                    );
                }
                told.degraded("topics are not as the hub needs them: run lgsp topics check");
            }
            Err(error) => {
                warn!(%error, "topics cannot be compared");
                told.failed(match error {
                    lgsp_bus::Error::Untrusted { .. } => "tls with kafka fails",
                    lgsp_bus::Error::LoginRefused { .. } => "kafka refuses our user or its password",
                    _ => "the broker does not answer",
                });
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Tells in a component whether a provider takes requests: it owns partitions, and the broker answers.
fn tell_when_serving(serving: lgsp_bus::Serving, component: Component, shutdown: &Shutdown) {
    component.starting("waits for its partitions");
    let leaving = shutdown.begins(lgsp_runtime::Stage::NotServing);
    shutdown.spawn(lgsp_runtime::Stage::NotServing, "serving state", async move {
        let told = async {
            loop {
                serving.until_ready().await;
                component.ready();
                serving.until_lost().await;
                component.failed("its partitions are lost, or the broker does not answer");
            }
        };
        leaving.run_until_cancelled(told).await;
    });
}

#[cfg(test)]
mod tests {
    use lgsp_bus::{Health, Options, ServeOptions};
    use lgsp_runtime::state::Condition;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_provider_is_ready_again_when_the_lost_broker_is_back() {
        let state = State::new(Instance::new("adapter-land", VERSION));
        let shutdown = Shutdown::new(state.clone(), lgsp_runtime::shutdown::Options::default());
        let bus = Bus::open(Options::default()).unwrap();
        let (options, key) = (ServeOptions::default(), MacKey::new([7; 32]));
        let routes = Default::default();
        let serving =
            lgsp_bus::serve(&bus, options, "land", "land-1", key, routes, Health::new(), &shutdown).await;
        tell_when_serving(serving.unwrap(), state.component("requests"), &shutdown);
        let until = async |condition| {
            while state.condition("requests") != Some(condition) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let story = async {
            until(Condition::Ready).await;
            bus.lose_broker().unwrap();
            until(Condition::Failed).await;
            bus.restore_broker().unwrap();
            until(Condition::Ready).await;
        };
        tokio::time::timeout(Duration::from_secs(30), story).await.expect("the state follows the broker");
    }
}
