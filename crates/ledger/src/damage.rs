//! What was found damaged, for whoever has to repair it.

use std::sync::Arc;

use lgsp_runtime::Component;
use parking_lot::Mutex;
use tracing::error;

use crate::Damage;

/// Most places that are kept. All of them are logged.
const MOST: usize = 1_000;

/// The damage that was found since the start. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Damages {
    found: Arc<Mutex<Vec<Damage>>>,
    component: Component,
}

impl Damages {
    pub fn new(component: Component) -> Self {
        component.ready();
        Self { found: Arc::default(), component }
    }

    /// Names a damage, once.
    pub fn note(&self, damage: Damage) {
        let mut found = self.found.lock();
        if found.contains(&damage) {
            return;
        }
        error!(file = %damage.file.display(), byte = damage.byte, "a file of the ledger is damaged");
        self.component.degraded("a file of the ledger is damaged");
        if found.len() < MOST {
            found.push(damage);
        }
    }

    pub fn found(&self) -> Vec<Damage> {
        self.found.lock().clone()
    }
}
