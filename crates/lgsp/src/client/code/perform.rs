//! Takes one step of a plan: one call of the registry.

use std::time::Duration;

use bytes::Bytes;
use lgsp_proto::registry::v1::administration_service_client::AdministrationServiceClient;
use lgsp_proto::registry::v1::catalogue_service_client::CatalogueServiceClient;
use lgsp_proto::registry::v1::connection_service_client::ConnectionServiceClient;
use lgsp_proto::registry::v1::credential_service_client::CredentialServiceClient;
use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::{
    Agency, Agreement, Application, Contact, DataService, DecideAgreementRequest, DecideConnectionRequest,
    DecideServiceRequest, DeprecateServiceRequest, IssueCredentialRequest, ProposeAgreementRequest, Purpose,
    PutAgencyRequest, PutNationalServiceRequest, PutPurposeRequest, PutRoleRequest, PutSystemRequest,
    RegisterServiceRequest, RequestConnectionRequest, RevokeCredentialRequest, Role,
    issue_credential_request::Held,
};
use prost_reflect::prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::plan::Act;
use crate::client::Error;
use crate::client::registry::answered_within;
use crate::client::session::Session;

/// Time for one decision.
const DEADLINE: Duration = Duration::from_secs(10);

/// Takes a step. Steps that are taken by hand are nobody's to take here.
pub(super) async fn perform(session: &Session, act: &Act, reason: &str) -> Result<(), Error> {
    let call = Call { session, reason };
    let mut services = CatalogueServiceClient::new(session.channel.clone());
    let mut connections = ConnectionServiceClient::new(session.channel.clone());
    let mut decisions = DecisionServiceClient::new(session.channel.clone());
    match act {
        Act::ByHand(_) => Ok(()),
        Act::PutSystem(it) => {
            let put = PutSystemRequest { system: Some((**it).clone()), reason: call.reason() };
            call.done(connections.put_system(call.request(put)?)).await
        }
        Act::PutNationalService(it) => {
            let put = PutNationalServiceRequest { service: Some((**it).clone()), reason: call.reason() };
            call.done(connections.put_national_service(call.request(put)?)).await
        }
        Act::PutAgency(it) => call.put_agency(it.clone(), false).await,
        Act::RemoveAgency(code, etag) => {
            call.put_agency(Agency { code: code.clone(), etag: *etag, ..Agency::default() }, true).await
        }
        Act::PutPurpose(it) => call.put_purpose(it.clone(), false).await,
        Act::RemovePurpose(code, etag) => {
            call.put_purpose(Purpose { code: code.clone(), etag: *etag, ..Purpose::default() }, true).await
        }
        Act::ProposeRole(it) | Act::PutRole(it) => call.put_role(it.clone(), false).await,
        Act::RemoveRole(name, etag) => {
            call.put_role(Role { name: name.clone(), etag: *etag, ..Role::default() }, true).await
        }
        Act::Register(service, set) => call.register(service, set).await,
        Act::Offer(name, version, etag) => {
            call.done(services.offer_in_sandbox(call.service(name, *version, *etag)?)).await
        }
        Act::PutInUse(name, version, etag) => {
            call.done(services.put_in_use(call.service(name, *version, *etag)?)).await
        }
        Act::Withdraw(name, version, etag) => {
            call.done(services.withdraw_service(call.service(name, *version, *etag)?)).await
        }
        Act::RetireService(name, version, etag) => {
            call.done(services.retire_service(call.service(name, *version, *etag)?)).await
        }
        Act::Deprecate(name, version, etag, from) => call.deprecate(name, *version, *etag, *from).await,
        Act::Request(application, contacts) => call.connect(application, contacts).await,
        Act::ApproveConnection(id, etag) => {
            call.done(connections.approve_connection(call.connection(id, *etag)?)).await
        }
        Act::Connect(id, etag) => call.done(connections.connect(call.connection(id, *etag)?)).await,
        Act::SuspendApplication(id, etag) => {
            call.done(connections.suspend_application(call.connection(id, *etag)?)).await
        }
        Act::ResumeApplication(id, etag) => {
            call.done(connections.resume_application(call.connection(id, *etag)?)).await
        }
        Act::RetireApplication(id, etag) => {
            call.done(connections.retire_application(call.connection(id, *etag)?)).await
        }
        Act::IssueKey(application, key) => call.issue(application, Held::Credential(key.clone())).await,
        Act::IssueCertificate(application, it) => {
            call.issue(application, Held::Certificate(it.clone())).await
        }
        Act::RevokeCredential(application, id, etag) => call.revoke(application, id, *etag).await,
        Act::Propose(terms) => call.propose(terms).await,
        Act::ApproveAgreement(id, version, etag) => {
            call.done(decisions.approve_agreement(call.agreement(id, *version, *etag)?)).await
        }
        Act::Activate(id, version, etag) => {
            call.done(decisions.activate_agreement(call.agreement(id, *version, *etag)?)).await
        }
        Act::SuspendAgreement(id, version, etag) => {
            call.done(decisions.suspend_agreement(call.agreement(id, *version, *etag)?)).await
        }
        Act::RevokeAgreement(id, version, etag) => {
            call.done(decisions.revoke_agreement(call.agreement(id, *version, *etag)?)).await
        }
    }
}

/// What every call has: whose it is, and why it is made.
struct Call<'a> {
    session: &'a Session,
    reason: &'a str,
}

impl Call<'_> {
    fn request<T>(&self, message: T) -> Result<Request<T>, Error> {
        self.session.request(message, Some(DEADLINE))
    }

    fn reason(&self) -> String {
        self.reason.to_owned()
    }

    async fn done<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<(), Error> {
        answered_within(self.session, DEADLINE, call).await.map(drop)
    }

    fn service(&self, name: &str, version: u32, etag: u64) -> Result<Request<DecideServiceRequest>, Error> {
        let name = name.to_owned();
        self.request(DecideServiceRequest { name, version, etag, reason: self.reason() })
    }

    fn connection(&self, id: &str, etag: u64) -> Result<Request<DecideConnectionRequest>, Error> {
        let (id, legal_basis) = (id.to_owned(), String::new());
        self.request(DecideConnectionRequest { id, etag, reason: self.reason(), legal_basis })
    }

    fn agreement(&self, id: &str, version: u32, etag: u64) -> Result<Request<DecideAgreementRequest>, Error> {
        let (id, legal_basis) = (id.to_owned(), String::new());
        self.request(DecideAgreementRequest { id, version, etag, reason: self.reason(), legal_basis })
    }

    async fn put_agency(&self, agency: Agency, gone: bool) -> Result<(), Error> {
        let mut client = AdministrationServiceClient::new(self.session.channel.clone());
        let put = PutAgencyRequest { agency: Some(agency), gone, reason: self.reason() };
        self.done(client.put_agency(self.request(put)?)).await
    }

    async fn put_purpose(&self, purpose: Purpose, gone: bool) -> Result<(), Error> {
        let mut client = AdministrationServiceClient::new(self.session.channel.clone());
        let put = PutPurposeRequest { purpose: Some(purpose), gone, reason: self.reason() };
        self.done(client.put_purpose(self.request(put)?)).await
    }

    async fn put_role(&self, role: Role, gone: bool) -> Result<(), Error> {
        let mut client = AdministrationServiceClient::new(self.session.channel.clone());
        let put = PutRoleRequest { role: Some(role), gone, reason: self.reason() };
        self.done(client.put_role(self.request(put)?)).await
    }

    async fn register(&self, service: &DataService, set: &Bytes) -> Result<(), Error> {
        let mut client = CatalogueServiceClient::new(self.session.channel.clone());
        let register = RegisterServiceRequest {
            name: service.name.clone(),
            descriptor_set: set.clone(),
            domain: service.domain.clone(),
            title_vi: service.title_vi.clone(),
            title_en: service.title_en.clone(),
            reason: self.reason(),
        };
        self.done(client.register_service(self.request(register)?)).await
    }

    async fn deprecate(&self, name: &str, version: u32, etag: u64, from: Timestamp) -> Result<(), Error> {
        let mut client = CatalogueServiceClient::new(self.session.channel.clone());
        let (name, retire_from) = (name.to_owned(), Some(from));
        let deprecate = DeprecateServiceRequest { name, version, etag, reason: self.reason(), retire_from };
        self.done(client.deprecate_service(self.request(deprecate)?)).await
    }

    async fn connect(&self, application: &Application, contacts: &[Contact]) -> Result<(), Error> {
        let mut client = ConnectionServiceClient::new(self.session.channel.clone());
        let wanted = RequestConnectionRequest {
            id: application.id.clone(),
            name_vi: application.name_vi.clone(),
            name_en: application.name_en.clone(),
            agency_code: application.agency_code.clone(),
            contacts: contacts.to_vec(),
            system: String::new(),
            reason: self.reason(),
        };
        self.done(client.request_connection(self.request(wanted)?)).await
    }

    async fn issue(&self, application: &str, held: Held) -> Result<(), Error> {
        let mut client = CredentialServiceClient::new(self.session.channel.clone());
        let (application, held) = (application.to_owned(), Some(held));
        let issue = IssueCredentialRequest { application, held, reason: self.reason() };
        self.done(client.issue_credential(self.request(issue)?)).await
    }

    async fn revoke(&self, application: &str, id: &str, etag: u64) -> Result<(), Error> {
        let mut client = CredentialServiceClient::new(self.session.channel.clone());
        let (application, id) = (application.to_owned(), id.to_owned());
        let revoke = RevokeCredentialRequest { application, id, etag, reason: self.reason() };
        self.done(client.revoke_credential(self.request(revoke)?)).await
    }

    async fn propose(&self, terms: &Agreement) -> Result<(), Error> {
        let mut client = DecisionServiceClient::new(self.session.channel.clone());
        let propose = ProposeAgreementRequest { agreement: Some(terms.clone()), reason: self.reason() };
        self.done(client.propose_agreement(self.request(propose)?)).await
    }
}
