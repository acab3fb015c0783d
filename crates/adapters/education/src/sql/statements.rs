//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.
//!
//! Keys that join relations stay inside: an agency's may be of any type. What is looked for as the only one is looked for
//! twice, so that a contradiction is noticed; what hangs on a student is read only after that. A school's name is looked up beside its enrolment and not joined, so that a
//! school that is listed twice repeats nothing.

use lgsp_adapter::{ByPerson, Numbered, Statement, Tables};

/// Every statement of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) student_by_code: Statement,
    pub(super) student_by_person: ByPerson,
    pub(super) enrolments: Statement,
    pub(super) anybody_of_school: Statement,
    pub(super) ratings: Statement,
    pub(super) guardians: Statement,
    pub(super) diplomas: Statement,
    pub(super) diplomas_by_serial: Statement,
}

impl Statements {
    pub(super) fn new(tables: &Tables) -> Self {
        Self {
            student_by_code: tables.statement(&NUMBERED.only(STUDENT, "o.student_code = $1")),
            student_by_person: tables.by_person(&NUMBERED.only(STUDENT, "o.{person} = $1")),
            enrolments: tables.statement(ENROLMENTS),
            anybody_of_school: tables.statement(ANYBODY_OF_SCHOOL),
            ratings: tables.statement(RATINGS),
            guardians: tables.statement(GUARDIANS),
            diplomas: tables.statement(DIPLOMAS),
            diplomas_by_serial: tables.statement(DIPLOMAS_BY_SERIAL),
        }
    }
}

/// What hangs on a student is found by the student's code. So that must be nobody else's.
const NUMBERED: Numbered = Numbered { relation: "student", number: "student_code" };

const STUDENT: &str = "
    SELECT this.student_code, this.personal_number, this.full_name, this.date_of_birth, this.sex, this.ethnicity, this.line,
           this.ward_code, this.former_ward_code, this.text, this.disabled, this.policy_groups, this.updated_us,
           this.as_of_us
    FROM student this";

/// All years of a student, the last one first; which of them is asked for is known when they are parsed. In a year with
/// several, one that was ended (3 transferred, 4 left) comes after one that stands. Nobody goes to school for so many years.
const ENROLMENTS: &str = "
    SELECT e.school_year, e.school_code, e.level, e.grade, e.class_name, e.status, e.enrolled_on, e.left_on,
           (SELECT c.name FROM school c WHERE c.school_code = e.school_code LIMIT 1) AS school_name
    FROM student s JOIN enrolment e ON e.student_id = s.student_id
    WHERE s.student_code = $1
    ORDER BY e.school_year DESC, CASE WHEN e.status IN (3, 4) THEN 1 ELSE 0 END,
             coalesce(e.enrolled_on, '') DESC, e.enrolment_id DESC
    LIMIT 60";

/// Whether a school has handed in a school year.
const ANYBODY_OF_SCHOOL: &str =
    "SELECT 1 AS one FROM enrolment WHERE school_code = $1 AND school_year = $2 LIMIT 1";

/// Of all years that were rated; which of them is the last is known when they are parsed.
const RATINGS: &str = "
    SELECT e.school_year, e.conduct_rating, e.study_rating
    FROM student s JOIN enrolment e ON e.student_id = s.student_id
    WHERE s.student_code = $1 AND (e.conduct_rating <> '' OR e.study_rating <> '')
    ORDER BY e.school_year DESC, e.enrolment_id DESC
    LIMIT 60";

/// The bounds of this and of the next are the contract's.
const GUARDIANS: &str = "
    SELECT g.personal_number, g.full_name, g.relation, g.phone_number
    FROM student s JOIN guardian g ON g.student_id = s.student_id
    WHERE s.student_code = $1
    ORDER BY g.full_name
    LIMIT 10";

const DIPLOMAS: &str = "
    SELECT d.kind, d.serial_number, d.register_number, d.graduation_year, d.rating, d.issuer, d.issued_on
    FROM student s JOIN diploma d ON d.student_id = s.student_id
    WHERE s.student_code = $1
    ORDER BY d.graduation_year NULLS LAST, d.diploma_id
    LIMIT 20";

const DIPLOMAS_BY_SERIAL: &str = "
    SELECT d.kind, d.serial_number, d.register_number, d.graduation_year, d.rating, d.issuer, d.issued_on,
           d.personal_number, d.old_identity_number, d.full_name, d.date_of_birth, d.revoked, d.as_of_us
    FROM diploma d
    WHERE d.serial_number = $1
    ORDER BY d.diploma_id
    LIMIT 20";
