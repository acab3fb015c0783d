//! The school years of a student.

use lgsp_identifiers::PartialDate;
use lgsp_proto::education::v1::{EnrolmentStatus, SchoolLevel};

use super::path::{Path, THIS_SCHOOL_YEAR};
use super::schools::school_of;
use crate::circumstances::Person;
use crate::clock::date;
use crate::dice::Dice;
use crate::people::Place;
use crate::record::{Enrolment, School};

/// The first school year that the database has.
const FIRST_SCHOOL_YEAR: u16 = 2019;

/// The years at school that the database has, older ones first. None for most adults.
pub(super) fn enrolments(dice: &mut Dice, person: Person<'_>, path: Path) -> Vec<Enrolment> {
    let mut enrolments = Vec::new();
    for begins in FIRST_SCHOOL_YEAR..=THIS_SCHOOL_YEAR {
        let Some(grade) = grade_in(path, begins) else { continue };
        let ward = person.family.place.ward.code;
        let school = school_of(path.level(grade).0, ward, path.choice);
        let enrolment = year(dice, path, grade, begins, school);
        enrolments.push(enrolment);
    }
    let is_current = enrolments.last().is_some_and(|last| last.begins == THIS_SCHOOL_YEAR);
    if is_current {
        disturb(dice, &mut enrolments);
    }
    enrolments
}

/// The grade of a school year; 0 in pre-school.
fn grade_in(path: Path, begins: u16) -> Option<u8> {
    if begins < path.first_year {
        return (begins + u16::from(path.pre_school) >= path.first_year).then_some(0);
    }
    // A person is at most a century behind grade 1.
    let grade = (begins - path.first_year + 1) as u8;
    (grade <= path.last_grade).then_some(grade)
}

fn year(dice: &mut Dice, path: Path, grade: u8, begins: u16, school: &'static School) -> Enrolment {
    let (level, first_grade, last_grade) = path.level(grade);
    let entered = match level {
        SchoolLevel::PreSchool => path.first_year - u16::from(path.pre_school),
        _ => path.begins(first_grade),
    };
    let is_over = begins < THIS_SCHOOL_YEAR;
    let ends_level = if grade == 0 { begins + 1 == path.first_year } else { grade == last_grade };
    let breaks_off = path.breaks_off && grade == path.last_grade;
    let (status, left_on) = match (is_over, breaks_off, ends_level) {
        (true, true, _) => (EnrolmentStatus::Left, Some(date(begins + 1, 1, 15))),
        (true, false, true) => (EnrolmentStatus::Graduated, Some(date(begins + 1, 5, 31))),
        (true, false, false) | (false, _, _) => (EnrolmentStatus::Attending, None),
    };
    let is_rated = is_over && !breaks_off && grade > 0;
    Enrolment {
        begins,
        school,
        level,
        grade,
        class_name: class_name(path, grade, begins),
        status,
        enrolled_on: date(entered, 9, 5),
        left_on,
        conduct_rating: is_rated.then(|| dice.weighted(&[(85, "Tốt"), (12, "Khá"), (3, "Đạt")])),
        study_rating: is_rated.then(|| study_rating(dice, level)),
    }
}

fn class_name(path: Path, grade: u8, begins: u16) -> String {
    let number = path.choice % 5 + 1;
    match (grade, path.first_year.saturating_sub(begins)) {
        (0, 1) => format!("Lá {number}"),
        (0, 2) => format!("Chồi {number}"),
        (0, _) => format!("Mầm {number}"),
        (1.., _) => format!("{grade}A{number}"),
    }
}

/// By the Ministry's rules of 2020 and 2021 for primary and secondary schools.
pub(super) fn study_rating(dice: &mut Dice, level: SchoolLevel) -> &'static str {
    match level {
        SchoolLevel::Primary => dice.weighted(&[
            (35, "Hoàn thành xuất sắc"),
            (30, "Hoàn thành tốt"),
            (33, "Hoàn thành"),
            (2, "Chưa hoàn thành"),
        ]),
        SchoolLevel::LowerSecondary
        | SchoolLevel::UpperSecondary
        | SchoolLevel::Continuing
        | SchoolLevel::PreSchool
        | SchoolLevel::Unspecified => {
            dice.weighted(&[(28, "Tốt"), (40, "Khá"), (30, "Đạt"), (2, "Chưa đạt")])
        }
    }
}

/// A few leave, pause, or move to another school in the course of the year.
fn disturb(dice: &mut Dice, enrolments: &mut Vec<Enrolment>) {
    let status = dice.weighted(&[
        (982, EnrolmentStatus::Attending),
        (4, EnrolmentStatus::OnLeave),
        (6, EnrolmentStatus::Left),
        (8, EnrolmentStatus::Transferred),
    ]);
    let to = Place::anywhere(dice);
    let on = mid_year(dice);
    let Some(current) = enrolments.last_mut() else { return };
    current.status = status;
    if matches!(status, EnrolmentStatus::Left | EnrolmentStatus::Transferred) {
        current.left_on = Some(on);
    }
    if status == EnrolmentStatus::Transferred {
        let school = school_of(current.level, to.ward.code, 0);
        let enrolment = Enrolment {
            school,
            status: EnrolmentStatus::Attending,
            enrolled_on: on,
            left_on: None,
            ..current.clone()
        };
        enrolments.push(enrolment);
    }
}

fn mid_year(dice: &mut Dice) -> PartialDate {
    date(THIS_SCHOOL_YEAR + 1, dice.within(1..=3) as u8, dice.within(1..=28) as u8)
}
