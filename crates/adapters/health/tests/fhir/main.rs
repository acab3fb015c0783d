//! The FHIR source against a server that has bad days, and against a real one.
//!
//! The real one is named by `LGSP_TEST_FHIR`, as `deploy/fhir` starts it. Without it its tests say that they were skipped, and fail
//! with `LGSP_REQUIRE_SERVERS=1`.
#![allow(clippy::unwrap_used)]

mod bad_days;
mod fake;
mod manners;
mod persons;
mod real;
mod secure;
mod sense;

use std::time::Duration;

use lgsp_adapter_health::fhir::{Fhir, Options};
use lgsp_adapter_health::{Parts, PatientKey};
use lgsp_identifiers::{HealthInsuranceCard, PersonKey};
use tokio::time::Instant;

/// Longer than any answer of a server in good health takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const EVERYTHING: Parts = Parts { allergies: true, conditions: true, medications: true, encounters: true };

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

fn person(number: &str) -> PersonKey {
    PersonKey::parse(number).unwrap()
}

fn holder(number: &str) -> PatientKey {
    PatientKey::Person(person(number))
}

fn card(number: &str) -> PatientKey {
    PatientKey::Card(HealthInsuranceCard::parse(number).unwrap())
}

fn options(url: &str) -> Options {
    Options { name: "fhir-test".to_owned(), agency_code: "H13.05".to_owned(), ..Options::of(url) }
}

fn open(url: &str) -> Fhir {
    Fhir::open(&options(url)).unwrap()
}
