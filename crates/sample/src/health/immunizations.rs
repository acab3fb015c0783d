//! Doses of vaccines: the programme for children, and what adults got.

use lgsp_identifiers::PartialDate;
use lgsp_proto::record::v1::Sex;

use super::facilities::station;
use super::vaccines::{CHILDHOOD, COVID_MRNA, COVID_VECTOR, Due, TETANUS};
use crate::circumstances::Person;
use crate::clock::{THIS_YEAR, date, day_in, plus_days, stamps, today};
use crate::dice::Dice;
use crate::record::{Immunization, Vaccine};

/// The register of doses has whom it followed since birth from this year on.
const REGISTER_BEGINS: u16 = 2010;

/// The youngest who were vaccinated against COVID-19 at the time.
const COVID_LAST_BIRTH_YEAR: u16 = 2009;

/// The doses of a living person, older ones first.
pub(super) fn immunizations(dice: &mut Dice, person: Person<'_>) -> Vec<Immunization> {
    let mut doses = Vec::new();
    if person.birth_year() >= REGISTER_BEGINS {
        childhood(dice, person, &mut doses);
    }
    if person.birth_year() <= COVID_LAST_BIRTH_YEAR {
        covid(dice, person, &mut doses);
    }
    let age = THIS_YEAR - person.birth_year();
    if person.citizen.sex == Sex::Female && (20..42).contains(&age) && dice.chance(350) {
        tetanus(dice, person, &mut doses);
    }
    doses.sort_by_key(|dose| dose.on);
    doses
}

fn childhood(dice: &mut Dice, person: Person<'_>, doses: &mut Vec<Immunization>) {
    let birth = person.citizen.date_of_birth;
    for due in &CHILDHOOD {
        let delay = dice.within(0..=20);
        let on = plus_days(birth, due.days + delay);
        if on <= today() && dice.chance(955) {
            let next_due_on = following(due).map(|next| plus_days(birth, next.days));
            doses.push(dose(dice, person, due.vaccine, due.dose_number, (on, next_due_on)));
        }
    }
}

/// The next dose of the same product.
fn following(given: &Due) -> Option<&'static Due> {
    let is_next = |due: &&Due| due.vaccine.id == given.vaccine.id && due.dose_number == given.dose_number + 1;
    CHILDHOOD.iter().find(is_next)
}

/// Most had two doses in 2021 and 2022, and many a third.
fn covid(dice: &mut Dice, person: Person<'_>, doses: &mut Vec<Immunization>) {
    let is_young = person.birth_year() > 2003;
    let first_product = if is_young || dice.chance(600) { &COVID_MRNA } else { &COVID_VECTOR };
    let mut on = plus_days(date(2021, 8, 1), dice.below(150));
    for (number, per_mille) in [(1, 900), (2, 960), (3, 700)] {
        if !dice.chance(per_mille) {
            return;
        }
        let product = if number == 3 { &COVID_MRNA } else { first_product };
        let next_due_on = (number == 1).then(|| plus_days(on, 28));
        doses.push(dose(dice, person, product, number, (on, next_due_on)));
        on = plus_days(on, dice.within(28..=120));
    }
}

fn tetanus(dice: &mut Dice, person: Person<'_>, doses: &mut Vec<Immunization>) {
    let first_year = u32::from(person.birth_year() + 19).max(2017);
    let year = dice.within(first_year..=u32::from(THIS_YEAR) - 1) as u16;
    let first = day_in(dice, year);
    let second = plus_days(first, 30);
    doses.push(dose(dice, person, &TETANUS, 1, (first, Some(second))));
    if dice.chance(900) {
        doses.push(dose(dice, person, &TETANUS, 2, (second, None)));
    }
}

/// One dose on a day, with the day when the next is due.
pub(super) fn dose(
    dice: &mut Dice,
    person: Person<'_>,
    vaccine: &'static Vaccine,
    dose_number: u8,
    (on, next_due_on): (PartialDate, Option<PartialDate>),
) -> Immunization {
    let (_, as_of_us) = stamps(dice);
    Immunization {
        vaccine,
        lot_number: format!("MAU-{:02}{:03}", on.year() % 100, dice.within(1..=400)),
        dose_number,
        on,
        facility: station(person.family.place.ward.code),
        next_due_on,
        adverse_reaction: dice.chance(8).then_some("Sốt nhẹ, sưng đau chỗ tiêm"),
        as_of_us,
    }
}
