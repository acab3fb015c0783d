//! Compares claims with a record. Only matches leave this module.

use std::cmp::Reverse;

use lgsp_adapter::compare;
use lgsp_identifiers::{PartialDate, PersonKey};
use lgsp_proto::education::v1::{
    DiplomaKind, EnrolmentStatus, SchoolLevel, Student, VerifyDiplomaResponse, VerifyEnrolmentResponse,
};
use lgsp_proto::record::v1::{Match, Provenance};

use crate::Registered;

/// The claims of an enrolment, parsed. An absent one claims nothing.
#[derive(Debug)]
pub(crate) struct Enrolment {
    pub(crate) school_code: Option<String>,
    pub(crate) grade: Option<i32>,
    pub(crate) full_name: Option<String>,
}

/// The claims of a diploma, parsed. An absent one claims nothing.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) register_number: Option<String>,
    pub(crate) full_name: String,
    pub(crate) person: Option<PersonKey>,
    pub(crate) date_of_birth: Option<PartialDate>,
    pub(crate) kind: Option<DiplomaKind>,
    pub(crate) graduation_year: Option<i32>,
}

pub(crate) fn enrolment(claims: &Enrolment, student: Student) -> VerifyEnrolmentResponse {
    VerifyEnrolmentResponse {
        enrolled: enrolled(&student).into(),
        school_code: compare::code(claims.school_code.as_deref(), &student.school_code).into(),
        grade: compare::equal(claims.grade, grade(&student)).into(),
        full_name: compare::name(claims.full_name.as_deref(), &student.full_name).into(),
        provenance: student.provenance,
    }
}

/// Who finished school in the year was enrolled in it; who left or moved away is not any more.
fn enrolled(student: &Student) -> Match {
    if student.school_year.is_empty() {
        return Match::No;
    }
    match student.status() {
        EnrolmentStatus::Attending | EnrolmentStatus::OnLeave | EnrolmentStatus::Graduated => Match::Yes,
        EnrolmentStatus::Transferred | EnrolmentStatus::Left => Match::No,
        EnrolmentStatus::Unspecified => Match::Unknown,
    }
}

/// In pre-school there is no grade; elsewhere 0 is one that is not known.
fn grade(student: &Student) -> Option<i32> {
    let is_known = student.grade != 0 || student.level() == SchoolLevel::PreSchool;
    Some(student.grade).filter(|_| is_known)
}

/// Compares with that of the diplomas of one serial number which fits best, and with one alone: what is true of two
/// different diplomas is not true of any.
pub(crate) fn diploma(
    claims: &Claims,
    registered: Vec<Registered>,
    origin: Option<Provenance>,
) -> VerifyDiplomaResponse {
    let answers = registered.into_iter().map(|diploma| with_one(claims, diploma));
    let best = answers.min_by_key(|answer| {
        let is_holder = answer.full_name() == Match::Yes;
        (Reverse(is_holder), Reverse(count(answer, Match::Yes)), count(answer, Match::No))
    });
    best.unwrap_or_else(|| not_registered(claims, origin))
}

fn with_one(claims: &Claims, registered: Registered) -> VerifyDiplomaResponse {
    let diploma = &registered.diploma;
    let kind = Some(diploma.kind()).filter(|kind| *kind != DiplomaKind::Unspecified);
    let year = Some(diploma.graduation_year).filter(|year| *year != 0);
    let holder = compare::name(Some(&claims.full_name), &registered.full_name);
    let (number, old_number) = (&registered.personal_number, &registered.old_identity_number);
    VerifyDiplomaResponse {
        serial_number: Match::Yes.into(),
        register_number: compare::code(claims.register_number.as_deref(), &diploma.register_number).into(),
        full_name: holder.into(),
        personal_number: compare::person(claims.person.as_ref(), number, old_number).into(),
        date_of_birth: compare::date(claims.date_of_birth, registered.date_of_birth.as_ref()).into(),
        kind: compare::equal(claims.kind, kind).into(),
        graduation_year: compare::equal(claims.graduation_year, year).into(),
        revoked: registered.revoked && holder == Match::Yes,
        provenance: registered.provenance,
    }
}

fn not_registered(claims: &Claims, origin: Option<Provenance>) -> VerifyDiplomaResponse {
    let nothing = Registered { provenance: origin, ..Registered::default() };
    VerifyDiplomaResponse { serial_number: Match::No.into(), ..with_one(claims, nothing) }
}

fn count(answer: &VerifyDiplomaResponse, wanted: Match) -> usize {
    let matches = [
        answer.register_number(),
        answer.personal_number(),
        answer.date_of_birth(),
        answer.kind(),
        answer.graduation_year(),
    ];
    matches.into_iter().filter(|found| *found == wanted).count()
}

#[cfg(test)]
mod tests {
    use lgsp_proto::education::v1::Diploma;

    use super::*;

    fn claims() -> Claims {
        Claims {
            register_number: Some("12/THPT".to_owned()),
            full_name: "Nguyễn Thị Mai".to_owned(),
            person: None,
            date_of_birth: PartialDate::parse("2005-01-30").ok(),
            kind: Some(DiplomaKind::UpperSecondary),
            graduation_year: None,
        }
    }

    fn registered(full_name: &str, register_number: &str) -> Registered {
        let diploma = Diploma { register_number: register_number.to_owned(), ..Diploma::default() };
        Registered { diploma, full_name: full_name.to_owned(), revoked: true, ..Registered::default() }
    }

    #[test]
    fn of_two_diplomas_with_one_serial_the_claimed_holders_is_compared() {
        let two = vec![registered("Trần Văn An", "12/THPT"), registered("NGUYỄN THỊ MAI", "13/THPT")];
        let answer = diploma(&claims(), two, None);
        assert_eq!((answer.serial_number(), answer.full_name()), (Match::Yes, Match::Yes));
        assert_eq!(answer.register_number(), Match::No, "the other's is not mixed in");
        assert_eq!((answer.kind(), answer.graduation_year()), (Match::Unknown, Match::NotClaimed));
        assert!(answer.revoked);
    }

    #[test]
    fn a_revocation_is_told_only_to_who_knows_the_holder() {
        let answer = diploma(&claims(), vec![registered("Trần Văn An", "12/THPT")], None);
        assert_eq!(answer.full_name(), Match::No);
        assert!(!answer.revoked);
    }

    #[test]
    fn a_serial_that_is_not_registered_is_told_with_nothing_else() {
        let origin = Provenance { source: "s".to_owned(), ..Provenance::default() };
        let answer = diploma(&claims(), Vec::new(), Some(origin.clone()));
        assert_eq!((answer.serial_number(), answer.full_name()), (Match::No, Match::Unknown));
        assert_eq!((answer.personal_number(), answer.kind()), (Match::NotClaimed, Match::Unknown));
        assert_eq!(answer.provenance, Some(origin));
    }

    #[test]
    fn who_left_is_not_enrolled_and_who_finished_was() {
        let check = |school_year: &str, status: EnrolmentStatus| {
            enrolled(&Student {
                school_year: school_year.to_owned(),
                status: status.into(),
                ..Student::default()
            })
        };
        assert_eq!(check("2025-2026", EnrolmentStatus::Attending), Match::Yes);
        assert_eq!(check("2025-2026", EnrolmentStatus::Graduated), Match::Yes);
        assert_eq!(check("2025-2026", EnrolmentStatus::Transferred), Match::No);
        assert_eq!(check("2025-2026", EnrolmentStatus::Unspecified), Match::Unknown);
        assert_eq!(check("", EnrolmentStatus::Unspecified), Match::No);
    }

    #[test]
    fn a_grade_that_is_not_known_is_not_that_of_a_pre_school() {
        let pupil = |grade, level: SchoolLevel| Student { grade, level: level.into(), ..Student::default() };
        assert_eq!(grade(&pupil(0, SchoolLevel::PreSchool)), Some(0));
        assert_eq!(grade(&pupil(0, SchoolLevel::Primary)), None);
        assert_eq!(grade(&pupil(3, SchoolLevel::Unspecified)), Some(3));
    }
}
