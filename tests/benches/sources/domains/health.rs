use std::sync::Arc;

use anyhow::Result;
use lgsp_adapter::Options;
use lgsp_adapter_health::{DOMAIN, Health, Records};
use lgsp_proto::health::v1::health_service_server::HealthService as _;
use lgsp_proto::health::v1::{GetPatientSummaryRequest, ListImmunizationsRequest, VerifyInsuranceRequest};
use lgsp_sample::{Dice, Home};

use super::{OLD_CARD, Opened, PERSONAL_NUMBER};
use crate::case::Cases;
use crate::keys::{Sample, absent};

const CARD: &str = "insurance card";

#[derive(Default)]
pub struct Keys {
    cards: Sample<String>,
    social_insurance_numbers: Sample<String>,
    holders: Sample<String>,
    holders_old_cards: Sample<String>,
    patients: Sample<String>,
    patients_old_cards: Sample<String>,
    patients_cards: Sample<String>,
    immunized: Sample<String>,
    immunized_old_cards: Sample<String>,
}

impl Keys {
    pub fn look_at(&mut self, dice: &mut Dice, home: &Home) {
        for card in &home.cards {
            let number = &card.number;
            self.cards.offer(dice, || number.as_str().to_owned());
            self.social_insurance_numbers.offer(dice, || number.social_insurance_number().to_owned());
            if let Some(number) = &card.personal_number {
                self.holders.offer(dice, || number.as_str().to_owned());
            }
            if let Some(card) = &card.old_identity {
                self.holders_old_cards.offer(dice, || card.as_str().to_owned());
            }
        }
        for patient in &home.patients {
            let is_immunized = !patient.immunizations.is_empty();
            if let Some(number) = &patient.personal_number {
                self.patients.offer(dice, || number.as_str().to_owned());
                if is_immunized {
                    self.immunized.offer(dice, || number.as_str().to_owned());
                }
            }
            if let Some(card) = &patient.old_identity {
                self.patients_old_cards.offer(dice, || card.as_str().to_owned());
                if is_immunized {
                    self.immunized_old_cards.offer(dice, || card.as_str().to_owned());
                }
            }
            if let Some(card) = &patient.card {
                self.patients_cards.offer(dice, || card.as_str().to_owned());
            }
        }
    }
}

pub async fn open(options: &Options, keys: &Keys, dice: &mut Dice) -> Result<Opened> {
    let records = Arc::new(Records::open(options).await?);
    let tables = records.tables().clone();
    let mut cases = Cases::of(DOMAIN, Health::new(records, options.query_timeout));
    insurance(&mut cases, keys, dice);
    summaries(&mut cases, keys, dice);
    immunizations(&mut cases, keys, dice);
    Ok(Opened { domain: DOMAIN, tables, cases: cases.made() })
}

type Service = Health<Records>;

fn insurance(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let by_card = |card_number| VerifyInsuranceRequest { card_number, ..VerifyInsuranceRequest::default() };
    let by_person =
        |personal_number| VerifyInsuranceRequest { personal_number, ..VerifyInsuranceRequest::default() };
    let numbers = &keys.social_insurance_numbers;
    let by = [
        (CARD, keys.cards.questions(dice, absent::insurance_card, by_card)),
        ("social-insurance number", numbers.questions(dice, absent::social_insurance, by_card)),
        (PERSONAL_NUMBER, keys.holders.questions(dice, absent::personal_number, by_person)),
        (OLD_CARD, keys.holders_old_cards.questions(dice, absent::old_card, by_person)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("VerifyInsurance", by),
            questions,
            |service, request| service.verify_insurance(request),
            |answer| answer.card.is_some(),
        );
    }
}

fn summaries(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let by_card =
        |card_number| GetPatientSummaryRequest { card_number, ..GetPatientSummaryRequest::default() };
    let by_person =
        |personal_number| GetPatientSummaryRequest { personal_number, ..GetPatientSummaryRequest::default() };
    let by = [
        (PERSONAL_NUMBER, keys.patients.questions(dice, absent::personal_number, by_person)),
        (OLD_CARD, keys.patients_old_cards.questions(dice, absent::old_card, by_person)),
        (CARD, keys.patients_cards.questions(dice, absent::insurance_card, by_card)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("GetPatientSummary", by),
            questions,
            |service, request| service.get_patient_summary(request),
            |answer| answer.summary.is_some(),
        );
    }
}

fn immunizations(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let asked =
        |personal_number| ListImmunizationsRequest { personal_number, ..ListImmunizationsRequest::default() };
    let by = [
        (PERSONAL_NUMBER, keys.immunized.questions(dice, absent::personal_number, asked)),
        (OLD_CARD, keys.immunized_old_cards.questions(dice, absent::old_card, asked)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("ListImmunizations", by),
            questions,
            |service, request| service.list_immunizations(request),
            |answer| !answer.immunizations.is_empty(),
        );
    }
}
