use lgsp_identifiers::{HealthInsuranceCard, OldIdentityCard, PartialDate, PersonalNumber};
use lgsp_proto::health::v1::Severity;
use lgsp_proto::record::v1::Sex;

use super::PostalAddress;

/// A hospital or a health station. Its name says that it is made up.
#[derive(Clone, Debug)]
pub struct Facility {
    /// 5 digits.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A health-insurance card with what is printed on it.
#[derive(Clone, Debug)]
pub struct InsuranceCard {
    /// Id of the citizen who holds it.
    pub holder: i64,
    /// 15 characters.
    pub number: HealthInsuranceCard,
    /// Of the holder; some older cards were issued without.
    pub personal_number: Option<PersonalNumber>,
    /// Of the holder.
    pub old_identity: Option<OldIdentityCard>,
    /// Name of the holder.
    pub full_name: String,
    /// Of the holder.
    pub date_of_birth: PartialDate,
    /// First day of validity.
    pub valid_from: PartialDate,
    /// Last day of validity.
    pub valid_to: PartialDate,
    /// Withdrawn or locked by the insurer from this day on.
    pub suspended_from: Option<PartialDate>,
    /// The benefit level on the card, `1` to `5`.
    pub benefit_code: &'static str,
    /// Where the holder is registered for first treatment.
    pub facility: &'static Facility,
    /// When five years of insurance without a break are reached.
    pub five_years_from: Option<PartialDate>,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// What the health sector knows of a person.
#[derive(Clone, Debug)]
pub struct Patient {
    /// From 1, without gaps.
    pub id: i64,
    /// Id of the citizen.
    pub citizen: i64,
    /// The patient's own number.
    pub number: String,
    /// `None` where the record still has only the old identity card.
    pub personal_number: Option<PersonalNumber>,
    /// Unique, if there is one.
    pub old_identity: Option<OldIdentityCard>,
    /// The card that was shown last.
    pub card: Option<HealthInsuranceCard>,
    /// Full name.
    pub full_name: String,
    /// Month and day may be unknown.
    pub date_of_birth: PartialDate,
    /// Male or female.
    pub sex: Sex,
    /// As the patient gave it.
    pub address: PostalAddress,
    /// E.164.
    pub phone_number: Option<String>,
    /// Whom to call.
    pub contact: Option<Contact>,
    /// As the register of residents has it.
    pub blood_type: Option<&'static str>,
    /// Kind and degree, when certified.
    pub disability: Option<&'static str>,
    /// A pregnancy is on record.
    pub pregnant: bool,
    /// Last measured.
    pub height_cm: Option<f64>,
    /// Last measured.
    pub weight_kg: Option<f64>,
    /// Who keeps the record.
    pub facility: &'static Facility,
    /// Allergies and intolerances.
    pub allergies: Vec<Allergy>,
    /// Health problems, the past ones included.
    pub conditions: Vec<Condition>,
    /// Medicines, those no longer in use included.
    pub medications: Vec<Medication>,
    /// Visits, older ones first.
    pub encounters: Vec<Encounter>,
    /// Doses of vaccines, older ones first.
    pub immunizations: Vec<Immunization>,
    /// Last change, Unix microseconds.
    pub updated_us: i64,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// Someone to call.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Full name.
    pub full_name: String,
    /// What the person is to the patient.
    pub relation: &'static str,
    /// E.164.
    pub phone_number: Option<String>,
}

/// An allergy or intolerance.
#[derive(Clone, Debug)]
pub struct Allergy {
    /// What causes it.
    pub substance: &'static str,
    /// How it shows.
    pub reaction: &'static str,
    /// How severe it was.
    pub severity: Severity,
    /// When it was recorded.
    pub recorded_on: Option<PartialDate>,
}

/// A health problem.
#[derive(Clone, Debug)]
pub struct Condition {
    /// ICD-10.
    pub icd10_code: &'static str,
    /// Its name.
    pub title_vi: &'static str,
    /// It lasts.
    pub chronic: bool,
    /// Since when.
    pub since: PartialDate,
    /// `None`: still.
    pub until: Option<PartialDate>,
}

/// A medicine.
#[derive(Clone, Debug)]
pub struct Medication {
    /// Its name with the strength.
    pub name: &'static str,
    /// What works in it.
    pub active_ingredient: &'static str,
    /// How it is taken.
    pub dosage: &'static str,
    /// Since when.
    pub since: PartialDate,
    /// `None`: in use.
    pub until: Option<PartialDate>,
}

/// One visit to a facility.
#[derive(Clone, Debug)]
pub struct Encounter {
    /// When.
    pub on: PartialDate,
    /// Where.
    pub facility: &'static Facility,
    /// Main diagnosis, ICD-10.
    pub icd10_code: &'static str,
    /// The patient stayed.
    pub inpatient: bool,
}

/// A product that is given.
#[derive(Clone, Debug)]
pub struct Vaccine {
    /// From 1, without gaps.
    pub id: i64,
    /// In the list of this city.
    pub code: &'static str,
    /// Trade name.
    pub name: &'static str,
    /// Who makes it.
    pub manufacturer: &'static str,
    /// Against what.
    pub target_diseases: &'static [&'static str],
    /// Doses of the whole series.
    pub series_doses: u8,
    /// How it is given.
    pub route: &'static str,
}

/// One dose of a vaccine.
#[derive(Clone, Debug)]
pub struct Immunization {
    /// What was given.
    pub vaccine: &'static Vaccine,
    /// Begins with `MAU`: made up.
    pub lot_number: String,
    /// From 1.
    pub dose_number: u8,
    /// When.
    pub on: PartialDate,
    /// Where.
    pub facility: &'static Facility,
    /// When the next dose of the series was or is due.
    pub next_due_on: Option<PartialDate>,
    /// Reaction after the dose.
    pub adverse_reaction: Option<&'static str>,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}
