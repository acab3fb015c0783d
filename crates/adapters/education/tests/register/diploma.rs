//! Whether a diploma is in the register, and what of a claim is true.

use lgsp_proto::education::v1::{DiplomaKind, VerifyDiplomaRequest};
use lgsp_proto::record::v1::{Match, PartialDate};
use tonic::Code;

use crate::register::Register;

fn claim(serial_number: &str, full_name: &str) -> VerifyDiplomaRequest {
    VerifyDiplomaRequest {
        serial_number: serial_number.to_owned(),
        full_name: full_name.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_claim_is_compared_field_by_field_and_nothing_is_disclosed() {
    for mut register in Register::each().await {
        let asked = VerifyDiplomaRequest {
            register_number: "12/thpt".to_owned(),
            personal_number: "092306000002".to_owned(),
            date_of_birth: Some(PartialDate { year: 2006, month: 5, day: 1 }),
            kind: DiplomaKind::LowerSecondary.into(),
            graduation_year: 2024,
            ..claim("b 123 4567", "trần văn an")
        };
        let answer = register.diploma(asked).await.unwrap();
        assert_eq!((answer.serial_number(), answer.register_number()), (Match::Yes, Match::Yes));
        assert_eq!((answer.full_name(), answer.personal_number()), (Match::Yes, Match::Yes));
        assert_eq!(answer.date_of_birth(), Match::Unknown, "the record knows the year only");
        assert_eq!((answer.kind(), answer.graduation_year()), (Match::No, Match::Yes));
        assert!(!answer.revoked && !format!("{answer:?}").contains("Trần"));

        let old_card = VerifyDiplomaRequest {
            personal_number: "361000002".to_owned(),
            ..claim("B1234567", "Trần Văn An")
        };
        assert_eq!(register.diploma(old_card).await.unwrap().personal_number(), Match::Unknown);
    }
}

#[tokio::test]
async fn of_a_serial_that_was_printed_twice_the_holders_diploma_is_compared() {
    for mut register in Register::each().await {
        let asked = VerifyDiplomaRequest {
            personal_number: "361000008".to_owned(),
            register_number: "7/THCS".to_owned(),
            ..claim("A7654321", "Phạm Thị Cũ")
        };
        let answer = register.diploma(asked.clone()).await.unwrap();
        assert_eq!((answer.full_name(), answer.personal_number()), (Match::Yes, Match::Yes));
        assert_eq!((answer.register_number(), answer.revoked), (Match::Yes, false));

        let other = VerifyDiplomaRequest { full_name: "Võ Văn Xưa".to_owned(), ..asked };
        let answer = register.diploma(other).await.unwrap();
        assert_eq!((answer.full_name(), answer.personal_number()), (Match::Yes, Match::Unknown));
        assert_eq!((answer.register_number(), answer.revoked), (Match::No, true));
    }
}

#[tokio::test]
async fn who_does_not_know_the_holder_is_not_told_of_a_revocation() {
    for mut register in Register::each().await {
        let answer = register.diploma(claim("A7654321", "Ai Đó")).await.unwrap();
        assert_eq!((answer.serial_number(), answer.full_name()), (Match::Yes, Match::No));
        assert!(!answer.revoked);
    }
}

#[tokio::test]
async fn a_serial_that_is_not_registered_is_an_answer_with_who_says_so() {
    for mut register in Register::each().await {
        let answer = register.diploma(claim("Z0000000", "Trần Văn An")).await.unwrap();
        assert_eq!((answer.serial_number(), answer.full_name()), (Match::No, Match::Unknown));
        assert_eq!(answer.kind(), Match::NotClaimed);
        let provenance = answer.provenance.unwrap();
        assert_eq!((provenance.source.as_str(), provenance.as_of), ("csdl-giaoduc-test", None));
    }
}

#[tokio::test]
async fn a_malformed_claim_is_invalid() {
    for mut register in Register::each().await {
        let good = claim("B1234567", "Trần Văn An");
        let wrong = [
            claim("B1234567", " "),
            claim("", "Trần Văn An"),
            claim("B 1", "Trần Văn An"),
            claim(&"9".repeat(31), "Trần Văn An"),
            claim("B1234567\0", "Trần Văn An"),
            VerifyDiplomaRequest { kind: 7, ..good.clone() },
            VerifyDiplomaRequest { graduation_year: 2201, ..good.clone() },
            VerifyDiplomaRequest { personal_number: "12".to_owned(), ..good.clone() },
            VerifyDiplomaRequest {
                date_of_birth: Some(PartialDate { year: 2006, month: 2, day: 30 }),
                ..good
            },
        ];
        for asked in wrong {
            let refusal = register.diploma(asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(!format!("{refusal:?}").contains("B1234567"));
        }
    }
}
