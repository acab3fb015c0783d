use std::sync::Arc;

use anyhow::Result;
use lgsp_adapter::Options;
use lgsp_adapter_business::{Business, DOMAIN, Register};
use lgsp_proto::business::v1::business_service_server::BusinessService as _;
use lgsp_proto::business::v1::{
    GetEnterpriseRequest, ListEnterprisesByRepresentativeRequest, VerifyEnterpriseRequest,
};
use lgsp_sample::{Dice, Enterprise, Home, Representative};

use super::{OLD_CARD, Opened, PERSONAL_NUMBER};
use crate::case::Cases;
use crate::keys::{Sample, absent};

const CODE: &str = "enterprise code";

#[derive(Default)]
pub struct Keys {
    codes: Sample<String>,
    claims: Sample<VerifyEnterpriseRequest>,
    representatives: Sample<String>,
    representatives_old_cards: Sample<String>,
}

impl Keys {
    pub fn look_at(&mut self, dice: &mut Dice, home: &Home) {
        for enterprise in &home.enterprises {
            self.codes.offer(dice, || enterprise.code.as_str().to_owned());
            self.claims.offer(dice, || claims(enterprise));
            for representative in in_office(enterprise) {
                if let Some(number) = &representative.personal_number {
                    self.representatives.offer(dice, || number.as_str().to_owned());
                }
                if let Some(card) = &representative.old_identity {
                    self.representatives_old_cards.offer(dice, || card.as_str().to_owned());
                }
            }
        }
    }
}

fn in_office(enterprise: &Enterprise) -> impl Iterator<Item = &Representative> {
    enterprise.representatives.iter().filter(|representative| representative.until.is_none())
}

/// What an application claims of an enterprise that it knows well.
fn claims(enterprise: &Enterprise) -> VerifyEnterpriseRequest {
    let number = in_office(enterprise).find_map(|representative| representative.personal_number.as_ref());
    let ward = enterprise.address.ward;
    VerifyEnterpriseRequest {
        enterprise_code: enterprise.code.as_str().to_owned(),
        name: enterprise.name.clone(),
        representative_personal_number: number.map(|number| number.as_str().to_owned()).unwrap_or_default(),
        ward_code: ward.map(|ward| ward.as_str().to_owned()).unwrap_or_default(),
        status: enterprise.status.into(),
    }
}

pub async fn open(options: &Options, keys: &Keys, dice: &mut Dice) -> Result<Opened> {
    let register = Arc::new(Register::open(options).await?);
    let tables = register.tables().clone();
    let mut cases = Cases::of(DOMAIN, Business::new(register, options.query_timeout));
    enterprises(&mut cases, keys, dice);
    representatives(&mut cases, keys, dice);
    Ok(Opened { domain: DOMAIN, tables, cases: cases.made() })
}

type Service = Business<Register>;

fn enterprises(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let asked = |enterprise_code| GetEnterpriseRequest { enterprise_code };
    cases.unary(
        ("GetEnterprise", CODE),
        keys.codes.questions(dice, absent::enterprise, asked),
        |service, request| service.get_enterprise(request),
        |answer| answer.enterprise.is_some(),
    );
    let nobody = |dice: &mut Dice| VerifyEnterpriseRequest {
        enterprise_code: absent::enterprise(dice),
        name: "Công ty TNHH Không Có".to_owned(),
        ..VerifyEnterpriseRequest::default()
    };
    cases.unary(
        ("VerifyEnterprise", CODE),
        keys.claims.questions(dice, nobody, |claims| claims),
        |service, request| service.verify_enterprise(request),
        |answer| answer.provenance.is_some(),
    );
}

fn representatives(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let asked = |personal_number| ListEnterprisesByRepresentativeRequest {
        personal_number,
        ..ListEnterprisesByRepresentativeRequest::default()
    };
    let by = [
        (PERSONAL_NUMBER, keys.representatives.questions(dice, absent::personal_number, asked)),
        (OLD_CARD, keys.representatives_old_cards.questions(dice, absent::old_card, asked)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("ListEnterprisesByRepresentative", by),
            questions,
            |service, request| service.list_enterprises_by_representative(request),
            |answer| !answer.enterprises.is_empty(),
        );
    }
}
