//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.
//!
//! Keys that join relations stay inside: an agency's may be of any type. What is looked for as the only one is looked for
//! twice, so that a contradiction is noticed; what hangs on a patient is read only after that. A facility's name is looked up
//! beside its record and not joined, so that a facility that is listed twice repeats nothing. What has no date comes last, and
//! says so: left to themselves, the databases differ.

use lgsp_adapter::{ByPerson, Numbered, Statement, Tables};

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
            patient: tables.by_person(&NUMBERED.only(PATIENT, OF_PERSON)),
            patient_by_card: tables.statement(&NUMBERED.only(PATIENT, OF_CARD)),
            allergies: tables.statement(ALLERGIES),
            conditions: tables.statement(CONDITIONS),
            medications: tables.statement(MEDICATIONS),
            encounters: tables.statement(ENCOUNTERS),
            patient_number: tables.by_person(&NUMBERED.only(PATIENT_NUMBER, OF_PERSON)),
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

/// Older cards were issued without a number of the person: they are known by the social-insurance number, unless any card of that
/// names somebody else; then whose they are cannot be told. An empty text names nobody, in any column. That is told by an
/// expression and not by two conditions, of which SQLite would take the index for all cards without a number.
const CARDS_OF_PERSON: &str = "c.social_insurance_number IN
          (SELECT o.social_insurance_number FROM insurance_card o WHERE o.{person} = $1)
      AND coalesce(NULLIF(c.{person}, ''), CASE WHEN c.social_insurance_number <> '' AND NOT EXISTS (
              SELECT 1 FROM insurance_card e JOIN insurance_card o ON o.{person} = $1
              WHERE e.social_insurance_number = c.social_insurance_number
                AND (NULLIF(e.personal_number, '') <> NULLIF(o.personal_number, '')
                     OR NULLIF(e.old_identity_number, '') <> NULLIF(o.old_identity_number, ''))
          ) THEN $1 END) = $1";

const OF_PERSON: &str = "o.{person} = $1";

/// A record may lack the number alone.
const OF_CARD: &str = "o.social_insurance_number = $1 OR o.insurance_card_number = $2";

/// What hangs on a patient is found by the patient's own number. So that must be nobody else's either.
const NUMBERED: Numbered = Numbered { relation: "patient", number: "patient_number" };

const PATIENT_NUMBER: &str = "SELECT this.patient_number FROM patient this";

const PATIENT: &str = "
    SELECT this.patient_number, this.personal_number, this.insurance_card_number, this.full_name, this.date_of_birth, this.sex,
           this.line, this.ward_code, this.former_ward_code, this.text, this.phone_number, this.contact_name,
           this.contact_relation, this.contact_phone_number, this.blood_type, this.disability, this.pregnant,
           this.height_cm, this.weight_kg, this.facility_code, this.updated_us, this.as_of_us,
           (SELECT f.name FROM facility f WHERE f.facility_code = this.facility_code LIMIT 1) AS facility_name
    FROM patient this";

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
