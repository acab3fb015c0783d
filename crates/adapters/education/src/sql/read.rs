//! From rows to the domain's language.

use lgsp_adapter::{Row, SourceError, Tables};
use lgsp_proto::education::v1::{Diploma, EnrolmentStatus, Guardian, Student};

use crate::relations::{DIPLOMA, ENROLMENT, GUARDIAN, SCHOOL, STUDENT};
use crate::{Registered, SchoolYear};

/// The student without enrolment, ratings and parts.
pub(super) fn student(tables: &Tables, row: &Row) -> Result<Student, SourceError> {
    let of = tables.record(&STUDENT, row);
    Ok(Student {
        student_code: of.number("student_code")?,
        personal_number: of.text("personal_number")?,
        full_name: of.name("full_name")?,
        date_of_birth: of.date("date_of_birth")?,
        sex: of.code("sex")?,
        ethnicity: of.text("ethnicity")?,
        address: of.address()?,
        disabled: of.flag("disabled")?,
        policy_groups: of.list("policy_groups")?,
        updated: of.moment("updated_us")?,
        provenance: of.provenance()?,
        ..Student::default()
    })
}

/// The school year of an enrolment. One that is none is counted.
pub(super) fn school_year(tables: &Tables, row: &Row) -> Result<Option<SchoolYear>, SourceError> {
    let of = tables.record(&ENROLMENT, row);
    let Some(text) = of.maybe_text("school_year")? else { return Ok(None) };
    let year = SchoolYear::parse(&text);
    if year.is_none() {
        of.not_understood("school_year");
    }
    Ok(year)
}

/// The school of an enrolment.
pub(super) fn school_code(tables: &Tables, row: &Row) -> Result<String, SourceError> {
    tables.record(&ENROLMENT, row).text("school_code")
}

/// Whether somebody enrolled in a year may be in the next. Of one whose status is not known, it is not known then either.
pub(super) fn may_go_on(tables: &Tables, row: &Row) -> Result<bool, SourceError> {
    let status = EnrolmentStatus::try_from(tables.record(&ENROLMENT, row).code("status")?);
    Ok(match status.unwrap_or_default() {
        EnrolmentStatus::Attending | EnrolmentStatus::OnLeave | EnrolmentStatus::Unspecified => true,
        EnrolmentStatus::Transferred | EnrolmentStatus::Left | EnrolmentStatus::Graduated => false,
    })
}

/// The student in a school year.
pub(super) fn enrolled(tables: &Tables, row: &Row, student: Student) -> Result<Student, SourceError> {
    let of = tables.record(&ENROLMENT, row);
    Ok(Student {
        school_code: of.text("school_code")?,
        school_name: tables.record(&SCHOOL, row).name_as("name", "school_name")?,
        level: of.code("level")?,
        school_year: of.text("school_year")?,
        grade: of.small("grade")?,
        class_name: of.text("class_name")?,
        status: of.code("status")?,
        enrolled_on: of.date("enrolled_on")?,
        left_on: of.date("left_on")?,
        ..student
    })
}

/// The ratings of conduct and of study.
pub(super) fn ratings(tables: &Tables, row: &Row) -> Result<(String, String), SourceError> {
    let of = tables.record(&ENROLMENT, row);
    Ok((of.text("conduct_rating")?, of.text("study_rating")?))
}

pub(super) fn guardian(tables: &Tables, row: &Row) -> Result<Guardian, SourceError> {
    let of = tables.record(&GUARDIAN, row);
    Ok(Guardian {
        personal_number: of.text("personal_number")?,
        full_name: of.name("full_name")?,
        relation: of.text("relation")?,
        phone_number: of.text("phone_number")?,
    })
}

pub(super) fn diploma(tables: &Tables, row: &Row) -> Result<Diploma, SourceError> {
    let of = tables.record(&DIPLOMA, row);
    Ok(Diploma {
        kind: of.code("kind")?,
        serial_number: of.text("serial_number")?,
        register_number: of.text("register_number")?,
        graduation_year: of.small("graduation_year")?,
        rating: of.text("rating")?,
        issuer: of.text("issuer")?,
        issued_on: of.date("issued_on")?,
    })
}

pub(super) fn registered(tables: &Tables, row: &Row) -> Result<Registered, SourceError> {
    let of = tables.record(&DIPLOMA, row);
    Ok(Registered {
        diploma: diploma(tables, row)?,
        personal_number: of.text("personal_number")?,
        old_identity_number: of.text("old_identity_number")?,
        full_name: of.name("full_name")?,
        date_of_birth: of.date("date_of_birth")?,
        revoked: of.flag("revoked")?,
        provenance: of.provenance()?,
    })
}
