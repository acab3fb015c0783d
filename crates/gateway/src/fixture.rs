//! Rules for tests and benches: one application, the population's data service, and an agreement.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by tests and benches that need different parts"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lgsp_core::time::timestamp;
use lgsp_core::{Rules, descriptor_key};
use lgsp_proto::registry::v1::{
    Agreement, AgreementState, Application, ApplicationState, Credential, DataService, Grant, Purpose, Role,
    ServiceState, Snapshot,
};
use serde_json::{Value, json};

pub const POPULATION: &str = "lgsp.population.v1.PopulationService";
pub const GET_CITIZEN: &str = "/lgsp.population.v1.PopulationService/GetCitizen";
pub const KEY_ID: &str = "tthc-1";

/// 2026-06-01T05:00:00Z.
pub const NOW: i64 = 1_780_290_000_000_000;

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub fn descriptors() -> BTreeMap<String, Bytes> {
    let sets = lgsp_proto::services().map(|service| lgsp_proto::descriptor_set_of(service).unwrap());
    sets.map(|set| (descriptor_key(&lgsp_proto::contract_sha256(set)), Bytes::from_static(set))).collect()
}

pub fn snapshot() -> Snapshot {
    let services = lgsp_proto::services().map(|name| {
        let descriptor = lgsp_proto::pool().get_service_by_name(name).unwrap();
        let rules = lgsp_proto::options::service(&descriptor);
        DataService {
            name: name.to_owned(),
            state: ServiceState::InUse.into(),
            descriptor_sha256: lgsp_proto::contract_sha256(lgsp_proto::descriptor_set_of(name).unwrap())
                .to_vec()
                .into(),
            domain: rules.domain,
            platform: rules.platform,
            ..DataService::default()
        }
    });
    Snapshot {
        revision: 1,
        environment: "sandbox".to_owned(),
        applications: vec![
            application("tthc", KEY_ID, &key()),
            application("khac", "khac-1", &SigningKey::from_bytes(&[2; 32])),
        ],
        services: services.collect(),
        purposes: ["prefill", "verify"]
            .map(|code| Purpose { code: code.to_owned(), ..Purpose::default() })
            .into(),
        agreements: vec![agreement()],
        roles: vec![Role {
            name: "operator".to_owned(),
            methods: vec!["lgsp.ledger.v1.LedgerService/ListExchanges".to_owned()],
            ..Role::default()
        }],
        ..Snapshot::default()
    }
}

pub fn rules() -> Rules {
    Rules::compile(&snapshot(), &descriptors()).unwrap()
}

pub fn application(id: &str, key_id: &str, key: &SigningKey) -> Application {
    Application {
        id: id.to_owned(),
        agency_code: "H13.01".to_owned(),
        state: ApplicationState::Connected.into(),
        credentials: vec![Credential {
            key_id: key_id.to_owned(),
            ed25519_public_key: key.verifying_key().as_bytes().to_vec().into(),
            not_before: None,
            not_after: Some(timestamp(i64::MAX / 2)),
            ..Credential::default()
        }],
        ..Application::default()
    }
}

fn agreement() -> Agreement {
    let fields =
        ["citizen.personal_number", "citizen.full_name", "citizen.date_of_birth", "citizen.provenance"];
    let grants = [("GetCitizen", &fields[..]), ("GetHousehold", &["*"]), ("ListResidents", &["*"])];
    Agreement {
        id: "tthc-population".to_owned(),
        version: 2,
        application: "tthc".to_owned(),
        service: POPULATION.to_owned(),
        grants: grants
            .map(|(method, fields)| Grant {
                method: method.to_owned(),
                fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            })
            .into(),
        purposes: vec!["prefill".to_owned()],
        legal_basis: "Luật Dữ liệu 60/2024".to_owned(),
        state: AgreementState::Active.into(),
        ..Agreement::default()
    }
}

/// Claims of a good token at a moment (Unix µs).
pub fn claims(now: i64) -> Value {
    let seconds = now / 1_000_000;
    json!({ "iss": "tthc", "sub": "tthc", "aud": "lgsp", "iat": seconds, "exp": seconds + 60 })
}

pub fn header() -> Header {
    Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) }
}

pub fn signed(header: &Header, claims: &Value, key: &SigningKey) -> String {
    let der = key.to_pkcs8_der().unwrap();
    jsonwebtoken::encode(header, claims, &EncodingKey::from_ed_der(der.as_bytes())).unwrap()
}

/// The value of `authorization` for a good token.
pub fn authorization(now: i64) -> String {
    format!("Bearer {}", signed(&header(), &claims(now), &key()))
}
