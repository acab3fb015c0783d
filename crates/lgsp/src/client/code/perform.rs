//! Takes one step of a plan: one call of the registry.

use std::time::Duration;

use lgsp_proto::registry::v1::administration_service_client::AdministrationServiceClient;
use lgsp_proto::registry::v1::catalogue_service_client::CatalogueServiceClient;
use lgsp_proto::registry::v1::connection_service_client::ConnectionServiceClient;
use lgsp_proto::registry::v1::credential_service_client::CredentialServiceClient;
use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::{
    Agency, DecideAgreementRequest, DecideConnectionRequest, DecideServiceRequest, DeprecateServiceRequest,
    IssueCredentialRequest, ProposeAgreementRequest, Purpose, PutAgencyRequest, PutPurposeRequest,
    PutRoleRequest, RegisterServiceRequest, RequestConnectionRequest, RevokeCredentialRequest, Role,
    issue_credential_request::Held,
};
use tonic::{Request, Response, Status};

use super::plan::Act;
use crate::client::Error;
use crate::client::registry::answered_within;
use crate::client::session::Session;

/// Time for one decision.
const DEADLINE: Duration = Duration::from_secs(10);

/// Takes a step. Steps that are taken by hand are nobody's to take here.
pub(super) async fn perform(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    match act {
        Act::ByHand(_) => Ok(()),
        Act::PutAgency(_)
        | Act::RemoveAgency(..)
        | Act::PutPurpose(_)
        | Act::RemovePurpose(..)
        | Act::ProposeRole(_)
        | Act::PutRole(_)
        | Act::RemoveRole(..) => refer(session, act, reason).await,
        Act::Register(..)
        | Act::Offer(..)
        | Act::PutInUse(..)
        | Act::Withdraw(..)
        | Act::Deprecate(..)
        | Act::RetireService(..) => serve(session, act, reason).await,
        Act::Request(..)
        | Act::ApproveConnection(..)
        | Act::Connect(..)
        | Act::SuspendApplication(..)
        | Act::ResumeApplication(..)
        | Act::RetireApplication(..) => connect(session, act, reason).await,
        Act::IssueKey(..) | Act::IssueCertificate(..) | Act::RevokeCredential(..) => {
            credential(session, act, reason).await
        }
        Act::Propose(_)
        | Act::ApproveAgreement(..)
        | Act::Activate(..)
        | Act::SuspendAgreement(..)
        | Act::RevokeAgreement(..) => agree(session, act, reason).await,
    }
}

fn request<T>(session: &Session, message: T) -> Result<Request<T>, Error> {
    session.request(message, Some(DEADLINE))
}

async fn done<T>(
    session: &Session,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<(), Error> {
    answered_within(session, DEADLINE, call).await.map(drop)
}

async fn refer(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    let mut client = AdministrationServiceClient::new(session.channel.clone());
    let reason = reason.to_owned();
    let agency = |agency, gone| PutAgencyRequest { agency: Some(agency), gone, reason: reason.clone() };
    let purpose = |purpose, gone| PutPurposeRequest { purpose: Some(purpose), gone, reason: reason.clone() };
    let role = |role, gone| PutRoleRequest { role: Some(role), gone, reason: reason.clone() };
    match act {
        Act::PutAgency(it) => {
            done(session, client.put_agency(request(session, agency(it.clone(), false))?)).await
        }
        Act::RemoveAgency(code, etag) => {
            let gone = Agency { code: code.clone(), etag: *etag, ..Agency::default() };
            done(session, client.put_agency(request(session, agency(gone, true))?)).await
        }
        Act::PutPurpose(it) => {
            done(session, client.put_purpose(request(session, purpose(it.clone(), false))?)).await
        }
        Act::RemovePurpose(code, etag) => {
            let gone = Purpose { code: code.clone(), etag: *etag, ..Purpose::default() };
            done(session, client.put_purpose(request(session, purpose(gone, true))?)).await
        }
        Act::ProposeRole(it) | Act::PutRole(it) => {
            done(session, client.put_role(request(session, role(it.clone(), false))?)).await
        }
        Act::RemoveRole(name, etag) => {
            let gone = Role { name: name.clone(), etag: *etag, ..Role::default() };
            done(session, client.put_role(request(session, role(gone, true))?)).await
        }
        _ => Ok(()),
    }
}

async fn serve(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    let mut client = CatalogueServiceClient::new(session.channel.clone());
    let about = |name: &String, version: &u32, etag: &u64| {
        let (name, reason) = (name.clone(), reason.to_owned());
        request(session, DecideServiceRequest { name, version: *version, etag: *etag, reason })
    };
    match act {
        Act::Register(service, set) => {
            let register = RegisterServiceRequest {
                name: service.name.clone(),
                descriptor_set: set.clone(),
                domain: service.domain.clone(),
                title_vi: service.title_vi.clone(),
                title_en: service.title_en.clone(),
                reason: reason.to_owned(),
            };
            done(session, client.register_service(request(session, register)?)).await
        }
        Act::Offer(name, version, etag) => {
            done(session, client.offer_in_sandbox(about(name, version, etag)?)).await
        }
        Act::PutInUse(name, version, etag) => {
            done(session, client.put_in_use(about(name, version, etag)?)).await
        }
        Act::Withdraw(name, version, etag) => {
            done(session, client.withdraw_service(about(name, version, etag)?)).await
        }
        Act::RetireService(name, version, etag) => {
            done(session, client.retire_service(about(name, version, etag)?)).await
        }
        Act::Deprecate(name, version, etag, from) => {
            let deprecate = DeprecateServiceRequest {
                name: name.clone(),
                version: *version,
                etag: *etag,
                reason: reason.to_owned(),
                retire_from: Some(*from),
            };
            done(session, client.deprecate_service(request(session, deprecate)?)).await
        }
        _ => Ok(()),
    }
}

async fn connect(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    let mut client = ConnectionServiceClient::new(session.channel.clone());
    let about = |id: &String, etag: &u64| {
        let (id, reason) = (id.clone(), reason.to_owned());
        request(session, DecideConnectionRequest { id, etag: *etag, reason, legal_basis: String::new() })
    };
    match act {
        Act::Request(application, contacts) => {
            let wanted = RequestConnectionRequest {
                id: application.id.clone(),
                name_vi: application.name_vi.clone(),
                name_en: application.name_en.clone(),
                agency_code: application.agency_code.clone(),
                contacts: contacts.clone(),
                system: String::new(),
                reason: reason.to_owned(),
            };
            done(session, client.request_connection(request(session, wanted)?)).await
        }
        Act::ApproveConnection(id, etag) => done(session, client.approve_connection(about(id, etag)?)).await,
        Act::Connect(id, etag) => done(session, client.connect(about(id, etag)?)).await,
        Act::SuspendApplication(id, etag) => {
            done(session, client.suspend_application(about(id, etag)?)).await
        }
        Act::ResumeApplication(id, etag) => done(session, client.resume_application(about(id, etag)?)).await,
        Act::RetireApplication(id, etag) => done(session, client.retire_application(about(id, etag)?)).await,
        _ => Ok(()),
    }
}

async fn credential(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    let mut client = CredentialServiceClient::new(session.channel.clone());
    let (application, held) = match act {
        Act::IssueKey(application, key) => (application, Held::Credential(key.clone())),
        Act::IssueCertificate(application, it) => (application, Held::Certificate(it.clone())),
        Act::RevokeCredential(application, id, etag) => {
            let revoke = RevokeCredentialRequest {
                application: application.clone(),
                id: id.clone(),
                etag: *etag,
                reason: reason.to_owned(),
            };
            return done(session, client.revoke_credential(request(session, revoke)?)).await;
        }
        _ => return Ok(()),
    };
    let issue = IssueCredentialRequest {
        application: application.clone(),
        held: Some(held),
        reason: reason.to_owned(),
    };
    done(session, client.issue_credential(request(session, issue)?)).await
}

async fn agree(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    let mut client = DecisionServiceClient::new(session.channel.clone());
    let about = |id: &String, version: &u32, etag: &u64| {
        let (id, reason, legal_basis) = (id.clone(), reason.to_owned(), String::new());
        request(session, DecideAgreementRequest { id, version: *version, etag: *etag, reason, legal_basis })
    };
    match act {
        Act::Propose(terms) => {
            let agreement = Some(terms.as_ref().clone());
            let propose = ProposeAgreementRequest { agreement, reason: reason.to_owned() };
            done(session, client.propose_agreement(request(session, propose)?)).await
        }
        Act::ApproveAgreement(id, version, etag) => {
            done(session, client.approve_agreement(about(id, version, etag)?)).await
        }
        Act::Activate(id, version, etag) => {
            done(session, client.activate_agreement(about(id, version, etag)?)).await
        }
        Act::SuspendAgreement(id, version, etag) => {
            done(session, client.suspend_agreement(about(id, version, etag)?)).await
        }
        Act::RevokeAgreement(id, version, etag) => {
            done(session, client.revoke_agreement(about(id, version, etag)?)).await
        }
        _ => Ok(()),
    }
}
