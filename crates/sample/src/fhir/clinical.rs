//! Allergies, problems, medicines and visits of a patient.

use lgsp_proto::health::v1::Severity;
use serde_json::{Value, json};

use super::elements::{
    Resource, concept, date, facility_reference, icd10, icd10_with_text, patient_id, patient_reference, text,
};
use crate::record::{Allergy, Condition, Encounter, Medication, Patient};

const ALLERGY_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const ALLERGY_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const CONDITION_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CONDITION_CATEGORY: &str = "urn:lgsp:condition-category";
const ENCOUNTER_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// All that hangs on a patient in the way of illness.
pub(super) fn clinical(patient: &Patient) -> Vec<Value> {
    let mut all = Vec::new();
    let numbered =
        |kind: &str, number: usize| format!("{}-{kind}-{}", patient_id(patient.citizen), number + 1);
    for (number, one) in patient.allergies.iter().enumerate() {
        all.push(allergy(patient, one, numbered("allergy", number)));
    }
    for (number, one) in patient.conditions.iter().enumerate() {
        all.push(condition(patient, one, numbered("condition", number)));
    }
    for (number, one) in patient.medications.iter().enumerate() {
        all.push(medication(patient, one, numbered("medication", number)));
    }
    for (number, one) in patient.encounters.iter().enumerate() {
        all.push(encounter(patient, one, numbered("encounter", number)));
    }
    all
}

fn allergy(patient: &Patient, allergy: &Allergy, id: String) -> Value {
    let mut resource = Resource::new("AllergyIntolerance", id);
    resource.set("clinicalStatus", concept(ALLERGY_CLINICAL, "active"));
    resource.set("verificationStatus", concept(ALLERGY_VERIFICATION, "confirmed"));
    resource.set("code", text(allergy.substance));
    resource.set("patient", patient_reference(patient.citizen));
    resource.set_some("recordedDate", allergy.recorded_on.map(date));
    let mut reaction = json!({ "manifestation": [text(allergy.reaction)] });
    let severity = match allergy.severity {
        Severity::Mild => Some("mild"),
        Severity::Moderate => Some("moderate"),
        Severity::Severe => Some("severe"),
        Severity::Unspecified => None,
    };
    if let Some(severity) = severity {
        reaction["severity"] = json!(severity);
    }
    resource.push("reaction", reaction);
    resource.into_value()
}

fn condition(patient: &Patient, condition: &Condition, id: String) -> Value {
    let mut resource = Resource::new("Condition", id);
    let status = if condition.until.is_some() { "resolved" } else { "active" };
    resource.set("clinicalStatus", concept(CONDITION_CLINICAL, status));
    resource.set("verificationStatus", concept(CONDITION_VERIFICATION, "confirmed"));
    if condition.chronic {
        resource.push("category", concept(CONDITION_CATEGORY, "chronic"));
    }
    resource.set("code", icd10_with_text(condition.icd10_code, condition.title_vi));
    resource.set("subject", patient_reference(patient.citizen));
    resource.set("onsetDateTime", date(condition.since));
    resource.set_some("abatementDateTime", condition.until.map(date));
    resource.set("recordedDate", date(condition.since));
    resource.into_value()
}

fn medication(patient: &Patient, medication: &Medication, id: String) -> Value {
    let mut resource = Resource::new("MedicationStatement", id);
    let product = json!({
        "resourceType": "Medication",
        "id": "product",
        "code": text(medication.name),
        "ingredient": [{ "itemCodeableConcept": text(medication.active_ingredient) }],
    });
    resource.push("contained", product);
    resource.set("status", if medication.until.is_some() { "completed" } else { "active" });
    resource.set("medicationReference", json!({ "reference": "#product" }));
    resource.set("subject", patient_reference(patient.citizen));
    let mut period = json!({ "start": date(medication.since) });
    if let Some(until) = medication.until {
        period["end"] = date(until);
    }
    resource.set("effectivePeriod", period);
    resource.push("dosage", text(medication.dosage));
    resource.into_value()
}

fn encounter(patient: &Patient, encounter: &Encounter, id: String) -> Value {
    let mut resource = Resource::new("Encounter", id);
    resource.set("status", "finished");
    let class = if encounter.inpatient { "IMP" } else { "AMB" };
    resource.set("class", json!({ "system": ENCOUNTER_CLASS, "code": class }));
    resource.set("subject", patient_reference(patient.citizen));
    resource.set("period", json!({ "start": date(encounter.on) }));
    resource.push("reasonCode", icd10(encounter.icd10_code));
    resource.set("serviceProvider", facility_reference(encounter.facility));
    resource.into_value()
}
