//! Doses of vaccines.

use serde_json::{Value, json};

use super::elements::{
    Resource, concept_with_text, date, extension, facility_reference, patient_id, patient_reference, text,
};
use crate::record::{Immunization, Patient};

const VACCINE: &str = "urn:lgsp:vaccine";

/// The doses of a patient.
pub(super) fn immunizations(patient: &Patient) -> impl Iterator<Item = Value> {
    let doses = patient.immunizations.iter().enumerate();
    doses.map(move |(number, dose)| {
        let id = format!("{}-dose-{}", patient_id(patient.citizen), number + 1);
        immunization(patient, dose, id)
    })
}

fn immunization(patient: &Patient, dose: &Immunization, id: String) -> Value {
    let vaccine = dose.vaccine;
    let mut resource = Resource::new("Immunization", id);
    resource.set("status", "completed");
    resource.set("vaccineCode", concept_with_text(VACCINE, vaccine.code, vaccine.name));
    resource.set("patient", patient_reference(patient.citizen));
    resource.set("occurrenceDateTime", date(dose.on));
    resource.set("manufacturer", json!({ "display": vaccine.manufacturer }));
    resource.set("lotNumber", dose.lot_number.as_str());
    resource.set("route", text(vaccine.route));
    resource.push("performer", json!({ "actor": facility_reference(dose.facility) }));
    let diseases: Vec<Value> = vaccine.target_diseases.iter().map(|disease| text(disease)).collect();
    resource.push(
        "protocolApplied",
        json!({
            "targetDisease": diseases,
            "doseNumberPositiveInt": dose.dose_number,
            "seriesDosesPositiveInt": vaccine.series_doses,
        }),
    );
    if let Some(due) = dose.next_due_on {
        resource.push("extension", extension("urn:lgsp:next-due", "valueDate", date(due)));
    }
    if let Some(reaction) = dose.adverse_reaction {
        resource.push("reaction", json!({ "detail": { "display": reaction } }));
    }
    resource.into_value()
}
