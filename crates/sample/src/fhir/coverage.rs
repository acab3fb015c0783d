//! Facilities and health-insurance cards.

use serde_json::{Value, json};

use super::elements::{
    FACILITY, Resource, card_identifiers, concept, date, extension, facility_id, facility_reference,
    identifier, patient_id, patient_reference,
};
use crate::record::{Facility, InsuranceCard};

const CLASS: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/coverage-class", "class");

/// A facility.
pub(super) fn organization(facility: &Facility) -> Value {
    let mut resource = Resource::new("Organization", facility_id(facility));
    resource.push("identifier", identifier(FACILITY, &facility.code));
    resource.set("name", facility.name.as_str());
    resource.into_value()
}

/// The `number`-th card of its holder, from 1.
pub(super) fn coverage(card: &InsuranceCard, number: usize) -> Value {
    let mut resource = Resource::new("Coverage", format!("{}-card-{number}", patient_id(card.holder)));
    resource.set("status", if card.suspended_from.is_some() { "cancelled" } else { "active" });
    card_identifiers(&card.number).into_iter().for_each(|one| resource.push("identifier", one));
    resource.set("beneficiary", patient_reference(card.holder));
    resource.set("payor", json!([{ "display": "Bảo hiểm xã hội Việt Nam (mẫu)" }]));
    resource.set("period", json!({ "start": date(card.valid_from), "end": date(card.valid_to) }));
    let (system, code) = CLASS;
    resource.set("class", json!([{ "type": concept(system, code), "value": card.benefit_code }]));
    let mut facility = facility_reference(card.facility);
    // A reference in an extension brings nothing along: it says itself what it names.
    facility["identifier"] = identifier(FACILITY, &card.facility.code);
    facility["display"] = json!(card.facility.name);
    resource.push("extension", extension("urn:lgsp:registered-facility", "valueReference", facility));
    if let Some(from) = card.five_years_from {
        resource.push("extension", extension("urn:lgsp:five-years-from", "valueDate", date(from)));
    }
    resource.into_value()
}
