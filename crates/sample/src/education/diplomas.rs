//! Diplomas of lower- and upper-secondary education.

use lgsp_proto::education::v1::DiplomaKind;

use super::path::Path;
use crate::circumstances::Person;
use crate::clock::{date, stamps};
use crate::dice::Dice;
use crate::numbers::diploma_serial;
use crate::record::Diploma;

/// Graduations before have no register that was digitised.
const REGISTER_BEGINS: u16 = 1968;

/// Diplomas name the personal number from this year on.
const WITH_NUMBER: u16 = 2016;

/// The diplomas of a person, older ones first.
pub(super) fn diplomas(
    dice: &mut Dice,
    person: Person<'_>,
    path: Path,
    student: Option<i64>,
) -> Vec<Diploma> {
    let serial = diploma_serial(person.citizen.id);
    let kinds = [(9, 750, DiplomaKind::LowerSecondary), (12, 900, DiplomaKind::UpperSecondary)];
    let mut diplomas = Vec::new();
    for (grade, per_mille, kind) in kinds {
        let year = path.begins(grade) + 1;
        let is_kept = student.is_some() || dice.chance(per_mille);
        if path.has_finished(grade) && year >= REGISTER_BEGINS && is_kept {
            let mut diploma = diploma(dice, person, kind, year, &format!("{serial:08}"));
            diploma.student = student;
            diploma.revoked = dice.chance(1);
            diplomas.push(diploma);
        }
    }
    diplomas
}

/// A diploma of a kind and year, with the digits of its serial number.
pub(super) fn diploma(
    dice: &mut Dice,
    person: Person<'_>,
    kind: DiplomaKind,
    graduation_year: u16,
    digits: &str,
) -> Diploma {
    let citizen = person.citizen;
    let has_number = graduation_year >= WITH_NUMBER || dice.chance(400);
    let (letter, title, issuer) = match kind {
        DiplomaKind::UpperSecondary => ('B', "THPT", department(person)),
        DiplomaKind::LowerSecondary | DiplomaKind::Unspecified => ('A', "THCS", office(person)),
    };
    let issued_on = date(graduation_year, dice.within(7..=8) as u8, dice.within(1..=28) as u8);
    let (_, as_of_us) = stamps(dice);
    Diploma {
        student: None,
        serial: format!("{letter}{digits}"),
        register: format!("{:05}/{title}/{graduation_year}", dice.within(1..=20_000)),
        personal_number: has_number.then(|| citizen.personal_number.clone()),
        old_identity: citizen.old_identity.clone().filter(|_| !has_number),
        full_name: citizen.full_name.clone(),
        date_of_birth: citizen.date_of_birth,
        kind,
        graduation_year,
        rating: dice.weighted(&[(20, "Giỏi"), (40, "Khá"), (40, "Trung bình")]),
        issuer,
        issued_on,
        revoked: false,
        as_of_us,
    }
}

/// The department of the province of that time.
fn department(person: Person<'_>) -> String {
    format!("Sở Giáo dục và Đào tạo {}", person.family.place.former.province)
}

/// The office of the district of that time.
fn office(person: Person<'_>) -> String {
    format!("Phòng Giáo dục và Đào tạo {}", person.family.place.former.district)
}
