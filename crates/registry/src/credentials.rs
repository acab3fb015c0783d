//! Takes in what applications prove themselves with, and tells of it. Public halves only.

use std::time::SystemTime;

use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::credential_service_server::CredentialService;
use lgsp_proto::registry::v1::{
    CredentialDecision, CredentialRecord, CredentialState, IssueCredentialRequest, ListCredentialsRequest,
    ListCredentialsResponse, Person, RevokeCredentialRequest, RotateCredentialRequest,
    issue_credential_request, rotate_credential_request,
};
use tonic::{Request, Response, Status};

use crate::asked::{Asked, answered, page};
use crate::catalogue::Catalogue;
use crate::credential::{DAY_US, Rotation, fingerprint, issue, period, revoke, rotate, state};
use crate::desk::{Desk, Taken};
use crate::holders::{environment_of, id_of};

/// The service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Credentials {
    desk: Desk,
}

impl Credentials {
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn issue(&self, asked: Asked, wanted: IssueCredentialRequest) -> Result<CredentialDecision, Fault> {
        let held = wanted.held.map(|held| match held {
            issue_credential_request::Held::Credential(credential) => Held::Credential(credential),
            issue_credential_request::Held::Certificate(certificate) => Held::Certificate(certificate),
        });
        let taken = self.desk.take(&asked, |register, occasion| {
            let reason = wanted.reason.clone();
            issue(&register.catalogue, &wanted.application, held.clone(), reason, occasion)
        });
        decision(taken.await?, &wanted.application, &asked.exchange)
    }

    async fn rotate(
        &self,
        asked: Asked,
        wanted: RotateCredentialRequest,
    ) -> Result<CredentialDecision, Fault> {
        let held = wanted.held.map(|held| match held {
            rotate_credential_request::Held::Credential(credential) => Held::Credential(credential),
            rotate_credential_request::Held::Certificate(certificate) => Held::Certificate(certificate),
        });
        let RotateCredentialRequest { application, id, etag, overlap_days, reason, .. } = wanted;
        let rotation = Rotation { application, id, etag, held, overlap_days, reason };
        let taken = self
            .desk
            .take(&asked, |register, occasion| rotate(&register.catalogue, rotation.clone(), occasion));
        decision(taken.await?, &rotation.application, &asked.exchange)
    }

    async fn revoke(
        &self,
        asked: Asked,
        wanted: RevokeCredentialRequest,
    ) -> Result<CredentialDecision, Fault> {
        let taken = self
            .desk
            .take(&asked, |register, occasion| revoke(&register.catalogue, wanted.clone(), occasion));
        decision(taken.await?, &wanted.application, &asked.exchange)
    }

    fn credentials(&self, wanted: &ListCredentialsRequest) -> Result<ListCredentialsResponse, Fault> {
        let held = self.desk.register()?.now();
        let now = unix_micros(SystemTime::now());
        let of_persons = held.catalogue.persons().filter(|person| !person.left).flat_map(keys_of);
        let all = held.catalogue.holders().credentials().cloned().chain(of_persons);
        let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
        let is_wanted = |record: &CredentialRecord| {
            is(&wanted.application, &record.application)
                && is(&wanted.agency_code, &record.agency_code)
                && (wanted.environment == 0 || wanted.environment == i32::from(environment_of(record)))
                && (wanted.include_ended || !has_ended(record))
                && (wanted.ending_within_days == 0 || ends_within(record, wanted.ending_within_days))
                && key(record) > wanted.page_token
        };
        let all = all.map(|record| told(record, &held.catalogue, now));
        let mut found: Vec<CredentialRecord> = all.filter(is_wanted).collect();
        found.sort_by_key(key);
        let (found, next_page_token) = page(found.into_iter(), wanted.page_size, key);
        Ok(ListCredentialsResponse { credentials: found, next_page_token })
    }
}

/// What the decision of an exchange left of an application's credentials.
fn decision(taken: Taken, application: &str, exchange: &str) -> Result<CredentialDecision, Fault> {
    let now = unix_micros(SystemTime::now());
    let catalogue = &taken.held.catalogue;
    let of_it = |record: &&CredentialRecord, step: fn(&CredentialRecord) -> bool, by: &str| {
        let steps = [&record.issued, &record.rotated, &record.revoked].into_iter().flatten();
        step(record) && steps.into_iter().any(|step| step.exchange_id == by)
    };
    let mut ours = catalogue.holders().credentials_of(application);
    let credential = ours.find(|record| of_it(record, |record| record.rotated.is_none(), exchange));
    let mut ours = catalogue.holders().credentials_of(application);
    let replaced = ours.find(|record| of_it(record, |record| record.rotated.is_some(), exchange));
    // What was replaced earlier and is revoked now is itself what the decision is about.
    let (credential, replaced) = if credential.is_some() { (credential, replaced) } else { (replaced, None) };
    let credential = credential.ok_or(Reason::NotFound)?;
    Ok(CredentialDecision {
        credential: Some(told(credential.clone(), catalogue, now)),
        replaced: replaced.map(|record| told(record.clone(), catalogue, now)),
        revision: taken.revision,
        gateways_behind: taken.gateways_behind,
    })
}

/// The keys of a person, as records of their own.
fn keys_of(person: &Person) -> impl Iterator<Item = CredentialRecord> {
    person.credentials.iter().map(|credential| {
        let held = Held::Credential(credential.clone());
        let id = id_of(&held);
        CredentialRecord { person: person.id.clone(), id, held: Some(held), ..CredentialRecord::default() }
    })
}

/// A record with what is told of it and not kept.
fn told(record: CredentialRecord, catalogue: &Catalogue, now: i64) -> CredentialRecord {
    let application = catalogue.application(&record.application).map(|known| &known.agency_code);
    let agency = application.or_else(|| catalogue.person(&record.person).map(|known| &known.agency_code));
    let left = period(&record).1.saturating_sub(now).max(0) / DAY_US;
    CredentialRecord {
        state: state(&record, now).into(),
        sha256: fingerprint(&record),
        days_left: i32::try_from(left).unwrap_or(i32::MAX),
        agency_code: agency.cloned().unwrap_or_default(),
        ..record
    }
}

fn has_ended(record: &CredentialRecord) -> bool {
    matches!(record.state(), CredentialState::Expired | CredentialState::Revoked)
}

fn ends_within(record: &CredentialRecord, days: u32) -> bool {
    record.state() == CredentialState::Valid && u32::try_from(record.days_left).is_ok_and(|left| left < days)
}

/// Where a record stands in the order of the list: applications first.
fn key(record: &CredentialRecord) -> String {
    match record.person.as_str() {
        "" => format!("application/{}/{}", record.application, record.id),
        person => format!("person/{person}/{}", record.id),
    }
}

#[tonic::async_trait]
impl CredentialService for Credentials {
    async fn issue_credential(
        &self,
        request: Request<IssueCredentialRequest>,
    ) -> Result<Response<CredentialDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.issue(asked, request.into_inner()).await)
    }

    async fn rotate_credential(
        &self,
        request: Request<RotateCredentialRequest>,
    ) -> Result<Response<CredentialDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.rotate(asked, request.into_inner()).await)
    }

    async fn revoke_credential(
        &self,
        request: Request<RevokeCredentialRequest>,
    ) -> Result<Response<CredentialDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.revoke(asked, request.into_inner()).await)
    }

    async fn list_credentials(
        &self,
        request: Request<ListCredentialsRequest>,
    ) -> Result<Response<ListCredentialsResponse>, Status> {
        answered(self.credentials(request.get_ref()))
    }
}
