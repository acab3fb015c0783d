//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.
//!
//! Keys that join relations stay inside: an agency's may be of any type. What is looked for as the only one is looked for
//! twice, so that a contradiction is noticed; what hangs on a patient is read only after that. A facility's name is looked up
//! beside its record and not joined, so that a facility that is listed twice repeats nothing. What has no date comes last, and
//! says so: left to themselves, the databases differ.

use lgsp_adapter::{ByPerson, Statement, Tables};

/// Every statement of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) cards: ByPerson,
    pub(super) cards_by_social_insurance: Statement,
    pub(super) patient: ByPerson,
    pub(super) patient_by_card: Statement,
    pub(super) allergies: Statement,
    pub(super) conditions: Statement,
    pub(super) medications: Statement,
    pub(super) encounters: Statement,
    pub(super) patient_number: ByPerson,
    pub(super) first_immunizations: Statement,
    pub(super) next_immunizations: Statement,
}

impl Statements {
    pub(super) fn new(tables: &Tables) -> Self {
        let cards = |condition: &str| CARDS.replace("{condition}", condition);
        Self {
            cards: tables.by_person(&cards(CARDS_OF_PERSON)),
            cards_by_social_insurance: tables.statement(&cards("c.social_insurance_number = $1")),
            patient: tables.by_person(&only_patient(PATIENT, OF_PERSON)),
            patient_by_card: tables.statement(&only_patient(PATIENT, OF_CARD)),
            allergies: tables.statement(ALLERGIES),
            conditions: tables.statement(CONDITIONS),
            medications: tables.statement(MEDICATIONS),
            encounters: tables.statement(ENCOUNTERS),
            patient_number: tables.by_person(&only_patient(PATIENT_NUMBER, OF_PERSON)),
            first_immunizations: tables.statement(FIRST_IMMUNIZATIONS),
            next_immunizations: tables.statement(NEXT_IMMUNIZATIONS),
        }
    }
}

/// The bound is [`crate::MOST_CARDS`].
const CARDS: &str = "
    SELECT c.card_number, c.personal_number, c.full_name, c.date_of_birth, c.valid_from, c.valid_to, c.suspended_from,
           c.benefit_code, c.facility_code, c.five_years_from, c.as_of_us,
           (SELECT f.name FROM facility f WHERE f.facility_code = c.facility_code LIMIT 1) AS facility_name
    FROM insurance_card c
    WHERE {condition}
    ORDER BY c.valid_from DESC NULLS LAST
    LIMIT 50";

/// Older cards were issued without a number of the person: they are known by the social-insurance number, unless they name
/// somebody else. An empty text names nobody, in either column. That is told by an expression and not by two conditions, of which SQLite would
/// take the index for all cards without a number.
const CARDS_OF_PERSON: &str = "c.social_insurance_number IN
          (SELECT o.social_insurance_number FROM insurance_card o WHERE o.{person} = $1)
      AND coalesce(NULLIF(c.{person}, ''), CASE WHEN c.social_insurance_number <> '' THEN $1 END) = $1";

const OF_PERSON: &str = "o.{person} = $1";

/// A record may lack the number alone.
const OF_CARD: &str = "o.social_insurance_number = $1 OR o.insurance_card_number = $2";

/// What hangs on a patient is found by the patient's own number. So that must be nobody else's either.
fn only_patient(select: &str, condition: &str) -> String {
    format!(
        "{select} FROM patient p
         WHERE p.patient_number {{any of}} SELECT o.patient_number FROM patient o WHERE {condition} {{end}}
         LIMIT 2"
    )
}

const PATIENT_NUMBER: &str = "SELECT p.patient_number";

const PATIENT: &str = "
    SELECT p.patient_number, p.personal_number, p.insurance_card_number, p.full_name, p.date_of_birth, p.sex, p.line,
           p.ward_code, p.former_ward_code, p.text, p.phone_number, p.contact_name, p.contact_relation,
           p.contact_phone_number, p.blood_type, p.disability, p.pregnant, p.height_cm, p.weight_kg, p.facility_code,
           p.updated_us, p.as_of_us,
           (SELECT f.name FROM facility f WHERE f.facility_code = p.facility_code LIMIT 1) AS facility_name";

/// The bounds of this and of the following ones are the contract's.
const ALLERGIES: &str = "
    SELECT a.substance, a.reaction, a.severity, a.recorded_on
    FROM patient p JOIN allergy a ON a.patient_id = p.patient_id
    WHERE p.patient_number = $1
    ORDER BY a.severity DESC NULLS LAST, a.substance
    LIMIT 200";

/// What lasts comes first.
const CONDITIONS: &str = "
    SELECT c.icd10_code, c.title_vi, c.chronic, c.since, c.until
    FROM patient p JOIN condition c ON c.patient_id = p.patient_id
    WHERE p.patient_number = $1
    ORDER BY CASE WHEN coalesce(c.until, '') = '' THEN 0 ELSE 1 END, c.since DESC NULLS LAST, c.title_vi
    LIMIT 200";

/// In use on a day.
const MEDICATIONS: &str = "
    SELECT m.name, m.active_ingredient, m.dosage, m.since, m.until
    FROM patient p JOIN medication m ON m.patient_id = p.patient_id
    WHERE p.patient_number = $1 AND {in force on $2}
    ORDER BY m.since DESC NULLS LAST, m.name
    LIMIT 200";

const ENCOUNTERS: &str = "
    SELECT e.on_date, e.facility_code, e.icd10_code, e.inpatient,
           (SELECT f.name FROM facility f WHERE f.facility_code = e.facility_code LIMIT 1) AS facility_name
    FROM patient p JOIN encounter e ON e.patient_id = p.patient_id
    WHERE p.patient_number = $1
    ORDER BY e.on_date DESC NULLS LAST, e.encounter_id DESC
    LIMIT 50";

macro_rules! immunizations {
    ($after:literal, $limit:literal) => {
        concat!(
            "SELECT i.immunization_id, i.lot_number, i.dose_number, i.on_date, i.facility_code, i.next_due_on,
                    i.adverse_reaction, i.as_of_us, p.personal_number, v.vaccine_code, v.name, v.manufacturer,
                    v.target_diseases, v.series_doses, v.route,
                    (SELECT f.name FROM facility f WHERE f.facility_code = i.facility_code LIMIT 1) AS facility_name
             FROM patient p
             JOIN immunization i ON i.patient_id = p.patient_id
             LEFT JOIN vaccine v ON v.vaccine_id = i.vaccine_id
             WHERE p.patient_number = $1 ",
            $after,
            " ORDER BY coalesce(i.on_date, '') DESC, i.immunization_id DESC LIMIT ",
            $limit
        )
    };
}

const FIRST_IMMUNIZATIONS: &str = immunizations!("", "$2");

/// What comes after one of the same patient: another's would tell when that one had it.
const NEXT_IMMUNIZATIONS: &str = immunizations!(
    "AND (coalesce(i.on_date, ''), i.immunization_id) <
         (SELECT coalesce(l.on_date, ''), l.immunization_id FROM immunization l JOIN patient o ON o.patient_id = l.patient_id
          WHERE l.immunization_id = $2 AND o.patient_number = $1)",
    "$3"
);
