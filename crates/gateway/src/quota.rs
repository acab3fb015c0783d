//! What agreements have left of their quotas, as far as this gateway has charged them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lgsp_core::{Fault, Grant, Reason, time};
use parking_lot::Mutex;

/// Agreements that are counted at most; those of another day go first.
const MOST_AGREEMENTS: usize = 10_000;
const MICROS: i64 = 1_000_000;
/// Two charges may cross each other by so much; a clock that goes back further was set.
const CROSSING: i64 = MICROS;

/// Counts of this gateway, per agreement.
#[derive(Default)]
pub(crate) struct Quotas {
    used: Mutex<HashMap<Arc<str>, Used>>,
}

#[derive(Default)]
struct Used {
    /// When it was charged last.
    at: i64,
    in_second: u32,
    day: String,
    in_day: u64,
}

impl Quotas {
    /// Charges one exchange at a moment (Unix µs).
    pub(crate) fn charge(&self, grant: &Grant, now: i64) -> Result<(), Fault> {
        if grant.per_second.is_none() && grant.per_day.is_none() {
            return Ok(());
        }
        let mut used = self.used.lock();
        if used.len() >= MOST_AGREEMENTS && !used.contains_key(&grant.agreement) {
            let day = time::day(now);
            used.retain(|_, used| used.day == day);
        }
        used.entry(grant.agreement.clone()).or_default().charge(grant, now)
    }
}

impl Used {
    fn charge(&mut self, grant: &Grant, now: i64) -> Result<(), Fault> {
        // A charge that comes a little late would begin a past second anew, and then the running one once more.
        let now = if (now..now.saturating_add(CROSSING)).contains(&self.at) { self.at } else { now };
        let (second, day) = (now.div_euclid(MICROS), time::day(now));
        if self.at.div_euclid(MICROS) != second {
            self.in_second = 0;
        }
        self.at = now;
        if self.day != day {
            (self.day, self.in_day) = (day, 0);
        }
        if grant.per_day.is_some_and(|bound| self.in_day >= bound) {
            return Err(Fault::new(Reason::QuotaExceeded).retry_after(until_tomorrow(now)));
        }
        if grant.per_second.is_some_and(|bound| self.in_second >= bound) {
            return Err(Reason::QuotaExceeded.into());
        }
        self.in_second += 1;
        self.in_day += 1;
        Ok(())
    }
}

/// Days are counted in Asia/Ho_Chi_Minh, seven hours ahead of UTC.
fn until_tomorrow(now: i64) -> Duration {
    const DAY: i64 = 86_400;
    const AHEAD: i64 = 7 * 3_600;
    let second_of_day = (now.div_euclid(MICROS) + AHEAD).rem_euclid(DAY);
    Duration::from_secs((DAY - second_of_day) as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lgsp_core::Plan;
    use lgsp_proto::registry::v1::AgreementState;

    use super::*;

    fn grant(per_second: Option<u32>, per_day: Option<u64>) -> Grant {
        let message =
            lgsp_proto::pool().get_message_by_name("lgsp.population.v1.GetCitizenResponse").unwrap();
        Grant {
            agreement: "a".into(),
            version: 1,
            state: AgreementState::Active,
            valid_from: 0,
            valid_to: i64::MAX,
            purposes: HashSet::new(),
            legal_basis: "".into(),
            fields: vec!["*".to_owned()].into(),
            plan: Arc::new(Plan::compile(&message, &["*".to_owned()]).unwrap()),
            per_second,
            per_day,
        }
    }

    const NOON_IN_CAN_THO: i64 = 1_780_290_000 * MICROS; // 2026-06-01T05:00:00Z

    #[test]
    fn a_quota_of_a_second_is_whole_again_in_the_next() {
        let (quotas, grant) = (Quotas::default(), grant(Some(2), None));
        assert!(quotas.charge(&grant, 0).is_ok());
        assert!(quotas.charge(&grant, 1).is_ok());
        assert_eq!(quotas.charge(&grant, 2).unwrap_err().reason(), Reason::QuotaExceeded);
        assert!(quotas.charge(&grant, MICROS).is_ok());
    }

    #[test]
    fn a_charge_that_comes_late_does_not_make_a_quota_whole_again() {
        let (quotas, grant) = (Quotas::default(), grant(Some(2), Some(10)));
        let midnight = NOON_IN_CAN_THO + 12 * 3_600 * MICROS;
        assert!(quotas.charge(&grant, midnight).is_ok());
        assert!(quotas.charge(&grant, midnight - 1).is_ok());
        assert_eq!(quotas.charge(&grant, midnight + 1).unwrap_err().reason(), Reason::QuotaExceeded);
        assert_eq!(quotas.used.lock()[&grant.agreement].in_day, 2);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_hold_a_quota_down() {
        let (quotas, grant) = (Quotas::default(), grant(Some(1), None));
        assert!(quotas.charge(&grant, NOON_IN_CAN_THO).is_ok());
        assert!(quotas.charge(&grant, NOON_IN_CAN_THO - 10 * MICROS).is_ok());
    }

    #[test]
    fn a_quota_of_a_day_is_whole_again_at_midnight_in_ho_chi_minh_city() {
        let (quotas, grant) = (Quotas::default(), grant(None, Some(1)));
        assert!(quotas.charge(&grant, NOON_IN_CAN_THO).is_ok());
        assert!(quotas.charge(&grant, NOON_IN_CAN_THO + 1).is_err());
        assert_eq!(until_tomorrow(NOON_IN_CAN_THO), Duration::from_secs(12 * 3_600));
        assert!(quotas.charge(&grant, NOON_IN_CAN_THO + 12 * 3_600 * MICROS).is_ok());
    }

    #[test]
    fn an_agreement_without_a_quota_is_not_counted() {
        let (quotas, grant) = (Quotas::default(), grant(None, None));
        assert!((0..1_000).all(|_| quotas.charge(&grant, 0).is_ok()));
        assert!(quotas.used.lock().is_empty());
    }
}
