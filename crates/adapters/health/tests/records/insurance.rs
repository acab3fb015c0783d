//! Whether a card is valid on a date.

use lgsp_proto::health::v1::{InsuranceValidity, VerifyInsuranceRequest};
use lgsp_proto::record::v1::{Match, PartialDate};
use tonic::Code;

use crate::database::{CHILD, Form, HOLDER, HOLDERS_OLD_CARD, Records, SUSPENDED};

fn by_person(number: &str, on_date: &str) -> VerifyInsuranceRequest {
    VerifyInsuranceRequest {
        personal_number: number.to_owned(),
        on_date: on_date.to_owned(),
        ..Default::default()
    }
}

fn by_card(number: &str, on_date: &str) -> VerifyInsuranceRequest {
    VerifyInsuranceRequest {
        card_number: number.to_owned(),
        on_date: on_date.to_owned(),
        ..Default::default()
    }
}

/// The validity that is told, and the year in which the card that is told begins.
async fn told(records: &mut Records, asked: VerifyInsuranceRequest) -> (InsuranceValidity, i32) {
    let answer = records.verify(asked).await.unwrap();
    (answer.validity(), answer.card.unwrap().valid_from.unwrap().year)
}

#[tokio::test]
async fn the_card_that_matters_on_the_date_is_told() {
    use InsuranceValidity::{NotYetValid, Valid};
    for mut records in Records::each().await {
        for (date, expected) in [
            ("2019-12-31", (NotYetValid, 2020)),
            ("2020-01-01", (Valid, 2020)),
            ("2021-12-31", (Valid, 2020)),
            ("2022-01-01", (Valid, 2022)),
            ("2026-12-31", (Valid, 2022)),
            ("2027-01-01", (NotYetValid, 2028)),
            ("2199-01-01", (Valid, 2028)),
        ] {
            for person in [HOLDER, HOLDERS_OLD_CARD] {
                assert_eq!(told(&mut records, by_person(person, date)).await, expected, "{date}");
            }
            assert_eq!(told(&mut records, by_card("0123456781", date)).await, expected, "{date}");
        }
    }
}

#[tokio::test]
async fn a_social_insurance_number_of_two_persons_shows_neither_the_others_card_nor_one_that_names_nobody() {
    for mut records in Records::each().await {
        let spoil = "UPDATE insurance_card SET social_insurance_number = '0123456781' WHERE card_id = 4";
        let of_agency = "UPDATE the_bhyt SET so_bhxh = '0123456781' WHERE so_the = 'DN4929999999992'";
        records.change(spoil, of_agency).await;
        for (person, own) in [(SUSPENDED, 2026), (HOLDER, 2022), (HOLDERS_OLD_CARD, 2022)] {
            let found = told(&mut records, by_person(person, "2021-06-01")).await;
            assert_eq!(found, (InsuranceValidity::NotYetValid, own), "whose that of 2020 is cannot be told");
        }
        for date in ["2022-06-01", "2026-06-01"] {
            let answer = records.verify(by_person(HOLDER, date)).await.unwrap();
            assert_eq!(answer.card.unwrap().personal_number, HOLDER);
        }
        let answer = records.verify(by_person(SUSPENDED, "2026-06-01")).await.unwrap();
        assert_eq!(answer.card.unwrap().personal_number, SUSPENDED);
        let answer = records.verify(by_person(HOLDERS_OLD_CARD, "2026-06-01")).await.unwrap();
        assert_eq!(answer.card.unwrap().personal_number, HOLDER, "hers names her, though by no old card");
    }
}

#[tokio::test]
async fn an_older_card_whose_holders_number_is_an_empty_text_is_known_by_its_social_insurance_number() {
    let empty = "UPDATE the_bhyt SET so_dinh_danh = '', so_cmnd = '' WHERE so_the = 'HS4920123456781'";
    for mut records in Records::each_of(Form::Mapped, empty).await {
        for person in [HOLDER, HOLDERS_OLD_CARD] {
            let told = told(&mut records, by_person(person, "2021-06-01")).await;
            assert_eq!(told, (InsuranceValidity::Valid, 2020));
        }
    }
}

#[tokio::test]
async fn cards_whose_social_insurance_number_is_an_empty_text_are_not_of_one_person_for_it() {
    let empty = format!("UPDATE the_bhyt SET so_bhxh = '' WHERE so_dinh_danh = '{HOLDER}'");
    let nobodys = "INSERT INTO the_bhyt (so_the, so_bhxh, ho_dem, ten, tu_ngay, den_ngay)
                   VALUES ('DN4929999999009', '', 'Ai', 'Đó', '01/01/1990', '31/12/1999')";
    for mut records in Records::each_of(Form::Mapped, &format!("{empty}; {nobodys}")).await {
        let (validity, _) = told(&mut records, by_person(HOLDER, "1995-06-01")).await;
        assert_eq!(validity, InsuranceValidity::NotYetValid, "none of the holder's was valid then");
    }
}

#[tokio::test]
async fn a_card_is_asked_for_as_a_whole() {
    for mut records in Records::each().await {
        let replaced = told(&mut records, by_card("HS4920123456781", "2026-06-01")).await;
        assert_eq!(replaced, (InsuranceValidity::Expired, 2020), "another card of the holder is valid");
        let in_use = told(&mut records, by_card(" gd4 92 0123456781 ", "2026-06-01")).await;
        assert_eq!(in_use, (InsuranceValidity::Valid, 2022));
        let never_issued = records.verify(by_card("TE1920123456781", "2026-06-01")).await.unwrap_err();
        assert_eq!(never_issued.code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_card_that_bears_the_number_alone_is_found_by_either() {
    for mut records in Records::each().await {
        for asked in ["9999999993", "HS4929999999993"] {
            let answer = told(&mut records, by_card(asked, "2026-06-01")).await;
            assert_eq!(answer, (InsuranceValidity::Valid, 2016), "{asked}");
        }
        assert_eq!(told(&mut records, by_person("361000009", "2016-01-01")).await.1, 2016);
    }
}

#[tokio::test]
async fn a_suspended_card_is_told_as_such_from_its_day_on() {
    for mut records in Records::each().await {
        for (date, expected) in [
            ("2026-03-14", InsuranceValidity::Valid),
            ("2026-03-15", InsuranceValidity::Suspended),
            ("2026-12-31", InsuranceValidity::Suspended),
            ("2027-01-01", InsuranceValidity::Expired),
        ] {
            assert_eq!(told(&mut records, by_person(SUSPENDED, date)).await.0, expected, "{date}");
        }
        let undated = told(&mut records, by_person(CHILD, "2026-01-01")).await;
        assert_eq!(undated.0, InsuranceValidity::Suspended, "nobody understands since when");
        assert_eq!(records.not_understood("insurance_card", "suspended_from"), 1);
    }
}

#[tokio::test]
async fn without_a_date_it_is_today_in_viet_nam() {
    for mut records in Records::each().await {
        let today = told(&mut records, by_card("9999999993", "")).await;
        assert_eq!(today, (InsuranceValidity::Valid, 2016), "a card without an end");
        let over = "UPDATE insurance_card SET valid_to = '2016-12-31' WHERE card_id = 5";
        let of_agency = "UPDATE the_bhyt SET den_ngay = '31/12/2016' WHERE so_the = '9999999993'";
        records.change(over, of_agency).await;
        assert_eq!(told(&mut records, by_card("9999999993", " ")).await.0, InsuranceValidity::Expired);
    }
}

#[tokio::test]
async fn the_holder_is_compared_with_what_is_claimed() {
    for mut records in Records::each().await {
        let asked = VerifyInsuranceRequest {
            full_name: "NGUYỄN VĂN HÒA".to_owned(),
            date_of_birth: Some(PartialDate { year: 1958, month: 7, day: 21 }),
            ..by_person(HOLDER, "2026-06-01")
        };
        let answer = records.verify(asked).await.unwrap();
        assert_eq!(answer.full_name(), Match::Yes);
        assert_eq!(answer.date_of_birth(), Match::Unknown, "the record knows the year only");
        assert!(answer.provenance.is_some());
        let card = answer.card.unwrap();
        assert_eq!((card.benefit_code.as_str(), card.facility_name.as_str()), ("4", "Trạm y tế Thử Nghiệm"));
        assert_eq!(card.five_years_from, Some(PartialDate { year: 2027, month: 1, day: 1 }));

        let another = VerifyInsuranceRequest {
            full_name: "Trần Thị Bé".to_owned(),
            date_of_birth: Some(PartialDate { year: 1959, month: 0, day: 0 }),
            ..by_person(HOLDER, "2026-06-01")
        };
        let answer = records.verify(another).await.unwrap();
        assert_eq!((answer.full_name(), answer.date_of_birth()), (Match::No, Match::No));
        let nothing = records.verify(by_person(HOLDER, "2026-06-01")).await.unwrap();
        assert_eq!((nothing.full_name(), nothing.date_of_birth()), (Match::NotClaimed, Match::NotClaimed));
    }
}

#[tokio::test]
async fn who_has_no_card_is_not_found_and_a_malformed_request_is_invalid() {
    for mut records in Records::each().await {
        for unknown in [by_person("092099999999", ""), by_card("0000000000", "")] {
            assert_eq!(records.verify(unknown).await.unwrap_err().code(), Code::NotFound);
        }
        let wrong = [
            VerifyInsuranceRequest::default(),
            VerifyInsuranceRequest { card_number: "0123456781".to_owned(), ..by_person(HOLDER, "") },
            by_card("123", ""),
            by_person(HOLDER, "2026"),
            by_person(HOLDER, "2026-02-30"),
            VerifyInsuranceRequest { full_name: "x".repeat(101), ..by_person(HOLDER, "") },
            VerifyInsuranceRequest {
                date_of_birth: Some(PartialDate { year: 1958, month: 13, day: 0 }),
                ..by_person(HOLDER, "")
            },
        ];
        for asked in wrong {
            let refusal = records.verify(asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(!format!("{refusal:?}").contains(HOLDER));
        }
    }
}
