//! Change: the sums of a day against those of the same weekday in the weeks before, by measures that one wild week does not move.

use std::collections::HashMap;

use lgsp_proto::ledger::v1::{AnomalyMeasure, AnomalyRule};

use super::rules::{Day, Draft, Drafts, filter, soon};
use crate::index::Look;

/// Applications, services and days of a baseline.
const MOST_COUNTS: usize = 100_000;
/// Makes the median of the distances from the median what a standard deviation is of values that are distributed normally.
const SCALE: f64 = 1.4826;

impl Day<'_> {
    /// The sums of a day against those of the same weekday before. Holidays are neither held against others nor others against them.
    pub(super) async fn change(&self) -> Drafts {
        let rule = &self.options.change;
        if !rule.enabled || !self.is_over || self.options.hours.is_holiday(self.day) {
            return Ok(Vec::new());
        }
        let before: Vec<i64> = (1..=i64::from(rule.weeks))
            .map(|weeks| self.day - 7 * weeks)
            .filter(|day| !self.options.hours.is_holiday(*day))
            .collect();
        let span = (self.day - 7 * i64::from(rule.weeks), self.day);
        let days: Vec<i64> = before.iter().copied().chain([self.day]).collect();
        let counts = self.index.of_days(&days, MOST_COUNTS, soon()).await?;
        let firsts = self.index.first_days(span, MOST_COUNTS, soon()).await?;
        let mut of_days: HashMap<Pair, HashMap<i64, u64>> = HashMap::new();
        for count in counts {
            of_days.entry(pair(&count)).or_default().insert(count.slot, count.count);
        }
        let mut drafts = Vec::new();
        for first in firsts {
            let counts = of_days.remove(&pair(&first)).unwrap_or_default();
            let on = |day: &i64| counts.get(day).copied().unwrap_or(0);
            let history: Vec<u64> = before.iter().filter(|day| **day >= first.slot).map(on).collect();
            drafts.extend(self.deviation(first, on(&self.day), history));
        }
        drafts.sort_by(|one, other| other.value.cmp(&one.value).then(pair(&one.of).cmp(&pair(&other.of))));
        drafts.truncate(self.options.most_findings);
        Ok(drafts)
    }

    fn deviation(&self, of: Look, today: u64, history: Vec<u64>) -> Option<Draft> {
        let rule = &self.options.change;
        let weeks = history.len();
        if weeks < rule.least_weeks as usize {
            return None;
        }
        let history: Vec<f64> = history.into_iter().map(|count| count as f64).collect();
        let middle = median(history.clone());
        let spread = median(history.into_iter().map(|count| (count - middle).abs()).collect());
        let deviation = (today as f64 - middle).abs();
        let threshold = (f64::from(rule.deviations) * SCALE * spread).max(rule.least.into());
        if deviation < threshold {
            return None;
        }
        let whole = |number: f64| number.round() as u64;
        Some(Draft {
            rule: AnomalyRule::Change,
            measure: AnomalyMeasure::Deviation,
            value: whole(deviation),
            threshold: whole(threshold),
            counts: vec![
                ("exchanges", today),
                ("median", whole(middle)),
                ("median-distance", whole(spread)),
                ("weeks", weeks as u64),
            ],
            options: vec![
                ("ledger.anomalies.change.weeks", rule.weeks.to_string()),
                ("ledger.anomalies.change.deviations", rule.deviations.to_string()),
                ("ledger.anomalies.change.least", rule.least.to_string()),
            ],
            filters: vec![filter(&of, self.stretch())],
            of,
        })
    }
}

/// By which a baseline is told from another.
type Pair = (String, String, String);

fn pair(of: &Look) -> Pair {
    (of.environment.clone(), of.application.clone(), of.service.clone())
}

/// Of no values it is 0.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), middle.checked_sub(1).and_then(|below| values.get(below))) {
        (Some(above), Some(below)) if values.len().is_multiple_of(2) => f64::midpoint(*above, *below),
        (Some(middle), _) => *middle,
        (None, _) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_week_moves_no_median() {
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![100.0, 101.0, 99.0, 100.0, 1_000_000.0]), 100.0);
    }
}
