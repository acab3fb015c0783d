//! Immunizations of one patient, newest first.

use std::cmp::Reverse;
use std::collections::HashSet;

use lgsp_adapter::{page, records};
use lgsp_proto::health::v1::Immunization as Dose;
use sha2::{Digest, Sha256};

use super::error::Error;
use super::read::{Included, Reader, label};
use super::resource::{Bundle, Immunization, Observation, Protocol, Reference, Resource, extension};

/// The doses of a bundle in the order of the list, each with its number.
///
/// # Errors
/// One is another patient's.
pub(super) fn list(
    reader: &Reader<'_>,
    bundle: &Bundle,
    patient: &str,
    personal_number: &str,
) -> Result<Vec<(i64, Dose)>, Error> {
    let included = Included::of(bundle);
    let mut seen = HashSet::new();
    let mut doses = Vec::new();
    for entry in &bundle.entry {
        let Some(Resource::Immunization(immunization)) = &entry.resource else { continue };
        if reader.target(&immunization.patient) != Some(patient) {
            return Err(Error::NotAskedFor("Immunization"));
        }
        // A list that changes while it is paged may name a record twice.
        if is_given(reader, immunization) && seen.insert(immunization.id.as_str()) {
            let dose = dose(reader, immunization, personal_number, &included);
            doses.push((number(&immunization.id), dose));
        }
    }
    doses.sort_by_cached_key(|(_, dose)| {
        let day = dose.on_date.as_ref().and_then(records::claimed_date);
        (Reverse(day), dose.immunization_id.clone())
    });
    Ok(doses)
}

/// Those that follow the one with a number; none if it is not in the list any more.
pub(super) fn after(doses: Vec<(i64, Dose)>, after: i64, limit: usize) -> Vec<(i64, Dose)> {
    let before = match after {
        page::START => 0,
        number => match doses.iter().position(|(of_dose, _)| *of_dose == number) {
            Some(position) => position + 1,
            None => return Vec::new(),
        },
    };
    doses.into_iter().skip(before).take(limit).collect()
}

/// A number for a page to end with: an id of FHIR is a text.
fn number(id: &str) -> i64 {
    let digest = Sha256::digest(id);
    let head = digest.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(head) & i64::MAX
}

fn is_given(reader: &Reader<'_>, immunization: &Immunization) -> bool {
    match immunization.status.as_deref() {
        Some("completed") => true,
        Some("not-done" | "entered-in-error") => false,
        _ => {
            reader.not_understood("Immunization", "status");
            false
        }
    }
}

fn dose(
    reader: &Reader<'_>,
    immunization: &Immunization,
    personal_number: &str,
    included: &Included<'_>,
) -> Dose {
    let performers = immunization.performer.iter().map(|performer| &performer.actor);
    let (facility_code, facility_name) = reader.facility(performers.clone().find(is_facility), included);
    let protocol = immunization.protocol_applied.first();
    let reaction = immunization.reaction.first().map(|reaction| &reaction.detail);
    let vaccine_code = immunization.vaccine_code.code(&reader.systems.vaccine).unwrap_or_default().to_owned();
    Dose {
        immunization_id: immunization.id.clone(),
        personal_number: personal_number.to_owned(),
        vaccine_code,
        vaccine_name: label(&immunization.vaccine_code),
        manufacturer: reader.facility(immunization.manufacturer.as_ref(), included).1,
        lot_number: immunization.lot_number.clone().unwrap_or_default(),
        target_diseases: diseases(reader, &immunization.protocol_applied),
        dose_number: protocol.map_or(0, |protocol| {
            count(reader, protocol.dose_number_positive_int, protocol.dose_number_string.as_deref())
        }),
        series_doses: protocol.map_or(0, |protocol| {
            count(reader, protocol.series_doses_positive_int, protocol.series_doses_string.as_deref())
        }),
        on_date: reader.date("Immunization", "occurrence", immunization.occurrence_date_time.as_deref()),
        route: label(&immunization.route),
        facility_code,
        facility_name,
        next_due_on: extension(&immunization.extension, &reader.systems.next_due)
            .and_then(|extension| reader.date("Immunization", "next-due", extension.value_date.as_deref())),
        adverse_reaction: reaction.map(|reaction| told(reader, reaction, included)).unwrap_or_default(),
        provenance: reader.provenance(&immunization.meta),
    }
}

/// A performer may be the person who gave the dose, or the facility.
fn is_facility(actor: &&Reference) -> bool {
    actor.reference.as_deref().is_none_or(|reference| reference.contains("Organization/"))
}

/// Names of the diseases, or their codes where there are no names. The bound is the contract's.
fn diseases(reader: &Reader<'_>, protocols: &[Protocol]) -> Vec<String> {
    let all = protocols.iter().flat_map(|protocol| &protocol.target_disease);
    let named = all.map(|disease| match label(disease) {
        name if name.is_empty() => reader.icd10(disease),
        name => name,
    });
    named.filter(|name| !name.is_empty()).take(20).collect()
}

fn count(reader: &Reader<'_>, number: Option<u32>, text: Option<&str>) -> i32 {
    let number = number.or_else(|| text.and_then(|text| text.trim().parse().ok()));
    if number.is_none() && text.is_some() {
        reader.not_understood("Immunization", "protocolApplied");
    }
    number.and_then(|number| i32::try_from(number).ok()).unwrap_or_default()
}

/// What a reaction was: as the reference tells, else as the observation that it names does.
fn told(reader: &Reader<'_>, detail: &Reference, included: &Included<'_>) -> String {
    if let Some(display) = &detail.display {
        return display.clone();
    }
    let target = reader.target(detail).and_then(|target| included.get(target));
    let Some(Resource::Observation(observation)) = target else { return String::new() };
    observed(observation).unwrap_or_default()
}

fn observed(observation: &Observation) -> Option<String> {
    let concept = observation.value_codeable_concept.as_ref().map(label);
    concept.or_else(|| observation.value_string.clone()).or_else(|| Some(label(&observation.code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doses(ids: &[&str]) -> Vec<(i64, Dose)> {
        let dose = |id: &&str| (number(id), Dose { immunization_id: (*id).to_owned(), ..Dose::default() });
        ids.iter().map(dose).collect()
    }

    #[test]
    fn a_page_begins_after_the_one_that_the_last_ended_with() {
        let ids = |from, limit| {
            let rest = after(doses(&["a", "b", "c"]), from, limit);
            rest.into_iter().map(|(_, dose)| dose.immunization_id).collect::<Vec<_>>()
        };
        assert_eq!(ids(page::START, 2), ["a", "b"]);
        assert_eq!(ids(number("b"), 2), ["c"]);
        assert!(ids(number("c"), 2).is_empty());
        assert!(ids(number("gone"), 2).is_empty());
    }
}
