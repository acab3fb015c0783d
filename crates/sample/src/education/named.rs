//! The school years and diplomas of the named persons.

use lgsp_proto::education::v1::{DiplomaKind, EnrolmentStatus, SchoolLevel};

use super::diplomas::diploma;
use super::schools::school_of;
use crate::circumstances::Person;
use crate::clock::date;
use crate::dice::Dice;
use crate::people::phone_number;
use crate::persons::{Case, Record};
use crate::record::{Diploma, Enrolment, Student};

/// The three years at an upper-secondary school of those who have a record there, entered long after.
pub(super) fn enrolments(named: &Record) -> Vec<Enrolment> {
    if named.student_code.is_none() {
        return Vec::new();
    }
    let entered = graduation_year(named) - 3;
    let years = [(10, 0), (11, 1), (12, 2)];
    years
        .into_iter()
        .map(|(grade, year)| Enrolment {
            begins: entered + year,
            school: school_of(SchoolLevel::UpperSecondary, named.ward(), 0),
            level: SchoolLevel::UpperSecondary,
            grade,
            class_name: format!("{grade}A1"),
            status: if grade == 12 { EnrolmentStatus::Graduated } else { EnrolmentStatus::Attending },
            enrolled_on: date(entered, 9, 5),
            left_on: (grade == 12).then(|| date(entered + 3, 5, 31)),
            conduct_rating: Some("Tốt"),
            study_rating: Some("Khá"),
        })
        .collect()
}

/// Puts in the fixed code, and fills what chance left empty.
pub(super) fn complete(student: &mut Student, named: &Record) {
    if let Some(code) = named.student() {
        student.code = code;
    }
    student.policy_groups = vec!["Con của người có công"];
    for (guardian, id) in student.guardians.iter_mut().zip(0..) {
        guardian.phone_number.get_or_insert_with(|| phone_number(9_999_990 + id));
    }
}

/// The diplomas of a named person: two of those who have a record at a school, else one.
pub(super) fn diplomas(
    dice: &mut Dice,
    person: Person<'_>,
    named: &Record,
    student: Option<i64>,
) -> Vec<Diploma> {
    let (digits, year) = (&named.diploma_serial[1..], graduation_year(named));
    let lower = diploma(dice, person, DiplomaKind::LowerSecondary, year - 3, digits);
    let mut upper = diploma(dice, person, DiplomaKind::UpperSecondary, year, digits);
    upper.personal_number = Some(named.personal_number());
    upper.old_identity = None;
    match named.case {
        Case::AllFields | Case::Masked => {
            let both = [lower, upper];
            return both.map(|diploma| Diploma { student, ..diploma }).into();
        }
        Case::MovedWard => (upper.personal_number, upper.old_identity) = (None, Some(named.old_identity())),
        Case::RefusedPurpose => upper.revoked = true,
    }
    vec![upper]
}

/// At eighteen.
fn graduation_year(named: &Record) -> u16 {
    named.date_of_birth().year() + 18
}
