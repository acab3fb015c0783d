//! Whether the broker is there: it brings heartbeats, of which our own come back every second, and replies, and acknowledges
//! requests.

use std::sync::Arc;
use std::time::Duration;

use lgsp_bus::Caller;
use lgsp_runtime::{Component, State};
use tokio::time::interval;

use crate::surface::Surface;

/// How often to look.
const LOOK: Duration = Duration::from_millis(500);
/// A silence so long is no delay: four of our own heartbeats are missing, and nothing else came either.
const LOST: Duration = Duration::from_secs(4);

/// What is told of the broker.
pub(crate) struct Broker {
    /// Whether there is a place for replies.
    replies: Component,
    component: Component,
}

impl Broker {
    /// Nothing is known yet.
    pub(crate) fn new(state: &State) -> Self {
        Self { replies: state.component("replies"), component: state.component("broker") }
    }

    /// Tells the state and the health whether the broker is there, for ever.
    pub(crate) async fn tell(self, caller: Caller, surface: Arc<Surface>) {
        caller.until_ready().await;
        self.replies.ready();
        let mut every = interval(LOOK);
        loop {
            every.tick().await;
            if caller.silence() < LOST {
                self.component.ready();
                surface.health.find_broker().await;
            } else {
                self.component.failed("broker-not-heard");
                surface.health.lose_broker().await;
            }
        }
    }
}
