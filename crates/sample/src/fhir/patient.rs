//! Patients, with what is measured of them.

use lgsp_identifiers::PartialDate;
use lgsp_proto::record::v1::Sex;
use serde_json::{Value, json};

use super::elements::{
    LOINC, OLD_IDENTITY_CARD, PERSONAL_NUMBER, Resource, SNOMED, card_identifiers, concept,
    concept_with_text, date, extension, facility_reference, identifier, patient_id, patient_reference, text,
};
use crate::clock::today;
use crate::record::{Citizen, Contact, Patient, PostalAddress};

const DISABILITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-disability";
const EMERGENCY_CONTACT: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/v2-0131", "C");
const VITAL_SIGNS: (&str, &str) =
    ("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs");

/// Blood groups by their codes of SNOMED CT.
const BLOOD_TYPES: [(&str, &str); 12] = [
    ("A+", "278149003"),
    ("A-", "278152006"),
    ("B+", "278150003"),
    ("B-", "278153001"),
    ("AB+", "278151004"),
    ("AB-", "278154007"),
    ("O+", "278147001"),
    ("O-", "278148006"),
    ("A", "112144000"),
    ("B", "112149005"),
    ("AB", "165743006"),
    ("O", "58460004"),
];

/// A patient record.
pub(super) fn patient(patient: &Patient) -> Value {
    let mut resource = Resource::new("Patient", patient_id(patient.citizen));
    if let Some(number) = &patient.personal_number {
        resource.push("identifier", identifier(PERSONAL_NUMBER, number.as_str()));
    }
    if let Some(old) = &patient.old_identity {
        resource.push("identifier", identifier(OLD_IDENTITY_CARD, old.as_str()));
    }
    if let Some(card) = &patient.card {
        card_identifiers(card).into_iter().for_each(|number| resource.push("identifier", number));
    }
    describe(&mut resource, &patient.full_name, patient.sex, patient.date_of_birth);
    if let Some(phone) = &patient.phone_number {
        resource.push("telecom", telecom(phone));
    }
    resource.push("address", address(&patient.address));
    if let Some(other) = &patient.contact {
        resource.push("contact", contact(other));
    }
    if let Some(disability) = patient.disability {
        resource.push("extension", extension(DISABILITY, "valueCodeableConcept", text(disability)));
    }
    resource.set("managingOrganization", facility_reference(patient.facility));
    resource.into_value()
}

/// Somebody who holds a card and has no record with any facility.
pub(super) fn holder(citizen: &Citizen) -> Value {
    let mut resource = Resource::new("Patient", patient_id(citizen.id));
    resource.push("identifier", identifier(PERSONAL_NUMBER, citizen.personal_number.as_str()));
    if let Some(old) = &citizen.old_identity {
        resource.push("identifier", identifier(OLD_IDENTITY_CARD, old.as_str()));
    }
    describe(&mut resource, &citizen.full_name, citizen.sex, citizen.date_of_birth);
    resource.into_value()
}

fn describe(resource: &mut Resource, full_name: &str, sex: Sex, date_of_birth: PartialDate) {
    resource.set("active", true);
    let (family, given) = full_name.split_once(' ').unwrap_or((full_name, ""));
    let given: Vec<&str> = given.split(' ').filter(|part| !part.is_empty()).collect();
    resource.push("name", json!({ "use": "official", "text": full_name, "family": family, "given": given }));
    resource.set(
        "gender",
        match sex {
            Sex::Male => "male",
            Sex::Female => "female",
            Sex::Unknown => "unknown",
        },
    );
    resource.set("birthDate", date(date_of_birth));
}

fn telecom(phone: &str) -> Value {
    json!({ "system": "phone", "value": phone, "use": "mobile" })
}

fn address(address: &PostalAddress) -> Value {
    let mut told = json!({ "use": "home" });
    if let Some(line) = &address.line {
        told["line"] = json!([line]);
    }
    if let Some(text) = &address.text {
        told["text"] = json!(text);
    }
    let ward = address.ward.map(|code| extension("urn:lgsp:ward-code", "valueCode", code.to_string()));
    let former = address.former_ward;
    let former = former.map(|code| extension("urn:lgsp:former-ward-code", "valueCode", code.to_string()));
    let extensions: Vec<Value> = ward.into_iter().chain(former).collect();
    if !extensions.is_empty() {
        told["extension"] = Value::Array(extensions);
    }
    told
}

fn contact(contact: &Contact) -> Value {
    let (system, code) = EMERGENCY_CONTACT;
    let mut told = json!({
        "relationship": [concept_with_text(system, code, contact.relation)],
        "name": { "text": contact.full_name },
    });
    if let Some(phone) = &contact.phone_number {
        told["telecom"] = json!([telecom(phone)]);
    }
    told
}

/// Blood type, height, weight, and a pregnancy.
pub(super) fn observations(patient: &Patient) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(group) = patient.blood_type {
        let known = BLOOD_TYPES.iter().find(|(known, _)| *known == group);
        let value = known.map_or_else(|| text(group), |(_, code)| concept_with_text(SNOMED, code, group));
        all.push(observation(patient, "882-1", "valueCodeableConcept", value));
    }
    if let Some(height) = patient.height_cm {
        all.push(observation(patient, "8302-2", "valueQuantity", quantity(height, "cm")));
    }
    if let Some(weight) = patient.weight_kg {
        all.push(observation(patient, "29463-7", "valueQuantity", quantity(weight, "kg")));
    }
    if patient.pregnant {
        let pregnant = concept_with_text(SNOMED, "77386006", "Đang mang thai");
        all.push(observation(patient, "82810-3", "valueCodeableConcept", pregnant));
    }
    all
}

fn observation(patient: &Patient, code: &str, kind: &str, value: Value) -> Value {
    let mut resource = Resource::new("Observation", format!("{}-{code}", patient_id(patient.citizen)));
    resource.set("status", "final");
    if kind == "valueQuantity" {
        let (system, code) = VITAL_SIGNS;
        resource.push("category", concept(system, code));
    }
    resource.set("code", concept(LOINC, code));
    resource.set("subject", patient_reference(patient.citizen));
    // The sources have no day of a measurement: it is told as of the last day of the city.
    resource.set("effectiveDateTime", date(today()));
    resource.set(kind, value);
    resource.into_value()
}

fn quantity(value: f64, unit: &str) -> Value {
    json!({ "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit })
}
