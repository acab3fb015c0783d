//! Coverages: the health-insurance cards of holders.

use std::cmp::Reverse;

use lgsp_adapter::records;
use lgsp_identifiers::PartialDate;
use lgsp_proto::health::v1::InsuranceCard;
use lgsp_proto::record::v1;

use super::error::Error;
use super::patient::{self, Tokens};
use super::read::{Included, Reader, name};
use super::resource::{Bundle, Coverage, Patient, Resource, extension};
use crate::{Card, MOST_CARDS, Suspension};

/// HL7's kinds of classes of a coverage; its `class` holds the level of the benefit.
const CLASS: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/coverage-class", "class");

/// The cards of a bundle of coverages that were searched by their own identifiers; their holders came along. As by person, one
/// whose holder was switched off or merged into another is not told.
///
/// # Errors
/// One has none of the identifiers.
pub(super) fn by_card(reader: &Reader<'_>, bundle: &Bundle, tokens: &Tokens) -> Result<Vec<Card>, Error> {
    let included = Included::of(bundle);
    let mut cards = Vec::new();
    for coverage in coverages(bundle) {
        if !tokens.are_among(&coverage.identifier) {
            return Err(Error::NotAskedFor("Coverage"));
        }
        let holder = match reader.target(&coverage.beneficiary).and_then(|target| included.get(target)) {
            Some(Resource::Patient(patient)) => Some(&**patient),
            _ => None,
        };
        if holder.is_none_or(patient::is_of_its_own) {
            cards.extend(card(reader, coverage, holder));
        }
    }
    Ok(latest(cards))
}

/// The cards of a bundle of patients who were searched by their identifiers; their coverages came along. Should several
/// patients have the identifier, their cards are told together: each bears its own holder.
///
/// # Errors
/// A patient has none of the identifiers, or a coverage belongs to nobody of them.
pub(super) fn by_person(reader: &Reader<'_>, bundle: &Bundle, tokens: &Tokens) -> Result<Vec<Card>, Error> {
    let holders = patient::all(bundle, tokens)?;
    let mut cards = Vec::new();
    for coverage in coverages(bundle) {
        let target = reader.target(&coverage.beneficiary).and_then(|target| target.strip_prefix("Patient/"));
        if let Some(holder) = holders.iter().find(|holder| target == Some(&holder.id)) {
            cards.extend(card(reader, coverage, Some(holder)));
        } else if !is_of_anybody(bundle, target) {
            return Err(Error::NotAskedFor("Coverage"));
        }
    }
    Ok(latest(cards))
}

/// A patient who was switched off or merged into another may have coverages still.
fn is_of_anybody(bundle: &Bundle, id: Option<&str>) -> bool {
    bundle.entry.iter().any(
        |entry| matches!(&entry.resource, Some(Resource::Patient(patient)) if Some(patient.id.as_str()) == id),
    )
}

fn coverages(bundle: &Bundle) -> impl Iterator<Item = &Coverage> {
    bundle.entry.iter().filter_map(|entry| match &entry.resource {
        Some(Resource::Coverage(coverage)) => Some(&**coverage),
        _ => None,
    })
}

fn latest(mut cards: Vec<Card>) -> Vec<Card> {
    let from = |card: &Card| -> Option<PartialDate> {
        card.record.valid_from.as_ref().and_then(records::claimed_date)
    };
    cards.sort_by_key(|card| Reverse(from(card)));
    cards.truncate(MOST_CARDS);
    cards
}

/// The card that a coverage is; `None` for one of another insurance, one that was never issued and one that was entered by
/// mistake.
fn card(reader: &Reader<'_>, coverage: &Coverage, holder: Option<&Patient>) -> Option<Card> {
    let card_number = patient::card_number(reader, "Coverage", &coverage.identifier)?;
    let status = coverage.status.as_deref();
    if matches!(status, Some("draft" | "entered-in-error")) {
        return None;
    }
    let registered = extension(&coverage.extension, &reader.systems.registered_facility);
    let registered = registered.and_then(|extension| extension.value_reference.as_ref());
    let (facility_code, facility_name) = reader.facility(registered, &Included::default());
    let (valid_from, valid_to) = validity(reader, coverage);
    let record = InsuranceCard {
        card_number,
        personal_number: holder.map(|one| reader.personal_number(&one.identifier)).unwrap_or_default(),
        full_name: holder.map(|one| name(&one.name)).unwrap_or_default(),
        date_of_birth: holder.and_then(|one| patient::date_of_birth(reader, one)),
        valid_from,
        valid_to,
        benefit_code: benefit(coverage),
        facility_code,
        facility_name,
        five_years_from: five_years_from(reader, coverage),
    };
    let suspension = (status == Some("cancelled")).then_some(Suspension::Undated);
    Some(Card { record, suspension, provenance: reader.provenance(&coverage.meta) })
}

/// First and last day. Of a coverage of an unknown status neither is told: whether it is valid cannot be.
fn validity(reader: &Reader<'_>, coverage: &Coverage) -> (Option<v1::PartialDate>, Option<v1::PartialDate>) {
    match coverage.status.as_deref() {
        Some("active" | "cancelled") => {
            let period = &coverage.period;
            let day = |text: &Option<String>| reader.date("Coverage", "period", text.as_deref());
            (day(&period.start), day(&period.end))
        }
        _ => {
            reader.not_understood("Coverage", "status");
            (None, None)
        }
    }
}

fn benefit(coverage: &Coverage) -> String {
    let (system, code) = CLASS;
    let class = coverage.class.iter().find(|class| class.kind.has(system, code));
    class.and_then(|class| class.value.clone()).unwrap_or_default()
}

fn five_years_from(reader: &Reader<'_>, coverage: &Coverage) -> Option<v1::PartialDate> {
    let told = extension(&coverage.extension, &reader.systems.five_years_from)?;
    reader.date("Coverage", "five-years-from", told.value_date.as_deref())
}
