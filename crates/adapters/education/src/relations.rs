//! What the adapter reads of an education database: the tables of the native schema, `crates/sample/schema/education.sql`.

use lgsp_adapter::{Codes, Column, Kind, Relation, SEX};
use lgsp_identifiers::Format;

/// The version of the native schema.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Every relation that the adapter reads.
pub const RELATIONS: &[Relation] = &[STUDENT, ENROLMENT, SCHOOL, GUARDIAN, DIPLOMA];

const LEVEL: Codes = &[
    ("unspecified", 0),
    ("pre-school", 1),
    ("primary", 2),
    ("lower-secondary", 3),
    ("upper-secondary", 4),
    ("continuing", 5),
];
const STATUS: Codes = &[
    ("unspecified", 0),
    ("attending", 1),
    ("on-leave", 2),
    ("transferred", 3),
    ("left", 4),
    ("graduated", 5),
];
const DIPLOMA_KIND: Codes = &[("unspecified", 0), ("lower-secondary", 1), ("upper-secondary", 2)];

/// One record a student.
pub(crate) const STUDENT: Relation = Relation::new(
    "student",
    &[
        Column::new("student_id", Kind::Key).required(),
        Column::new("student_code", Kind::Text).required().holding(Format::StudentCode),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("full_name", Kind::Text).required(),
        Column::new("date_of_birth", Kind::Date),
        Column::new("sex", Kind::Code(SEX)),
        Column::new("ethnicity", Kind::Text),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("text", Kind::Text),
        Column::new("disabled", Kind::Flag),
        Column::new("policy_groups", Kind::Text),
        Column::new("updated_us", Kind::Moment),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["student_id"], &["student_code"], &["personal_number"], &["old_identity_number"]]);

/// School years of students.
pub(crate) const ENROLMENT: Relation = Relation::new(
    "enrolment",
    &[
        Column::new("enrolment_id", Kind::Key).required(),
        Column::new("student_id", Kind::Key).required().referring("student", "student_id"),
        Column::new("school_year", Kind::Text).required(),
        Column::new("school_code", Kind::Text).required().referring("school", "school_code"),
        Column::new("level", Kind::Code(LEVEL)),
        Column::new("grade", Kind::Integer),
        Column::new("class_name", Kind::Text),
        Column::new("status", Kind::Code(STATUS)),
        Column::new("enrolled_on", Kind::Date),
        Column::new("left_on", Kind::Date),
        Column::new("conduct_rating", Kind::Text),
        Column::new("study_rating", Kind::Text),
    ],
)
.keyed(&[&["enrolment_id"]]);

/// Schools.
pub(crate) const SCHOOL: Relation = Relation::new(
    "school",
    &[Column::new("school_code", Kind::Text).required(), Column::new("name", Kind::Text).required()],
)
.optional()
.keyed(&[&["school_code"]]);

/// Parents and guardians.
pub(crate) const GUARDIAN: Relation = Relation::new(
    "guardian",
    &[
        Column::new("student_id", Kind::Key).required().referring("student", "student_id"),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("full_name", Kind::Text).required(),
        Column::new("relation", Kind::Text),
        Column::new("phone_number", Kind::Text),
    ],
)
.optional();

/// The register of diplomas. Not every holder has a student record.
pub(crate) const DIPLOMA: Relation = Relation::new(
    "diploma",
    &[
        Column::new("diploma_id", Kind::Key).required(),
        Column::new("student_id", Kind::Key).referring("student", "student_id"),
        Column::new("serial_number", Kind::Text).required(),
        Column::new("register_number", Kind::Text),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("full_name", Kind::Text).required(),
        Column::new("date_of_birth", Kind::Date),
        Column::new("kind", Kind::Code(DIPLOMA_KIND)),
        Column::new("graduation_year", Kind::Integer),
        Column::new("rating", Kind::Text),
        Column::new("issuer", Kind::Text),
        Column::new("issued_on", Kind::Date),
        Column::new("revoked", Kind::Flag),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.optional()
.keyed(&[&["diploma_id"]]);

#[cfg(test)]
mod tests {
    use lgsp_adapter::testing::assert_codes;
    use lgsp_proto::education::v1::{DiplomaKind, EnrolmentStatus, SchoolLevel};

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_codes(LEVEL, "SCHOOL_LEVEL_", |n| SchoolLevel::try_from(n).ok().map(|v| v.as_str_name()));
        assert_codes(STATUS, "ENROLMENT_STATUS_", |n| {
            EnrolmentStatus::try_from(n).ok().map(|v| v.as_str_name())
        });
        assert_codes(DIPLOMA_KIND, "DIPLOMA_KIND_", |n| {
            DiplomaKind::try_from(n).ok().map(|v| v.as_str_name())
        });
    }
}
