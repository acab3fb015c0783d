//! Whom the sample traffic is about: people, parcels and enterprises of the synthetic city in the data directory.

use std::ops::RangeInclusive;

use lgsp_identifiers::{EnterpriseCode, ParcelKey, PartialDate, PersonalNumber, WardCode};
use lgsp_proto::land::v1::ParcelStatus;
use lgsp_proto::population::v1::LifeStatus;
use lgsp_sample::{Citizen, City, Dice, Home, Parcel, Point};

use super::scenario::Role;

/// Homes that are looked at. The city spreads them over all its wards.
const HOMES: usize = 2_000;

/// Years of birth of those who go to school in the city's fixed present.
const PUPILS: RangeInclusive<u16> = 2009..=2020;

/// Adults are born by then.
const ADULTS: RangeInclusive<u16> = 1930..=2006;

/// What cases are made of. Nothing of it is ever logged.
pub struct Cast {
    adults: Vec<Person>,
    families: Vec<Family>,
    holdings: Vec<Holding>,
    enterprises: Vec<EnterpriseCode>,
}

/// A person, as they say of themselves.
#[derive(Clone)]
pub struct Person {
    /// Personal number.
    pub number: PersonalNumber,
    /// Full name.
    pub name: String,
    /// Month and day may be unknown.
    pub born: PartialDate,
    /// Where they live.
    pub ward: WardCode,
}

struct Family {
    child: Person,
    mother: Person,
    father: Option<Person>,
}

struct Holding {
    parcel: ParcelKey,
    old_key: Option<ParcelKey>,
    spot: Point,
    owner: Option<PersonalNumber>,
}

/// Who and what one case is about.
pub struct Subjects<'a> {
    applicant: &'a Person,
    other: &'a Person,
    family: Option<&'a Family>,
    holding: Option<&'a Holding>,
    enterprise: Option<&'a EnterpriseCode>,
}

impl Cast {
    /// Looks at the first homes of a city.
    ///
    /// # Errors
    /// There is no such city.
    pub fn of(city: lgsp_sample::Config) -> Result<Self, lgsp_sample::Error> {
        let mut cast =
            Self { adults: Vec::new(), families: Vec::new(), holdings: Vec::new(), enterprises: Vec::new() };
        for home in City::new(city)?.take(HOMES) {
            cast.look_at(&home);
        }
        Ok(cast)
    }

    fn look_at(&mut self, home: &Home) {
        let ward = home.household.ward;
        let living: Vec<&Citizen> =
            home.citizens.iter().filter(|citizen| citizen.life_status == LifeStatus::Alive).collect();
        for citizen in &living {
            let year = citizen.date_of_birth.year();
            if ADULTS.contains(&year) {
                self.adults.push(person(citizen, ward));
            } else if PUPILS.contains(&year) {
                self.families.extend(family(citizen, &living, ward));
            }
        }
        for parcel in home.parcels.iter().filter(|parcel| parcel.status == ParcelStatus::InUse) {
            let codes = parcel.owners.iter().filter_map(|owner| owner.enterprise_code.clone());
            self.enterprises.extend(codes);
            self.holdings.push(holding(parcel));
        }
    }

    /// Draws who and what a case is about. `None` in a city without adults.
    pub fn draw(&self, dice: &mut Dice) -> Option<Subjects<'_>> {
        Some(Subjects {
            applicant: pick(dice, &self.adults)?,
            other: pick(dice, &self.adults)?,
            family: pick(dice, &self.families),
            holding: pick(dice, &self.holdings),
            enterprise: pick(dice, &self.enterprises),
        })
    }
}

impl Subjects<'_> {
    /// The number of a person of the case.
    pub fn number(&self, role: Role) -> Option<&PersonalNumber> {
        match role {
            Role::Owner => self.holding?.owner.as_ref(),
            Role::Applicant | Role::Other | Role::Child | Role::Mother | Role::Father => {
                self.person(role).map(|person| &person.number)
            }
        }
    }

    /// A person of the case. Of the owner of a parcel only the number is known.
    pub fn person(&self, role: Role) -> Option<&Person> {
        match role {
            Role::Applicant => Some(self.applicant),
            Role::Other => Some(self.other),
            Role::Child => self.family.map(|family| &family.child),
            Role::Mother => self.family.map(|family| &family.mother),
            Role::Father => self.family?.father.as_ref(),
            Role::Owner => None,
        }
    }

    /// The parcel's key in use now.
    pub fn parcel(&self) -> Option<&ParcelKey> {
        self.holding.map(|holding| &holding.parcel)
    }

    /// The parcel's key from before, or the one in use if it never had another.
    pub fn old_parcel(&self) -> Option<&ParcelKey> {
        self.holding.map(|holding| holding.old_key.as_ref().unwrap_or(&holding.parcel))
    }

    /// A point in the parcel.
    pub fn spot(&self) -> Option<Point> {
        self.holding.map(|holding| holding.spot)
    }

    /// The enterprise's code.
    pub fn enterprise(&self) -> Option<&EnterpriseCode> {
        self.enterprise
    }

    /// The applicant's ward.
    pub fn ward(&self) -> WardCode {
        self.applicant.ward
    }
}

fn pick<'a, T>(dice: &mut Dice, options: &'a [T]) -> Option<&'a T> {
    // At most a few times as many as homes, so it fits.
    let count = options.len() as u32;
    if count == 0 { None } else { options.get(dice.below(count) as usize) }
}

fn person(citizen: &Citizen, ward: WardCode) -> Person {
    Person {
        number: citizen.personal_number.clone(),
        name: citizen.full_name.clone(),
        born: citizen.date_of_birth,
        ward,
    }
}

/// A child whose mother lives with it.
fn family(child: &Citizen, home: &[&Citizen], ward: WardCode) -> Option<Family> {
    let parent = |named: &Option<lgsp_sample::RelatedPerson>| {
        let number = named.as_ref()?.personal_number.as_ref()?;
        let parent = home.iter().find(|citizen| citizen.personal_number == *number)?;
        Some(person(parent, ward))
    };
    let (mother, father) = (parent(&child.mother)?, parent(&child.father));
    Some(Family { child: person(child, ward), mother, father })
}

fn holding(parcel: &Parcel) -> Holding {
    let owner = parcel.owners.iter().find(|owner| owner.until.is_none());
    Holding {
        parcel: parcel.key.clone(),
        old_key: parcel.former_keys.first().map(|former| former.key.clone()),
        spot: parcel.centre,
        owner: owner.and_then(|owner| owner.personal_number.clone()),
    }
}
