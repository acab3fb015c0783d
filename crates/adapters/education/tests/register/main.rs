//! The adapter on small registers, called as the bus calls it: through its tonic service. Every test runs on the native
//! schema and on a school office's own sheets, on every database at hand.
#![allow(clippy::unwrap_used)]

mod bad;
mod current;
mod diploma;
mod enrolment;
mod register;

use lgsp_adapter::Fields;
use lgsp_adapter_education::{Parts, Source, StudentKey, Year};
use lgsp_identifiers::StudentCode;
use lgsp_proto::education::v1::{DiplomaKind, EnrolmentStatus, GetStudentRequest, SchoolLevel, Student};
use lgsp_proto::record::v1::{PartialDate, Sex};
use tokio::time::{Duration, Instant};
use tonic::Code;

use register::{GRADUATE, GRADUATES_OLD_CARD, PUPIL, PUPILS_NUMBER, Register, TODDLER};

fn by_code(code: &str) -> GetStudentRequest {
    GetStudentRequest { student_code: code.to_owned(), ..Default::default() }
}

fn by_person(number: &str) -> GetStudentRequest {
    GetStudentRequest { personal_number: number.to_owned(), ..Default::default() }
}

fn date(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

#[tokio::test]
async fn a_student_is_found_by_code_and_by_person_with_all_the_register_knows() {
    for mut register in Register::each().await {
        let student = register.student(by_code(PUPIL)).await.unwrap();
        assert_eq!(student, register.student(by_person(PUPILS_NUMBER)).await.unwrap());
        assert_eq!(student, register.student(by_code(" 9200000001 ")).await.unwrap());

        assert_eq!((student.full_name.as_str(), student.sex()), ("Nguyễn Thị Mai", Sex::Female));
        assert_eq!(student.date_of_birth, date(2012, 1, 30));
        let address = student.address.unwrap();
        assert_eq!(address.text, "12 Nguyễn Trãi, Phường Cái Khế, Thành phố Cần Thơ");
        assert_eq!(address.ward.unwrap().former_code, "31117");
        assert!(student.disabled);
        assert_eq!(student.policy_groups, ["hộ nghèo", "con thương binh"]);
        assert_eq!((student.conduct_rating.as_str(), student.study_rating.as_str()), ("Tốt", "Khá"));
        let guardians: Vec<_> = student
            .guardians
            .iter()
            .map(|one| (one.full_name.as_str(), one.relation.as_str(), one.personal_number.as_str()))
            .collect();
        assert_eq!(guardians, [("Nguyễn Văn Hoà", "cha", "092085000011"), ("Trần Thị Bé", "mẹ", "")]);
        let provenance = student.provenance.unwrap();
        assert_eq!((provenance.source.as_str(), provenance.synthetic), ("csdl-giaoduc-test", true));
    }
}

#[tokio::test]
async fn of_a_year_with_two_schools_the_one_that_stands_is_told() {
    for mut register in Register::each().await {
        let student = register.student(by_code(PUPIL)).await.unwrap();
        assert_eq!((student.school_year.as_str(), student.school_code.as_str()), ("2025-2026", "92THCS02"));
        assert_eq!((student.school_name.as_str(), student.class_name.as_str()), ("Trường THCS Khác", "7C"));
        assert_eq!((student.grade, student.level()), (7, SchoolLevel::LowerSecondary));
        assert_eq!((student.status(), student.left_on), (EnrolmentStatus::Attending, None));
        assert_eq!(student.enrolled_on, date(2026, 1, 12));

        let toddler = register.student(by_code(TODDLER)).await.unwrap();
        assert_eq!((toddler.grade, toddler.level()), (0, SchoolLevel::PreSchool));
        assert_eq!((toddler.date_of_birth, toddler.address), (date(2020, 5, 0), None));
        assert_eq!(toddler.conduct_rating, "");
    }
}

#[tokio::test]
async fn a_graduate_is_found_by_old_card_with_the_diploma() {
    for mut register in Register::each().await {
        let graduate = register.student(by_person(GRADUATES_OLD_CARD)).await.unwrap();
        assert_eq!((graduate.student_code.as_str(), graduate.grade), (GRADUATE, 12));
        assert_eq!((graduate.status(), graduate.left_on), (EnrolmentStatus::Graduated, date(2024, 5, 31)));
        assert_eq!(graduate.diplomas.len(), 1);
        let diploma = &graduate.diplomas[0];
        assert_eq!(
            (diploma.serial_number.as_str(), diploma.kind()),
            ("B1234567", DiplomaKind::UpperSecondary)
        );
        assert_eq!((diploma.graduation_year, diploma.issued_on), (2024, date(2024, 8, 1)));
    }
}

#[tokio::test]
async fn what_hangs_on_a_student_and_may_not_leave_is_not_read() {
    for register in Register::each().await {
        let source = lgsp_adapter_education::Register::open(&register.options).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(20);
        let key = StudentKey::Code(StudentCode::parse(PUPIL).unwrap());
        let all = Parts::of(&Fields::default());
        let whole = source.student(&key, Year::Last, all, soon).await.unwrap().unwrap();
        let masked = source.student(&key, Year::Last, Parts { guardians: false, ..all }, soon).await;
        assert!(!whole.guardians.is_empty());
        assert_eq!(masked.unwrap().unwrap(), Student { guardians: vec![], ..whole });
    }
}

#[tokio::test]
async fn a_student_that_nobody_knows_is_not_found_and_a_malformed_request_is_invalid() {
    for mut register in Register::each().await {
        for unknown in [by_code("9299999999"), by_person("092099999999"), by_person("369999999")] {
            assert_eq!(register.student(unknown).await.unwrap_err().code(), Code::NotFound);
        }
        let both = GetStudentRequest { personal_number: PUPILS_NUMBER.to_owned(), ..by_code(PUPIL) };
        for asked in [GetStudentRequest::default(), both, by_code("12345"), by_code("92-1"), by_person("1")] {
            let refusal = register.student(asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(!format!("{refusal:?}").contains(PUPILS_NUMBER));
        }
    }
}
