use std::sync::Arc;

use anyhow::Result;
use lgsp_adapter::Options;
use lgsp_adapter_population::{DOMAIN, Population, Register};
use lgsp_proto::population::v1::population_service_server::PopulationService as _;
use lgsp_proto::population::v1::{
    GetCitizenRequest, GetHouseholdRequest, ListResidentsRequest, ListResidentsResponse, VerifyCitizenRequest,
};
use lgsp_sample::{AddressKind, Citizen, Dice, Home};

use super::{OLD_CARD, Opened, PERSONAL_NUMBER};
use crate::case::{Cases, Paging};
use crate::keys::{Sample, absent, claimed, divided_wards, wards};

/// The most residents of one stream.
const PAGE: i32 = 5_000;

#[derive(Default)]
pub struct Keys {
    numbers: Sample<String>,
    old_cards: Sample<String>,
    claims: Sample<VerifyCitizenRequest>,
    households: Sample<String>,
}

impl Keys {
    pub fn look_at(&mut self, dice: &mut Dice, home: &Home) {
        self.households.offer(dice, || home.household.number.clone());
        for citizen in &home.citizens {
            self.numbers.offer(dice, || citizen.personal_number.as_str().to_owned());
            self.claims.offer(dice, || claims(citizen));
            if let Some(card) = &citizen.old_identity {
                self.old_cards.offer(dice, || card.as_str().to_owned());
            }
        }
    }
}

/// What an application claims of a person that it knows well.
fn claims(citizen: &Citizen) -> VerifyCitizenRequest {
    let permanent = citizen.addresses.iter().find(|address| address.kind == AddressKind::Permanent);
    let ward = permanent.and_then(|address| address.ward);
    VerifyCitizenRequest {
        personal_number: citizen.personal_number.as_str().to_owned(),
        full_name: citizen.full_name.clone(),
        date_of_birth: Some(claimed(citizen.date_of_birth)),
        sex: citizen.sex.into(),
        ward_code: ward.map(|ward| ward.as_str().to_owned()).unwrap_or_default(),
        ..VerifyCitizenRequest::default()
    }
}

pub async fn open(options: &Options, keys: &Keys, dice: &mut Dice) -> Result<Opened> {
    let register = Arc::new(Register::open(options).await?);
    let tables = register.tables().clone();
    let mut cases = Cases::of(DOMAIN, Population::new(register, options.query_timeout));
    citizens(&mut cases, keys, dice);
    households(&mut cases, keys, dice);
    residents(&mut cases, dice);
    Ok(Opened { domain: DOMAIN, tables, cases: cases.made() })
}

type Service = Population<Register>;

fn citizens(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let asked = |personal_number| GetCitizenRequest { personal_number };
    let by = [
        (PERSONAL_NUMBER, keys.numbers.questions(dice, absent::personal_number, asked)),
        (OLD_CARD, keys.old_cards.questions(dice, absent::old_card, asked)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("GetCitizen", by),
            questions,
            |service, request| service.get_citizen(request),
            |answer| answer.citizen.is_some(),
        );
    }
    let nobody = |dice: &mut Dice| VerifyCitizenRequest {
        personal_number: absent::personal_number(dice),
        full_name: "Nguyễn Văn Không".to_owned(),
        ..VerifyCitizenRequest::default()
    };
    cases.unary(
        ("VerifyCitizen", PERSONAL_NUMBER),
        keys.claims.questions(dice, nobody, |claims| claims),
        |service, request| service.verify_citizen(request),
        |answer| answer.provenance.is_some(),
    );
}

fn households(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let by_number =
        |household_number| GetHouseholdRequest { household_number, ..GetHouseholdRequest::default() };
    let by_member =
        |personal_number| GetHouseholdRequest { personal_number, ..GetHouseholdRequest::default() };
    let by = [
        ("household number", keys.households.questions(dice, absent::household, by_number)),
        ("member's number", keys.numbers.questions(dice, absent::personal_number, by_member)),
        ("member's old card", keys.old_cards.questions(dice, absent::old_card, by_member)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("GetHousehold", by),
            questions,
            |service, request| service.get_household(request),
            |answer| answer.household.is_some(),
        );
    }
}

fn residents(cases: &mut Cases<Service>, dice: &mut Dice) {
    for (by, wards) in [("ward", wards(dice)), ("divided ward", divided_wards(dice))] {
        let lists = wards.iter().map(|ward| ListResidentsRequest {
            ward_code: ward.as_str().to_owned(),
            page_size: PAGE,
            ..ListResidentsRequest::default()
        });
        cases.stream(
            ("ListResidents", by),
            lists.collect(),
            |service, request| service.list_residents(request),
            Paging {
                token: |answer: &ListResidentsResponse| &answer.next_page_token,
                after: |list, page_token| ListResidentsRequest { page_token, ..list },
            },
        );
    }
}
