//! What agreements have left of their quotas, as far as this gateway has charged them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lgsp_core::{Fault, Grant, Reason, time};
use parking_lot::Mutex;

/// Agreements that are counted at most; those of another day go first.
const MOST_AGREEMENTS: usize = 10_000;
const MICROS: i64 = 1_000_000;

/// Counts of this gateway, per agreement.
#[derive(Default)]
pub(crate) struct Quotas {
    used: Mutex<HashMap<Arc<str>, Used>>,
}

#[derive(Default)]
struct Used {
    second: i64,
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
        let day = time::day(now);
        let mut used = self.used.lock();
        if used.len() >= MOST_AGREEMENTS && !used.contains_key(&grant.agreement) {
            used.retain(|_, used| used.day == day);
        }
        used.entry(grant.agreement.clone()).or_default().charge(grant, now, day)
    }
}

impl Used {
    fn charge(&mut self, grant: &Grant, now: i64, day: String) -> Result<(), Fault> {
        let second = now.div_euclid(MICROS);
        if self.second != second {
            (self.second, self.in_second) = (second, 0);
        }
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
