//! Whom the sample traffic is about: people of the synthetic city in the data directory, with what they hold in five domains.

use lgsp_identifiers::{
    EnterpriseCode, HealthInsuranceCard, ParcelKey, PartialDate, PersonalNumber, WardCode,
};
use lgsp_proto::business::v1::LegalForm;
use lgsp_proto::education::v1::EnrolmentStatus;
use lgsp_proto::land::v1::ParcelStatus;
use lgsp_proto::population::v1::LifeStatus;
use lgsp_sample::{Citizen, City, Dice, Enterprise, Home, InsuranceCard, Parcel, Point, Student};

use super::subjects::Subjects;

/// Homes that are looked at. The city spreads them over all its wards.
const HOMES: usize = 2_000;

/// Whoever was born by then is an adult in the city's fixed present.
const ADULTS_BORN_UNTIL: u16 = 2006;

/// What cases are made of. Nothing of it is ever logged.
#[derive(Default)]
pub struct Cast {
    adults: Vec<Person>,
    families: Vec<Family>,
    patients: Vec<Patient>,
    holdings: Vec<Holding>,
    businesses: Vec<Business>,
    graduates: Vec<Graduate>,
}

/// A person, as they say of themselves.
#[derive(Clone)]
pub struct Person {
    pub number: PersonalNumber,
    pub name: String,
    pub born: PartialDate,
    pub ward: WardCode,
}

/// A pupil and the parents who live with it.
pub struct Family {
    pub child: Person,
    pub mother: Person,
    pub father: Option<Person>,
    /// Code of the school, and the grade.
    pub school: (String, i32),
}

/// Somebody with a health-insurance card.
pub struct Patient {
    pub number: PersonalNumber,
    pub name: String,
    pub card: HealthInsuranceCard,
}

/// A parcel and who holds it.
pub struct Holding {
    pub key: ParcelKey,
    /// From before 1 July 2025.
    pub old_key: Option<ParcelKey>,
    pub spot: Point,
    /// `None` when an enterprise or a public body holds it.
    pub owner: Option<PersonalNumber>,
}

/// An enterprise and who represents it.
pub struct Business {
    pub code: EnterpriseCode,
    pub name: String,
    pub representative: PersonalNumber,
}

/// What is printed on a diploma.
pub struct Graduate {
    pub serial: String,
    pub name: String,
    pub year: i32,
}

impl Cast {
    /// Looks at the first homes of a city.
    ///
    /// # Errors
    /// There is no such city.
    pub fn of(city: lgsp_sample::Config) -> Result<Self, lgsp_sample::Error> {
        let mut cast = Self::default();
        for home in City::new(city)?.take(HOMES) {
            cast.look_at(&home);
        }
        Ok(cast)
    }

    fn look_at(&mut self, home: &Home) {
        let living: Vec<Person> = home
            .citizens
            .iter()
            .filter(|citizen| citizen.life_status == LifeStatus::Alive)
            .map(|citizen| person(citizen, home.household.ward))
            .collect();
        self.families.extend(home.students.iter().filter_map(|student| family(student, home, &living)));
        self.adults.extend(living.into_iter().filter(|person| person.born.year() <= ADULTS_BORN_UNTIL));
        self.patients.extend(home.cards.iter().filter_map(patient));
        let in_use = home.parcels.iter().filter(|parcel| parcel.status == ParcelStatus::InUse);
        self.holdings.extend(in_use.map(holding));
        self.businesses.extend(home.enterprises.iter().filter_map(business));
        self.graduates.extend(home.diplomas.iter().map(|diploma| Graduate {
            serial: diploma.serial.clone(),
            name: diploma.full_name.clone(),
            year: diploma.graduation_year.into(),
        }));
    }

    /// Draws who and what a case is about. `None` in a city without adults.
    pub fn draw(&self, dice: &mut Dice) -> Option<Subjects<'_>> {
        Some(Subjects {
            applicant: pick(dice, &self.adults)?,
            other: pick(dice, &self.adults)?,
            family: pick(dice, &self.families),
            patient: pick(dice, &self.patients),
            holding: pick(dice, &self.holdings),
            business: pick(dice, &self.businesses),
            graduate: pick(dice, &self.graduates),
        })
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

/// The family of a student who goes to school now and lives with the mother.
fn family(student: &Student, home: &Home, living: &[Person]) -> Option<Family> {
    let enrolment = student.enrolments.last().filter(|last| last.status == EnrolmentStatus::Attending)?;
    let of = |number: &PersonalNumber| living.iter().find(|person| person.number == *number).cloned();
    let record = home.citizens.iter().find(|citizen| citizen.personal_number == student.personal_number)?;
    let parent = |named: &Option<lgsp_sample::RelatedPerson>| of(named.as_ref()?.personal_number.as_ref()?);
    Some(Family {
        child: of(&student.personal_number)?,
        mother: parent(&record.mother)?,
        father: parent(&record.father),
        school: (enrolment.school.code.clone(), enrolment.grade.into()),
    })
}

fn patient(card: &InsuranceCard) -> Option<Patient> {
    let number = card.personal_number.clone()?;
    Some(Patient { number, name: card.full_name.clone(), card: card.number.clone() })
}

fn holding(parcel: &Parcel) -> Holding {
    let owner = parcel.owners.iter().find(|owner| owner.until.is_none());
    Holding {
        key: parcel.key.clone(),
        old_key: parcel.former_keys.first().map(|former| former.key.clone()),
        spot: parcel.centre,
        owner: owner.and_then(|owner| owner.personal_number.clone()),
    }
}

/// An enterprise itself, whose representative is known by number.
fn business(enterprise: &Enterprise) -> Option<Business> {
    if enterprise.legal_form == LegalForm::Branch {
        return None;
    }
    let now = enterprise.representatives.iter().find(|representative| representative.until.is_none())?;
    Some(Business {
        code: enterprise.code.clone(),
        name: enterprise.name.clone(),
        representative: now.personal_number.clone()?,
    })
}
