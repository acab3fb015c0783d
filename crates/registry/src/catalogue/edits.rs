//! The edits of changes.

use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{AgreementRecord, AgreementStage, AgreementState, Edit, Item, Snapshot};

use crate::settle::settled;

/// The change that a history begins with.
const FIRST: u64 = 1;

/// The changes that turn nothing into a snapshot: what a registry begins with.
pub(crate) fn import(snapshot: &Snapshot, steps: &AgreementRecord) -> Vec<Edit> {
    let snapshot = settled(snapshot.clone());
    let agencies = snapshot.agencies.iter().map(|agency| (Of::Agency(agency.clone()), agency.code.clone()));
    let purposes =
        snapshot.purposes.iter().map(|purpose| (Of::Purpose(purpose.clone()), purpose.code.clone()));
    let services =
        snapshot.services.iter().map(|service| (Of::Service(service.clone()), service.name.clone()));
    let roles = snapshot.roles.iter().map(|role| (Of::Role(role.clone()), role.name.clone()));
    let applications = snapshot
        .applications
        .iter()
        .map(|application| (Of::Application(application.clone()), application.id.clone()));
    let persons = snapshot.persons.iter().map(|person| (Of::Person(person.clone()), person.id.clone()));
    let agreements = snapshot.agreements.iter().map(|agreement| {
        let stage = match agreement.state() {
            AgreementState::Active => AgreementStage::Active,
            AgreementState::Suspended => AgreementStage::Suspended,
            AgreementState::Revoked | AgreementState::Unspecified => AgreementStage::Revoked,
        };
        let record =
            AgreementRecord { agreement: Some(agreement.clone()), stage: stage.into(), ..steps.clone() };
        (Of::Agreement(record), format!("{}/{}", agreement.id, agreement.version))
    });
    let all = agencies.chain(purposes).chain(services).chain(roles).chain(applications).chain(persons);
    all.chain(agreements).map(|(item, id)| put(None, item, id)).collect()
}

/// The edits of a change, with its sequence as the etag of what they leave. What a registry begins with nobody has put: whoever puts
/// it first need not have seen it.
pub(crate) fn stamped(mut edits: Vec<Edit>, sequence: u64) -> Vec<Edit> {
    for edit in &mut edits {
        match edit.after.as_mut().and_then(|item| item.item.as_mut()) {
            Some(Of::Agreement(record)) => record.etag = sequence,
            Some(Of::ServiceRecord(record)) => record.etag = sequence,
            Some(Of::Connection(record)) => record.etag = sequence,
            Some(Of::Credential(record)) => record.etag = sequence,
            Some(Of::System(system)) => system.etag = sequence,
            Some(Of::NationalService(service)) => service.etag = sequence,
            Some(Of::PersonProposal(proposal)) => proposal.etag = sequence,
            Some(Of::Person(person)) if sequence > FIRST => person.etag = sequence,
            Some(Of::Agency(agency)) if sequence > FIRST => agency.etag = sequence,
            Some(Of::Purpose(purpose)) if sequence > FIRST => purpose.etag = sequence,
            Some(Of::Role(role)) if sequence > FIRST => role.etag = sequence,
            _ => {}
        }
    }
    edits
}

/// An edit that puts an item in the place of another.
pub(crate) fn put(before: Option<Of>, after: Of, id: String) -> Edit {
    let item = |of| Item { item: Some(of) };
    Edit { kind: kind(&after).to_owned(), id, before: before.map(item), after: Some(item(after)) }
}

/// An edit that takes an item away.
pub(crate) fn take_away(before: Of, id: String) -> Edit {
    Edit { kind: kind(&before).to_owned(), id, before: Some(Item { item: Some(before) }), after: None }
}

fn kind(item: &Of) -> &'static str {
    match item {
        Of::Agency(_) => "agency",
        Of::Purpose(_) => "purpose",
        Of::Service(_) | Of::ServiceRecord(_) => "service",
        Of::Role(_) => "role",
        Of::RoleProposal(_) => "role-proposal",
        Of::Application(_) | Of::Connection(_) => "application",
        Of::Credential(_) => "credential",
        Of::System(_) => "system",
        Of::NationalService(_) => "national-service",
        Of::Person(_) => "person",
        Of::PersonProposal(_) => "person-proposal",
        Of::Agreement(_) => "agreement",
    }
}
