//! Every statement stays fast as the register grows: no plan reads a whole table. `docs/queries.md` tells the plans.

use lgsp_adapter::testing::{Asked, Database, assert_no_scans, native};
use lgsp_adapter::{Options, Value};

use super::Register;

const SCHEMA: &str = include_str!("../../../../sample/schema/education.sql");

/// 10,000 students of five years, with guardians and diplomas, at 5,000 schools.
const STUDENTS: &str = "
    INSERT INTO source VALUES (1, 'x', 'H13.07', 1, 1);
    INSERT INTO school (school_code, name)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT 'S' || i, 'x' FROM n;
    INSERT INTO student (student_id, student_code, personal_number, old_identity_number, full_name, updated_us, as_of_us)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT i, CAST(9200000000 + i AS TEXT), CAST(92000000000 + i AS TEXT) || '0', CAST(360000000 + i AS TEXT), 'x', 0, 0
    FROM n;
    INSERT INTO enrolment (enrolment_id, student_id, school_year, school_code, grade, status)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4)
    SELECT s.student_id * 10 + n.i, s.student_id, CAST(2021 + n.i AS TEXT) || '-' || CAST(2022 + n.i AS TEXT),
           'S' || (s.student_id % 5000), n.i + 1, 1
    FROM student s JOIN n ON 1 = 1;
    INSERT INTO guardian (guardian_id, student_id, full_name) SELECT student_id, student_id, 'x' FROM student;
    INSERT INTO diploma (diploma_id, student_id, serial_number, full_name, as_of_us)
    SELECT student_id, student_id, 'B' || student_id, 'x', 0 FROM student;
    ANALYZE;";

fn statements(register: &Register) -> [Asked<'_>; 9] {
    let of = &register.statements;
    let [by_number, by_old_card] = of.student_by_person.both();
    let text = |text: &'static str| vec![Value::from(text)];
    let in_year = vec!["S777".into(), "2026-2027".into()];
    [
        ("student by code", &of.student_by_code, text("9200000777")),
        ("student by personal number", by_number, text("920000007770")),
        ("student by old card", by_old_card, text("360000777")),
        ("enrolments of a student", &of.enrolments, text("9200000777")),
        ("anybody of a school in a year", &of.anybody_of_school, in_year),
        ("ratings", &of.ratings, text("9200000777")),
        ("guardians", &of.guardians, text("9200000777")),
        ("diplomas of a student", &of.diplomas, text("9200000777")),
        ("diplomas by serial number", &of.diplomas_by_serial, text("B777")),
    ]
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    for database in Database::each().await {
        let schema = native(database.dialect(), SCHEMA);
        database.filled(&format!("{schema}\n{STUDENTS}")).await.close().await;
        let register = Register::open(&Options::of(database.url())).await.unwrap();
        assert_no_scans(&register.tables, &statements(&register)).await;
    }
}
