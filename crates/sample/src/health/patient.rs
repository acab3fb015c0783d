//! Patient records: who has one, and what it says of the person.

use lgsp_identifiers::HealthInsuranceCard;
use lgsp_proto::population::v1::{LifeStatus, MaritalStatus, Relation};
use lgsp_proto::record::v1::Sex;

use super::facilities::{hospital, station};
use super::illness::{allergies, conditions, encounters};
use super::immunizations::immunizations;
use crate::circumstances::Person;
use crate::clock::{THIS_YEAR, stamps};
use crate::dice::Dice;
use crate::record::{Citizen, Contact, Patient, RelatedPerson};

/// Children are known for their vaccinations, most adults for some visit.
pub(super) fn is_known(dice: &mut Dice, person: Person<'_>) -> bool {
    let per_mille = match (person.citizen.life_status, THIS_YEAR - person.birth_year()) {
        (LifeStatus::Alive | LifeStatus::Unspecified, 0..16) => 990,
        (LifeStatus::Alive | LifeStatus::Unspecified, 16..) => 900,
        (LifeStatus::Dead, _) => 500,
        (LifeStatus::Missing, _) => 300,
    };
    // Drawn for the named persons too, so that they do not shift what follows.
    dice.chance(per_mille) || person.named().is_some()
}

/// The record of a person.
pub(super) fn patient(
    dice: &mut Dice,
    person: Person<'_>,
    id: i64,
    card: Option<HealthInsuranceCard>,
) -> Patient {
    let citizen = person.citizen;
    let (conditions, medications) = conditions(dice, person);
    let (height_cm, weight_kg) = measures(dice, person).unzip();
    let is_under_old_card = person.named().is_none() && citizen.old_identity.is_some() && dice.chance(25);
    let (updated_us, as_of_us) = stamps(dice);
    Patient {
        id,
        citizen: citizen.id,
        number: format!("BN{id:08}"),
        personal_number: (!is_under_old_card).then(|| citizen.personal_number.clone()),
        old_identity: citizen.old_identity.clone(),
        card,
        full_name: citizen.full_name.clone(),
        date_of_birth: citizen.date_of_birth,
        sex: citizen.sex,
        address: person.address(),
        phone_number: citizen.phone_number.clone(),
        contact: contact(person),
        blood_type: citizen.blood_type,
        disability: person.disability(),
        pregnant: is_pregnant(dice, person),
        height_cm,
        weight_kg,
        facility: if dice.chance(350) { hospital(dice) } else { station(person.family.place.ward.code) },
        allergies: allergies(dice, person),
        encounters: encounters(dice, person, &conditions),
        immunizations: if person.is_alive() { immunizations(dice, person) } else { Vec::new() },
        conditions,
        medications,
        updated_us,
        as_of_us,
    }
}

/// Wife or husband, a parent, or a child of age; whoever lives in the same home and is alive.
fn contact(person: Person<'_>) -> Option<Contact> {
    let citizen = person.citizen;
    let spouse = if citizen.sex == Sex::Male { "Vợ" } else { "Chồng" };
    let ties = [(&citizen.spouse, spouse), (&citizen.mother, "Mẹ"), (&citizen.father, "Cha")];
    let relatives =
        ties.into_iter().filter_map(|(tie, relation)| Some((person.family.find(tie.as_ref()?)?, relation)));
    let children = person
        .family
        .citizens
        .iter()
        .filter(|other| is_child_of(other, citizen) && other.date_of_birth.year() + 18 <= THIS_YEAR)
        .map(|child| (child, "Con"));
    let (relative, relation) =
        relatives.chain(children).find(|(other, _)| other.life_status == LifeStatus::Alive)?;
    let (full_name, phone_number) = (relative.full_name.clone(), relative.phone_number.clone());
    Some(Contact { full_name, relation, phone_number })
}

fn is_child_of(child: &Citizen, parent: &Citizen) -> bool {
    let is_parent = |tie: &Option<RelatedPerson>| {
        tie.as_ref().and_then(|tie| tie.personal_number.as_ref()) == Some(&parent.personal_number)
    };
    is_parent(&child.father) || is_parent(&child.mother)
}

fn is_pregnant(dice: &mut Dice, person: Person<'_>) -> bool {
    let age = THIS_YEAR - person.birth_year();
    let may_be = person.citizen.sex == Sex::Female
        && (19..42).contains(&age)
        && person.is_alive()
        && person.citizen.marital_status == MaritalStatus::Married
        && person.citizen.relation != Relation::NotRelated;
    dice.chance(60) && may_be
}

/// Height in centimetres and weight in kilograms, when measured.
fn measures(dice: &mut Dice, person: Person<'_>) -> Option<(f64, f64)> {
    let age = f64::from(THIS_YEAR - person.birth_year());
    let grown = if person.citizen.sex == Sex::Male { 157.0 } else { 147.0 };
    let (spread, stoutness) = (dice.fraction(), dice.fraction());
    let height = if age < 18.0 { (52.0 + age * 6.6).min(grown) } else { grown } + 16.0 * spread;
    let body_mass_index = if age < 18.0 { 14.0 + age / 3.0 } else { 18.0 } + 8.0 * stoutness;
    let weight = body_mass_index * (height / 100.0).powi(2);
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    dice.chance(720).then(|| (tenths(height), tenths(weight)))
}
