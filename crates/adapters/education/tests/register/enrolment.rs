//! Whether somebody goes to school, and what of a claim is true.

use lgsp_proto::education::v1::VerifyEnrolmentRequest;
use lgsp_proto::record::v1::Match;
use tonic::Code;

use crate::register::{GRADUATE, PUPIL, Register, TODDLER};

pub fn in_year(student_code: &str, school_year: &str) -> VerifyEnrolmentRequest {
    VerifyEnrolmentRequest {
        student_code: student_code.to_owned(),
        school_year: school_year.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_claim_is_compared_field_by_field_and_nothing_is_disclosed() {
    for mut register in Register::each().await {
        let claim = VerifyEnrolmentRequest {
            school_code: "92thcs02".to_owned(),
            grade: 6,
            full_name: "NGUYỄN THỊ MAI".to_owned(),
            ..in_year(PUPIL, "2025-2026")
        };
        let answer = register.enrolment(claim.clone()).await.unwrap();
        assert_eq!((answer.enrolled(), answer.school_code()), (Match::Yes, Match::Yes));
        assert_eq!((answer.grade(), answer.full_name()), (Match::No, Match::Yes));
        assert!(!format!("{answer:?}").contains("92THCS02"));
        assert_eq!(answer.provenance.unwrap().source, "csdl-giaoduc-test");

        let nothing = register.enrolment(in_year(PUPIL, "2025-2026")).await.unwrap();
        assert_eq!(nothing.enrolled(), Match::Yes);
        assert_eq!((nothing.school_code(), nothing.full_name()), (Match::NotClaimed, Match::NotClaimed));

        let left = VerifyEnrolmentRequest { school_code: "92THCS01".to_owned(), ..claim };
        assert_eq!(register.enrolment(left).await.unwrap().school_code(), Match::No, "moved away from there");
    }
}

#[tokio::test]
async fn a_year_without_an_enrolment_is_told_and_confirms_nothing() {
    for mut register in Register::each().await {
        let claim = VerifyEnrolmentRequest {
            school_code: "92THPT01".to_owned(),
            grade: 12,
            full_name: "Trần Văn An".to_owned(),
            ..in_year(GRADUATE, "2025-2026")
        };
        let answer = register.enrolment(claim.clone()).await.unwrap();
        assert_eq!((answer.enrolled(), answer.school_code()), (Match::No, Match::Unknown));
        assert_eq!((answer.grade(), answer.full_name()), (Match::Unknown, Match::Yes));
        let then = VerifyEnrolmentRequest { school_year: "2023-2024".to_owned(), ..claim };
        let answer = register.enrolment(then).await.unwrap();
        assert_eq!((answer.enrolled(), answer.school_code()), (Match::Yes, Match::Yes), "who finished, was");
    }
}

#[tokio::test]
async fn a_grade_in_pre_school_is_none() {
    for mut register in Register::each().await {
        let first_grade = VerifyEnrolmentRequest { grade: 1, ..in_year(TODDLER, "2025-2026") };
        assert_eq!(register.enrolment(first_grade).await.unwrap().grade(), Match::No);
    }
}

#[tokio::test]
async fn who_is_not_in_the_register_is_not_found_and_a_malformed_claim_is_invalid() {
    for mut register in Register::each().await {
        let unknown = register.enrolment(in_year("9299999999", "2025-2026")).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let wrong = [
            VerifyEnrolmentRequest::default(),
            in_year(PUPIL, "2025"),
            in_year(PUPIL, "2025-2027"),
            VerifyEnrolmentRequest { grade: 13, ..in_year(PUPIL, "") },
            VerifyEnrolmentRequest { grade: -1, ..in_year(PUPIL, "") },
            VerifyEnrolmentRequest { school_code: "x".repeat(21), ..in_year(PUPIL, "") },
            VerifyEnrolmentRequest { personal_number: "092212000001".to_owned(), ..in_year(PUPIL, "") },
        ];
        for asked in wrong {
            let refusal = register.enrolment(asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
        }
    }
}
