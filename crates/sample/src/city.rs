use lgsp_identifiers::units::{self, Ward, WardKind};

use crate::circumstances::{Circumstances, Family};
use crate::clock::stamps;
use crate::dice::{Dice, Stream};
use crate::error::Error;
use crate::health::Clinics;
use crate::land::Cadastre;
use crate::numbers::Numbers;
use crate::people::{Head, Place, Registration, named_registered_on, people, registered_on};
use crate::persons::{RECORDS, Record};
use crate::record::{Citizen, Home, Household, Parcel};
use crate::{business, education};

/// What determines a synthetic city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The same seed makes the same city.
    pub seed: u64,
    /// How many citizens, the dead included: [`MIN_CITIZENS`](Self::MIN_CITIZENS) to
    /// [`MAX_CITIZENS`](Self::MAX_CITIZENS).
    pub citizens: u32,
}

impl Config {
    /// Fewer would not hold the named persons and their families.
    pub const MIN_CITIZENS: u32 = 100;
    /// More would not find room for their parcels in the wards' squares.
    pub const MAX_CITIZENS: u32 = 1_000_000;
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, citizens: 10_000 }
    }
}

/// The synthetic city, one home after the other.
pub struct City {
    config: Config,
    numbers: Numbers,
    cadastre: Cadastre,
    clinics: Clinics,
    schools: education::Register,
    enterprises: business::Register,
    wards: Vec<(u32, &'static Ward)>,
    homes: u32,
    citizens: u32,
}

impl City {
    /// The city of a configuration.
    pub fn new(config: Config) -> Result<Self, Error> {
        let (min, max) = (Config::MIN_CITIZENS, Config::MAX_CITIZENS);
        if !(min..=max).contains(&config.citizens) {
            return Err(Error::Citizens { given: config.citizens, min, max });
        }
        Ok(Self {
            config,
            numbers: Numbers::default(),
            cadastre: Cadastre::new(),
            clinics: Clinics::default(),
            schools: education::Register::default(),
            enterprises: business::Register::new(),
            wards: weighted_wards(),
            homes: 0,
            citizens: 0,
        })
    }

    fn home(&mut self) -> Home {
        let mut dice = self.dice(Stream::Home);
        let named = RECORDS.get(self.homes as usize);
        let (head, place) = self.head_and_place(&mut dice, named);
        let registered_on =
            if named.is_some() { named_registered_on() } else { registered_on(&mut dice, head) };
        let left = self.config.citizens - self.citizens;
        let registration = Registration {
            household: i64::from(self.homes) + 1,
            first_citizen: i64::from(self.citizens) + 1,
            place: &place,
            registered_on,
            named,
            limit: left as usize,
        };
        let citizens = people(&mut dice, &mut self.numbers, head, &registration);
        let parcels = self.cadastre.parcels(&mut dice, &place, &citizens, named.is_some());
        let household = household(&mut dice, &registration, &citizens);
        let home = self.with_domains(household, citizens, parcels, (&place, named));
        self.homes += 1;
        self.citizens += home.citizens.len() as u32;
        home
    }

    /// Adds what the domains hold about the people and parcels of a home.
    fn with_domains(
        &mut self,
        household: Household,
        citizens: Vec<Citizen>,
        parcels: Vec<Parcel>,
        (place, named): (&Place, Option<&'static Record>),
    ) -> Home {
        let circumstances = Circumstances::draw(&mut self.dice(Stream::Circumstances), &citizens, named);
        let family = Family { citizens: &citizens, place, circumstances: &circumstances, named };
        let (mut in_health, mut in_education) = (self.dice(Stream::Health), self.dice(Stream::Education));
        let mut in_business = self.dice(Stream::Business);
        let (cards, patients) = self.clinics.records(&mut in_health, family);
        let (students, diplomas) = self.schools.records(&mut in_education, family);
        let enterprises = self.enterprises.records(&mut in_business, family, &parcels);
        Home { household, citizens, parcels, cards, patients, students, diplomas, enterprises }
    }

    /// The dice of one stream of the present home.
    fn dice(&self, stream: Stream) -> Dice {
        Dice::of_home(self.config.seed, self.homes, stream)
    }

    fn head_and_place(&self, dice: &mut Dice, named: Option<&'static Record>) -> (Head, Place) {
        let Some(named) = named else {
            let head = Head::draw(dice);
            let ward = self.next_ward();
            return (head, Place::in_ward(dice, ward));
        };
        let number = named.personal_number();
        let head = Head { sex: sex_of(&number), birth_year: number.birth_year(), is_example: true };
        let ward = units::current(named.ward()).expect("a test checks the wards of the named persons");
        let part = units::predecessors(ward.code).iter().position(|from| from.former == named.former_ward());
        (head, Place::new(dice, ward, part.unwrap_or(0), named.is_written_formerly))
    }

    /// Spreads homes over the wards by their weights. Steps of the golden ratio reach every ward soon, where chance
    /// would leave some empty in a small city.
    fn next_ward(&self) -> &'static Ward {
        let total: u32 = self.wards.iter().map(|(weight, _)| weight).sum();
        let step = self.homes.wrapping_mul(2_654_435_769);
        let mut left = ((u64::from(step) * u64::from(total)) >> 32) as u32;
        for (weight, ward) in &self.wards {
            if left < *weight {
                return ward;
            }
            left -= weight;
        }
        self.wards[0].1
    }
}

impl Iterator for City {
    type Item = Home;

    fn next(&mut self) -> Option<Home> {
        (self.citizens < self.config.citizens).then(|| self.home())
    }
}

/// More people live in urban wards (assumed: half as many again).
fn weighted_wards() -> Vec<(u32, &'static Ward)> {
    let weight = |ward: &Ward| match ward.kind {
        WardKind::Ward => 3,
        WardKind::Commune | WardKind::Township => 2,
    };
    units::wards().iter().map(|ward| (weight(ward), ward)).collect()
}

fn sex_of(number: &lgsp_identifiers::PersonalNumber) -> lgsp_proto::record::v1::Sex {
    match number.sex() {
        lgsp_identifiers::Sex::Male => lgsp_proto::record::v1::Sex::Male,
        lgsp_identifiers::Sex::Female => lgsp_proto::record::v1::Sex::Female,
        lgsp_identifiers::Sex::Unknown => lgsp_proto::record::v1::Sex::Unknown,
    }
}

fn household(dice: &mut Dice, at: &Registration<'_>, citizens: &[Citizen]) -> Household {
    let (_, as_of_us) = stamps(dice);
    Household {
        id: at.household,
        // Registers number households within the ward where they were registered.
        number: format!("{}{:07}", at.place.former.code, at.household),
        head: citizens.first().map_or(0, |head| head.id),
        line: at.place.line.clone(),
        ward: at.place.ward.code,
        former_ward: at.place.is_written_formerly.then_some(at.place.former.code),
        registered_on: at.registered_on,
        as_of_us,
    }
}
