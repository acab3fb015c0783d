//! Which gateways live and what each was asked for, as heard in their heartbeats. Our own come back, too: whatever a gateway
//! makes of this, all of them make of the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;
use std::time::Instant;

use lgsp_proto::monitor::v1::{Demand, Heartbeat};
use parking_lot::Mutex;

use super::providers::SHOWN;
use crate::heartbeat::{LIVES, MOST_DEMANDS};

/// Most gateways that are heard.
const MOST_GATEWAYS: usize = 256;

/// What gateways were asked for under one agreement just now, in thousandths of an exchange per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What this gateway was asked for, as it has told.
    pub here: u64,
    /// What all of them were asked for, this one included.
    pub everywhere: u64,
    /// How many gateways live: at least this one.
    pub gateways: u32,
}

/// What was heard of gateways.
pub(crate) struct Gateways {
    /// The name of this one.
    own: String,
    heard: Mutex<BTreeMap<String, Heard>>,
    /// Who else hears what the others tell.
    taken: OnceLock<Taken>,
}

/// Takes in what the gateway of a name tells.
pub(crate) type Taken = Box<dyn Fn(&str, &[Demand]) + Send + Sync>;

struct Heard {
    at: Instant,
    /// The sender's own time, Unix µs.
    sent_us: i64,
    leaving: bool,
    asked: HashMap<String, u32>,
}

impl Gateways {
    pub(crate) fn new(own: &str) -> Self {
        Self { own: own.to_owned(), heard: Mutex::default(), taken: OnceLock::new() }
    }

    /// From now on `taken` takes in what each of the others tells, as soon as it is heard.
    pub(crate) fn tell(&self, taken: Taken) {
        // There is one gateway to a caller.
        let _ = self.taken.set(taken);
    }

    /// Hears a heartbeat whose sender has proven to be a gateway. Tells whether it is a new one: a repeat says nothing.
    pub(crate) fn hear(&self, heartbeat: &Heartbeat, now: Instant) -> bool {
        let is_new = self.note(heartbeat, now);
        if let Some(taken) = self.taken.get().filter(|_| is_new && heartbeat.instance != self.own) {
            taken(&heartbeat.instance, demands(heartbeat));
        }
        is_new
    }

    fn note(&self, heartbeat: &Heartbeat, now: Instant) -> bool {
        let mut gateways = self.heard.lock();
        gateways.retain(|_, heard| now.saturating_duration_since(heard.at) < SHOWN);
        match gateways.get(&heartbeat.instance) {
            Some(heard) if heartbeat.sent_us <= heard.sent_us => return false,
            None if gateways.len() >= MOST_GATEWAYS => return true,
            Some(_) | None => {}
        }
        let asked =
            demands(heartbeat).iter().map(|demand| (demand.agreement.clone(), demand.asked)).collect();
        let Heartbeat { sent_us, leaving, .. } = *heartbeat;
        gateways.insert(heartbeat.instance.clone(), Heard { at: now, sent_us, leaving, asked });
        true
    }

    /// What is asked for under an agreement.
    pub(crate) fn asked(&self, agreement: &str) -> Asked {
        let heard = self.heard.lock();
        let of = |heard: &Heard| u64::from(heard.asked.get(agreement).copied().unwrap_or(0));
        let others = live(&heard).filter(|(name, _)| **name != self.own);
        let (count, elsewhere) =
            others.fold((0_u32, 0_u64), |(count, sum), (_, heard)| (count + 1, sum + of(heard)));
        let here = heard.get(&self.own).map_or(0, of);
        Asked { here, everywhere: elsewhere + here, gateways: count + 1 }
    }

    /// How many gateways live, this one included.
    pub(crate) fn count(&self) -> usize {
        let heard = self.heard.lock();
        live(&heard).filter(|(name, _)| **name != self.own).count() + 1
    }
}

/// What a heartbeat tells of agreements; no more than a gateway has to say.
fn demands(heartbeat: &Heartbeat) -> &[Demand] {
    &heartbeat.demands[..heartbeat.demands.len().min(MOST_DEMANDS)]
}

/// Those that were heard until just now, and stay.
///
/// As of the last heartbeat of any of them, and not as of now: with heartbeats lost altogether, which a gateway knows by its own,
/// nobody has died, and what was known last is divided as before.
fn live(heard: &BTreeMap<String, Heard>) -> impl Iterator<Item = (&String, &Heard)> {
    let last = heard.values().map(|heard| heard.at).max();
    heard.iter().filter(move |(_, heard)| {
        let silent = last.map(|last| last.saturating_duration_since(heard.at));
        !heard.leaving && silent.is_some_and(|silent| silent < LIVES)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn heartbeat(instance: &str, sent_us: i64, asked: u32) -> Heartbeat {
        Heartbeat {
            instance: instance.to_owned(),
            sent_us,
            demands: vec![Demand { agreement: "a".to_owned(), asked, ..Demand::default() }],
            ..Heartbeat::default()
        }
    }

    fn asked(here: u64, everywhere: u64, gateways: u32) -> Asked {
        Asked { here, everywhere, gateways }
    }

    #[test]
    fn what_all_were_asked_for_is_the_sum_of_what_they_told() {
        let (gateways, now) = (Gateways::new("one"), Instant::now());
        assert_eq!(gateways.asked("a"), asked(0, 0, 1), "nothing was heard yet");
        gateways.hear(&heartbeat("one", 1, 3_000), now);
        gateways.hear(&heartbeat("two", 1, 1_000), now);
        assert_eq!(gateways.asked("a"), asked(3_000, 4_000, 2));
        assert_eq!(gateways.asked("b"), asked(0, 0, 2));
        gateways.hear(&heartbeat("two", 2, 5_000), now);
        assert_eq!(gateways.asked("a"), asked(3_000, 8_000, 2));
        assert!(!gateways.hear(&heartbeat("two", 2, 9_000), now), "a repeat");
        assert_eq!(gateways.asked("a"), asked(3_000, 8_000, 2));
    }

    #[test]
    fn what_another_gateway_tells_is_taken_in_once_and_our_own_never() {
        let (gateways, now) = (Gateways::new("one"), Instant::now());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let taking = taken.clone();
        gateways.tell(Box::new(move |gateway, demands| {
            taking.lock().push((gateway.to_owned(), demands.iter().map(|demand| demand.asked).sum::<u32>()));
        }));
        gateways.hear(&heartbeat("one", 1, 1), now);
        gateways.hear(&heartbeat("two", 2, 2), now);
        gateways.hear(&heartbeat("two", 2, 2), now);
        gateways.hear(&heartbeat("two", 1, 3), now);
        let mut many = heartbeat("two", 3, 1);
        many.demands = vec![many.demands[0].clone(); MOST_DEMANDS + 1];
        gateways.hear(&many, now);
        assert_eq!(*taken.lock(), [("two".to_owned(), 2), ("two".to_owned(), MOST_DEMANDS as u32)]);
    }

    #[test]
    fn a_gateway_that_leaves_or_is_heard_no_more_counts_no_more() {
        let (gateways, begun) = (Gateways::new("one"), Instant::now());
        gateways.hear(&heartbeat("one", 1, 1_000), begun);
        gateways.hear(&heartbeat("dead", 1, 1_000), begun);
        gateways.hear(&heartbeat("two", 1, 1_000), begun);
        gateways.hear(&Heartbeat { leaving: true, ..heartbeat("two", 2, 1_000) }, begun);
        assert_eq!(gateways.asked("a"), asked(1_000, 2_000, 2));
        gateways.hear(&heartbeat("one", 2, 1_000), begun + LIVES);
        assert_eq!(gateways.asked("a"), asked(1_000, 1_000, 1));
        assert_eq!(gateways.count(), 1);
    }

    #[test]
    fn who_hears_nobody_at_all_takes_nobody_for_dead() {
        let gateways = Gateways::new("one");
        let long_ago = Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
        gateways.hear(&heartbeat("one", 1, 1_000), long_ago);
        gateways.hear(&heartbeat("two", 1, 1_000), long_ago);
        assert_eq!(gateways.asked("a"), asked(1_000, 2_000, 2));
    }
}
