//! What the other gateways have used of an agreement on a day: what the ledger has counted, which is what has ended; and what each of
//! them has granted beyond that, which is in flight.

use std::collections::HashMap;

use lgsp_proto::ledger::v1::Usage;

/// As many gateways as the ledger tells of at most. What one that it does not tell of has used is in the sum.
const MOST_GATEWAYS: usize = 64;

/// As of two days: the one that it is here, and the one before or after it. Midnight comes to the others earlier or later.
#[derive(Default)]
pub(super) struct Elsewhere {
    days: [OfDay; 2],
}

#[derive(Default)]
struct OfDay {
    day: String,
    /// What all have used as the ledger tells, by which the later of two counts is known.
    of_all: u64,
    /// What of it was used here.
    here: u64,
    /// The same by the other gateways.
    counted: HashMap<String, u64>,
    /// What they have granted, as they told last.
    granted: HashMap<String, u64>,
    used: u64,
}

impl Elsewhere {
    /// Takes in what the ledger has counted, unless more is known.
    pub fn hear(&mut self, usage: &Usage, own: &str, today: &str) {
        self.of_day(&usage.day, today).hear(usage, own);
    }

    /// Takes in what another gateway has granted today. What it could not send it takes back: the last word counts.
    pub fn hear_of(&mut self, gateway: &str, today: &str, granted: u64) {
        self.of_day(today, today).hear_of(gateway, granted);
    }

    /// What they have used of a day.
    pub fn used_on(&self, day: &str) -> u64 {
        self.on(day).map_or(0, |known| known.used)
    }

    /// What of a day is counted of what was granted here.
    pub fn counted_here_on(&self, day: &str) -> u64 {
        self.on(day).map_or(0, |known| known.here)
    }

    /// Whether anything was heard of a day.
    pub fn knows(&self, day: &str) -> bool {
        self.on(day).is_some()
    }

    fn on(&self, day: &str) -> Option<&OfDay> {
        self.days.iter().find(|known| known.day == day)
    }

    /// The count of a day. A new one takes the place of the earlier of the two, but never of today's.
    fn of_day(&mut self, day: &str, today: &str) -> &mut OfDay {
        let [one, other] = &mut self.days;
        if one.day == day {
            return one;
        }
        if other.day == day {
            return other;
        }
        let place = if other.day == today || (one.day != today && one.day < other.day) { one } else { other };
        *place = OfDay { day: day.to_owned(), ..OfDay::default() };
        place
    }
}

impl OfDay {
    fn hear(&mut self, usage: &Usage, own: &str) {
        if usage.used <= self.of_all {
            return;
        }
        self.of_all = usage.used;
        self.here = usage.gateways.iter().find(|of| of.gateway == own).map_or(0, |of| of.used);
        let others = usage.gateways.iter().take(MOST_GATEWAYS).filter(|of| of.gateway != own);
        self.counted = others.map(|of| (of.gateway.clone(), of.used)).collect();
        self.sum();
    }

    fn hear_of(&mut self, gateway: &str, granted: u64) {
        if self.granted.len() >= MOST_GATEWAYS && !self.granted.contains_key(gateway) {
            let counted = &self.counted;
            self.granted.retain(|gateway, granted| counted.get(gateway).is_none_or(|of| of < granted));
        }
        if self.granted.len() < MOST_GATEWAYS || self.granted.contains_key(gateway) {
            self.granted.insert(gateway.to_owned(), granted);
            self.sum();
        }
    }

    fn sum(&mut self) {
        let all_are_told = self.counted.len() + 1 < MOST_GATEWAYS;
        let in_flight = self.granted.iter().filter_map(|(gateway, granted)| {
            let counted = self.counted.get(gateway).copied();
            counted.or(all_are_told.then_some(0)).map(|counted| granted.saturating_sub(counted))
        });
        let counted = self.of_all.saturating_sub(self.here);
        self.used = in_flight.fold(counted, u64::saturating_add);
    }
}
