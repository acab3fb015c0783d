//! The parcels of the city: where each lies, and what the cadastre knows of it.

pub(crate) mod geometry;
mod ground;
mod holders;
mod parcel;

use std::collections::HashMap;

use lgsp_identifiers::{WardCode, units};
use lgsp_proto::land::v1::ParcelStatus;

use self::geometry::Point;
use self::ground::{Ground, Plot};
use self::parcel::{Register, Site};
use crate::clock::day_in;
use crate::dice::Dice;
use crate::people::Place;
use crate::record::{Citizen, Parcel};

/// Gives out plots, so that none is given twice.
pub(crate) struct Cadastre {
    grounds: HashMap<WardCode, Ground>,
    parcels: i64,
}

impl Cadastre {
    pub(crate) fn new() -> Self {
        let grounds = units::wards().iter().map(|ward| (ward.code, Ground::new(ward))).collect();
        Self { grounds, parcels: 0 }
    }

    /// The parcels that come into being with a home: those of its people, and now and then one of a neighbour who is
    /// no person.
    pub(crate) fn parcels(
        &mut self,
        dice: &mut Dice,
        home: &Place,
        people: &[Citizen],
        is_example: bool,
    ) -> Vec<Parcel> {
        let count = if is_example { 2 } else { dice.weighted(&[(27, 0), (50, 1), (17, 2), (6, 3)]) };
        let mut parcels = Vec::new();
        for position in 0..count {
            // The house first; fields may lie in another ward.
            let is_dwelling = position == 0;
            let elsewhere = (!is_dwelling && !is_example && dice.chance(250)).then(|| Place::anywhere(dice));
            let place = elsewhere.as_ref().unwrap_or(home);
            let register = Register::of_people(dice, place, people, is_dwelling, is_example);
            self.add(dice, &mut parcels, place, &register, !is_example);
        }
        if dice.chance(45) {
            let register = Register::of_body(dice, home);
            self.add(dice, &mut parcels, home, &register, false);
        }
        parcels
    }

    /// Adds one parcel, or a divided one with the two that it became. Nothing if the ward is full.
    fn add(
        &mut self,
        dice: &mut Dice,
        parcels: &mut Vec<Parcel>,
        place: &Place,
        register: &Register,
        may_divide: bool,
    ) {
        let Some(ground) = self.grounds.get_mut(&place.ward.code) else { return };
        let Some(plot) = ground.plot(dice, place.part) else { return };
        let is_quadrangle = plot.border.len() == 5;
        if !may_divide || !is_quadrangle || !dice.chance(25) {
            parcels.push(self.parcel(dice, Site::whole(place, &plot), register));
            return;
        }
        let numbers = [ground.another_number(place.part), ground.another_number(place.part)];
        let year = dice.within(2008..=2024) as u16;
        let divided_on = day_in(dice, year);
        let mut whole = self.parcel(dice, Site::whole(place, &plot), register);
        whole.end(ParcelStatus::Divided, divided_on);
        let predecessor = whole.uuid;
        parcels.push(whole);
        for (half, number) in halves(&plot).into_iter().zip(numbers.into_iter().flatten()) {
            let site = Site { border: half, number, ..Site::whole(place, &plot) };
            let mut part = self.parcel(dice, site, register);
            part.begin_from(predecessor, divided_on);
            parcels.push(part);
        }
    }

    fn parcel(&mut self, dice: &mut Dice, site: Site<'_>, register: &Register) -> Parcel {
        self.parcels += 1;
        register.parcel(dice, self.parcels, site)
    }
}

/// A quadrangle cut between the middles of its southern and northern sides; both halves share the cut.
fn halves(plot: &Plot) -> [Vec<Point>; 2] {
    let corner = |index: usize| plot.border[index];
    let between = |one: Point, other: Point| geometry::middle(&[one, other, one]);
    let (south, north) = (between(corner(0), corner(1)), between(corner(2), corner(3)));
    [vec![corner(0), south, north, corner(3), corner(0)], vec![south, corner(1), corner(2), north, south]]
}
