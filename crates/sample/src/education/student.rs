//! The record of a student besides the school years.

use lgsp_proto::record::v1::Sex;

use crate::circumstances::{Person, Poverty};
use crate::clock::stamps;
use crate::dice::Dice;
use crate::numbers::student_code;
use crate::record::{Enrolment, Guardian, Student};

pub(super) fn student(dice: &mut Dice, person: Person<'_>, id: i64, enrolments: Vec<Enrolment>) -> Student {
    let citizen = person.citizen;
    let (updated_us, as_of_us) = stamps(dice);
    Student {
        id,
        code: student_code(citizen.id),
        personal_number: citizen.personal_number.clone(),
        old_identity: citizen.old_identity.clone(),
        full_name: citizen.full_name.clone(),
        date_of_birth: citizen.date_of_birth,
        sex: citizen.sex,
        ethnicity: citizen.ethnicity,
        address: person.address(),
        disabled: person.disability().is_some(),
        policy_groups: policy_groups(dice, person),
        enrolments,
        guardians: guardians(person),
        updated_us,
        as_of_us,
    }
}

fn policy_groups(dice: &mut Dice, person: Person<'_>) -> Vec<&'static str> {
    let of_household = match person.family.circumstances.poverty {
        Poverty::Poor => Some("Hộ nghèo"),
        Poverty::NearPoor => Some("Hộ cận nghèo"),
        Poverty::NotListed => None,
    };
    let of_group = (person.citizen.ethnicity == Some("Khmer")).then_some("Dân tộc thiểu số");
    let of_merit = dice.chance(5).then_some("Con của người có công");
    of_household.into_iter().chain(of_group).chain(of_merit).collect()
}

/// Father and mother, as far as the student's record in the register of residents names them.
fn guardians(person: Person<'_>) -> Vec<Guardian> {
    let parents = [(&person.citizen.father, Sex::Male), (&person.citizen.mother, Sex::Female)];
    let mut guardians = Vec::new();
    for (parent, sex) in parents {
        let Some(parent) = parent else { continue };
        let phone_number = person.family.find(parent).and_then(|citizen| citizen.phone_number.clone());
        guardians.push(Guardian {
            personal_number: parent.personal_number.clone(),
            full_name: parent.full_name.clone(),
            relation: if sex == Sex::Male { "Cha" } else { "Mẹ" },
            phone_number,
        });
    }
    guardians
}
