use lgsp_identifiers::{OldIdentityCard, PartialDate, PersonalNumber, StudentCode, WardCode};
use lgsp_proto::education::v1::{DiplomaKind, EnrolmentStatus, SchoolLevel};
use lgsp_proto::record::v1::Sex;

use super::PostalAddress;

/// A school. Its name says that it is made up.
#[derive(Clone, Debug)]
pub struct School {
    /// 8 digits: ward, level, number.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub ward: WardCode,
}

/// One student, now or long ago.
#[derive(Clone, Debug)]
pub struct Student {
    /// From 1, without gaps.
    pub id: i64,
    /// Unique.
    pub code: StudentCode,
    /// Unique.
    pub personal_number: PersonalNumber,
    /// Unique, if there is one.
    pub old_identity: Option<OldIdentityCard>,
    /// Full name.
    pub full_name: String,
    /// Month and day may be unknown.
    pub date_of_birth: PartialDate,
    /// Male or female.
    pub sex: Sex,
    /// Name of the ethnic group.
    pub ethnicity: Option<&'static str>,
    /// As the school knows it.
    pub address: PostalAddress,
    /// A disability is on record.
    pub disabled: bool,
    /// Groups that give a right to support.
    pub policy_groups: Vec<&'static str>,
    /// One a school year or more, older ones first.
    pub enrolments: Vec<Enrolment>,
    /// Parents as named in this record.
    pub guardians: Vec<Guardian>,
    /// Last change, Unix microseconds.
    pub updated_us: i64,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// One school year of a student at a school.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The year in which the school year begins.
    pub begins: u16,
    /// Where.
    pub school: &'static School,
    /// Level of schooling.
    pub level: SchoolLevel,
    /// 1 to 12; 0 in pre-school.
    pub grade: u8,
    /// Name of the class.
    pub class_name: String,
    /// How the year went or goes.
    pub status: EnrolmentStatus,
    /// When the student entered this school.
    pub enrolled_on: PartialDate,
    /// When the student left it.
    pub left_on: Option<PartialDate>,
    /// Of a finished year.
    pub conduct_rating: Option<&'static str>,
    /// Of a finished year.
    pub study_rating: Option<&'static str>,
}

impl Enrolment {
    /// The school year: `2025-2026`.
    pub fn school_year(&self) -> String {
        format!("{}-{}", self.begins, self.begins + 1)
    }
}

/// A parent or guardian.
#[derive(Clone, Debug)]
pub struct Guardian {
    /// When the student's record in the register of residents has it.
    pub personal_number: Option<PersonalNumber>,
    /// Full name.
    pub full_name: String,
    /// What the person is to the student.
    pub relation: &'static str,
    /// E.164.
    pub phone_number: Option<String>,
}

/// A diploma of general education.
#[derive(Clone, Debug)]
pub struct Diploma {
    /// Id of the student, if there is a record.
    pub student: Option<i64>,
    /// Unique: a letter for the kind and eight digits.
    pub serial: String,
    /// In the register.
    pub register: String,
    /// Older ones have none.
    pub personal_number: Option<PersonalNumber>,
    /// Of some older ones.
    pub old_identity: Option<OldIdentityCard>,
    /// Name of the holder.
    pub full_name: String,
    /// Of the holder.
    pub date_of_birth: PartialDate,
    /// What it certifies.
    pub kind: DiplomaKind,
    /// Year of graduation.
    pub graduation_year: u16,
    /// Rating on the diploma.
    pub rating: &'static str,
    /// Who issued it.
    pub issuer: String,
    /// Date of issue.
    pub issued_on: PartialDate,
    /// It was revoked.
    pub revoked: bool,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}
