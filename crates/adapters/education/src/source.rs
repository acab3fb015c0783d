use async_trait::async_trait;
use lgsp_adapter::{Fields, SourceError};
use lgsp_identifiers::{PersonKey, StudentCode};
use lgsp_proto::education::v1::{Diploma, Student};
use lgsp_proto::record::v1::{PartialDate, Provenance};
use tokio::time::Instant;

use crate::SchoolYear;

/// What a student is asked for by.
#[derive(Clone, Debug)]
pub enum StudentKey {
    /// The Ministry's student code.
    Code(StudentCode),
    /// The person.
    Person(PersonKey),
}

/// Of which school year a student's school, grade and class are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Year {
    /// The last one that the source has of the student.
    Last,
    /// This one.
    In(SchoolYear),
    /// This one, which has begun; or the one before, of a student whose school has handed in nobody of this one yet and who had not
    /// left or finished it: not every school does so at once.
    Current(SchoolYear),
}

/// Which of the things that hang on a student are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Parents and guardians.
    pub guardians: bool,
    /// Diplomas issued to the student.
    pub diplomas: bool,
    /// The ratings of the last year that was rated.
    pub ratings: bool,
}

impl Parts {
    /// The student alone.
    pub const NONE: Self = Self { guardians: false, diplomas: false, ratings: false };

    /// The parts of the student that may leave.
    pub fn of(fields: &Fields) -> Self {
        Self {
            guardians: fields.wants("student.guardians"),
            diplomas: fields.wants("student.diplomas"),
            ratings: fields.wants("student.conduct_rating") || fields.wants("student.study_rating"),
        }
    }
}

/// A diploma as the register keeps it, with its holder as printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registered {
    /// The diploma.
    pub diploma: Diploma,
    /// The holder's personal number, when there was one.
    pub personal_number: String,
    /// The holder's old identity card, when there was one.
    pub old_identity_number: String,
    /// The holder's name.
    pub full_name: String,
    /// The holder's date of birth.
    pub date_of_birth: Option<PartialDate>,
    /// It was revoked.
    pub revoked: bool,
    /// Where the record comes from.
    pub provenance: Option<Provenance>,
}

/// A system of record of students and diplomas. Every question ends at its deadline.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Finds a student with the parts that are asked for. Without an enrolment in the year, the student has no school
    /// year, and no school, grade, class or status; in a year with several, it is the one that stands.
    ///
    /// # Errors
    /// The source did not answer.
    async fn student(
        &self,
        student: &StudentKey,
        year: Year,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Student>, SourceError>;

    /// Lists the diplomas with a serial number, which is written without spaces and in capitals. A few may have been
    /// printed with the same.
    ///
    /// # Errors
    /// The source did not answer.
    async fn diplomas(&self, serial_number: &str, deadline: Instant) -> Result<Vec<Registered>, SourceError>;

    /// Who says that there is no such record.
    fn origin(&self) -> Option<Provenance>;
}
