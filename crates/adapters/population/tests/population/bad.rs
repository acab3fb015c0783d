//! Bad records: contradictions, unknown codes, what is no date, broken text.

use lgsp_adapter::testing::Database;
use lgsp_proto::population::v1::{
    GetHouseholdRequest, Household, LifeStatus, ListResidentsRequest, Relation, ResidenceKind,
    VerifyCitizenRequest,
};
use lgsp_proto::record::v1::{Match, PartialDate, Sex};
use tonic::{Code, Status};

use crate::register::{Form, HEAD, HEADS_OLD_CARD, MOVED, Register};

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

/// Of a person whose household has an address of its own, and so has the person.
const MOVED_OLD_CARD: &str = "362000005";

async fn household(register: &mut Register, asked: GetHouseholdRequest) -> Result<Household, Status> {
    Ok(register.client.get_household(asked).await?.into_inner().household.unwrap())
}

fn by_member(number: &str) -> GetHouseholdRequest {
    GetHouseholdRequest { personal_number: number.to_owned(), ..Default::default() }
}

fn by_number(number: &str) -> GetHouseholdRequest {
    GetHouseholdRequest { household_number: number.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn of_two_households_with_one_number_neither_is_told_to_whoever_asks_by_a_member() {
    for mut register in Register::each_of(Form::Native, "").await {
        let shared = "ALTER TABLE household RENAME TO household_before;
            CREATE TABLE household AS SELECT * FROM household_before;
            UPDATE household SET number = 'H0001' WHERE household_id = 2;";
        register.store.run(shared).await.unwrap();
        for asked in [by_number("H0001"), by_member(HEAD), by_member(MOVED), by_member(MOVED_OLD_CARD)] {
            let refusal = household(&mut register, asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::Internal, "whose the members are cannot be told");
        }

        register.store.run("UPDATE household SET number = ' ' WHERE household_id = 2").await.unwrap();
        let refusal = household(&mut register, by_member(MOVED)).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal, "it has no number");
        assert_eq!(household(&mut register, by_member(HEAD)).await.unwrap().members.len(), 3);
    }
}

#[tokio::test]
async fn who_is_found_by_an_old_card_has_no_address_of_others_with_their_number_or_without_one() {
    for number in ["", HEAD] {
        let same = format!("UPDATE cong_dan SET so_dinh_danh = '{number}' WHERE id IN (1, 5)");
        for mut register in Register::each_of(Form::Mapped, &same).await {
            let head = register.citizen(HEADS_OLD_CARD).await.unwrap();
            assert_eq!((head.full_name.as_str(), head.personal_number.as_str()), ("Nguyễn Văn Hoà", number));
            assert_eq!(head.permanent_address.unwrap().line, "12 Nguyễn Trãi");
            assert_eq!(head.hometown.unwrap().text, "xã Bình Hoà, tỉnh An Giang");
            let moved = register.citizen(MOVED_OLD_CARD).await.unwrap();
            assert_eq!(moved.permanent_address.unwrap().line, "7 Cách Mạng Tháng Tám");
            assert_eq!(moved.hometown, None, "the head's alone");
            assert_eq!(register.not_understood("address", "kind"), 0);

            let claim = VerifyCitizenRequest {
                personal_number: MOVED_OLD_CARD.to_owned(),
                ward_code: "31120".to_owned(),
                ..Default::default()
            };
            let answer = register.client.verify_citizen(claim).await.unwrap().into_inner();
            assert_eq!(answer.ward_code(), Match::Yes);
        }
    }
}

#[tokio::test]
async fn a_member_without_a_number_does_not_live_where_another_does() {
    let without = "UPDATE cong_dan SET so_dinh_danh = '' WHERE id IN (2, 4);
                   UPDATE cong_dan SET tam_tru = NULL WHERE id = 4;";
    for mut register in Register::each_of(Form::Mapped, without).await {
        let members = household(&mut register, by_number("H0001")).await.unwrap().members;
        let lives: Vec<_> = members.iter().map(|member| (&*member.full_name, member.moved_in_on)).collect();
        let since = Some(PartialDate { year: 1999, month: 3, day: 0 });
        assert_eq!(lives, [("Nguyễn Văn Hoà", since), ("Trần Thị Bé", None), ("Nguyễn Thị Mai", None)]);
    }
}

#[tokio::test]
async fn all_members_of_a_household_are_counted_and_no_more_than_the_contract_has_are_told() {
    let many = "
        INSERT INTO citizen (citizen_id, personal_number, full_name, sex, household_id, updated_us, as_of_us)
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249)
        SELECT 1000 + i, CAST(92500000000 + i AS TEXT) || '0', 'x', 1, 1, 0, 0 FROM n;";
    for mut register in Register::each_of(Form::Native, many).await {
        let large = household(&mut register, by_number("H0001")).await.unwrap();
        assert_eq!((large.member_count, large.members.len()), (253, 200));
        assert_eq!(household(&mut register, by_number("H0002")).await.unwrap().member_count, 1);
        register.store.run("UPDATE citizen SET life_status = 2 WHERE household_id = 2").await.unwrap();
        assert_eq!(household(&mut register, by_number("H0002")).await.unwrap().member_count, 0);
    }
}

/// PostgreSQL holds no text that is none.
#[tokio::test]
async fn a_broken_text_of_a_joined_record_is_not_known_and_fails_nothing() {
    let broken = "UPDATE citizen SET full_name = CAST(x'ff41' AS TEXT) WHERE citizen_id = 1;
                  UPDATE household SET number = CAST(x'ff' AS TEXT) WHERE household_id = 2;";
    let mut register = Register::of(Database::sqlite(), Form::Native, broken).await;
    let known = household(&mut register, by_number("H0001")).await.unwrap();
    assert_eq!((known.head_personal_number.as_str(), known.head_full_name.as_str()), (HEAD, ""));
    assert_eq!(register.not_understood("citizen", "full_name"), 2, "of the head and of the member");
    assert_eq!(register.citizen(MOVED).await.unwrap().household_number, "");
    assert_eq!(register.numbers("31120", ResidenceKind::Unspecified).await.len(), 4);
    assert_eq!(register.not_understood("household", "number"), 2);
}

#[tokio::test]
async fn an_address_of_blank_parts_is_none_and_a_blank_text_hides_no_other_part() {
    let blank = "UPDATE address SET line = '', ward_code = ' ', text = '' WHERE address_id = 3;
                 UPDATE address SET text = ' ' WHERE address_id = 1;";
    for mut register in Register::each_of(Form::Native, blank).await {
        assert_eq!(register.citizen(crate::WIFE).await.unwrap().permanent_address, None);
        let head = register.citizen(HEAD).await.unwrap().permanent_address.unwrap();
        assert_eq!(head.text, "12 Nguyễn Trãi, Phường Cái Khế, Thành phố Cần Thơ");
    }
}
