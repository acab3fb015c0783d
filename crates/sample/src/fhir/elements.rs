//! The data types that resources are made of, and the systems that they name.

use lgsp_identifiers::{HealthInsuranceCard, PartialDate};
use serde_json::{Map, Value, json};

use crate::record::Facility;

pub(super) const PERSONAL_NUMBER: &str = "http://fhir.ehealth.gov.vn/core/sid/national_id";
pub(super) const OLD_IDENTITY_CARD: &str = "urn:lgsp:old-identity-card";
const INSURANCE_CARD: &str = "http://fhir.ehealth.gov.vn/core/sid/insurance_number";
const SOCIAL_INSURANCE: &str = "urn:lgsp:social-insurance-number";
pub(super) const FACILITY: &str = "urn:lgsp:facility";
const ICD_10: &str = "http://hl7.org/fhir/sid/icd-10";
pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const SNOMED: &str = "http://snomed.info/sct";
/// HL7's tag of what is made up for tests.
const TEST_DATA: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST");

/// A resource under construction: what is not known is left out.
pub(super) struct Resource(Map<String, Value>);

impl Resource {
    /// A resource of a type with an id, marked as made up.
    pub(super) fn new(kind: &str, id: String) -> Self {
        let (system, code) = TEST_DATA;
        let mut resource = Self(Map::new());
        resource.set("resourceType", kind);
        resource.set("id", id);
        resource.set("meta", json!({ "tag": [{ "system": system, "code": code }] }));
        resource
    }

    pub(super) fn set(&mut self, element: &str, value: impl Into<Value>) {
        self.0.insert(element.to_owned(), value.into());
    }

    pub(super) fn set_some(&mut self, element: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(element, value);
        }
    }

    /// Adds to an element that repeats.
    pub(super) fn push(&mut self, element: &str, value: Value) {
        match self.0.entry(element.to_owned()).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(values) => values.push(value),
            other => *other = value,
        }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// The id of the patient that a citizen is.
pub(super) fn patient_id(citizen: i64) -> String {
    format!("lgsp-{citizen}")
}

pub(super) fn patient_reference(citizen: i64) -> Value {
    reference("Patient", &patient_id(citizen))
}

/// The id of the organization that a facility is.
pub(super) fn facility_id(facility: &Facility) -> String {
    format!("lgsp-{}", facility.code)
}

pub(super) fn facility_reference(facility: &Facility) -> Value {
    reference("Organization", &facility_id(facility))
}

fn reference(kind: &str, id: &str) -> Value {
    json!({ "reference": format!("{kind}/{id}") })
}

pub(super) fn identifier(system: &str, value: &str) -> Value {
    json!({ "system": system, "value": value })
}

/// A card's number, and the social-insurance number in it.
pub(super) fn card_identifiers(card: &HealthInsuranceCard) -> [Value; 2] {
    [identifier(INSURANCE_CARD, card.as_str()), identifier(SOCIAL_INSURANCE, card.social_insurance_number())]
}

pub(super) fn text(text: &str) -> Value {
    json!({ "text": text })
}

pub(super) fn concept(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

pub(super) fn concept_with_text(system: &str, code: &str, text: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }], "text": text })
}

pub(super) fn icd10(code: &str) -> Value {
    concept(ICD_10, code)
}

pub(super) fn icd10_with_text(code: &str, text: &str) -> Value {
    concept_with_text(ICD_10, code, text)
}

/// FHIR writes dates with an unknown end as we do.
pub(super) fn date(date: PartialDate) -> Value {
    Value::String(date.to_string())
}

pub(super) fn extension(url: &str, kind: &str, value: impl Into<Value>) -> Value {
    let mut extension = Map::new();
    extension.insert("url".to_owned(), url.into());
    extension.insert(kind.to_owned(), value.into());
    Value::Object(extension)
}
