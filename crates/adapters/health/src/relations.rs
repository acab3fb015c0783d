//! What the adapter reads of a health database: the tables of the native schema, `crates/sample/schema/health.sql`.

use lgsp_adapter::{Codes, Column, Kind, Relation, Rule, SEX};
use lgsp_identifiers::Format;

/// The version of the native schema.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Every relation that the adapter reads.
pub const RELATIONS: &[Relation] =
    &[INSURANCE_CARD, PATIENT, ALLERGY, CONDITION, MEDICATION, ENCOUNTER, IMMUNIZATION, VACCINE, FACILITY];

const SEVERITY: Codes = &[("unspecified", 0), ("mild", 1), ("moderate", 2), ("severe", 3)];

/// Cards, valid or not. A person has one after the other.
pub(crate) const INSURANCE_CARD: Relation = Relation::new(
    "insurance_card",
    &[
        Column::new("card_number", Kind::Text).required().holding(Format::HealthInsuranceCard),
        Column::new("social_insurance_number", Kind::Text).required().holding(Format::SocialInsuranceNumber),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("full_name", Kind::Text).required(),
        Column::new("date_of_birth", Kind::Date),
        Column::new("valid_from", Kind::Date).required(),
        Column::new("valid_to", Kind::Date),
        Column::new("suspended_from", Kind::Date),
        Column::new("benefit_code", Kind::Text),
        Column::new("facility_code", Kind::Text).referring("facility", "facility_code"),
        Column::new("five_years_from", Kind::Date),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.ruled(&[Rule {
    broken: "a social-insurance number of two persons",
    key: &["social_insurance_number"],
    column: "personal_number",
}]);

/// One record a patient.
pub(crate) const PATIENT: Relation = Relation::new(
    "patient",
    &[
        Column::new("patient_id", Kind::Key).required(),
        Column::new("patient_number", Kind::Text).required(),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("insurance_card_number", Kind::Text).holding(Format::HealthInsuranceCard),
        Column::new("social_insurance_number", Kind::Text).holding(Format::SocialInsuranceNumber),
        Column::new("full_name", Kind::Text).required(),
        Column::new("date_of_birth", Kind::Date),
        Column::new("sex", Kind::Code(SEX)),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("text", Kind::Text),
        Column::new("phone_number", Kind::Text),
        Column::new("contact_name", Kind::Text),
        Column::new("contact_relation", Kind::Text),
        Column::new("contact_phone_number", Kind::Text),
        Column::new("blood_type", Kind::Text),
        Column::new("disability", Kind::Text),
        Column::new("pregnant", Kind::Flag),
        Column::new("height_cm", Kind::Real),
        Column::new("weight_kg", Kind::Real),
        Column::new("facility_code", Kind::Text).referring("facility", "facility_code"),
        Column::new("updated_us", Kind::Moment),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["patient_id"], &["patient_number"], &["personal_number"], &["old_identity_number"]]);

/// Allergies and intolerances.
pub(crate) const ALLERGY: Relation = Relation::new(
    "allergy",
    &[
        Column::new("patient_id", Kind::Key).required().referring("patient", "patient_id"),
        Column::new("substance", Kind::Text).required(),
        Column::new("reaction", Kind::Text),
        Column::new("severity", Kind::Code(SEVERITY)),
        Column::new("recorded_on", Kind::Date),
    ],
)
.optional();

/// Health problems.
pub(crate) const CONDITION: Relation = Relation::new(
    "condition",
    &[
        Column::new("patient_id", Kind::Key).required().referring("patient", "patient_id"),
        Column::new("icd10_code", Kind::Text),
        Column::new("title_vi", Kind::Text).required(),
        Column::new("chronic", Kind::Flag),
        Column::new("since", Kind::Date),
        Column::new("until", Kind::Date),
    ],
)
.optional();

/// Medicines, in use or not any more.
pub(crate) const MEDICATION: Relation = Relation::new(
    "medication",
    &[
        Column::new("patient_id", Kind::Key).required().referring("patient", "patient_id"),
        Column::new("name", Kind::Text).required(),
        Column::new("active_ingredient", Kind::Text),
        Column::new("dosage", Kind::Text),
        Column::new("since", Kind::Date),
        Column::new("until", Kind::Date),
    ],
)
.optional();

/// Visits to facilities.
pub(crate) const ENCOUNTER: Relation = Relation::new(
    "encounter",
    &[
        Column::new("encounter_id", Kind::Key).required(),
        Column::new("patient_id", Kind::Key).required().referring("patient", "patient_id"),
        Column::new("on_date", Kind::Date).required(),
        Column::new("facility_code", Kind::Text).referring("facility", "facility_code"),
        Column::new("icd10_code", Kind::Text),
        Column::new("inpatient", Kind::Flag),
    ],
)
.optional()
.keyed(&[&["encounter_id"]]);

/// Doses of vaccines; pages end with `immunization_id`.
pub(crate) const IMMUNIZATION: Relation = Relation::new(
    "immunization",
    &[
        Column::new("immunization_id", Kind::Integer).required(),
        Column::new("patient_id", Kind::Key).required().referring("patient", "patient_id"),
        Column::new("vaccine_id", Kind::Key).required().referring("vaccine", "vaccine_id"),
        Column::new("lot_number", Kind::Text),
        Column::new("dose_number", Kind::Integer),
        Column::new("on_date", Kind::Date).required(),
        Column::new("facility_code", Kind::Text).referring("facility", "facility_code"),
        Column::new("next_due_on", Kind::Date),
        Column::new("adverse_reaction", Kind::Text),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.optional()
.keyed(&[&["immunization_id"]]);

/// The products that were given.
pub(crate) const VACCINE: Relation = Relation::new(
    "vaccine",
    &[
        Column::new("vaccine_id", Kind::Key).required(),
        Column::new("vaccine_code", Kind::Text).required(),
        Column::new("name", Kind::Text).required(),
        Column::new("manufacturer", Kind::Text),
        Column::new("target_diseases", Kind::Text),
        Column::new("series_doses", Kind::Integer),
        Column::new("route", Kind::Text),
    ],
)
.optional()
.keyed(&[&["vaccine_id"]]);

/// Hospitals, health stations, places of vaccination.
pub(crate) const FACILITY: Relation = Relation::new(
    "facility",
    &[Column::new("facility_code", Kind::Text).required(), Column::new("name", Kind::Text).required()],
)
.optional()
.keyed(&[&["facility_code"]]);

#[cfg(test)]
mod tests {
    use lgsp_adapter::testing::assert_codes;
    use lgsp_proto::health::v1::Severity;

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_codes(SEVERITY, "SEVERITY_", |n| Severity::try_from(n).ok().map(|v| v.as_str_name()));
    }
}
