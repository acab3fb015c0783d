//! What the registry held at a moment, as figures.

use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Application, ApplicationState, ConnectionRecord, Item, NationalService, NationalServiceState, System,
};

use super::Ratio;

/// What the registry held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Applications that are connected, of those that shall be.
    pub applications: Vec<Application>,
    /// The inventory, by id.
    pub systems: Vec<System>,
    /// The services of the national platform, by id.
    pub national: Vec<NationalService>,
}

/// The three ratios; `None` of what the registry did not hold at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// Applications connected, of those required.
    pub applications: Option<Ratio>,
    /// Services of the national platform in official use, of those available.
    pub national: Option<Ratio>,
    /// Systems connected, of the inventory.
    pub systems: Option<Ratio>,
}

impl Held {
    /// Takes in one record.
    pub fn add(&mut self, item: &Item) {
        match &item.item {
            Some(Of::Application(it) | Of::Connection(ConnectionRecord { application: Some(it), .. })) => {
                self.applications.extend(is_required(it).then(|| it.clone()));
            }
            Some(Of::System(it)) => self.systems.push(it.clone()),
            Some(Of::NationalService(it)) => self.national.push(it.clone()),
            _ => {}
        }
    }

    /// The ratios.
    pub fn stood(&self) -> Stood {
        Stood {
            applications: ratio(&self.applications, connected),
            national: ratio(&self.national, |it| it.state() == NationalServiceState::InUse),
            systems: ratio(&self.systems, |it| !it.application.is_empty()),
        }
    }
}

/// Whether an application is connected.
pub fn connected(application: &Application) -> bool {
    application.state() == ApplicationState::Connected
}

/// The hub's own tool is none of them, nor is what was refused or has ended.
fn is_required(application: &Application) -> bool {
    let is_over = matches!(application.state(), ApplicationState::Refused | ApplicationState::Retired);
    !application.platform && !is_over
}

fn ratio<T>(all: &[T], is: impl Fn(&T) -> bool) -> Option<Ratio> {
    let part = all.iter().filter(|it| is(it)).count() as u64;
    (!all.is_empty()).then_some(Ratio { part, of: all.len() as u64 })
}
