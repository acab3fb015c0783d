//! What of a claim about an enterprise is true.

use lgsp_proto::business::v1::{EnterpriseStatus, VerifyEnterpriseRequest};
use lgsp_proto::record::v1::Match;
use tonic::Code;

use crate::register::{ENTERPRISE, Form, NOT_ANY_MORE, PERSON, PERSONS_OLD_CARD, Register};

fn claim(enterprise_code: &str) -> VerifyEnterpriseRequest {
    VerifyEnterpriseRequest { enterprise_code: enterprise_code.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_claim_is_compared_field_by_field_and_nothing_is_disclosed() {
    for mut register in Register::each().await {
        let asked = VerifyEnterpriseRequest {
            name: "CTY TNHH Thương mại HÒA BÌNH Thử Nghiệm".to_owned(),
            representative_personal_number: PERSON.to_owned(),
            ward_code: "31117".to_owned(),
            status: EnterpriseStatus::Suspended.into(),
            ..claim(ENTERPRISE)
        };
        let answer = register.verify(asked).await.unwrap();
        assert_eq!((answer.name(), answer.representative_personal_number()), (Match::Yes, Match::Yes));
        assert_eq!((answer.ward_code(), answer.status()), (Match::Yes, Match::No));
        assert!(!format!("{answer:?}").contains("Hoà"));
        assert!(answer.provenance.is_some());
    }
}

#[tokio::test]
async fn a_name_is_compared_whatever_way_its_legal_form_is_written() {
    for mut register in Register::each().await {
        for (name, expected) in [
            ("Công ty trách nhiệm hữu hạn Thương mại Hoà Bình Thử Nghiệm", Match::Yes),
            ("thương mại hoà bình thử nghiệm", Match::Yes),
            ("Công ty Cổ phần Thương mại Hoà Bình Thử Nghiệm", Match::No),
            ("Công ty TNHH Thương mại Hoà Bình", Match::No),
            ("Công ty TNHH Hoà Bình", Match::No),
        ] {
            let asked = VerifyEnterpriseRequest { name: name.to_owned(), ..claim(ENTERPRISE) };
            assert_eq!(register.verify(asked).await.unwrap().name(), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn only_who_represents_it_now_is_its_representative() {
    for mut register in Register::each().await {
        for (code, number, expected) in [
            (ENTERPRISE, PERSONS_OLD_CARD, Match::Yes),
            (ENTERPRISE, NOT_ANY_MORE, Match::No),
            ("0300588569", "361000005", Match::Yes),
            ("0300588569", PERSON, Match::Unknown),
            ("0100109106-001", PERSON, Match::Unknown),
        ] {
            let representative_personal_number = number.to_owned();
            let asked = VerifyEnterpriseRequest { representative_personal_number, ..claim(code) };
            let answer = register.verify(asked).await.unwrap();
            assert_eq!(answer.representative_personal_number(), expected, "{code}");
            assert_eq!(answer.name(), Match::NotClaimed);
        }
    }
}

#[tokio::test]
async fn the_last_of_many_representatives_is_one_too() {
    // Twenty whose names come first, and more than are told.
    let more = "
        INSERT INTO representative (representative_id, enterprise_id, personal_number, full_name)
        WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 139)
        SELECT i, 6, '092099000' || i, 'A' || i FROM n;";
    for mut register in Register::each_of(Form::Native, more).await {
        assert_eq!(register.enterprise("0100233488").await.unwrap().representatives.len(), 20);
        for (number, expected) in
            [(PERSON, Match::Yes), ("092099000139", Match::Yes), (NOT_ANY_MORE, Match::No)]
        {
            let representative_personal_number = number.to_owned();
            let asked = VerifyEnterpriseRequest { representative_personal_number, ..claim("0100233488") };
            let answer = register.verify(asked).await.unwrap();
            assert_eq!(answer.representative_personal_number(), expected);
        }
    }
}

#[tokio::test]
async fn a_code_that_nobody_has_is_not_found_and_a_malformed_claim_is_invalid() {
    for mut register in Register::each().await {
        let name = "Công ty".to_owned();
        let unknown = VerifyEnterpriseRequest { name: name.clone(), ..claim("092199999999") };
        assert_eq!(register.verify(unknown).await.unwrap_err().code(), Code::NotFound);
        let wrong = [
            claim(ENTERPRISE),
            VerifyEnterpriseRequest { name: " ".to_owned(), ..claim(ENTERPRISE) },
            VerifyEnterpriseRequest { name: "x".repeat(301), ..claim(ENTERPRISE) },
            VerifyEnterpriseRequest { ward_code: "1".to_owned(), ..claim(ENTERPRISE) },
            VerifyEnterpriseRequest { status: 9, ..claim(ENTERPRISE) },
            VerifyEnterpriseRequest { representative_personal_number: "1".to_owned(), ..claim(ENTERPRISE) },
            VerifyEnterpriseRequest { name, ..claim("0100109107") },
        ];
        for asked in wrong {
            assert_eq!(register.verify(asked).await.unwrap_err().code(), Code::InvalidArgument);
        }
    }
}
