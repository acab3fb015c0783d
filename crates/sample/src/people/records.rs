//! The records of a household's people.

use lgsp_identifiers::PartialDate;
use lgsp_proto::population::v1::{LifeStatus, MaritalStatus, Relation};
use lgsp_proto::record::v1::Sex;

use super::biography as draw;
use super::composition::{Head, Member, compose};
use super::name::{family, family_of, full};
use super::place::{Place, birth_registration, elsewhere, of_former_ward};
use crate::clock::{THIS_YEAR, date, day_in, stamps, year};
use crate::dice::Dice;
use crate::numbers::Numbers;
use crate::persons::Record;
use crate::record::{Address, AddressKind, Citizen, RelatedPerson};

/// Where and as what the people of a household are registered.
pub(crate) struct Registration<'a> {
    pub household: i64,
    pub first_citizen: i64,
    pub place: &'a Place,
    pub registered_on: PartialDate,
    /// The head, if it is a named person.
    pub named: Option<&'static Record>,
    /// At most so many people.
    pub limit: usize,
}

/// Draws the people of a household, the head first.
pub(crate) fn people(
    dice: &mut Dice,
    numbers: &mut Numbers,
    head: Head,
    at: &Registration<'_>,
) -> Vec<Citizen> {
    let members = compose(dice, head, at.limit);
    let khmer_per_mille = if at.place.former.province_code.as_str() == "94" { 280 } else { 25 };
    let is_khmer = at.named.is_none() && dice.chance(khmer_per_mille);
    let mut citizens: Vec<Citizen> = Vec::with_capacity(members.len());
    for (position, member) in members.iter().enumerate() {
        let named_after = member.named_after.and_then(|earlier| citizens.get(earlier));
        let family_name = match (at.named.filter(|_| position == 0), named_after) {
            (Some(named), _) => family_of(named.full_name).to_owned(),
            (None, Some(earlier)) => family_of(&earlier.full_name).to_owned(),
            (None, None) => family(dice, is_khmer).to_owned(),
        };
        let name = full(dice, &family_name, member.sex, is_khmer);
        let id = at.first_citizen + position as i64;
        let mut citizen = citizen(dice, numbers, member, at, Identity { id, name, is_khmer });
        if let Some(named) = at.named.filter(|_| position == 0) {
            name_person(dice, &mut citizen, named, at.place);
        }
        citizens.push(citizen);
    }
    for (position, member) in members.iter().enumerate() {
        tie(dice, &mut citizens, position, member, is_khmer);
    }
    citizens
}

struct Identity {
    id: i64,
    name: String,
    is_khmer: bool,
}

fn citizen(
    dice: &mut Dice,
    numbers: &mut Numbers,
    member: &Member,
    at: &Registration<'_>,
    who: Identity,
) -> Citizen {
    let Identity { id, name, is_khmer } = who;
    let province = province(dice, at.place.former.province_code.as_str());
    let personal_number = numbers.next(province, member.sex, member.birth_year);
    let date_of_birth = draw::birth_date(dice, member.birth_year);
    let is_dead = member.life == LifeStatus::Dead;
    let age = member.age();
    let old_card_per_mille = match member.birth_year {
        ..1996 => 900,
        1996..2004 => 550,
        2004.. => 0,
    };
    let (updated_us, as_of_us) = stamps(dice);
    Citizen {
        id,
        old_identity: dice.chance(old_card_per_mille).then(|| numbers.next_card()),
        full_name: name,
        other_name: dice
            .chance(25)
            .then(|| dice.pick(&["Út", "Tư", "Năm", "Sáu", "Bảy", "Tám", "Bé Hai"]).to_owned()),
        date_of_birth,
        sex: member.sex,
        ethnicity: draw::ethnicity(dice, is_khmer),
        religion: draw::religion(dice, is_khmer),
        nationality_code: "VN",
        marital_status: if dice.chance(35) { MaritalStatus::Unspecified } else { member.marital },
        household: at.household,
        relation: member.relation,
        father: None,
        mother: None,
        spouse: None,
        blood_type: draw::blood_type(dice),
        occupation: draw::occupation(dice, age),
        phone_number: (age >= 14 && !is_dead && dice.chance(850)).then(|| draw::phone_number(id)),
        life_status: member.life,
        date_of_death: is_dead.then(|| draw::death_date(dice, member.birth_year)),
        card: if is_dead { None } else { draw::identity_card(dice, date_of_birth) },
        addresses: addresses(dice, member, at, date_of_birth, personal_number.province()),
        personal_number,
        updated_us,
        as_of_us,
    }
}

/// Provinces that neighbours come from, by the code of that time.
const OTHER_PROVINCES: &[u16] = &[89, 91, 95, 96, 86, 84, 87, 79, 1];

/// Most are born where they live; the code of a province stays with a number for life.
fn province(dice: &mut Dice, home: &str) -> u16 {
    let home = home.parse().unwrap_or(92);
    let other = dice.pick(OTHER_PROVINCES);
    dice.weighted(&[(760, home), (100, 92), (40, 93), (40, 94), (60, other)])
}

fn addresses(
    dice: &mut Dice,
    member: &Member,
    at: &Registration<'_>,
    birth: PartialDate,
    province: &str,
) -> Vec<Address> {
    let mut addresses = Vec::with_capacity(4);
    let since = since(dice, birth, at.registered_on);
    if member.relation == Relation::NotRelated {
        // A lodger is at home elsewhere.
        addresses.push(if dice.chance(500) {
            elsewhere(dice, AddressKind::Permanent)
        } else {
            Place::anywhere(dice).address(AddressKind::Permanent, None)
        });
        let moved_in = dice.within(2022..=2025) as u16;
        addresses.push(at.place.address(AddressKind::Temporary, Some(day_in(dice, moved_in))));
    } else {
        addresses.push(at.place.address(AddressKind::Permanent, since));
        if (18..40).contains(&member.age()) && dice.chance(90) {
            let moved = dice.within(2020..=2026) as u16;
            let since = day_in(dice, moved);
            addresses.push(Place::anywhere(dice).address(AddressKind::Temporary, Some(since)));
        }
    }
    if dice.chance(25) {
        addresses.push(Place::anywhere(dice).address(AddressKind::Current, None));
    }
    if !dice.chance(40) {
        addresses.push(birth_registration(dice, province));
    }
    if dice.chance(500) {
        addresses.push(of_former_ward(AddressKind::Hometown, at.place.former));
    } else if dice.chance(900) {
        addresses.push(elsewhere(dice, AddressKind::Hometown));
    }
    addresses
}

/// Those born into the household live there since birth, the others since it was registered; one in ten is unknown.
fn since(dice: &mut Dice, birth: PartialDate, registered_on: PartialDate) -> Option<PartialDate> {
    (!dice.chance(100)).then(|| birth.max(registered_on))
}

/// Puts a named person's fixed values in, and fills what chance left empty.
fn name_person(dice: &mut Dice, citizen: &mut Citizen, named: &Record, place: &Place) {
    citizen.personal_number = named.personal_number();
    citizen.old_identity = Some(named.old_identity());
    citizen.full_name = named.full_name.to_owned();
    citizen.date_of_birth = named.date_of_birth();
    citizen.other_name = Some("Người dùng thử".to_owned());
    citizen.ethnicity = Some("Kinh");
    citizen.religion = Some("Phật giáo");
    citizen.blood_type = Some("O+");
    citizen.occupation = Some("Kỹ sư");
    citizen.marital_status = MaritalStatus::Married;
    citizen.phone_number = Some(draw::phone_number(citizen.id));
    citizen.card = None;
    while citizen.card.is_none() {
        citizen.card = draw::identity_card(dice, citizen.date_of_birth);
    }
    citizen.addresses = vec![
        place.address(AddressKind::Permanent, Some(named_registered_on())),
        birth_registration(dice, citizen.personal_number.province()),
        of_former_ward(AddressKind::Hometown, place.former),
    ];
    if !place.is_written_formerly {
        citizen
            .addresses
            .push(Place::anywhere(dice).address(AddressKind::Temporary, PartialDate::full(2025, 9, 5)));
        citizen.addresses.push(Place::anywhere(dice).address(AddressKind::Current, None));
    }
}

/// Writes parents and spouse into a record: members of the household with their numbers, others by name at most.
fn tie(dice: &mut Dice, citizens: &mut [Citizen], position: usize, member: &Member, is_khmer: bool) {
    let of = |other: usize| RelatedPerson {
        personal_number: Some(citizens[other].personal_number.clone()),
        full_name: citizens[other].full_name.clone(),
    };
    let (father, mother, spouse) = (member.father.map(of), member.mother.map(of), member.spouse.map(of));
    let family_name = family_of(&citizens[position].full_name).to_owned();
    let is_named = member.relation == Relation::Head || dice.chance(800);
    let father = father.or_else(|| is_named.then(|| by_name(dice, Some(&family_name), Sex::Male, is_khmer)));
    let mother = mother.or_else(|| is_named.then(|| by_name(dice, None, Sex::Female, is_khmer)));
    let is_married_elsewhere = spouse.is_none() && member.marital == MaritalStatus::Married;
    let spouse = spouse.or_else(|| {
        let sex = if member.sex == Sex::Male { Sex::Female } else { Sex::Male };
        is_married_elsewhere.then(|| by_name(dice, None, sex, is_khmer))
    });
    let citizen = &mut citizens[position];
    (citizen.father, citizen.mother, citizen.spouse) = (father, mother, spouse);
}

fn by_name(dice: &mut Dice, family_name: Option<&str>, sex: Sex, is_khmer: bool) -> RelatedPerson {
    let drawn = family(dice, is_khmer);
    let full_name = full(dice, family_name.unwrap_or(drawn), sex, is_khmer);
    RelatedPerson { personal_number: None, full_name }
}

/// When the households of the named persons were registered.
pub(crate) fn named_registered_on() -> PartialDate {
    date(2015, 3, 2)
}

/// When a household was registered: after its head had grown up, and often only the year is known.
pub(crate) fn registered_on(dice: &mut Dice, head: Head) -> PartialDate {
    let earliest = u32::from(head.birth_year + 19).max(1976);
    let drawn = dice.within(earliest.min(u32::from(THIS_YEAR))..=u32::from(THIS_YEAR)) as u16;
    if drawn < 2005 && dice.chance(300) { year(drawn) } else { day_in(dice, drawn) }
}
