//! The table held against the shipped rules and contracts, and the plan against what a city's traffic is.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::{Caller, Checks, Purpose, Rules, permit};
use lgsp_identifiers::Format;
use lgsp_registry::rules::{Folder, check};
use prost::Message as _;

use super::calls::of_table;
use super::plan::{Case, Plan, REQUEST_IDS};
use super::scenario::{Expect, Setting, Step};
use super::table::SCENARIOS;

/// The moment that the shipped rules are judged at: 2026-06-01 in Asia/Ho_Chi_Minh.
const NOW: i64 = 1_780_246_800_000_000;
const TODAY: &str = "260601";
const LAND: &str = "lgsp.land.v1.LandService";
const POPULATION: &str = "lgsp.population.v1.PopulationService";

fn shipped() -> Rules {
    let folder = Folder::of(lgsp_registry::shipped().iter().copied());
    let checked = check(&folder, "sandbox").expect("the shipped rules hold together");
    Rules::compile(checked.snapshot(), checked.descriptors()).expect("they compile")
}

fn plan(citizens: u32, seed: u64) -> Plan {
    Plan::new(lgsp_sample::Config { citizens, seed }).expect("a city")
}

/// The cases of one round, with the counters open.
fn round(plan: &mut Plan) -> Vec<Case> {
    let cases: u32 = SCENARIOS.iter().map(|scenario| scenario.cases).sum();
    (0..cases).map(|_| plan.next(true, TODAY)).collect()
}

fn steps() -> impl Iterator<Item = &'static Step> {
    SCENARIOS.iter().flat_map(|scenario| scenario.steps)
}

#[test]
fn every_step_is_granted_or_refused_as_the_table_says() {
    let rules = shipped();
    for step in steps() {
        let told = format!("{} {} for {}", step.application, step.method, step.purpose);
        let application = rules.application(step.application).expect(&told).clone();
        // A service that is not offered yet is skipped.
        let Some(method) = rules.method(&format!("/{}", step.method)) else { continue };
        let caller = Caller { application, credential_sha256: [0; 32], person: None };
        let decided = permit(&rules, &caller, method, Purpose::parse(step.purpose).as_ref(), NOW);
        let expected = match step.expect {
            Expect::Answer => None,
            Expect::Denied(reason) => Some(reason),
            Expect::Invalid => panic!("{told}: a table does not hold mistakes"),
        };
        assert_eq!(decided.err().map(|fault| fault.reason()), expected, "{told}");
    }
}

#[test]
fn every_step_asks_what_its_contract_knows() {
    for step in steps() {
        let service = lgsp_proto::pool().get_service_by_name(step.service()).expect(step.method);
        let method = service.methods().find(|method| method.name() == step.method_name()).expect(step.method);
        for (field, _) in step.asked {
            assert!(method.input().get_field_by_name(field).is_some(), "{} has no {field}", step.method);
        }
    }
}

#[test]
fn the_eleven_applications_take_part() {
    let rules = shipped();
    let (applications, known) = (of_table(), |id: &&str| rules.application(id).is_some());
    assert_eq!(applications.len(), 11);
    assert!(applications.iter().all(known), "{applications:?}");
}

#[test]
fn every_request_of_a_round_is_valid_unless_a_digit_was_left_off() {
    let (mut valid, mut invalid, mut left_out) = (0, 0, 0);
    for case in round(&mut plan(3_000, 1)) {
        left_out += case.left_out;
        for exchange in &case.exchanges {
            let checked =
                Checks::compile(&exchange.method.input()).request(&exchange.request.encode_to_vec());
            let told = format!("{} in {}", exchange.step.method, case.scenario.title);
            assert_eq!(checked.is_err(), exchange.expect == Expect::Invalid, "{told}");
            *(if checked.is_ok() { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid > 1_000 && (1..50).contains(&invalid), "{valid} valid, {invalid} invalid");
    assert!(left_out < 20, "{left_out} steps without whom they ask for");
}

#[test]
fn one_service_makes_the_great_majority_and_population_much_less() {
    let mut of_service: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for exchange in round(&mut plan(1_000, 1)).iter().flat_map(|case| &case.exchanges) {
        *of_service.entry(exchange.step.service()).or_default() += 1;
        all += 1;
    }
    assert!((900..970).contains(&(of_service[LAND] * 1_000 / all)), "{of_service:?}");
    assert!(of_service[POPULATION] * 10 < of_service[LAND], "{of_service:?}");
    let others = of_service.iter().filter(|(service, _)| ![LAND, POPULATION].contains(*service));
    for (service, count) in others {
        assert!(*count < of_service[POPULATION], "{service}: {of_service:?}");
    }
}

#[test]
fn the_same_city_has_the_same_cases() {
    let written = |case: &Case| {
        let asked =
            case.exchanges.iter().map(|exchange| (&exchange.request_id, exchange.request.encode_to_vec()));
        format!("{} {:?} {:?}", case.scenario.title, case.metadata, asked.collect::<Vec<_>>())
    };
    let cases = |seed| -> Vec<String> { round(&mut plan(500, seed)).iter().map(written).collect() };
    let first = cases(1);
    assert!(first == cases(1), "nothing is left to chance");
    assert!(first != cases(2), "another city has others");
}

#[test]
fn cases_say_what_the_gateway_accepts_and_are_recognisable() {
    let mut request_ids = BTreeSet::new();
    for case in round(&mut plan(500, 1)) {
        let said: BTreeMap<_, _> =
            case.metadata.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert!(said.values().all(|value| (1..=128).contains(&value.len()) && value.is_ascii()), "{said:?}");
        if let Some(procedure) = said.get("lgsp-procedure") {
            assert!(lgsp_core::is_procedure(procedure), "{procedure}");
        }
        let dossier = said.get("lgsp-dossier");
        assert_eq!(dossier.is_some(), matches!(case.scenario.setting, Setting::Counter { .. }));
        if let Some(dossier) = dossier {
            let read = lgsp_identifiers::format::normalise(Format::DossierCode, dossier);
            assert_eq!(read.as_deref(), Ok(*dossier));
        }
        for exchange in &case.exchanges {
            assert!(exchange.request_id.starts_with(REQUEST_IDS));
            assert!(request_ids.insert(exchange.request_id.clone()), "{} twice", exchange.request_id);
        }
    }
}

#[test]
fn with_the_counters_closed_only_citizens_and_machines_ask() {
    let mut plan = plan(200, 1);
    for _ in 0..2_000 {
        let case = plan.next(false, TODAY);
        assert!(!case.scenario.keeps_office_hours(), "{}", case.scenario.title);
    }
}

#[test]
fn the_document_has_every_scenario() {
    let document = include_str!("../../../../docs/sample-traffic.md");
    let rows: Vec<Vec<&str>> =
        document.lines().map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    for scenario in SCENARIOS {
        let applications: BTreeSet<&str> = scenario.steps.iter().map(|step| step.application).collect();
        let applications = applications.into_iter().collect::<Vec<_>>().join(", ");
        let row = rows.iter().find(|row| row[0] == scenario.title);
        let row = row.unwrap_or_else(|| panic!("docs/sample-traffic.md has no row for {}", scenario.title));
        assert_eq!(row[2..], [applications, scenario.cases.to_string()], "{}", scenario.title);
    }
    let listed = rows.iter().filter(|row| row.len() == 4 && row[3].parse::<u32>().is_ok()).count();
    assert_eq!(listed, SCENARIOS.len(), "docs/sample-traffic.md has a scenario that is not there");
}
