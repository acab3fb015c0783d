//! Bad records: contradictions, unknown codes, what is no date, broken text.

use lgsp_proto::population::v1::{LifeStatus, ListResidentsRequest, Relation, ResidenceKind};
use lgsp_proto::record::v1::{PartialDate, Sex};
use tonic::Code;

use crate::register::{Form, HEAD, Register};

const ODD: &str = "093180000006";

/// A person of whom the agency holds what nobody understands.
const ODD_RECORD: &str = "
    INSERT INTO cong_dan (id, so_dinh_danh, ho_va_ten_dem, ten, ngay_sinh, gioi_tinh, so_ho, quan_he_chu_ho, con_song,
                          ngay_cap_can_cuoc, thuong_tru, thuong_tru_xa, thuong_tru_tu)
    VALUES (6, '093180000006', 'Trần  Văn', 'Lạ', '31/02/1980', 'nam', 'H0002', 'Bạn', 'X',
            '2021-05-02', '7 Cách Mạng Tháng Tám', '31120', '1/9/2024');";

#[tokio::test]
async fn unknown_codes_and_false_dates_are_passed_on_as_unknown_and_counted() {
    for mut register in Register::each_of(Form::Mapped, ODD_RECORD).await {
        let citizen = register.citizen(ODD).await.unwrap();
        assert_eq!(citizen.full_name, "Trần Văn Lạ");
        assert_eq!((citizen.sex(), citizen.life_status()), (Sex::Unknown, LifeStatus::Unspecified));
        assert_eq!(citizen.relation_to_head(), Relation::Unspecified);
        assert_eq!((citizen.date_of_birth, citizen.identity_card.as_ref()), (None, None), "none is invented");
        assert_eq!(citizen.moved_in_on, None);
        for column in ["sex", "life_status", "relation_to_head", "date_of_birth", "card_issued_on"] {
            assert_eq!(register.not_understood("citizen", column), 1, "{column}");
        }
        assert_eq!(register.not_understood("address", "since"), 1);

        register.citizen(HEAD).await.unwrap();
        assert_eq!(register.not_understood("citizen", "sex"), 1, "what is not known is not misunderstood");
        let residents = register.numbers("31120", ResidenceKind::Unspecified).await;
        assert!(residents.contains(&ODD.to_owned()), "who is not known to be dead is listed");
    }
}

#[tokio::test]
async fn a_false_date_in_the_native_schema_is_not_known_and_counted() {
    let more = "UPDATE citizen SET date_of_birth = '1958-13' WHERE citizen_id = 1;
                UPDATE citizen SET date_of_birth = '1960-00-00' WHERE citizen_id = 2;";
    for mut register in Register::each_of(Form::Native, more).await {
        assert_eq!(register.citizen(HEAD).await.unwrap().date_of_birth, None);
        let wife = register.citizen(crate::WIFE).await.unwrap();
        assert_eq!(wife.date_of_birth, Some(PartialDate { year: 1960, month: 0, day: 0 }));
        assert_eq!(register.not_understood("citizen", "date_of_birth"), 1);
    }
}

#[tokio::test]
async fn of_two_records_with_one_number_neither_is_told() {
    let twice = "
        INSERT INTO cong_dan (id, so_dinh_danh, ho_va_ten_dem, ten) VALUES (7, '092058000001', 'Ai', 'Khác');";
    for mut register in Register::each_of(Form::Mapped, twice).await {
        let refusal = register.citizen(HEAD).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        assert!(!format!("{refusal:?}").contains("Khác"));
        register.citizen(crate::WIFE).await.unwrap();
    }
}

#[tokio::test]
async fn of_a_person_in_two_wards_no_ward_is_told_and_both_list_them() {
    let twice = "
        INSERT INTO cong_dan (id, so_dinh_danh, thuong_tru, thuong_tru_xa, que_quan)
        VALUES (8, 'x', '1 Lê Lợi', '31135', 'không rõ');
        UPDATE cong_dan SET so_dinh_danh = '092160000002', id = 9 WHERE id = 8;";
    // One citizen, and two rows in a table of addresses.
    for mut register in Register::each_of(Form::Native, "").await {
        let unconstrained = "ALTER TABLE address RENAME TO address_before;
            CREATE TABLE address AS SELECT * FROM address_before;
            INSERT INTO address (address_id, citizen_id, kind, line, ward_code) VALUES (90, 2, 1, '1 Lê Lợi', '31135');";
        register.store.run(unconstrained).await.unwrap();
        let wife = register.citizen(crate::WIFE).await.unwrap();
        assert_eq!((wife.permanent_address, wife.moved_in_on), (None, None), "which is right is not known");
        assert_eq!(register.not_understood("address", "kind"), 1);
        for ward in ["31120", "31135"] {
            assert!(register.numbers(ward, ResidenceKind::Permanent).await.contains(&crate::WIFE.to_owned()));
        }
    }
    for mut register in Register::each_of(Form::Mapped, twice).await {
        assert_eq!(register.citizen(crate::WIFE).await.unwrap_err().code(), Code::Internal, "two records");
    }
}

#[tokio::test]
async fn a_list_goes_on_past_bad_records() {
    for mut register in Register::each_of(Form::Mapped, ODD_RECORD).await {
        let mut asked =
            ListResidentsRequest { ward_code: "31120".to_owned(), page_size: 1, ..Default::default() };
        let mut found = 0;
        loop {
            let page = register.residents(asked.clone()).await.unwrap();
            found += page.len();
            asked.page_token.clone_from(&page[0].next_page_token);
            if asked.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, 5);
    }
}
