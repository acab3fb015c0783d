//! What several domains know alike of a home: drawn once, so that they agree.

use lgsp_proto::population::v1::LifeStatus;

use crate::dice::Dice;
use crate::people::Place;
use crate::persons::{Case, Record};
use crate::record::{Citizen, PostalAddress, RelatedPerson};

const DISABILITIES: &[&str] = &[
    "Khuyết tật vận động, mức độ nặng",
    "Khuyết tật vận động, mức độ nhẹ",
    "Khuyết tật nhìn, mức độ nặng",
    "Khuyết tật nghe, nói, mức độ nặng",
    "Khuyết tật trí tuệ, mức độ đặc biệt nặng",
];

/// Whether the ward's list has the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poverty {
    NotListed,
    NearPoor,
    Poor,
}

/// What is alike in all domains.
#[derive(Debug)]
pub(crate) struct Circumstances {
    pub poverty: Poverty,
    /// Of each member in turn: kind and degree, when certified.
    disabilities: Vec<Option<&'static str>>,
}

impl Circumstances {
    pub(crate) fn draw(dice: &mut Dice, citizens: &[Citizen], named: Option<&Record>) -> Self {
        let poverty =
            dice.weighted(&[(950, Poverty::NotListed), (30, Poverty::NearPoor), (20, Poverty::Poor)]);
        let mut disability = || dice.chance(15).then(|| dice.pick(DISABILITIES));
        let mut disabilities: Vec<_> = citizens.iter().map(|_| disability()).collect();
        let Some(named) = named else { return Self { poverty, disabilities } };
        disabilities.fill(None);
        if matches!(named.case, Case::AllFields | Case::Masked) {
            disabilities[0] = Some(DISABILITIES[1]);
        }
        Self { poverty: Poverty::NotListed, disabilities }
    }
}

/// A home as the domains look at it.
#[derive(Clone, Copy)]
pub(crate) struct Family<'a> {
    pub citizens: &'a [Citizen],
    pub place: &'a Place,
    pub circumstances: &'a Circumstances,
    /// The head, if it is a named person.
    pub named: Option<&'static Record>,
}

/// One of a family.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub citizen: &'a Citizen,
    pub family: Family<'a>,
    position: usize,
}

impl<'a> Family<'a> {
    pub(crate) fn members(self) -> impl Iterator<Item = Person<'a>> {
        self.citizens.iter().enumerate().map(move |(position, citizen)| Person {
            citizen,
            family: self,
            position,
        })
    }

    /// The member whom a record names, if it is one of this family.
    pub(crate) fn find(self, person: &RelatedPerson) -> Option<&'a Citizen> {
        let number = person.personal_number.as_ref()?;
        self.citizens.iter().find(|citizen| citizen.personal_number == *number)
    }
}

impl Person<'_> {
    pub(crate) fn named(&self) -> Option<&'static Record> {
        self.family.named.filter(|_| self.position == 0)
    }

    pub(crate) fn disability(&self) -> Option<&'static str> {
        self.family.circumstances.disabilities[self.position]
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.citizen.life_status == LifeStatus::Alive
    }

    pub(crate) fn birth_year(&self) -> u16 {
        self.citizen.date_of_birth.year()
    }

    /// The first address of the register of residents, which is the permanent one.
    pub(crate) fn address(&self) -> PostalAddress {
        let first = self.citizen.addresses.first();
        first.map_or_else(|| self.family.place.postal(), PostalAddress::from)
    }
}
