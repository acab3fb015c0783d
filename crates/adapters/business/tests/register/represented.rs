//! The enterprises that a person represents, page by page.

use lgsp_proto::business::v1::{
    ListEnterprisesByRepresentativeRequest, ListEnterprisesByRepresentativeResponse,
};
use tonic::Code;

use crate::register::{ENTERPRISE, Form, NOT_ANY_MORE, PERSON, PERSONS_OLD_CARD, Register};

fn of(number: &str, page_size: i32, page_token: &str) -> ListEnterprisesByRepresentativeRequest {
    ListEnterprisesByRepresentativeRequest {
        personal_number: number.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    }
}

fn codes(page: &ListEnterprisesByRepresentativeResponse) -> Vec<&str> {
    page.enterprises.iter().map(|one| one.enterprise_code.as_str()).collect()
}

#[tokio::test]
async fn every_enterprise_is_told_once_with_what_hangs_on_it() {
    for mut register in Register::each().await {
        let all = register.represented(of(PERSON, 0, "")).await.unwrap();
        assert_eq!(codes(&all), [ENTERPRISE, PERSON, "0100233488"]);
        assert_eq!(all.next_page_token, "");
        let first = &all.enterprises[0];
        assert_eq!((first.branches.len(), first.former_names.len(), first.members.len()), (2, 2, 2));
        assert_eq!(all.enterprises[2].representatives[0].position, "Tổng giám đốc");
        assert!(all.enterprises.iter().all(|one| one.provenance.is_some()));

        let by_old_card = register.represented(of(PERSONS_OLD_CARD, 0, "")).await.unwrap();
        assert_eq!(codes(&by_old_card), [ENTERPRISE], "the others do not name it");
    }
}

#[tokio::test]
async fn the_pages_join_without_gap_or_overlap() {
    for mut register in Register::each().await {
        let first = register.represented(of(PERSON, 2, "")).await.unwrap();
        assert_eq!(codes(&first), [ENTERPRISE, PERSON]);
        let second = register.represented(of(PERSON, 2, &first.next_page_token)).await.unwrap();
        assert_eq!((codes(&second), second.next_page_token.as_str()), (vec!["0100233488"], ""));

        let of_another = register.represented(of(NOT_ANY_MORE, 2, &first.next_page_token)).await;
        assert_eq!(of_another.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn none_is_an_answer_and_a_malformed_request_is_invalid() {
    for mut register in Register::each().await {
        for nobody in [NOT_ANY_MORE, "092199999999", "369999999"] {
            let none = register.represented(of(nobody, 0, "")).await.unwrap();
            assert_eq!(none, ListEnterprisesByRepresentativeResponse::default());
        }
        for asked in [of("", 0, ""), of("12", 0, ""), of(PERSON, 201, ""), of(PERSON, 0, "x")] {
            assert_eq!(register.represented(asked).await.unwrap_err().code(), Code::InvalidArgument);
        }
    }
}

#[tokio::test]
async fn of_each_enterprise_of_a_page_more_than_the_contract_tells_is_cut() {
    let more = "
        INSERT INTO business_line (business_line_id, enterprise_id, code, title_vi)
        WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
        SELECT i, CASE WHEN i % 2 = 0 THEN 4 ELSE 6 END, CAST(i AS TEXT), 'x' FROM n;
        INSERT INTO member (member_id, enterprise_id, name)
        WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1499)
        SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 6 END, CAST(i AS TEXT) FROM n;";
    for mut register in Register::each_of(Form::Native, more).await {
        let all = register.represented(of(PERSON, 0, "")).await.unwrap().enterprises;
        let lines: Vec<usize> = all.iter().map(|one| one.business_lines.len()).collect();
        assert_eq!(lines, [2, 300, 300]);
        assert_eq!(all[1].business_lines[299].code, "1598", "the first in their order");
        let members: Vec<usize> = all.iter().map(|one| one.members.len()).collect();
        assert_eq!(members, [100, 0, 100]);
    }
}
