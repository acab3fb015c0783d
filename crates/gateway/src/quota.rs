//! What agreements have left of their quotas, over all gateways.
//!
//! *Per second*, each gateway has a [`share`] of the quota, by what each was asked for: heartbeats tell it. *Per day*, a gateway
//! counts what it has granted itself, and hears what the others have ([`elsewhere`]): of the ledger what has ended ([`usage`]), and of
//! themselves, by their heartbeats, what they have granted. All is heard beside the path: a charge looks up, and waits for nobody.

mod elsewhere;
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

use elsewhere::Elsewhere;
use share::ONE;

/// Agreements that are counted at most; those of another day go first.
const MOST_AGREEMENTS: usize = 10_000;
/// Longest id of an agreement that heartbeats tell of.
const LONGEST_ID: usize = 128;
const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;
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
    told: Mutex<LastTold>,
}

/// What heartbeats told last.
struct LastTold {
    at: Instant,
    demands: Vec<Demand>,
}

/// What a heartbeat shall tell of an agreement; the busier one is the greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    asked: u32,
    agreement: Reverse<Arc<str>>,
    /// On this day, if it has a quota per day.
    granted: Option<u64>,
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
    elsewhere: Elsewhere,
}

impl Quotas {
    pub(crate) fn new(instance: &str) -> Self {
        let told = Mutex::new(LastTold { at: Instant::now(), demands: Vec::new() });
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

    /// Takes in what the ledger has counted, unless more is known: of today, and of tomorrow, which a clock that is ahead has begun.
    pub(crate) fn hear(&self, usage: &Usage, now: i64) {
        let today = time::day(now);
        if usage.day != today && usage.day != time::day(now.saturating_add(DAY)) {
            return;
        }
        if let Some(elsewhere) = elsewhere_of(&mut self.used.lock(), &usage.agreement, now) {
            elsewhere.hear(usage, &self.instance, &today);
        }
    }

    /// Takes in what another gateway tells that it has granted today. One that is ahead tells it again tomorrow.
    pub(crate) fn hear_demands(&self, gateway: &str, demands: &[Demand], now: i64) {
        let today = time::day(now);
        let mut used = self.used.lock();
        for demand in demands.iter().filter(|demand| demand.day == today) {
            if let Some(elsewhere) = elsewhere_of(&mut used, &demand.agreement, now) {
                elsewhere.hear_of(gateway, &today, demand.granted);
            }
        }
    }

    /// What was asked for just now and granted today, by agreement with a quota, the busiest first. What was asked for fades by half
    /// with each heartbeat, so that an application that calls now and then keeps its share.
    pub(crate) fn demands(&self, now: Instant, now_us: i64) -> Vec<Demand> {
        let mut told = self.told.lock();
        let measured = now.saturating_duration_since(told.at);
        if measured >= LEAST_MEASURED {
            told.at = now;
            let today = time::day(now_us);
            let busiest = self.busiest(measured, &today).into_sorted_vec().into_iter();
            let demand = |Reverse(Told { asked, agreement: Reverse(agreement), granted })| Demand {
                agreement: agreement.to_string(),
                asked,
                granted: granted.unwrap_or(0),
                day: granted.map(|_| today.clone()).unwrap_or_default(),
            };
            told.demands = busiest.map(demand).collect();
        }
        told.demands.clone()
    }

    /// As many agreements as a heartbeat tells of. Charges wait meanwhile, so that nothing is allocated here but this.
    fn busiest(&self, measured: Duration, today: &str) -> BinaryHeap<Reverse<Told>> {
        let mut busiest = BinaryHeap::with_capacity(MOST_DEMANDS + 1);
        for (agreement, used) in self.used.lock().iter_mut() {
            let (asked, granted) = (used.fade(measured), used.granted_on(today));
            // What nobody else has counted is told until somebody has.
            let is_told = asked > 0 || granted.is_some_and(|granted| granted > used.counted_on(today));
            if is_told && agreement.len() <= LONGEST_ID {
                busiest.push(Reverse(Told { asked, agreement: Reverse(agreement.clone()), granted }));
            }
            if busiest.len() > MOST_DEMANDS {
                busiest.pop();
            }
        }
        busiest
    }

    /// The agreements that have used half of their quota of the day or more, with the part that is used; the fullest first, and no
    /// more than so many.
    pub(crate) fn fullest(&self, now: i64, most: usize) -> Vec<(String, f64)> {
        let today = time::day(now);
        let used = self.used.lock();
        let parts = used.iter().filter_map(|(agreement, used)| Some((agreement, used.part_of(&today)?)));
        let mut fullest: Vec<(String, f64)> =
            parts.filter(|(_, part)| *part >= 0.5).map(|(id, part)| (id.to_string(), part)).collect();
        fullest.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        fullest.truncate(most);
        fullest
    }

    /// How many agreements have little or nothing left of their quota of the day.
    pub(crate) fn near_their_end(&self, now: i64) -> usize {
        let today = time::day(now);
        self.used.lock().values().filter(|used| used.is_near_its_end(&today)).count()
    }
}

/// What is heard of an agreement, if there is room for it.
fn elsewhere_of<'a>(
    used: &'a mut HashMap<Arc<str>, Used>,
    agreement: &str,
    now: i64,
) -> Option<&'a mut Elsewhere> {
    make_room(used, agreement, now);
    let is_known = used.contains_key(agreement);
    if agreement.len() > LONGEST_ID || (used.len() >= MOST_AGREEMENTS && !is_known) {
        return None;
    }
    Some(&mut used.entry(agreement.into()).or_default().elsewhere)
}

fn make_room(used: &mut HashMap<Arc<str>, Used>, agreement: &str, now: i64) {
    if used.len() >= MOST_AGREEMENTS && !used.contains_key(agreement) {
        let day = time::day(now);
        used.retain(|_, used| used.day == day || used.elsewhere.knows(&day));
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
        self.asked = self.asked.saturating_add(1);
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
        here.saturating_add(self.elsewhere.used_on(day))
    }

    /// What was granted here of a quota of a day, if there is one and any was.
    fn granted_on(&self, day: &str) -> Option<u64> {
        (self.per_day.is_some() && self.day == day).then_some(self.in_day)
    }

    /// What of it the ledger has counted.
    fn counted_on(&self, day: &str) -> u64 {
        self.elsewhere.counted_here_on(day)
    }

    /// What was asked for, to be told.
    fn fade(&mut self, measured: Duration) -> u32 {
        let thousandths =
            u128::from(std::mem::take(&mut self.asked)) * 1_000_000 / measured.as_millis().max(1);
        let asked = u32::try_from(thousandths).unwrap_or(u32::MAX);
        self.demand = asked.max(self.demand / 2);
        self.demand
    }

    /// What part of its quota per day is used on a day.
    fn part_of(&self, today: &str) -> Option<f64> {
        self.per_day.filter(|bound| *bound > 0).map(|bound| self.of_day(today) as f64 / bound as f64)
    }

    fn is_near_its_end(&self, today: &str) -> bool {
        let near = |bound: u64| u128::from(self.of_day(today)) * 100 >= u128::from(bound) * u128::from(NEAR);
        self.per_day.is_some_and(near)
    }
}

#[cfg(test)]
mod tests;
