use super::{Ids, Rows, Table, Value, address, list, next};
use crate::education::schools::schools;
use crate::record::{Diploma, Enrolment, Home, Student};

static SCHOOL: Table = Table { name: "school", columns: &["school_code", "name", "ward_code"] };

static STUDENT: Table = Table {
    name: "student",
    columns: &[
        "student_id",
        "student_code",
        "personal_number",
        "old_identity_number",
        "full_name",
        "date_of_birth",
        "sex",
        "ethnicity",
        "line",
        "ward_code",
        "former_ward_code",
        "text",
        "disabled",
        "policy_groups",
        "updated_us",
        "as_of_us",
    ],
};

static ENROLMENT: Table = Table {
    name: "enrolment",
    columns: &[
        "enrolment_id",
        "student_id",
        "school_year",
        "school_code",
        "level",
        "grade",
        "class_name",
        "status",
        "enrolled_on",
        "left_on",
        "conduct_rating",
        "study_rating",
    ],
};

static GUARDIAN: Table = Table {
    name: "guardian",
    columns: &["guardian_id", "student_id", "personal_number", "full_name", "relation", "phone_number"],
};

static DIPLOMA: Table = Table {
    name: "diploma",
    columns: &[
        "diploma_id",
        "student_id",
        "serial_number",
        "register_number",
        "personal_number",
        "old_identity_number",
        "full_name",
        "date_of_birth",
        "kind",
        "graduation_year",
        "rating",
        "issuer",
        "issued_on",
        "revoked",
        "as_of_us",
    ],
};

/// The schools of the city.
pub(crate) fn catalogue() -> Vec<Rows<'static>> {
    let mut rows = Rows::of(&SCHOOL);
    for school in schools() {
        rows.push([(&school.code).into(), (&school.name).into(), school.ward.into()]);
    }
    vec![rows]
}

/// Students with their years at school and guardians, and diplomas.
pub(crate) fn rows<'a>(homes: &'a [Home], ids: &mut Ids) -> Vec<Rows<'a>> {
    let (mut students, mut enrolments) = (Rows::of(&STUDENT), Rows::of(&ENROLMENT));
    let id = ids.of(&ENROLMENT);
    for record in homes.iter().flat_map(|home| &home.students) {
        students.push(student(record));
        for year in &record.enrolments {
            enrolments.push(enrolment(next(id), record, year));
        }
    }
    let guardians = guardians(homes.iter().flat_map(|home| &home.students), ids);
    let mut diplomas = Rows::of(&DIPLOMA);
    let id = ids.of(&DIPLOMA);
    homes.iter().flat_map(|home| &home.diplomas).for_each(|record| diplomas.push(diploma(next(id), record)));
    vec![students, enrolments, guardians, diplomas]
}

fn student(student: &Student) -> [Value<'_>; 16] {
    let [line, ward, former_ward, text] = address(&student.address);
    [
        student.id.into(),
        (&student.code).into(),
        (&student.personal_number).into(),
        (&student.old_identity).into(),
        (&student.full_name).into(),
        student.date_of_birth.into(),
        (student.sex as i32).into(),
        student.ethnicity.into(),
        line,
        ward,
        former_ward,
        text,
        student.disabled.into(),
        list(&student.policy_groups),
        student.updated_us.into(),
        student.as_of_us.into(),
    ]
}

fn enrolment<'a>(id: Value<'a>, student: &Student, year: &'a Enrolment) -> [Value<'a>; 12] {
    [
        id,
        student.id.into(),
        year.school_year().into(),
        (&year.school.code).into(),
        (year.level as i32).into(),
        i32::from(year.grade).into(),
        (&year.class_name).into(),
        (year.status as i32).into(),
        year.enrolled_on.into(),
        year.left_on.into(),
        year.conduct_rating.into(),
        year.study_rating.into(),
    ]
}

fn guardians<'a>(students: impl Iterator<Item = &'a Student>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&GUARDIAN);
    let mut rows = Rows::of(&GUARDIAN);
    for student in students {
        for guardian in &student.guardians {
            rows.push([
                next(id),
                student.id.into(),
                (&guardian.personal_number).into(),
                (&guardian.full_name).into(),
                guardian.relation.into(),
                (&guardian.phone_number).into(),
            ]);
        }
    }
    rows
}

fn diploma<'a>(id: Value<'a>, diploma: &'a Diploma) -> [Value<'a>; 15] {
    [
        id,
        diploma.student.into(),
        (&diploma.serial).into(),
        (&diploma.register).into(),
        (&diploma.personal_number).into(),
        (&diploma.old_identity).into(),
        (&diploma.full_name).into(),
        diploma.date_of_birth.into(),
        (diploma.kind as i32).into(),
        i32::from(diploma.graduation_year).into(),
        diploma.rating.into(),
        (&diploma.issuer).into(),
        diploma.issued_on.into(),
        diploma.revoked.into(),
        diploma.as_of_us.into(),
    ]
}
