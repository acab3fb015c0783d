//! Which gateways have which rules, as their heartbeats tell.

use std::collections::BTreeMap;
use std::time::Duration;

use lgsp_bus::{Bus, Start, Tailed, topics};
use lgsp_proto::monitor::v1::Heartbeat;
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long a decision waits for the gateways to follow it.
pub(crate) const FOLLOWING: Duration = Duration::from_secs(2);
/// A gateway that was not heard for so long, while others were, is not waited for: it is dead, and reads the rules before it serves
/// again. Silence of all is none: then it is we who do not hear.
const LIVES: Duration = Duration::from_millis(2_500);
/// Most gateways that are followed.
const MOST: usize = 256;
const GATEWAY: &str = "gateway";
/// Told in the place of a gateway's name.
const NONE_HEARD: &str = "(none was heard)";
const READ_AGAIN: Duration = Duration::from_secs(1);

/// What was heard of the gateways. A cheap handle.
///
/// Heartbeats of gateways are not signed: whoever may write them can only make us wait, or name one too few.
#[derive(Clone, Debug)]
pub(crate) struct Followers {
    heard: watch::Sender<BTreeMap<String, Heard>>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    revision: u64,
    at: Instant,
}

impl Followers {
    pub fn new() -> Self {
        Self { heard: watch::Sender::new(BTreeMap::new()) }
    }

    /// Listens until `close`.
    pub async fn listen(self, bus: Bus, close: CancellationToken) {
        loop {
            tokio::select! {
                () = close.cancelled() => return,
                () = self.listen_once(&bus) => sleep(READ_AGAIN).await,
            }
        }
    }

    async fn listen_once(&self, bus: &Bus) {
        let Ok(mut tail) = bus.tail(topics::HEARTBEAT, Start::End) else { return };
        loop {
            match tail.next().await {
                Ok(Tailed::Record(record)) => {
                    let beat = record.value.as_deref().and_then(|value| Heartbeat::decode(value).ok());
                    if let Some(beat) = beat {
                        self.hear(beat, Instant::now());
                    }
                }
                Ok(Tailed::CaughtUp) => {}
                Err(error) => return debug!(%error, "heartbeats cannot be read"),
            }
        }
    }

    /// Hears a heartbeat of whatever role: it tells how long those of gateways are silent already.
    fn hear(&self, beat: Heartbeat, at: Instant) {
        self.heard.send_modify(|heard| {
            heard.retain(|_, heard| at.saturating_duration_since(heard.at) < LIVES);
            if beat.role != GATEWAY {
                return;
            }
            if beat.leaving {
                heard.remove(&beat.instance);
            } else if heard.len() < MOST || heard.contains_key(&beat.instance) {
                heard.insert(beat.instance, Heard { revision: beat.registry_revision, at });
            }
        });
    }

    /// Waits until every live gateway has the revision, but no longer than `until`; names those that have not, or tells that none was
    /// heard: as whoever asks came through one, there are some.
    pub async fn until_all_have(&self, revision: u64, until: Instant) -> Vec<String> {
        let mut heard = self.heard.subscribe();
        loop {
            let behind = behind(&heard.borrow_and_update(), revision);
            if behind.is_empty() {
                return behind;
            }
            match timeout_at(until, heard.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return behind,
            }
        }
    }
}

fn behind(heard: &BTreeMap<String, Heard>, revision: u64) -> Vec<String> {
    if heard.is_empty() {
        return vec![NONE_HEARD.to_owned()];
    }
    let behind = heard.iter().filter(|(_, heard)| heard.revision < revision);
    behind.map(|(instance, _)| instance.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(instance: &str, revision: u64) -> Heartbeat {
        let (instance, role) = (instance.to_owned(), GATEWAY.to_owned());
        Heartbeat { instance, role, registry_revision: revision, ..Heartbeat::default() }
    }

    fn of_an_adapter() -> Heartbeat {
        Heartbeat { role: "adapter".to_owned(), ..beat("land", 0) }
    }

    #[tokio::test(start_paused = true)]
    async fn every_live_gateway_is_waited_for_and_those_that_do_not_follow_are_named() {
        let followers = Followers::new();
        let now = Instant::now();
        followers.hear(beat("a", 7), now);
        followers.hear(beat("b", 6), now);
        let soon = now + Duration::from_secs(2);
        let waiting = followers.until_all_have(7, soon);
        let follows = async {
            sleep(Duration::from_secs(1)).await;
            followers.hear(beat("a", 7), Instant::now());
            followers.hear(beat("b", 7), Instant::now());
        };
        let (behind, ()) = tokio::join!(waiting, follows);
        assert_eq!(behind, Vec::<String>::new());
        assert_eq!(followers.until_all_have(8, Instant::now() + Duration::from_secs(2)).await, ["a", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_is_silent_or_leaves_is_not_waited_for() {
        let followers = Followers::new();
        for instance in ["a", "b", "c"] {
            followers.hear(beat(instance, 6), Instant::now());
        }
        followers.hear(Heartbeat { leaving: true, ..beat("b", 6) }, Instant::now());
        tokio::time::advance(LIVES).await;
        followers.hear(beat("c", 7), Instant::now());
        assert!(followers.until_all_have(7, Instant::now()).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_hears_no_gateway_says_so_and_never_that_all_follow() {
        let followers = Followers::new();
        let (begun, two_seconds) = (Instant::now(), Duration::from_secs(2));
        assert_eq!(followers.until_all_have(7, begun + two_seconds).await, [NONE_HEARD]);
        assert_eq!(Instant::now(), begun + two_seconds, "one may be heard yet");
        followers.hear(of_an_adapter(), Instant::now());
        assert_eq!(followers.until_all_have(7, Instant::now()).await, [NONE_HEARD]);
    }

    #[tokio::test(start_paused = true)]
    async fn with_all_heartbeats_silent_nobody_has_died_and_with_those_of_gateways_they_have() {
        let followers = Followers::new();
        followers.hear(beat("a", 6), Instant::now());
        tokio::time::advance(LIVES * 4).await;
        assert_eq!(followers.until_all_have(7, Instant::now()).await, ["a"]);
        followers.hear(of_an_adapter(), Instant::now());
        assert_eq!(followers.until_all_have(7, Instant::now()).await, [NONE_HEARD]);
    }
}
