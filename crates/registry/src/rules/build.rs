//! From entries that were checked to the parts of the snapshot. Lists are sorted, so that the same rules have the same
//! bytes.

use lgsp_core::contract::Contract;
use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1 as wire;
use toml::value::Datetime;

use super::{entries, moment};

pub(super) fn data_service(
    entry: &entries::Service,
    owner: String,
    contract: &Contract,
) -> wire::DataService {
    // What the contract names, it names alone.
    let or = |named: &str, else_: &Option<String>| match (named, else_) {
        ("", Some(text)) => text.clone(),
        (named, _) => named.to_owned(),
    };
    let at = |moment: &Option<Datetime>| moment.as_ref().and_then(moment::micros).map(timestamp);
    wire::DataService {
        name: entry.name.clone(),
        owner_agency_code: owner,
        state: service_state(entry.state).into(),
        descriptor_sha256: contract.sha256.to_vec().into(),
        domain: or(&contract.rules.domain, &entry.domain),
        platform: contract.rules.platform,
        title_vi: or(&contract.rules.title_vi, &entry.title_vi),
        title_en: or(&contract.rules.title_en, &entry.title_en),
        deprecated_at: at(&entry.deprecated_at),
        sunset_at: at(&entry.sunset_at),
    }
}

pub(super) fn application(entry: entries::Application, agency_code: String) -> wire::Application {
    let mut roles = entry.roles;
    roles.sort_unstable();
    roles.dedup();
    wire::Application {
        id: entry.id,
        name_vi: entry.name_vi,
        name_en: entry.name_en,
        agency_code,
        state: application_state(entry.state).into(),
        credentials: Vec::new(),
        certificates: Vec::new(),
        roles,
        max_in_flight: entry.max_in_flight,
        platform: entry.platform,
    }
}

pub(super) fn contact(entry: &entries::Contact) -> wire::Contact {
    let entries::Contact { office, email, phone } = entry;
    wire::Contact { office: office.clone(), email: email.clone(), phone: phone.clone() }
}

pub(super) fn agreement(
    entry: entries::Agreement,
    (from, to): (i64, i64),
    mut grants: Vec<wire::Grant>,
) -> wire::Agreement {
    let entries::Quota { per_second, per_day } = entry.quota;
    let mut purposes = entry.purposes;
    purposes.sort_unstable();
    purposes.dedup();
    grants.sort_by(|a, b| a.method.cmp(&b.method));
    wire::Agreement {
        id: entry.id,
        version: entry.version,
        application: entry.application,
        service: entry.service,
        grants,
        purposes,
        valid_from: Some(timestamp(from)),
        valid_to: Some(timestamp(to)),
        legal_basis: entry.legal_basis,
        quota: Some(wire::Quota { per_second, per_day }),
        state: agreement_state(entry.state).into(),
        priority: priority(entry.priority).into(),
    }
}

fn service_state(state: entries::ServiceState) -> wire::ServiceState {
    match state {
        entries::ServiceState::Draft => wire::ServiceState::Draft,
        entries::ServiceState::Sandbox => wire::ServiceState::Sandbox,
        entries::ServiceState::InUse => wire::ServiceState::InUse,
        entries::ServiceState::Deprecated => wire::ServiceState::Deprecated,
        entries::ServiceState::Retired => wire::ServiceState::Retired,
    }
}

fn application_state(state: entries::ApplicationState) -> wire::ApplicationState {
    match state {
        entries::ApplicationState::Requested => wire::ApplicationState::Requested,
        entries::ApplicationState::Onboarding => wire::ApplicationState::Onboarding,
        entries::ApplicationState::Connected => wire::ApplicationState::Connected,
        entries::ApplicationState::Suspended => wire::ApplicationState::Suspended,
        entries::ApplicationState::Retired => wire::ApplicationState::Retired,
    }
}

fn agreement_state(state: entries::AgreementState) -> wire::AgreementState {
    match state {
        entries::AgreementState::Active => wire::AgreementState::Active,
        entries::AgreementState::Suspended => wire::AgreementState::Suspended,
        entries::AgreementState::Revoked => wire::AgreementState::Revoked,
    }
}

/// Interactive is what an agreement is that says nothing: the snapshot of rules without priorities keeps its bytes.
fn priority(priority: entries::Priority) -> wire::Priority {
    match priority {
        entries::Priority::Interactive => wire::Priority::Unspecified,
        entries::Priority::Bulk => wire::Priority::Bulk,
    }
}
