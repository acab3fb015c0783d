//! The cards and patient records of the named persons.

use lgsp_identifiers::HealthInsuranceCard;
use lgsp_proto::health::v1::Severity;

use super::facilities::hospital;
use super::immunizations::dose;
use super::vaccines::{COVID_MRNA, HEPATITIS_B, TETANUS};
use crate::circumstances::Person;
use crate::clock::{date, stamps};
use crate::dice::Dice;
use crate::people::phone_number;
use crate::persons::{Case, Record};
use crate::record::{Allergy, Condition, Encounter, InsuranceCard, Medication, Patient};

/// Three years of cards; the last is in use or, of one person, suspended.
pub(super) fn cards(dice: &mut Dice, holder: i64, named: &'static Record) -> Vec<InsuranceCard> {
    let facility = hospital(dice);
    let mut cards: Vec<InsuranceCard> = [2024, 2025, 2026]
        .into_iter()
        .map(|year| InsuranceCard {
            holder,
            number: named.card(),
            personal_number: Some(named.personal_number()),
            old_identity: Some(named.old_identity()),
            full_name: named.full_name.to_owned(),
            date_of_birth: named.date_of_birth(),
            valid_from: date(year, 1, 1),
            valid_to: date(year, 12, 31),
            suspended_from: None,
            benefit_code: &named.card_number[2..3],
            facility,
            five_years_from: Some(date(2019, 1, 1)),
            as_of_us: stamps(dice).1,
        })
        .collect();
    match named.case {
        Case::AllFields | Case::Masked => {}
        Case::MovedWard => cards[..2].iter_mut().for_each(retire),
        Case::RefusedPurpose => cards[2].suspended_from = Some(date(2026, 3, 1)),
    }
    cards
}

/// Makes a card one of before the holder's pension: insured with the household, by the old identity card.
fn retire(card: &mut InsuranceCard) {
    let text = format!("GD492{}", card.number.social_insurance_number());
    card.number = HealthInsuranceCard::parse(&text).expect("two letters and thirteen digits");
    (card.benefit_code, card.personal_number) = ("4", None);
}

/// Fills what chance left empty, and puts in what the person is to show.
pub(super) fn complete(dice: &mut Dice, patient: &mut Patient, person: Person<'_>, case: Case) {
    patient.pregnant = case == Case::Masked;
    if let Some(contact) = &mut patient.contact {
        contact.phone_number.get_or_insert_with(|| phone_number(person.citizen.id + 1));
    }
    match case {
        Case::AllFields | Case::Masked => fill(dice, patient, person),
        Case::MovedWard | Case::RefusedPurpose => add_hypertension(dice, patient),
    }
}

fn fill(dice: &mut Dice, patient: &mut Patient, person: Person<'_>) {
    patient.height_cm.get_or_insert(164.5);
    patient.weight_kg.get_or_insert(61.0);
    patient.allergies = vec![Allergy {
        substance: "Penicillin",
        reaction: "Nổi mề đay",
        severity: Severity::Moderate,
        recorded_on: Some(date(2019, 7, 15)),
    }];
    patient.conditions = vec![
        Condition { icd10_code: "J45", title_vi: "Hen", chronic: true, since: date(2014, 3, 9), until: None },
        Condition {
            icd10_code: "A90",
            title_vi: "Sốt Dengue",
            chronic: false,
            since: date(2023, 8, 2),
            until: Some(date(2023, 8, 14)),
        },
    ];
    patient.medications = vec![Medication {
        name: "Salbutamol 100 mcg",
        active_ingredient: "Salbutamol",
        dosage: "Xịt 2 nhát khi khó thở",
        since: date(2014, 3, 9),
        until: None,
    }];
    let visit =
        |on, icd10_code, inpatient| Encounter { on, facility: patient.facility, icd10_code, inpatient };
    patient.encounters = vec![
        visit(date(2023, 8, 2), "A90", true),
        visit(date(2025, 11, 20), "J45", false),
        visit(date(2026, 4, 6), "J45", false),
    ];
    let second = Some(date(2021, 10, 4));
    let mut with_reaction = dose(dice, person, &COVID_MRNA, 1, (date(2021, 9, 6), second));
    with_reaction.adverse_reaction = Some("Sốt nhẹ, sưng đau chỗ tiêm");
    patient.immunizations = vec![
        dose(dice, person, &HEPATITIS_B, 1, (date(2016, 5, 12), None)),
        dose(dice, person, &TETANUS, 1, (date(2018, 6, 1), Some(date(2018, 7, 1)))),
        with_reaction,
        dose(dice, person, &COVID_MRNA, 2, (date(2021, 10, 4), None)),
    ];
}

fn add_hypertension(dice: &mut Dice, patient: &mut Patient) {
    patient.conditions.retain(|condition| condition.icd10_code != "I10");
    patient.conditions.push(Condition {
        icd10_code: "I10",
        title_vi: "Tăng huyết áp vô căn (nguyên phát)",
        chronic: true,
        since: date(2016, 1, 1),
        until: None,
    });
    patient.encounters.push(Encounter {
        on: date(2026, 5, 5),
        facility: hospital(dice),
        icd10_code: "I10",
        inpatient: false,
    });
    patient.encounters.sort_by_key(|encounter| encounter.on);
}
