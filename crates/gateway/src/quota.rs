//! What agreements have left of their quotas, over all gateways.
//!
//! *Per second*, each gateway has a [`share`] of the quota, by what each was asked for: heartbeats tell it. *Per day*, a gateway
//! counts what it has granted itself, and hears of the ledger what the others have ([`usage`]). Both are heard beside the path:
//! a charge looks up, and waits for nobody.

mod share;
pub(crate) mod usage;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lgsp_bus::{Asked, MOST_DEMANDS};
use lgsp_core::{Fault, Grant, Reason, time};
use lgsp_proto::ledger::v1::Usage;
use lgsp_proto::monitor::v1::Demand;
use parking_lot::Mutex;

use share::ONE;

/// Agreements that are counted at most; those of another day go first.
const MOST_AGREEMENTS: usize = 10_000;
/// Longest id of an agreement that heartbeats tell of.
const LONGEST_ID: usize = 128;
const MICROS: i64 = 1_000_000;
/// Two charges may cross each other by so much; a clock that goes back further was set.
const CROSSING: i64 = MICROS;
/// What was asked for in less than this tells little of a second.
const LEAST_MEASURED: Duration = Duration::from_millis(500);
/// A quota of a day of which this part is used is near its end, in hundredths.
const NEAR: u64 = 90;

/// Counts of this gateway, per agreement.
pub(crate) struct Quotas {
    /// The name of this gateway.
    instance: String,
    used: Mutex<HashMap<Arc<str>, Used>>,
    told: Mutex<Told>,
}

/// What heartbeats told last.
struct Told {
    at: Instant,
    demands: Vec<Demand>,
}

/// What was charged for an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    /// The second, and so the day, that it was charged to.
    second: i64,
}

#[derive(Default)]
struct Used {
    /// When it was charged last.
    at: i64,
    second: Option<i64>,
    /// What the second has left, in millionths of an exchange.
    left: u64,
    /// What was asked for since it was told last.
    asked: u32,
    /// What was told, in thousandths of an exchange per second.
    demand: u32,
    day: String,
    in_day: u64,
    per_day: Option<u64>,
    /// What the other gateways have used of a day.
    elsewhere: Elsewhere,
}

/// What others have used of an agreement on a day, as the ledger tells.
#[derive(Default)]
struct Elsewhere {
    day: String,
    /// What all have used, by which the later of two counts is known.
    of_all: u64,
    used: u64,
}

impl Quotas {
    pub(crate) fn new(instance: &str) -> Self {
        let told = Mutex::new(Told { at: Instant::now(), demands: Vec::new() });
        Self { instance: instance.to_owned(), used: Mutex::default(), told }
    }

    /// Charges one exchange at a moment (Unix µs); what is charged may be given back. `asked` tells what all gateways were asked for under an agreement; it is asked
    /// once a second.
    pub(crate) fn charge(
        &self,
        grant: &Grant,
        now: i64,
        asked: impl FnOnce(&str) -> Asked,
    ) -> Result<Charge, Fault> {
        if grant.per_second.is_none() && grant.per_day.is_none() {
            return Ok(Charge { second: now.div_euclid(MICROS) });
        }
        let mut used = self.used.lock();
        make_room(&mut used, &grant.agreement, now);
        used.entry(grant.agreement.clone()).or_default().charge(grant, now, asked)
    }

    /// Gives back what was charged for an exchange that was not sent: the ledger does not count it either.
    pub(crate) fn give_back(&self, grant: &Grant, charge: Charge) {
        if let Some(used) = self.used.lock().get_mut(&grant.agreement) {
            used.give_back(grant, charge);
        }
    }

    /// Takes in what the ledger has counted, unless more is known.
    pub(crate) fn hear(&self, usage: &Usage, now: i64) {
        let own = usage.gateways.iter().find(|of| of.gateway == self.instance).map_or(0, |of| of.used);
        let mut used = self.used.lock();
        let today = time::day(now);
        if usage.day < today || usage.agreement.len() > LONGEST_ID {
            return;
        }
        make_room(&mut used, &usage.agreement, now);
        if used.len() >= MOST_AGREEMENTS && !used.contains_key(usage.agreement.as_str()) {
            return;
        }
        let elsewhere = &mut used.entry(usage.agreement.as_str().into()).or_default().elsewhere;
        if (&*usage.day, usage.used) > (&*elsewhere.day, elsewhere.of_all) {
            let (day, of_all) = (usage.day.clone(), usage.used);
            *elsewhere = Elsewhere { day, of_all, used: of_all.saturating_sub(own) };
        }
    }

    /// What was asked for just now, by agreement with a quota per second, the busiest first. It fades by half with each
    /// heartbeat, so that an application that calls now and then keeps its share.
    pub(crate) fn demands(&self, now: Instant) -> Vec<Demand> {
        let mut told = self.told.lock();
        let measured = now.saturating_duration_since(told.at);
        if measured >= LEAST_MEASURED {
            told.at = now;
            let busiest = self.busiest(measured).into_sorted_vec().into_iter();
            let told_of = busiest.map(|Reverse((asked, Reverse(agreement)))| (agreement.to_string(), asked));
            told.demands = told_of.map(|(agreement, asked)| Demand { agreement, asked }).collect();
        }
        told.demands.clone()
    }

    /// As many agreements as a heartbeat tells of. Charges wait meanwhile, so that nothing is allocated here but this.
    fn busiest(&self, measured: Duration) -> BinaryHeap<Reverse<(u32, Reverse<Arc<str>>)>> {
        let mut busiest = BinaryHeap::with_capacity(MOST_DEMANDS + 1);
        for (agreement, used) in self.used.lock().iter_mut() {
            let asked = used.fade(measured);
            if asked > 0 && agreement.len() <= LONGEST_ID {
                busiest.push(Reverse((asked, Reverse(agreement.clone()))));
            }
            if busiest.len() > MOST_DEMANDS {
                busiest.pop();
            }
        }
        busiest
    }

    /// How many agreements have little or nothing left of their quota of the day.
    pub(crate) fn near_their_end(&self, now: i64) -> usize {
        let today = time::day(now);
        self.used.lock().values().filter(|used| used.is_near_its_end(&today)).count()
    }
}

fn make_room(used: &mut HashMap<Arc<str>, Used>, agreement: &str, now: i64) {
    if used.len() >= MOST_AGREEMENTS && !used.contains_key(agreement) {
        let day = time::day(now);
        used.retain(|_, used| used.day == day || used.elsewhere.day == day);
    }
}

impl Used {
    fn charge(
        &mut self,
        grant: &Grant,
        now: i64,
        asked: impl FnOnce(&str) -> Asked,
    ) -> Result<Charge, Fault> {
        // A charge that comes a little late would begin a past second anew, and then the running one once more.
        let now = if (now..now.saturating_add(CROSSING)).contains(&self.at) { self.at } else { now };
        self.at = now;
        let second = now.div_euclid(MICROS);
        if self.second != Some(second) {
            self.begin(second, grant, asked);
        }
        if grant.per_second.is_some() {
            self.asked = self.asked.saturating_add(1);
        }
        if grant.per_day.is_some_and(|bound| self.of_day(&self.day) >= bound) {
            return Err(Fault::new(Reason::QuotaExceeded).retry_after(time::until_tomorrow(now)));
        }
        if grant.per_second.is_some() {
            let left = self.left.checked_sub(ONE).ok_or(Reason::QuotaExceeded)?;
            self.left = left;
        }
        self.in_day += 1;
        Ok(Charge { second })
    }

    /// What a second or a day had left is gone with it.
    fn give_back(&mut self, grant: &Grant, charge: Charge) {
        if grant.per_second.is_some() && self.second == Some(charge.second) {
            self.left += ONE;
        }
        if self.day == time::day(charge.second.saturating_mul(MICROS)) {
            self.in_day = self.in_day.saturating_sub(1);
        }
    }

    fn begin(&mut self, second: i64, grant: &Grant, asked: impl FnOnce(&str) -> Asked) {
        if let Some(quota) = grant.per_second {
            let share = share::of_second(quota, asked(&grant.agreement));
            self.left = match self.second {
                Some(last) => share::in_second(share, self.left, (second - last).max(1).cast_unsigned()),
                None => share::at_first(share),
            };
        }
        self.second = Some(second);
        self.per_day = grant.per_day;
        let day = time::day(second.saturating_mul(MICROS));
        if self.day != day {
            (self.day, self.in_day) = (day, 0);
        }
    }

    /// What was used of a day here and elsewhere.
    fn of_day(&self, day: &str) -> u64 {
        let here = if self.day == day { self.in_day } else { 0 };
        let elsewhere = if self.elsewhere.day == day { self.elsewhere.used } else { 0 };
        here.saturating_add(elsewhere)
    }

    /// What was asked for, to be told.
    fn fade(&mut self, measured: Duration) -> u32 {
        let thousandths =
            u128::from(std::mem::take(&mut self.asked)) * 1_000_000 / measured.as_millis().max(1);
        let asked = u32::try_from(thousandths).unwrap_or(u32::MAX);
        self.demand = asked.max(self.demand / 2);
        self.demand
    }

    fn is_near_its_end(&self, today: &str) -> bool {
        let near = |bound: u64| u128::from(self.of_day(today)) * 100 >= u128::from(bound) * u128::from(NEAR);
        self.per_day.is_some_and(near)
    }
}

#[cfg(test)]
mod tests;
