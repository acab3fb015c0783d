//! From rows to the domain's language.

use lgsp_adapter::records::claimed_date;
use lgsp_adapter::{Record, Row, SourceError, Tables};
use lgsp_proto::health::v1::{
    Allergy, Condition, Contact, Encounter, Immunization, InsuranceCard, Medication, PatientSummary,
};

use crate::relations::{
    ALLERGY, CONDITION, ENCOUNTER, FACILITY, IMMUNIZATION, INSURANCE_CARD, MEDICATION, PATIENT, VACCINE,
};
use crate::{Card, Suspension};

pub(super) fn card(tables: &Tables, row: &Row) -> Result<Card, SourceError> {
    let of = tables.record(&INSURANCE_CARD, row);
    let record = InsuranceCard {
        card_number: of.text("card_number")?,
        personal_number: of.text("personal_number")?,
        full_name: of.name("full_name")?,
        date_of_birth: of.date("date_of_birth")?,
        valid_from: of.date("valid_from")?,
        valid_to: of.date("valid_to")?,
        benefit_code: of.text("benefit_code")?,
        facility_code: of.text("facility_code")?,
        facility_name: facility_name(tables, row)?,
        five_years_from: of.date("five_years_from")?,
    };
    Ok(Card { record, suspension: suspension(of)?, provenance: of.provenance()? })
}

/// A card is suspended even if nobody understands since when.
fn suspension(of: Record<'_>) -> Result<Option<Suspension>, SourceError> {
    if of.maybe_text("suspended_from")?.is_none() {
        return Ok(None);
    }
    let day = of.date("suspended_from")?.as_ref().and_then(claimed_date);
    Ok(Some(day.map_or(Suspension::Undated, Suspension::From)))
}

/// The summary without what hangs on the patient.
pub(super) fn summary(tables: &Tables, row: &Row) -> Result<PatientSummary, SourceError> {
    let of = tables.record(&PATIENT, row);
    Ok(PatientSummary {
        patient_id: of.number("patient_number")?,
        personal_number: of.text("personal_number")?,
        insurance_card_number: of.text("insurance_card_number")?,
        full_name: of.name("full_name")?,
        date_of_birth: of.date("date_of_birth")?,
        sex: of.code("sex")?,
        address: of.address()?,
        phone_number: of.text("phone_number")?,
        emergency_contact: contact(of)?,
        blood_type: of.text("blood_type")?,
        disability: of.text("disability")?,
        pregnant: of.flag("pregnant")?,
        height_cm: of.maybe_real("height_cm")?.unwrap_or_default(),
        weight_kg: of.maybe_real("weight_kg")?.unwrap_or_default(),
        facility_code: of.text("facility_code")?,
        facility_name: facility_name(tables, row)?,
        updated: of.moment("updated_us")?,
        provenance: of.provenance()?,
        ..PatientSummary::default()
    })
}

fn contact(of: Record<'_>) -> Result<Option<Contact>, SourceError> {
    let contact = Contact {
        full_name: of.name("contact_name")?,
        relation: of.text("contact_relation")?,
        phone_number: of.text("contact_phone_number")?,
    };
    Ok(Some(contact).filter(|contact| *contact != Contact::default()))
}

pub(super) fn allergy(tables: &Tables, row: &Row) -> Result<Allergy, SourceError> {
    let of = tables.record(&ALLERGY, row);
    Ok(Allergy {
        substance: of.text("substance")?,
        reaction: of.text("reaction")?,
        severity: of.code("severity")?,
        recorded_on: of.date("recorded_on")?,
    })
}

pub(super) fn condition(tables: &Tables, row: &Row) -> Result<Condition, SourceError> {
    let of = tables.record(&CONDITION, row);
    Ok(Condition {
        icd10_code: of.text("icd10_code")?,
        title_vi: of.text("title_vi")?,
        chronic: of.flag("chronic")?,
        since: of.date("since")?,
        until: of.date("until")?,
    })
}

pub(super) fn medication(tables: &Tables, row: &Row) -> Result<Medication, SourceError> {
    let of = tables.record(&MEDICATION, row);
    // What ends on a day that nobody understands is told, and the day counted.
    of.date("until")?;
    Ok(Medication {
        name: of.text("name")?,
        active_ingredient: of.text("active_ingredient")?,
        dosage: of.text("dosage")?,
        since: of.date("since")?,
    })
}

pub(super) fn encounter(tables: &Tables, row: &Row) -> Result<Encounter, SourceError> {
    let of = tables.record(&ENCOUNTER, row);
    Ok(Encounter {
        on_date: of.date("on_date")?,
        facility_code: of.text("facility_code")?,
        facility_name: facility_name(tables, row)?,
        icd10_code: of.text("icd10_code")?,
        inpatient: of.flag("inpatient")?,
    })
}

/// An immunization, with its number.
pub(super) fn immunization(tables: &Tables, row: &Row) -> Result<(i64, Immunization), SourceError> {
    let (of, vaccine) = (tables.record(&IMMUNIZATION, row), tables.record(&VACCINE, row));
    let patient = tables.record(&PATIENT, row);
    let number = of.integer("immunization_id")?;
    let immunization = Immunization {
        immunization_id: number.to_string(),
        personal_number: patient.text("personal_number")?,
        vaccine_code: vaccine.text("vaccine_code")?,
        vaccine_name: vaccine.text("name")?,
        manufacturer: vaccine.text("manufacturer")?,
        lot_number: of.text("lot_number")?,
        target_diseases: vaccine.list("target_diseases")?,
        dose_number: of.small("dose_number")?,
        series_doses: vaccine.small("series_doses")?,
        on_date: of.date("on_date")?,
        route: vaccine.text("route")?,
        facility_code: of.text("facility_code")?,
        facility_name: facility_name(tables, row)?,
        next_due_on: of.date("next_due_on")?,
        adverse_reaction: of.text("adverse_reaction")?,
        provenance: of.provenance()?,
    };
    Ok((number, immunization))
}

fn facility_name(tables: &Tables, row: &Row) -> Result<String, SourceError> {
    tables.record(&FACILITY, row).name_as("name", "facility_name")
}
