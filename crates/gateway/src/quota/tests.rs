use std::collections::HashSet;

use lgsp_core::Plan;
use lgsp_proto::ledger::v1::GatewayUsage;
use lgsp_proto::registry::v1::AgreementState;
use proptest::prelude::*;

use super::*;

const OWN: &str = "gateway-1";
const NOON_IN_CAN_THO: i64 = 1_780_290_000 * MICROS; // 2026-06-01T05:00:00Z
const HOUR: i64 = 3_600 * MICROS;

fn grant(per_second: Option<u32>, per_day: Option<u64>) -> Grant {
    let message = lgsp_proto::pool().get_message_by_name("lgsp.population.v1.GetCitizenResponse").unwrap();
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
        priority: Default::default(),
    }
}

fn quotas() -> Quotas {
    Quotas::new(OWN)
}

fn alone(_: &str) -> Asked {
    Asked { here: 0, everywhere: 0, gateways: 1 }
}

impl Quotas {
    fn charge_alone(&self, grant: &Grant, now: i64) -> Result<Charge, Fault> {
        self.charge(grant, now, alone)
    }
}

fn usage(day: &str, used: &[(&str, u64)]) -> Usage {
    let gateway =
        |(gateway, used): &(&str, u64)| GatewayUsage { gateway: (*gateway).to_owned(), used: *used };
    Usage {
        agreement: "a".to_owned(),
        day: day.to_owned(),
        used: used.iter().map(|(_, used)| used).sum(),
        gateways: used.iter().map(gateway).collect(),
    }
}

#[test]
fn a_quota_of_a_second_is_whole_again_in_the_next() {
    let (quotas, grant) = (quotas(), grant(Some(2), None));
    assert!(quotas.charge_alone(&grant, 0).is_ok());
    assert!(quotas.charge_alone(&grant, 1).is_ok());
    assert_eq!(quotas.charge_alone(&grant, 2).unwrap_err().reason(), Reason::QuotaExceeded);
    assert!(quotas.charge_alone(&grant, MICROS).is_ok());
}

#[test]
fn a_charge_that_comes_late_does_not_make_a_quota_whole_again() {
    let (quotas, grant) = (quotas(), grant(Some(2), Some(10)));
    let midnight = NOON_IN_CAN_THO + 12 * HOUR;
    assert!(quotas.charge_alone(&grant, midnight).is_ok());
    assert!(quotas.charge_alone(&grant, midnight - 1).is_ok());
    assert_eq!(quotas.charge_alone(&grant, midnight + 1).unwrap_err().reason(), Reason::QuotaExceeded);
    assert_eq!(quotas.used.lock()[&grant.agreement].in_day, 2);
}

#[test]
fn what_was_not_sent_is_given_back_to_its_second_and_its_day_and_to_no_other() {
    let (quotas, grant) = (quotas(), grant(Some(1), Some(3)));
    let charge_at = |now| quotas.charge_alone(&grant, now);
    let midnight = NOON_IN_CAN_THO + 12 * HOUR;
    for _ in 0..10 {
        let charge = charge_at(NOON_IN_CAN_THO).expect("it was given back");
        quotas.give_back(&grant, charge);
    }
    let late = charge_at(NOON_IN_CAN_THO + MICROS).unwrap();
    let _sent = charge_at(NOON_IN_CAN_THO + 2 * MICROS).unwrap();
    quotas.give_back(&grant, late);
    assert!(charge_at(NOON_IN_CAN_THO + 2 * MICROS).is_err(), "its second is over");
    let of_this_day = [3, 4, 5].map(|second| charge_at(NOON_IN_CAN_THO + second * MICROS).is_ok());
    assert_eq!(of_this_day, [true, true, false], "one was sent before");
    let yesterdays = Charge { second: NOON_IN_CAN_THO / MICROS };
    let _sent = charge_at(midnight).unwrap();
    quotas.give_back(&grant, yesterdays);
    assert_eq!(quotas.used.lock()[&grant.agreement].in_day, 1);
}

#[test]
fn heartbeats_tell_of_the_busiest_agreements_in_their_order() {
    let quotas = quotas();
    let begun = Instant::now();
    let named = |index: usize| Grant { agreement: format!("a{index:03}").into(), ..grant(Some(1), None) };
    for index in 0..MOST_DEMANDS + 10 {
        for _ in 0..=index / 100 {
            let _ = quotas.charge_alone(&named(index), 0);
        }
    }
    let told = quotas.demands(begun + Duration::from_secs(1), 0);
    assert_eq!(told.len(), MOST_DEMANDS);
    assert!(told.is_sorted_by_key(|demand| (Reverse(demand.asked), demand.agreement.clone())));
    assert_eq!((told[0].agreement.as_str(), told.last().unwrap().agreement.as_str()), ("a200", "a089"));
}

#[test]
fn a_clock_that_is_set_back_does_not_hold_a_quota_down() {
    let (quotas, grant) = (quotas(), grant(Some(1), None));
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_ok());
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO - 10 * MICROS).is_ok());
}

#[test]
fn a_quota_of_a_day_is_whole_again_at_midnight_in_ho_chi_minh_city() {
    let (quotas, grant) = (quotas(), grant(None, Some(1)));
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_ok());
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO + 1).is_err());
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO + 12 * HOUR).is_ok());
}

#[test]
fn an_agreement_without_a_quota_is_not_counted() {
    let (quotas, grant) = (quotas(), grant(None, None));
    assert!((0..1_000).all(|_| quotas.charge_alone(&grant, 0).is_ok()));
    assert!(quotas.used.lock().is_empty());
}

#[test]
fn a_share_is_granted_and_no_more() {
    let (quotas, grant) = (quotas(), grant(Some(10), None));
    let shared = |_: &str| Asked { here: 1_000, everywhere: 4_000, gateways: 2 };
    let granted = |at| (0..20).filter(|_| quotas.charge(&grant, at, shared).is_ok()).count();
    let seconds: Vec<usize> = (0..4).map(|second| granted(second * MICROS)).collect();
    assert_eq!(seconds, [2, 3, 3, 3], "2.75 exchanges a second");
}

#[test]
fn what_was_asked_for_is_told_with_what_was_refused_and_fades() {
    let (quotas, grant) = (quotas(), grant(Some(1), None));
    let begun = Instant::now();
    let told_at = |seconds| {
        let demands = quotas.demands(begun + Duration::from_secs(seconds), 0);
        demands.iter().map(|demand| (demand.agreement.clone(), demand.asked)).collect::<Vec<_>>()
    };
    told_at(1);
    let _ = (0..8).map(|_| quotas.charge_alone(&grant, 0)).collect::<Vec<_>>();
    assert_eq!(told_at(2), [("a".to_owned(), 8_000)]);
    assert_eq!(told_at(2), [("a".to_owned(), 8_000)], "a moment later");
    assert_eq!(told_at(3), [("a".to_owned(), 4_000)]);
    assert_eq!(told_at(4), [("a".to_owned(), 2_000)]);
    assert_eq!((5..30).map(told_at).last(), Some(Vec::new()), "long after");
}

#[test]
fn what_others_have_used_of_a_day_counts_and_ones_own_is_not_counted_twice() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    let charge = |times| (0..times).filter(|_| quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_ok()).count();
    assert_eq!(charge(3), 3);
    quotas.hear(&usage("2026-06-01", &[(OWN, 2), ("gateway-2", 4)]), NOON_IN_CAN_THO);
    assert_eq!(charge(1), 1, "four elsewhere and three here were used");
    quotas.hear(&usage("2026-06-01", &[(OWN, 4), ("gateway-2", 4)]), NOON_IN_CAN_THO);
    assert_eq!(charge(9), 2);
}

#[test]
fn a_gateway_that_was_started_anew_continues_the_count_of_the_day() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    quotas.hear(&usage("2026-06-01", &[("gateway-0", 9)]), NOON_IN_CAN_THO);
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_ok());
    let refused = quotas.charge_alone(&grant, NOON_IN_CAN_THO).unwrap_err();
    assert_eq!(refused.reason(), Reason::QuotaExceeded);
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO + 12 * HOUR).is_ok(), "the count is of one day");
}

#[test]
fn a_count_of_less_or_of_another_day_takes_nothing_back() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    quotas.hear(&usage("2026-06-01", &[("gateway-0", 10)]), NOON_IN_CAN_THO);
    quotas.hear(&usage("2026-06-01", &[("gateway-0", 1)]), NOON_IN_CAN_THO);
    quotas.hear(&usage("2026-05-31", &[("gateway-0", 99)]), NOON_IN_CAN_THO);
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_err());
}

#[test]
fn a_count_of_tomorrow_waits_for_midnight_and_takes_nothing_back_of_today() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    let midnight = NOON_IN_CAN_THO + 12 * HOUR;
    let before = midnight - 3 * MICROS;
    quotas.hear(&usage("2026-06-01", &[("gateway-2", 6)]), before);
    tells(&quotas, 7);
    quotas.hear(&usage("2026-06-02", &[("gateway-2", 8)]), before);
    quotas.hear(&usage("2026-06-03", &[("gateway-2", 99)]), before);
    quotas.hear(&usage("2026-06-01", &[("gateway-2", 7), ("gateway-0", 1)]), before);
    let granted = |now| (0..20).filter(|_| quotas.charge_alone(&grant, now).is_ok()).count();
    assert_eq!(granted(before), 2, "eight were used of today");
    assert_eq!(granted(midnight), 2, "and eight of tomorrow");
    quotas.hear(&usage("2026-06-03", &[("gateway-2", 4)]), midnight);
    assert_eq!(granted(midnight), 0, "today's count stays");
    assert_eq!(granted(midnight + 24 * HOUR), 6);
}

#[test]
fn a_quota_of_a_day_is_near_its_end_at_nine_tenths() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    let near = || quotas.near_their_end(NOON_IN_CAN_THO);
    quotas.charge_alone(&grant, NOON_IN_CAN_THO).unwrap();
    quotas.hear(&usage("2026-06-01", &[("gateway-2", 7)]), NOON_IN_CAN_THO);
    assert_eq!(near(), 0);
    assert_eq!(quotas.fullest(NOON_IN_CAN_THO, 9), [("a".to_owned(), 0.8)]);
    assert_eq!(quotas.fullest(NOON_IN_CAN_THO, 0), []);
    quotas.charge_alone(&grant, NOON_IN_CAN_THO).unwrap();
    assert_eq!(near(), 1);
    assert_eq!(quotas.fullest(NOON_IN_CAN_THO + 12 * HOUR, 9), [], "tomorrow");
    assert_eq!(quotas.near_their_end(NOON_IN_CAN_THO + 12 * HOUR), 0, "tomorrow");
}

fn tells(quotas: &Quotas, granted: u64) {
    let day = "2026-06-01".to_owned();
    let demand = Demand { agreement: "a".to_owned(), asked: 0, granted, day };
    quotas.hear_demands("gateway-2", &[demand], NOON_IN_CAN_THO);
}

#[test]
fn what_another_gateway_has_in_flight_counts_before_the_ledger_does_and_never_twice() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    let left = || {
        let used = quotas.used.lock();
        10 - used.get("a").map_or(0, |used: &Used| used.of_day("2026-06-01"))
    };
    tells(&quotas, 6);
    assert_eq!(left(), 4);
    quotas.hear(&usage("2026-06-01", &[("gateway-2", 4), ("gateway-0", 1)]), NOON_IN_CAN_THO);
    assert_eq!(left(), 3, "four of six have ended, and one of a gateway that has left");
    tells(&quotas, 5);
    assert_eq!(left(), 4, "one could not be sent");
    quotas.hear(&usage("2026-06-01", &[("gateway-2", 7), ("gateway-0", 1)]), NOON_IN_CAN_THO);
    assert_eq!(left(), 2, "the ledger is ahead of the heartbeat");
    assert!((0..2).all(|_| quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_ok()));
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO).is_err());
    assert!(quotas.charge_alone(&grant, NOON_IN_CAN_THO + 12 * HOUR).is_ok(), "they told of one day");
}

#[test]
fn what_a_gateway_told_of_another_day_takes_nothing_from_this_one() {
    let quotas = quotas();
    for day in ["2026-05-31", "2026-06-02", ""] {
        let (agreement, day) = ("a".to_owned(), day.to_owned());
        let demand = Demand { agreement, asked: 1_000, granted: 9, day };
        quotas.hear_demands("gateway-2", &[demand], NOON_IN_CAN_THO);
    }
    assert!(quotas.used.lock().is_empty());
}

#[test]
fn what_is_granted_of_a_day_is_told_until_the_ledger_has_counted_it() {
    let (quotas, grant) = (quotas(), grant(None, Some(10)));
    let begun = Instant::now();
    let told_at = |seconds| {
        let demands = quotas.demands(begun + Duration::from_secs(seconds), NOON_IN_CAN_THO);
        demands.iter().map(|demand| (demand.granted, demand.day.clone())).collect::<Vec<_>>()
    };
    let charge = quotas.charge_alone(&grant, NOON_IN_CAN_THO).unwrap();
    let _sent = quotas.charge_alone(&grant, NOON_IN_CAN_THO).unwrap();
    quotas.give_back(&grant, charge);
    let long_after = (1..99).map(told_at).last();
    assert_eq!(long_after, Some(vec![(1, "2026-06-01".to_owned())]), "it is in flight still");
    quotas.hear(&usage("2026-06-01", &[(OWN, 1)]), NOON_IN_CAN_THO);
    assert_eq!(told_at(100), []);
}

/// The ledger names the latest 64: of another one nobody can tell what is in the sum already.
#[test]
fn of_more_gateways_than_the_ledger_names_none_counts_twice() {
    let quotas = quotas();
    tells(&quotas, 3);
    let names: Vec<String> = (100..164).map(|number| format!("gateway-{number}")).collect();
    let mut all: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let whole = Usage { used: 67, ..usage("2026-06-01", &all) };
    quotas.hear(&whole, NOON_IN_CAN_THO);
    let used = || quotas.used.lock()["a"].of_day("2026-06-01");
    assert_eq!(used(), 67, "three of them are in the sum");
    all[0] = ("gateway-2", 1);
    quotas.hear(&Usage { used: 68, ..usage("2026-06-01", &all) }, NOON_IN_CAN_THO);
    assert_eq!(used(), 70, "one of three is");
}

proptest! {
    /// Each step takes a tenth of a second, and midnight comes after 15; the clock of the first gateway is ahead by up to 9.5.
    /// Exchanges are in flight for one second or for ten, and then the ledger counts them, of the day of their gateway; a heartbeat,
    /// one a second, takes two steps to the others.
    #[test]
    fn all_gateways_grant_no_more_than_each_day_and_a_second_for_each(
        gateways in 2_usize..5,
        ahead in 0_i64..=95,
        in_flight in prop::sample::select(vec![10_usize, 100]),
        wanted in prop::collection::vec((0_usize..4, 0_usize..40), 250..300),
    ) {
        const PER_SECOND: u32 = 20;
        const PER_DAY: u64 = 60;
        const STEP: Duration = Duration::from_millis(100);
        const STEP_US: i64 = MICROS / 10;
        const MIDNIGHT: i64 = NOON_IN_CAN_THO + 12 * HOUR;
        let (grant, begun) = (grant(Some(PER_SECOND), Some(PER_DAY)), Instant::now());
        let names: Vec<String> = (0..gateways).map(|number| format!("gateway-{number}")).collect();
        let hub: Vec<Quotas> = names.iter().map(|name| Quotas::new(name)).collect();
        let shared = |_: &str| Asked { here: 1, everywhere: gateways as u64, gateways: gateways as u32 };
        let days = ["2026-06-01", "2026-06-02"];
        let (mut granted, mut history) = (vec![[0_u64; 2]; gateways], Vec::new());
        let mut on_their_way = Vec::new();
        for (step, (at, wanted)) in wanted.into_iter().enumerate() {
            let true_time = MIDNIGHT - 15 * MICROS + step as i64 * STEP_US;
            let now = |gateway: usize| true_time + if gateway == 0 { ahead * STEP_US } else { 0 };
            if step % 10 < gateways {
                let teller = step % 10;
                let demands = hub[teller].demands(begun + STEP * (step as u32 + 10), now(teller));
                on_their_way.push((step + 2, teller, demands));
            }
            on_their_way.retain(|(due, teller, demands)| {
                let others = (0..gateways).filter(|other| *due == step && other != teller);
                others.for_each(|other| hub[other].hear_demands(&names[*teller], demands, now(other)));
                *due > step
            });
            let at = at % gateways;
            let charged = (0..wanted).filter(|_| hub[at].charge(&grant, now(at), shared).is_ok()).count();
            granted[at][usize::from(now(at) >= MIDNIGHT)] += charged as u64;
            history.push(granted.clone());
            let Some(ended) = step.checked_sub(in_flight).map(|then| &history[then]) else { continue };
            for (place, day) in days.iter().enumerate() {
                let of_day = names.iter().zip(ended).map(|(name, ended)| (name.as_str(), ended[place]));
                let of_day: Vec<(&str, u64)> = of_day.filter(|(_, ended)| *ended > 0).collect();
                if !of_day.is_empty() {
                    (0..gateways).for_each(|heard| hub[heard].hear(&usage(day, &of_day), now(heard)));
                }
            }
        }
        let bound = PER_DAY + gateways as u64 * u64::from(PER_SECOND);
        for (place, day) in days.iter().enumerate() {
            let all = granted.iter().map(|of| of[place]).sum::<u64>();
            prop_assert!(all <= bound, "{granted:?} of {bound} on {day}");
        }
    }
}
