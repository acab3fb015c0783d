//! The rules of the bench: one application, the echo service, and an agreement that masks a field of the answer and one of
//! a message in it.

use std::time::SystemTime;

use anyhow::Result;
use ed25519_dalek::{Signer as _, SigningKey};
use lgsp::layout::{Layout, read_signing_key};
use lgsp_bus::{Bus, topics};
use lgsp_core::descriptor_key;
use lgsp_core::entry::sha256;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::{
    Agreement, AgreementState, Application, ApplicationState, Credential, DataService, Grant, Priority,
    Purpose, ServiceState, SignedSnapshot, Snapshot,
};
use lgsp_tests::echo;
use prost::Message as _;

/// The purpose that the agreement allows.
pub const PURPOSE: &str = "prefill";
/// Allowed by another agreement that is as interactive.
pub const STATISTICS: &str = "statistics";
/// Allowed by one for bulk.
pub const BULK: &str = "bulk";
/// Who calls.
pub const APPLICATION: &str = "tthc";
const AGENCY: &str = "H13.01";
const DAY_US: i64 = 86_400_000_000;
/// What may leave: neither the answer's secret nor that of each person in it.
const GRANTED: [&str; 4] = ["text", "payload", "persons.personal_number", "number"];

/// Makes the application's key, and publishes the rules as the registry does.
pub async fn publish(bus: &Bus, layout: &Layout) -> Result<()> {
    let credential = layout.make_application_key(APPLICATION)?;
    put(bus, descriptor_key(&sha256(echo::DESCRIPTOR_SET)).as_bytes(), echo::DESCRIPTOR_SET).await?;
    let key = read_signing_key(&layout.snapshot_key())?;
    put(bus, b"snapshot", &signed(&key, &snapshot(credential))).await
}

async fn put(bus: &Bus, key: &[u8], value: &[u8]) -> Result<()> {
    bus.publish(topics::REGISTRY, Some(0), key, value, &[]).await?;
    Ok(())
}

fn signed(key: &SigningKey, snapshot: &Snapshot) -> Vec<u8> {
    let bytes = snapshot.encode_to_vec();
    let signature = key.sign(&[b"lgsp-snapshot-v1\n".as_slice(), &bytes].concat());
    let key_id = hex::encode(sha256(key.verifying_key().as_bytes()))[..16].to_owned();
    SignedSnapshot { snapshot: bytes.into(), key_id, signature: signature.to_bytes().to_vec().into() }
        .encode_to_vec()
}

fn snapshot(credential: [u8; 32]) -> Snapshot {
    let now = unix_micros(SystemTime::now());
    Snapshot {
        revision: 1,
        environment: "sandbox".to_owned(),
        published: Some(timestamp(now)),
        purposes: [PURPOSE, STATISTICS, BULK].map(purpose).into(),
        services: vec![DataService {
            name: echo::SERVICE.to_owned(),
            owner_agency_code: AGENCY.to_owned(),
            state: ServiceState::InUse.into(),
            descriptor_sha256: sha256(echo::DESCRIPTOR_SET).to_vec().into(),
            domain: echo::DOMAIN.to_owned(),
            ..DataService::default()
        }],
        applications: vec![Application {
            id: APPLICATION.to_owned(),
            agency_code: AGENCY.to_owned(),
            state: ApplicationState::Connected.into(),
            credentials: vec![Credential {
                key_id: format!("{APPLICATION}-1"),
                ed25519_public_key: credential.to_vec().into(),
                ..Credential::default()
            }],
            // No bound of its own, so that those of the gateway and the providers show.
            max_in_flight: 4_096,
            ..Application::default()
        }],
        agreements: [
            (PURPOSE, Priority::Unspecified),
            (STATISTICS, Priority::Interactive),
            (BULK, Priority::Bulk),
        ]
        .map(|(purpose, priority)| agreement(purpose, priority, now))
        .into(),
        ..Snapshot::default()
    }
}

fn purpose(code: &str) -> Purpose {
    Purpose { code: code.to_owned(), ..Purpose::default() }
}

fn agreement(purpose: &str, priority: Priority, now: i64) -> Agreement {
    Agreement {
        id: format!("tt-{purpose}"),
        version: 1,
        application: APPLICATION.to_owned(),
        service: echo::SERVICE.to_owned(),
        grants: vec![Grant { method: "Echo".to_owned(), fields: GRANTED.map(str::to_owned).to_vec() }],
        purposes: vec![purpose.to_owned()],
        valid_from: Some(timestamp(now - DAY_US)),
        valid_to: Some(timestamp(now + DAY_US)),
        legal_basis: "made up".to_owned(),
        state: AgreementState::Active.into(),
        priority: priority.into(),
        ..Agreement::default()
    }
}
