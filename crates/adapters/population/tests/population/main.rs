//! The adapter on small registers, called as the bus calls it: through its tonic service. Every test runs on the native schema
//! and on an agency's own tables, on every database at hand.
#![allow(clippy::unwrap_used)]

mod bad;
mod register;

use std::time::Duration;

use lgsp_adapter::Options;
use lgsp_adapter::testing::Database;
use lgsp_identifiers::units;
use lgsp_proto::population::v1::{
    GetCitizenRequest, GetHouseholdRequest, LifeStatus, ListResidentsRequest, ListResidentsResponse,
    Relation, ResidenceKind, VerifyCitizenRequest,
};
use lgsp_proto::record::v1::{Match, PartialDate, Sex};
use register::{DEAD, Form, GRANDCHILD, HEAD, HEADS_OLD_CARD, MOVED, Register, WIFE};
use tokio::time::Instant;
use tonic::{Code, Request};

fn claim() -> VerifyCitizenRequest {
    VerifyCitizenRequest { personal_number: HEAD.to_owned(), ..VerifyCitizenRequest::default() }
}

fn year(year: i32) -> PartialDate {
    PartialDate { year, month: 0, day: 0 }
}

#[tokio::test]
async fn a_citizen_is_found_by_personal_number_and_by_old_card_with_all_the_register_knows() {
    for mut register in Register::each().await {
        let citizen = register.citizen(HEAD).await.unwrap();
        assert_eq!(citizen, register.citizen(HEADS_OLD_CARD).await.unwrap());
        assert_eq!(citizen, register.citizen(&format!(" {HEAD} ")).await.unwrap());

        assert_eq!(citizen.full_name, "Nguyễn Văn Hoà");
        assert_eq!(citizen.date_of_birth, Some(year(1958)), "no month and no day is invented");
        assert_eq!((citizen.sex(), citizen.relation_to_head()), (Sex::Male, Relation::Head));
        assert_eq!(citizen.household_number, "H0001");
        assert_eq!(citizen.spouse.as_ref().unwrap().personal_number, WIFE);
        assert_eq!(citizen.father.as_ref().unwrap().personal_number, "", "older records hold only the name");
        assert_eq!(citizen.mother, None);
        let address = citizen.permanent_address.unwrap();
        assert_eq!(address.text, "12 Nguyễn Trãi, Phường Cái Khế, Thành phố Cần Thơ");
        assert_eq!(address.ward.unwrap().province_code, "92");
        assert_eq!(citizen.hometown.unwrap().text, "xã Bình Hoà, tỉnh An Giang");
        assert_eq!(citizen.moved_in_on, Some(PartialDate { year: 1999, month: 3, day: 0 }));
        let provenance = citizen.provenance.unwrap();
        assert_eq!(
            (provenance.source.as_str(), provenance.agency_code.as_str()),
            ("csdl-dancu-test", "G01.92")
        );
        assert!(provenance.synthetic);
        assert_eq!(provenance.as_of.unwrap().seconds, 1_780_000_000);
    }
}

#[tokio::test]
async fn an_unknown_number_is_not_found_and_a_malformed_one_is_invalid_and_neither_is_repeated() {
    for mut register in Register::each().await {
        for (number, code) in [("092099999999", Code::NotFound), ("999999999", Code::NotFound)] {
            assert_eq!(register.citizen(number).await.unwrap_err().code(), code);
        }
        for number in ["", "1234", "09209999999A", "0920999999999"] {
            let refusal = register.citizen(number).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(number.is_empty() || !format!("{refusal:?}").contains(number));
            assert!(!refusal.details().is_empty());
        }
    }
}

#[tokio::test]
async fn the_dead_are_found_as_dead_and_are_in_no_list() {
    for mut register in Register::each().await {
        let citizen = register.citizen(DEAD).await.unwrap();
        assert_eq!(citizen.life_status(), LifeStatus::Dead);
        assert_eq!(citizen.date_of_death, Some(PartialDate { year: 2021, month: 8, day: 9 }));
        assert!(!register.numbers("31120", ResidenceKind::Unspecified).await.contains(&DEAD.to_owned()));
    }
}

#[tokio::test]
async fn a_claim_is_compared_field_by_field_and_nothing_is_disclosed() {
    for mut register in Register::each().await {
        let asked = VerifyCitizenRequest {
            full_name: "NGUYỄN VĂN HÒA".to_owned(),
            date_of_birth: Some(PartialDate { year: 1958, month: 7, day: 21 }),
            sex: Sex::Female.into(),
            ward_code: "31117".to_owned(),
            ..claim()
        };
        let answer = register.client.verify_citizen(asked).await.unwrap().into_inner();
        assert_eq!(answer.full_name(), Match::Yes);
        assert_eq!(answer.date_of_birth(), Match::Unknown, "the record knows the year only");
        assert_eq!(answer.sex(), Match::No);
        assert_eq!(answer.ward_code(), Match::Yes, "by the old code");
        assert_eq!(answer.old_identity_number(), Match::NotClaimed);
        assert!(answer.provenance.is_some());
        assert!(!format!("{answer:?}").contains("Nguyễn"));
    }
}

#[tokio::test]
async fn a_verification_without_a_claim_or_with_a_false_date_is_invalid() {
    for mut register in Register::each().await {
        let no_such_day = Some(PartialDate { year: 2023, month: 2, day: 29 });
        let day_without_month = Some(PartialDate { year: 2023, month: 0, day: 2 });
        let wrong = [
            claim(),
            VerifyCitizenRequest { full_name: " ".to_owned(), ..claim() },
            VerifyCitizenRequest { date_of_birth: no_such_day, ..claim() },
            VerifyCitizenRequest { date_of_birth: day_without_month, ..claim() },
            VerifyCitizenRequest { sex: 7, ..claim() },
            VerifyCitizenRequest { old_identity_number: "1".to_owned(), ..claim() },
            VerifyCitizenRequest { ward_code: "1".to_owned(), ..claim() },
            VerifyCitizenRequest { ward_code: " ".to_owned(), ..claim() },
            VerifyCitizenRequest { old_identity_number: " ".to_owned(), ..claim() },
            VerifyCitizenRequest { full_name: "x".repeat(101), ..claim() },
            VerifyCitizenRequest { full_name: "Nguyễn\0".to_owned(), ..claim() },
        ];
        for asked in wrong {
            let refusal = register.client.verify_citizen(asked.clone()).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn a_household_is_found_by_its_number_and_by_every_member_dead_or_alive() {
    for mut register in Register::each().await {
        let by_number =
            |number: &str| GetHouseholdRequest { household_number: number.to_owned(), ..Default::default() };
        let by_member =
            |number: &str| GetHouseholdRequest { personal_number: number.to_owned(), ..Default::default() };
        let answer = register.client.get_household(by_number("H0001")).await.unwrap().into_inner();
        for member in [HEAD, WIFE, DEAD, GRANDCHILD, HEADS_OLD_CARD] {
            assert_eq!(answer, register.client.get_household(by_member(member)).await.unwrap().into_inner());
        }

        let household = answer.household.unwrap();
        assert_eq!((household.head_personal_number.as_str(), household.member_count), (HEAD, 3));
        let members: Vec<&str> =
            household.members.iter().map(|member| member.personal_number.as_str()).collect();
        assert_eq!(members, [HEAD, WIFE, GRANDCHILD], "the head first, and not the dead");
        assert_eq!(household.members[1].residence_kind(), ResidenceKind::Permanent);
        assert_eq!(household.members[2].residence_kind(), ResidenceKind::Temporary);
        assert!(household.members.iter().all(|member| member.provenance.is_some()));

        let nobody = register.client.get_household(by_number("H9999")).await.unwrap_err();
        assert_eq!(nobody.code(), Code::NotFound);
        let both =
            GetHouseholdRequest { household_number: "H0001".to_owned(), personal_number: HEAD.to_owned() };
        let (too_long, nul) = (by_number(&"9".repeat(21)), by_number("H\0"));
        for asked in [GetHouseholdRequest::default(), both, too_long, nul, by_member("12")] {
            assert_eq!(register.client.get_household(asked).await.unwrap_err().code(), Code::InvalidArgument);
        }
    }
}

#[tokio::test]
async fn an_old_ward_code_finds_the_people_of_the_ward_that_it_became() {
    for mut register in Register::each().await {
        let all = [HEAD, WIFE, GRANDCHILD, MOVED];
        assert_eq!(register.numbers("31120", ResidenceKind::Unspecified).await, all);
        assert_eq!(register.numbers("31117", ResidenceKind::Unspecified).await, all);
        assert_eq!(register.numbers("31120", ResidenceKind::Temporary).await, [GRANDCHILD]);
        assert_eq!(
            register.numbers("31135", ResidenceKind::Unspecified).await,
            [GRANDCHILD],
            "her permanent address"
        );
        let moved = register.citizen(MOVED).await.unwrap().permanent_address.unwrap().ward.unwrap();
        assert_eq!((moved.code.as_str(), moved.former_code.as_str()), ("31120", "31117"));

        let elsewhere = ListResidentsRequest { ward_code: "00001".to_owned(), ..Default::default() };
        assert_eq!(register.residents(elsewhere).await.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_divided_ward_is_the_people_of_both_parts_in_one_order() {
    let divided = units::former_wards().iter().map(|ward| ward.code);
    let divided = divided.filter(|code| !code.is_current() && units::successors(*code).len() == 2);
    let divided = divided.min().expect("some wards were divided");
    let parts: Vec<_> = units::successors(divided).iter().map(|part| part.current).collect();
    let (one, other) = (parts[0].as_str(), parts[1].as_str());
    let more = format!(
        "UPDATE address SET ward_code = '{one}' WHERE address_id IN (1, 5, 7);
         UPDATE address SET ward_code = '{other}' WHERE address_id IN (3, 6);"
    );
    for mut register in Register::each_of(Form::Native, &more).await {
        let mut asked =
            ListResidentsRequest { ward_code: divided.to_string(), page_size: 2, ..Default::default() };
        let mut found = Vec::new();
        loop {
            let page = register.residents(asked.clone()).await.unwrap();
            asked.page_token.clone_from(&page.last().unwrap().next_page_token);
            found.extend(page.into_iter().map(|answer| answer.resident.unwrap().personal_number));
            if asked.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, [HEAD, WIFE, GRANDCHILD, GRANDCHILD, MOVED], "by both addresses, none twice");
    }
}

#[tokio::test]
async fn residents_come_in_pages_whose_tokens_disclose_nobody_and_fit_no_other_query() {
    for mut register in Register::each().await {
        let mut asked =
            ListResidentsRequest { ward_code: "31120".to_owned(), page_size: 3, ..Default::default() };
        let first = register.residents(asked.clone()).await.unwrap();
        let tokens: Vec<&str> = first.iter().map(|answer| answer.next_page_token.as_str()).collect();
        assert_eq!((tokens[0], tokens[1]), ("", ""), "only the last message continues");
        asked.page_token = tokens[2].to_owned();
        assert!(asked.page_token.len() < 32, "a number and a tag, and no key of a person");

        let rest = register.residents(asked.clone()).await.unwrap();
        let numbers = |page: &[ListResidentsResponse]| -> Vec<String> {
            page.iter().map(|answer| answer.resident.clone().unwrap().personal_number).collect()
        };
        assert_eq!([numbers(&first), numbers(&rest)].concat(), [HEAD, WIFE, GRANDCHILD, MOVED]);
        assert_eq!(rest[0].next_page_token, "");

        let same_ward = ListResidentsRequest { ward_code: "31117".to_owned(), ..asked.clone() };
        assert_eq!(numbers(&register.residents(same_ward).await.unwrap()), [MOVED]);
        let other_kind =
            ListResidentsRequest { residence_kind: ResidenceKind::Permanent.into(), ..asked.clone() };
        let altered =
            ListResidentsRequest { page_token: asked.page_token.replace('A', "B"), ..asked.clone() };
        let too_large = ListResidentsRequest { page_size: 5_001, page_token: String::new(), ..asked };
        for asked in [other_kind, altered, too_large] {
            assert_eq!(register.residents(asked).await.unwrap_err().code(), Code::InvalidArgument);
        }
    }
}

#[tokio::test]
async fn a_deadline_that_is_past_is_said_so_and_not_blamed_on_the_source() {
    for mut register in Register::each().await {
        let mut request = Request::new(GetCitizenRequest { personal_number: HEAD.to_owned() });
        request.set_timeout(Duration::from_nanos(1));
        let refusal = register.client.get_citizen(request).await.unwrap_err();
        assert_eq!(refusal.code(), Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn a_source_of_another_schema_is_not_opened() {
    for database in Database::each().await {
        let store = database.filled(&register::tables(Form::Native, database.dialect())).await;
        store.run("INSERT INTO source VALUES (1, 'x', 'H13', 1, 99)").await.unwrap();
        let refusal = lgsp_adapter_population::open(&Options::of(database.url())).await.err().unwrap();
        assert!(refusal.to_string().contains("version 99"), "{refusal}");
    }
}

#[tokio::test]
async fn a_source_that_lost_a_table_is_unhealthy_and_its_text_does_not_reach_the_caller() {
    for mut register in Register::each().await {
        let soon = Instant::now() + Duration::from_secs(20);
        register.adapter.probe.probe(soon).await.unwrap();

        let lost = match register.form {
            Form::Native => "address",
            Form::Mapped => "ho_gia_dinh",
        };
        register.store.run(&format!("DROP TABLE {lost}")).await.unwrap();
        assert_eq!(register.adapter.probe.probe(soon).await.unwrap_err().cause(), "unexpected");
        let refusal = register.citizen(HEAD).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        assert!(!format!("{refusal:?}").contains(lost), "{refusal:?}");
    }
}
