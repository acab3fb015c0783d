//! The immunizations of a person, page by page.

use lgsp_proto::health::v1::{ListImmunizationsRequest, ListImmunizationsResponse};
use lgsp_proto::record::v1::PartialDate;
use tonic::Code;

use crate::database::{Form, HOLDER, HOLDERS_OLD_CARD, Records, SUSPENDED};

fn of(number: &str, page_size: i32, page_token: &str) -> ListImmunizationsRequest {
    ListImmunizationsRequest {
        personal_number: number.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    }
}

fn ids(page: &ListImmunizationsResponse) -> Vec<&str> {
    page.immunizations.iter().map(|one| one.immunization_id.as_str()).collect()
}

#[tokio::test]
async fn immunizations_come_newest_first_with_all_the_source_knows() {
    for mut records in Records::each().await {
        let all = records.immunizations(of(HOLDER, 0, "")).await.unwrap();
        assert_eq!(ids(&all), ["12", "14", "10", "13", "11"]);
        assert_eq!(all.next_page_token, "");
        assert_eq!(all, records.immunizations(of(HOLDERS_OLD_CARD, 0, "")).await.unwrap());

        let first = &all.immunizations[4];
        assert_eq!((first.vaccine_code.as_str(), first.dose_number, first.series_doses), ("VX01", 1, 3));
        assert_eq!(first.target_diseases, ["A36", "A37", "A35"]);
        assert_eq!(first.next_due_on, Some(PartialDate { year: 2021, month: 7, day: 0 }));
        assert_eq!(
            (first.route.as_str(), first.facility_name.as_str()),
            ("tiêm bắp", "Trạm y tế Thử Nghiệm")
        );
        assert_eq!(first.personal_number, HOLDER);
        assert!(first.provenance.as_ref().unwrap().synthetic);
        let newest = &all.immunizations[0];
        assert_eq!(newest.on_date, Some(PartialDate { year: 2023, month: 0, day: 0 }));
        assert_eq!((newest.series_doses, newest.adverse_reaction.as_str()), (0, "sốt nhẹ"));
    }
}

/// The ids of all of the holder's, read page by page.
async fn paged(records: &mut Records, size: i32) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = records.immunizations(of(HOLDER, size, &token)).await.unwrap();
        found.extend(ids(&page).into_iter().map(str::to_owned));
        token = page.next_page_token;
        if token.is_empty() {
            return found;
        }
        assert!(token.len() < 32, "a number and a tag, and neither a person nor a date");
    }
}

#[tokio::test]
async fn the_pages_join_without_gap_or_overlap_whatever_their_size() {
    for mut records in Records::each().await {
        for size in 1..=6 {
            assert_eq!(paged(&mut records, size).await, ["12", "14", "10", "13", "11"], "pages of {size}");
        }
    }
}

#[tokio::test]
async fn a_dose_without_a_date_comes_last_and_is_in_a_page_too() {
    let undated =
        "INSERT INTO mui_tiem (so_mui, ma_bn, ma_vx) VALUES (15, 'BN0001', 'VX01'), (16, 'BN0001', 'VX02')";
    for mut records in Records::each_of(Form::Mapped, undated).await {
        for size in 1..=7 {
            let found = paged(&mut records, size).await;
            assert_eq!(found, ["12", "14", "10", "13", "11", "16", "15"], "pages of {size}");
        }
    }
}

#[tokio::test]
async fn of_two_patients_with_one_number_nobodys_immunizations_are_told() {
    let twice = "UPDATE benh_nhan SET so_dinh_danh = '092058000001' WHERE ma_bn = 'BN0002'";
    for mut records in Records::each_of(Form::Mapped, twice).await {
        let refusal = records.immunizations(of(HOLDER, 0, "")).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        let by_old_card = records.immunizations(of(HOLDERS_OLD_CARD, 0, "")).await.unwrap();
        assert_eq!(ids(&by_old_card), ["12", "14", "10", "13", "11"]);
    }
}

#[tokio::test]
async fn a_token_is_of_one_person() {
    for mut records in Records::each().await {
        let token = records.immunizations(of(HOLDER, 2, "")).await.unwrap().next_page_token;
        for (number, token) in [(SUSPENDED, token.as_str()), (HOLDER, "AAAA"), (HOLDER, &token[1..])] {
            let refusal = records.immunizations(of(number, 2, token)).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
        }
    }
}

#[tokio::test]
async fn a_list_whose_last_read_record_has_gone_is_begun_anew() {
    for mut records in Records::each().await {
        let token = records.immunizations(of(HOLDER, 2, "")).await.unwrap().next_page_token;
        let gone = "DELETE FROM immunization WHERE immunization_id = 14";
        records.change(gone, "DELETE FROM mui_tiem WHERE so_mui = 14").await;
        let refusal = records.immunizations(of(HOLDER, 2, &token)).await.unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidArgument, "no gap, and no end before the end");
        assert_eq!(records.immunizations(of(HOLDER, 0, "")).await.unwrap().immunizations.len(), 4);
    }
}

#[tokio::test]
async fn none_is_an_answer_and_a_malformed_request_is_invalid() {
    for mut records in Records::each().await {
        let none = records.immunizations(of("092099999999", 0, "")).await.unwrap();
        assert_eq!(none, ListImmunizationsResponse::default());
        for asked in [of("", 0, ""), of("12", 0, ""), of(HOLDER, -1, ""), of(HOLDER, 201, "")] {
            assert_eq!(records.immunizations(asked).await.unwrap_err().code(), Code::InvalidArgument);
        }
    }
}
