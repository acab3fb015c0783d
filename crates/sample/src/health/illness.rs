//! Health problems, medicines, allergies and visits, as often as age makes them (assumed).

use lgsp_identifiers::PartialDate;
use lgsp_proto::health::v1::Severity;

use super::facilities::{hospital, station};
use crate::circumstances::Person;
use crate::clock::{THIS_YEAR, blur, day_in, plus_days, today};
use crate::dice::Dice;
use crate::record::{Allergy, Condition, Encounter, Medication};

/// A disease with its medicine: name, active ingredient, dosage.
struct Disease {
    icd10_code: &'static str,
    title_vi: &'static str,
    chronic: bool,
    /// Of 1,000 children, adults, and people from 50 on.
    per_mille: [u32; 3],
    medicine: Option<(&'static str, &'static str, &'static str)>,
}

const fn lasting(
    icd10_code: &'static str,
    title_vi: &'static str,
    per_mille: [u32; 3],
    medicine: Option<(&'static str, &'static str, &'static str)>,
) -> Disease {
    Disease { icd10_code, title_vi, chronic: true, per_mille, medicine }
}

const fn passing(
    icd10_code: &'static str,
    title_vi: &'static str,
    per_mille: [u32; 3],
    medicine: Option<(&'static str, &'static str, &'static str)>,
) -> Disease {
    Disease { icd10_code, title_vi, chronic: false, per_mille, medicine }
}

const DISEASES: &[Disease] = &[
    lasting(
        "I10",
        "Tăng huyết áp vô căn (nguyên phát)",
        [0, 45, 380],
        Some(("Amlodipin 5 mg", "Amlodipin", "Uống 1 viên mỗi sáng")),
    ),
    lasting(
        "E11",
        "Đái tháo đường không phụ thuộc insulin",
        [0, 15, 130],
        Some(("Metformin 500 mg", "Metformin", "Uống 1 viên, ngày 2 lần, sau ăn")),
    ),
    lasting(
        "E78",
        "Rối loạn chuyển hóa lipoprotein",
        [0, 30, 150],
        Some(("Atorvastatin 10 mg", "Atorvastatin", "Uống 1 viên mỗi tối")),
    ),
    lasting("J45", "Hen", [40, 20, 25], Some(("Salbutamol 100 mcg", "Salbutamol", "Xịt 2 nhát khi khó thở"))),
    lasting(
        "J44",
        "Bệnh phổi tắc nghẽn mạn tính khác",
        [0, 3, 45],
        Some(("Tiotropium 18 mcg", "Tiotropium", "Hít 1 viên mỗi ngày")),
    ),
    lasting(
        "B18",
        "Viêm gan virus mạn tính",
        [0, 30, 35],
        Some(("Tenofovir 300 mg", "Tenofovir disoproxil", "Uống 1 viên mỗi ngày")),
    ),
    lasting("M17", "Thoái hóa khớp gối", [0, 5, 120], Some(("Paracetamol 500 mg", "Paracetamol", "Khi đau"))),
    lasting("D56", "Bệnh thalassemia", [4, 2, 1], None),
    lasting(
        "G40",
        "Động kinh",
        [4, 4, 4],
        Some(("Valproat natri 500 mg", "Natri valproat", "Uống 1 viên, ngày 2 lần")),
    ),
    lasting("N18", "Bệnh thận mạn", [0, 2, 14], None),
    passing(
        "K29",
        "Viêm dạ dày và tá tràng",
        [8, 80, 80],
        Some(("Omeprazol 20 mg", "Omeprazol", "Uống 1 viên trước ăn sáng")),
    ),
    passing("A90", "Sốt Dengue", [45, 25, 10], None),
    passing("F41", "Các rối loạn lo âu khác", [2, 12, 10], None),
];

const ALLERGIES: &[(u32, &str, &str)] = &[
    (30, "Penicillin", "Nổi mề đay"),
    (25, "Hải sản", "Ngứa, nổi mẩn"),
    (12, "Aspirin", "Khó thở"),
    (10, "Sulfamid", "Nổi mề đay"),
    (9, "Đậu phộng", "Sưng môi, khó thở"),
    (8, "Sữa bò", "Tiêu chảy, nổi mẩn"),
    (6, "Cefotaxim", "Sốc phản vệ"),
];

/// Why people come without one of the problems on their record.
const REASONS: &[(u32, &str)] = &[
    (30, "J06"),
    (12, "A09"),
    (10, "J20"),
    (8, "L30"),
    (8, "M54"),
    (7, "Z00"),
    (6, "N39"),
    (5, "S61"),
    (4, "H10"),
];

const FIRST_VISIT: u16 = 2024;

pub(super) fn allergies(dice: &mut Dice, person: Person<'_>) -> Vec<Allergy> {
    if !dice.chance(60) {
        return Vec::new();
    }
    let weighted: Vec<_> = ALLERGIES.iter().map(|(weight, what, how)| (*weight, (*what, *how))).collect();
    let (substance, reaction) = dice.weighted(&weighted);
    let severity = match reaction {
        "Sốc phản vệ" => Severity::Severe,
        _ => dice.weighted(&[
            (60, Severity::Mild),
            (25, Severity::Moderate),
            (8, Severity::Severe),
            (7, Severity::Unspecified),
        ]),
    };
    let recorded_on = (!dice.chance(200)).then(|| some_day(dice, person, 2010));
    vec![Allergy { substance, reaction, severity, recorded_on }]
}

/// The problems of a person with the medicines against them.
pub(super) fn conditions(dice: &mut Dice, person: Person<'_>) -> (Vec<Condition>, Vec<Medication>) {
    let group = match THIS_YEAR - person.birth_year() {
        0..18 => 0,
        18..50 => 1,
        50.. => 2,
    };
    let (mut conditions, mut medications) = (Vec::new(), Vec::new());
    for disease in DISEASES {
        if !dice.chance(disease.per_mille[group]) {
            continue;
        }
        let condition = disease.condition(dice, person);
        if let Some(medicine) = disease.medicine.filter(|_| dice.chance(850)) {
            medications.push(medication(medicine, &condition, person));
        }
        conditions.push(condition);
    }
    (conditions, medications)
}

impl Disease {
    fn condition(&self, dice: &mut Dice, person: Person<'_>) -> Condition {
        let began = some_day(dice, person, 2012);
        let is_over = !self.chronic && dice.chance(800);
        let until = is_over.then(|| plus_days(began, dice.within(5..=60))).filter(|until| *until <= today());
        let since = if self.chronic { blur(dice, began, 150, 150) } else { began };
        let Self { icd10_code, title_vi, chronic, .. } = *self;
        Condition { icd10_code, title_vi, chronic, since, until }
    }
}

fn medication(
    (name, active_ingredient, dosage): (&'static str, &'static str, &'static str),
    against: &Condition,
    person: Person<'_>,
) -> Medication {
    let until = against.until.or(person.citizen.date_of_death);
    Medication { name, active_ingredient, dosage, since: against.since, until }
}

/// Visits of the last years, older ones first.
pub(super) fn encounters(dice: &mut Dice, person: Person<'_>, conditions: &[Condition]) -> Vec<Encounter> {
    let most = match THIS_YEAR - person.birth_year() {
        0..6 => 4,
        6..50 => 2,
        50.. => 5,
    };
    let mut encounters: Vec<Encounter> = (0..dice.within(0..=most))
        .map(|_| encounter(dice, person, conditions))
        .filter(|encounter| person.citizen.date_of_death.is_none_or(|death| encounter.on < death))
        .filter(|encounter| encounter.on >= person.citizen.date_of_birth)
        .collect();
    encounters.sort_by_key(|encounter| encounter.on);
    encounters
}

fn encounter(dice: &mut Dice, person: Person<'_>, conditions: &[Condition]) -> Encounter {
    let year = dice.within(u32::from(FIRST_VISIT)..=u32::from(THIS_YEAR)) as u16;
    let inpatient = dice.chance(90);
    let at_hospital = inpatient || dice.chance(450);
    let facility = if at_hospital { hospital(dice) } else { station(person.family.place.ward.code) };
    let reason = dice.weighted(REASONS);
    let known = dice.below(conditions.len().max(1) as u32) as usize;
    let known = conditions.get(known).filter(|_| dice.chance(650));
    let icd10_code = known.map_or(reason, |condition| condition.icd10_code);
    Encounter { on: day_in(dice, year), facility, icd10_code, inpatient }
}

/// A day of the person's life since a year.
fn some_day(dice: &mut Dice, person: Person<'_>, since: u16) -> PartialDate {
    let last = person.citizen.date_of_death.map_or(THIS_YEAR, PartialDate::year);
    let first = since.max(person.birth_year()).min(last);
    let year = dice.within(u32::from(first)..=u32::from(last)) as u16;
    let day = day_in(dice, year).max(person.citizen.date_of_birth);
    person.citizen.date_of_death.map_or(day, |death| day.min(death))
}
