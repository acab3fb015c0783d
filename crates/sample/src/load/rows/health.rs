use super::{Ids, Rows, Table, Value, address, list, next};
use crate::health::facilities::facilities;
use crate::health::vaccines::VACCINES;
use crate::record::{Home, InsuranceCard, Patient};

static FACILITY: Table = Table { name: "facility", columns: &["facility_code", "name"] };

static VACCINE: Table = Table {
    name: "vaccine",
    columns: &[
        "vaccine_id",
        "vaccine_code",
        "name",
        "manufacturer",
        "target_diseases",
        "series_doses",
        "route",
    ],
};

static INSURANCE_CARD: Table = Table {
    name: "insurance_card",
    columns: &[
        "card_id",
        "card_number",
        "social_insurance_number",
        "personal_number",
        "old_identity_number",
        "full_name",
        "date_of_birth",
        "valid_from",
        "valid_to",
        "suspended_from",
        "benefit_code",
        "facility_code",
        "five_years_from",
        "as_of_us",
    ],
};

static PATIENT: Table = Table {
    name: "patient",
    columns: &[
        "patient_id",
        "patient_number",
        "personal_number",
        "old_identity_number",
        "insurance_card_number",
        "social_insurance_number",
        "full_name",
        "date_of_birth",
        "sex",
        "line",
        "ward_code",
        "former_ward_code",
        "text",
        "phone_number",
        "contact_name",
        "contact_relation",
        "contact_phone_number",
        "blood_type",
        "disability",
        "pregnant",
        "height_cm",
        "weight_kg",
        "facility_code",
        "updated_us",
        "as_of_us",
    ],
};

static ALLERGY: Table = Table {
    name: "allergy",
    columns: &["allergy_id", "patient_id", "substance", "reaction", "severity", "recorded_on"],
};

static CONDITION: Table = Table {
    name: "condition",
    columns: &["condition_id", "patient_id", "icd10_code", "title_vi", "chronic", "since", "until"],
};

static MEDICATION: Table = Table {
    name: "medication",
    columns: &["medication_id", "patient_id", "name", "active_ingredient", "dosage", "since", "until"],
};

static ENCOUNTER: Table = Table {
    name: "encounter",
    columns: &["encounter_id", "patient_id", "on_date", "facility_code", "icd10_code", "inpatient"],
};

static IMMUNIZATION: Table = Table {
    name: "immunization",
    columns: &[
        "immunization_id",
        "patient_id",
        "vaccine_id",
        "lot_number",
        "dose_number",
        "on_date",
        "facility_code",
        "next_due_on",
        "adverse_reaction",
        "as_of_us",
    ],
};

/// The facilities and vaccines of the city.
pub(crate) fn catalogue() -> Vec<Rows<'static>> {
    let mut places = Rows::of(&FACILITY);
    for facility in facilities() {
        places.push([(&facility.code).into(), (&facility.name).into()]);
    }
    let mut products = Rows::of(&VACCINE);
    for vaccine in VACCINES {
        products.push([
            vaccine.id.into(),
            vaccine.code.into(),
            vaccine.name.into(),
            vaccine.manufacturer.into(),
            list(vaccine.target_diseases),
            i32::from(vaccine.series_doses).into(),
            vaccine.route.into(),
        ]);
    }
    vec![places, products]
}

/// Cards, patients, and all that hangs on patients.
pub(crate) fn rows<'a>(homes: &'a [Home], ids: &mut Ids) -> Vec<Rows<'a>> {
    let patients = || homes.iter().flat_map(|home| &home.patients);
    let mut cards = Rows::of(&INSURANCE_CARD);
    let id = ids.of(&INSURANCE_CARD);
    homes.iter().flat_map(|home| &home.cards).for_each(|record| cards.push(card(next(id), record)));
    let mut records = Rows::of(&PATIENT);
    patients().for_each(|record| records.push(patient(record)));
    vec![
        cards,
        records,
        allergies(patients(), ids),
        conditions(patients(), ids),
        medications(patients(), ids),
        encounters(patients(), ids),
        immunizations(patients(), ids),
    ]
}

fn card<'a>(id: Value<'a>, card: &'a InsuranceCard) -> [Value<'a>; 14] {
    [
        id,
        (&card.number).into(),
        card.number.social_insurance_number().into(),
        (&card.personal_number).into(),
        (&card.old_identity).into(),
        (&card.full_name).into(),
        card.date_of_birth.into(),
        card.valid_from.into(),
        card.valid_to.into(),
        card.suspended_from.into(),
        card.benefit_code.into(),
        (&card.facility.code).into(),
        card.five_years_from.into(),
        card.as_of_us.into(),
    ]
}

fn patient(patient: &Patient) -> [Value<'_>; 25] {
    let [line, ward, former_ward, text] = address(&patient.address);
    let contact = patient.contact.as_ref();
    [
        patient.id.into(),
        (&patient.number).into(),
        (&patient.personal_number).into(),
        (&patient.old_identity).into(),
        (&patient.card).into(),
        patient.card.as_ref().map(|card| card.social_insurance_number()).into(),
        (&patient.full_name).into(),
        patient.date_of_birth.into(),
        (patient.sex as i32).into(),
        line,
        ward,
        former_ward,
        text,
        (&patient.phone_number).into(),
        contact.map(|contact| &contact.full_name).into(),
        contact.map(|contact| contact.relation).into(),
        contact.and_then(|contact| contact.phone_number.as_ref()).into(),
        patient.blood_type.into(),
        patient.disability.into(),
        patient.pregnant.into(),
        patient.height_cm.into(),
        patient.weight_kg.into(),
        (&patient.facility.code).into(),
        patient.updated_us.into(),
        patient.as_of_us.into(),
    ]
}

fn allergies<'a>(patients: impl Iterator<Item = &'a Patient>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&ALLERGY);
    let mut rows = Rows::of(&ALLERGY);
    for patient in patients {
        for allergy in &patient.allergies {
            rows.push([
                next(id),
                patient.id.into(),
                allergy.substance.into(),
                allergy.reaction.into(),
                (allergy.severity as i32).into(),
                allergy.recorded_on.into(),
            ]);
        }
    }
    rows
}

fn conditions<'a>(patients: impl Iterator<Item = &'a Patient>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&CONDITION);
    let mut rows = Rows::of(&CONDITION);
    for patient in patients {
        for condition in &patient.conditions {
            rows.push([
                next(id),
                patient.id.into(),
                condition.icd10_code.into(),
                condition.title_vi.into(),
                condition.chronic.into(),
                condition.since.into(),
                condition.until.into(),
            ]);
        }
    }
    rows
}

fn medications<'a>(patients: impl Iterator<Item = &'a Patient>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&MEDICATION);
    let mut rows = Rows::of(&MEDICATION);
    for patient in patients {
        for medication in &patient.medications {
            rows.push([
                next(id),
                patient.id.into(),
                medication.name.into(),
                medication.active_ingredient.into(),
                medication.dosage.into(),
                medication.since.into(),
                medication.until.into(),
            ]);
        }
    }
    rows
}

fn encounters<'a>(patients: impl Iterator<Item = &'a Patient>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&ENCOUNTER);
    let mut rows = Rows::of(&ENCOUNTER);
    for patient in patients {
        for encounter in &patient.encounters {
            rows.push([
                next(id),
                patient.id.into(),
                encounter.on.into(),
                (&encounter.facility.code).into(),
                encounter.icd10_code.into(),
                encounter.inpatient.into(),
            ]);
        }
    }
    rows
}

fn immunizations<'a>(patients: impl Iterator<Item = &'a Patient>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&IMMUNIZATION);
    let mut rows = Rows::of(&IMMUNIZATION);
    for patient in patients {
        for dose in &patient.immunizations {
            rows.push([
                next(id),
                patient.id.into(),
                dose.vaccine.id.into(),
                (&dose.lot_number).into(),
                i32::from(dose.dose_number).into(),
                dose.on.into(),
                (&dose.facility.code).into(),
                dose.next_due_on.into(),
                dose.adverse_reaction.into(),
                dose.as_of_us.into(),
            ]);
        }
    }
    rows
}
