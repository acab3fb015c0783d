//! The resources of R4 that the adapter reads; of each, the elements that it reads.
//!
//! What the standard requires may still be missing: servers differ in what they check.

mod elements;

use serde::Deserialize;

pub(super) use elements::{
    Address, CodeableConcept, ContactPoint, Dosage, Extension, HumanName, Identifier, Meta, Period, Quantity,
    Reference, extension,
};

/// A resource of any type.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "resourceType")]
pub(super) enum Resource {
    Bundle(Bundle),
    OperationOutcome(OperationOutcome),
    CapabilityStatement(CapabilityStatement),
    Patient(Box<Patient>),
    Coverage(Box<Coverage>),
    Organization(Organization),
    AllergyIntolerance(Box<AllergyIntolerance>),
    Condition(Box<Condition>),
    MedicationStatement(Box<MedicationStatement>),
    Medication(Box<Medication>),
    Encounter(Box<Encounter>),
    Observation(Box<Observation>),
    Immunization(Box<Immunization>),
    /// One that the adapter does not read.
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Bundle {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) link: Vec<Link>,
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Link {
    pub(super) relation: String,
    pub(super) url: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Entry {
    pub(super) resource: Option<Resource>,
    pub(super) search: Option<Search>,
    pub(super) response: Option<Response>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Search {
    pub(super) mode: Option<String>,
}

/// How one request of a batch went.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Response {
    /// The HTTP status, with or without its phrase.
    pub(super) status: String,
    pub(super) outcome: Option<Box<Resource>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct OperationOutcome {
    #[serde(default)]
    pub(super) issue: Vec<OutcomeIssue>,
}

/// Its texts are not read: they may hold what was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct OutcomeIssue {
    #[serde(default)]
    pub(super) severity: String,
    #[serde(default)]
    pub(super) code: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CapabilityStatement {
    #[serde(default)]
    pub(super) fhir_version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Patient {
    pub(super) id: String,
    pub(super) meta: Meta,
    pub(super) extension: Vec<Extension>,
    pub(super) identifier: Vec<Identifier>,
    pub(super) active: Option<bool>,
    pub(super) name: Vec<HumanName>,
    pub(super) telecom: Vec<ContactPoint>,
    pub(super) gender: Option<String>,
    pub(super) birth_date: Option<String>,
    pub(super) address: Vec<Address>,
    pub(super) contact: Vec<PatientContact>,
    pub(super) managing_organization: Option<Reference>,
    pub(super) link: Vec<PatientLink>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PatientContact {
    pub(super) relationship: Vec<CodeableConcept>,
    pub(super) name: Option<HumanName>,
    pub(super) telecom: Vec<ContactPoint>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct PatientLink {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Coverage {
    pub(super) meta: Meta,
    pub(super) extension: Vec<Extension>,
    pub(super) identifier: Vec<Identifier>,
    pub(super) status: Option<String>,
    pub(super) beneficiary: Reference,
    pub(super) period: Period,
    pub(super) class: Vec<CoverageClass>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CoverageClass {
    #[serde(rename = "type")]
    pub(super) kind: CodeableConcept,
    pub(super) value: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) identifier: Vec<Identifier>,
    pub(super) name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AllergyIntolerance {
    pub(super) clinical_status: CodeableConcept,
    pub(super) verification_status: CodeableConcept,
    pub(super) code: CodeableConcept,
    pub(super) patient: Reference,
    pub(super) recorded_date: Option<String>,
    pub(super) reaction: Vec<AllergyReaction>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AllergyReaction {
    pub(super) manifestation: Vec<CodeableConcept>,
    pub(super) severity: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    pub(super) id: String,
    pub(super) clinical_status: CodeableConcept,
    pub(super) verification_status: CodeableConcept,
    pub(super) category: Vec<CodeableConcept>,
    pub(super) code: CodeableConcept,
    pub(super) subject: Reference,
    pub(super) onset_date_time: Option<String>,
    pub(super) onset_period: Period,
    pub(super) abatement_date_time: Option<String>,
    pub(super) abatement_period: Period,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MedicationStatement {
    pub(super) contained: Vec<Resource>,
    pub(super) status: Option<String>,
    pub(super) medication_codeable_concept: Option<CodeableConcept>,
    pub(super) medication_reference: Option<Reference>,
    pub(super) subject: Reference,
    pub(super) effective_date_time: Option<String>,
    pub(super) effective_period: Period,
    pub(super) dosage: Vec<Dosage>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Medication {
    pub(super) id: String,
    pub(super) code: CodeableConcept,
    pub(super) ingredient: Vec<Ingredient>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ingredient {
    pub(super) item_codeable_concept: CodeableConcept,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Encounter {
    pub(super) status: Option<String>,
    pub(super) class: elements::Coding,
    pub(super) subject: Reference,
    pub(super) period: Period,
    pub(super) reason_code: Vec<CodeableConcept>,
    pub(super) diagnosis: Vec<Diagnosis>,
    pub(super) service_provider: Option<Reference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Diagnosis {
    pub(super) condition: Reference,
    pub(super) rank: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Observation {
    pub(super) id: String,
    pub(super) status: Option<String>,
    pub(super) subject: Reference,
    pub(super) code: CodeableConcept,
    pub(super) value_codeable_concept: Option<CodeableConcept>,
    pub(super) value_string: Option<String>,
    pub(super) value_quantity: Option<Quantity>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Immunization {
    pub(super) id: String,
    pub(super) meta: Meta,
    pub(super) extension: Vec<Extension>,
    pub(super) status: Option<String>,
    pub(super) vaccine_code: CodeableConcept,
    pub(super) patient: Reference,
    pub(super) occurrence_date_time: Option<String>,
    pub(super) manufacturer: Option<Reference>,
    pub(super) lot_number: Option<String>,
    pub(super) route: CodeableConcept,
    pub(super) performer: Vec<Performer>,
    pub(super) reaction: Vec<VaccineReaction>,
    pub(super) protocol_applied: Vec<Protocol>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Performer {
    pub(super) actor: Reference,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VaccineReaction {
    pub(super) detail: Reference,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Protocol {
    pub(super) target_disease: Vec<CodeableConcept>,
    pub(super) dose_number_positive_int: Option<u32>,
    pub(super) dose_number_string: Option<String>,
    pub(super) series_doses_positive_int: Option<u32>,
    pub(super) series_doses_string: Option<String>,
}
