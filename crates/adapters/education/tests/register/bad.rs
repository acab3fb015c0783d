//! Bad records: unknown codes, what is no date, what is missing where an order is made.

use lgsp_adapter::testing::Database;
use lgsp_proto::education::v1::{
    DiplomaKind, EnrolmentStatus, GetStudentRequest, SchoolLevel, VerifyEnrolmentRequest,
};
use lgsp_proto::record::v1::Sex;
use tonic::Code;

use crate::by_person;
use crate::register::{Form, GRADUATE, PUPIL, PUPILS_NUMBER, Register};

const TODDLERS_NUMBER: &str = "092320000003";

fn by_code(code: &str) -> GetStudentRequest {
    GetStudentRequest { student_code: code.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn unknown_codes_and_false_dates_are_passed_on_as_unknown_and_counted() {
    let odd = "
        UPDATE bang_hoc_sinh SET gioi_tinh = 'nu', ngay_sinh = '31/02/2012', khuyet_tat = '1', cap = '?', trang_thai = 'X',
                                 ngay_vao = '5/9/2025' WHERE dong = 3;
        DELETE FROM bang_hoc_sinh WHERE dong = 2;
        UPDATE so_van_bang SET loai = 'ĐH' WHERE stt = 1;";
    for mut register in Register::each_of(Form::Mapped, odd).await {
        let pupil = register.student(by_code(PUPIL)).await.unwrap();
        assert_eq!((pupil.sex(), pupil.date_of_birth, pupil.disabled), (Sex::Unknown, None, false));
        assert_eq!(pupil.level(), SchoolLevel::Unspecified);
        assert_eq!((pupil.status(), pupil.enrolled_on), (EnrolmentStatus::Unspecified, None));
        let graduate = register.student(by_code(GRADUATE)).await.unwrap();
        assert_eq!(graduate.diplomas[0].kind(), DiplomaKind::Unspecified);
        for (relation, column) in [
            ("student", "sex"),
            ("student", "date_of_birth"),
            ("student", "disabled"),
            ("enrolment", "level"),
            ("enrolment", "status"),
            ("enrolment", "enrolled_on"),
            ("diploma", "kind"),
        ] {
            assert_eq!(register.not_understood(relation, column), 1, "{relation}.{column}");
        }
    }
}

#[tokio::test]
async fn a_diploma_without_a_year_comes_last_on_every_database() {
    let more = "
        INSERT INTO diploma (diploma_id, student_id, serial_number, full_name, as_of_us)
        VALUES (0, 2, 'C1', 'Trần Văn An', 0);";
    for mut register in Register::each_of(Form::Native, more).await {
        let diplomas = register.student(by_code(GRADUATE)).await.unwrap().diplomas;
        let serials: Vec<&str> = diplomas.iter().map(|one| one.serial_number.as_str()).collect();
        assert_eq!(serials, ["B1234567", "C1"]);
    }
}

/// The code of the pupil is that of the toddler, too; in the sheets a pupil's record follows from the code.
#[tokio::test]
async fn of_two_students_with_one_code_neither_is_told_to_whoever_asks_by_person() {
    for mut register in Register::each_of(Form::Native, "").await {
        let shared = format!(
            "ALTER TABLE student RENAME TO student_before;
             CREATE TABLE student AS SELECT * FROM student_before;
             UPDATE student SET student_code = '{PUPIL}' WHERE student_id = 3;"
        );
        register.run(&shared).await;
        for asked in [by_code(PUPIL), by_person(PUPILS_NUMBER), by_person(TODDLERS_NUMBER)] {
            let refusal = register.student(asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::Internal, "whose the guardians are cannot be told");
        }
        let verify = VerifyEnrolmentRequest {
            personal_number: TODDLERS_NUMBER.to_owned(),
            school_year: "2025-2026".to_owned(),
            ..Default::default()
        };
        assert_eq!(register.enrolment(verify).await.unwrap_err().code(), Code::Internal);

        register.run("UPDATE student SET student_code = '' WHERE student_id = 3").await;
        let refusal = register.student(by_person(TODDLERS_NUMBER)).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal, "the toddler has no code");
        assert_eq!(register.student(by_person(PUPILS_NUMBER)).await.unwrap().guardians.len(), 2);
    }
}

#[tokio::test]
async fn blank_ratings_and_those_of_no_year_hide_no_others() {
    let blank = "
        UPDATE enrolment SET conduct_rating = '', study_rating = ' ' WHERE enrolment_id IN (2, 3);
        INSERT INTO enrolment (enrolment_id, student_id, school_year, school_code, conduct_rating)
        VALUES (9, 1, '9999-2025', '92THCS01', 'Kém');";
    for mut register in Register::each_of(Form::Native, blank).await {
        let pupil = register.student(by_code(PUPIL)).await.unwrap();
        assert_eq!((pupil.conduct_rating.as_str(), pupil.study_rating.as_str()), ("Tốt", "Khá"));
    }
}

/// PostgreSQL holds no text that is none.
#[tokio::test]
async fn a_schools_broken_name_is_not_known_and_fails_nothing() {
    let broken = "UPDATE school SET name = CAST(x'ff41' AS TEXT) WHERE school_code = '92THCS02'";
    let mut register = Register::of(Database::sqlite(), Form::Native, broken).await;
    let pupil = register.student(by_code(PUPIL)).await.unwrap();
    assert_eq!((pupil.school_code.as_str(), pupil.school_name.as_str()), ("92THCS02", ""));
    assert_eq!(register.not_understood("school", "name"), 1);
}
