//! Health-insurance cards: who is insured in which group, and from when to when.

use lgsp_identifiers::{HealthInsuranceCard, PartialDate};

use super::facilities::{hospital, station};
use crate::circumstances::{Person, Poverty};
use crate::clock::{THIS_YEAR, date, day_in, stamps};
use crate::dice::Dice;
use crate::numbers::social_insurance;
use crate::record::{Facility, InsuranceCard};

/// The first year whose cards the insurer's database still has.
const FIRST_YEAR: u16 = 2024;

/// Children are insured as such until the school year after they turn six.
const CHILD_YEARS: u16 = 6;

/// Letters and benefit level of a group of the insured.
#[derive(Clone, Copy)]
struct Group(&'static str, &'static str);

/// What is alike on all cards of a holder.
struct Holder<'a> {
    person: Person<'a>,
    insurance: String,
    facility: &'static Facility,
    five_years_from: Option<PartialDate>,
}

/// The cards of a person, older ones first.
pub(super) fn cards(dice: &mut Dice, person: Person<'_>) -> Vec<InsuranceCard> {
    let holder = Holder::draw(dice, person);
    let last_year = match person.citizen.date_of_death {
        Some(death) => death.year(),
        None => THIS_YEAR,
    };
    let mut cards: Vec<InsuranceCard> = holder.as_child(dice).into_iter().collect();
    for year in FIRST_YEAR..=last_year {
        let is_child = year <= person.birth_year() + CHILD_YEARS;
        let per_mille = if year == THIS_YEAR { 945 } else { 800 };
        if !is_child && dice.chance(per_mille) {
            cards.push(holder.of_year(dice, year));
        }
    }
    withdraw(dice, person, &mut cards);
    cards
}

impl<'a> Holder<'a> {
    fn draw(dice: &mut Dice, person: Person<'a>) -> Self {
        let facility = if dice.chance(400) { hospital(dice) } else { station(person.family.place.ward.code) };
        let since = dice.within(2012..=2028) as u16;
        let is_long_insured = dice.chance(600) && person.birth_year() + 5 <= since;
        Self {
            person,
            insurance: social_insurance(person.citizen.id),
            facility,
            five_years_from: is_long_insured.then(|| date(since, 1, 1)),
        }
    }

    /// The card that a child has from birth, if the database still has it.
    fn as_child(&self, dice: &mut Dice) -> Option<InsuranceCard> {
        let ends = self.person.birth_year() + CHILD_YEARS;
        if ends < FIRST_YEAR || !dice.chance(985) {
            return None;
        }
        let birth = self.person.citizen.date_of_birth;
        Some(self.card(dice, Group("TE", "1"), birth, date(ends, 9, 30)))
    }

    fn of_year(&self, dice: &mut Dice, year: u16) -> InsuranceCard {
        let group = group(dice, self.person, year);
        let mut card = self.card(dice, group, date(year, 1, 1), date(year, 12, 31));
        if year == FIRST_YEAR && self.person.birth_year() < 2004 && dice.chance(80) {
            card.personal_number = None;
        }
        if year == THIS_YEAR && dice.chance(6) {
            // Bought in advance.
            (card.valid_from, card.valid_to) = (date(year, 7, 1), date(year + 1, 6, 30));
        }
        card
    }

    fn card(&self, dice: &mut Dice, group: Group, from: PartialDate, to: PartialDate) -> InsuranceCard {
        let citizen = self.person.citizen;
        let text = format!("{}{}92{}", group.0, group.1, self.insurance);
        let (_, as_of_us) = stamps(dice);
        InsuranceCard {
            holder: citizen.id,
            number: HealthInsuranceCard::parse(&text).expect("two letters and thirteen digits"),
            personal_number: Some(citizen.personal_number.clone()),
            old_identity: citizen.old_identity.clone(),
            full_name: citizen.full_name.clone(),
            date_of_birth: citizen.date_of_birth,
            valid_from: from,
            valid_to: to,
            suspended_from: None,
            benefit_code: group.1,
            facility: self.facility,
            five_years_from: self.five_years_from,
            as_of_us,
        }
    }
}

/// The group that a person of an age, an occupation and a kind of household is insured in.
fn group(dice: &mut Dice, person: Person<'_>, year: u16) -> Group {
    match person.family.circumstances.poverty {
        Poverty::Poor => return Group("HN", "2"),
        Poverty::NearPoor => return Group("CN", "3"),
        Poverty::NotListed => {}
    }
    let family = Group("GD", "4");
    match (year - person.birth_year(), person.citizen.occupation) {
        (..18, _) => Group("HS", "4"),
        (18..24, Some("Sinh viên")) => Group("SV", "4"),
        (80.., _) => Group("BT", "2"),
        (55.., Some("Hưu trí")) => Group("HT", "3"),
        (_, Some("Công chức" | "Viên chức" | "Giáo viên")) => Group("HC", "4"),
        (_, Some("Công nhân" | "Nhân viên văn phòng" | "Kỹ sư" | "Y sĩ, điều dưỡng" | "Thợ may")) => {
            if dice.chance(900) {
                Group("DN", "4")
            } else {
                family
            }
        }
        _ => family,
    }
}

/// The insurer locks the last card of the dead, and now and then that of the living.
fn withdraw(dice: &mut Dice, person: Person<'_>, cards: &mut [InsuranceCard]) {
    let is_locked = dice.chance(5);
    let locked_on = day_in(dice, THIS_YEAR);
    let Some(card) = cards.last_mut() else { return };
    card.suspended_from = person.citizen.date_of_death.or_else(|| is_locked.then_some(locked_on));
}
