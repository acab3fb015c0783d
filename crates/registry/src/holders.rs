//! The applications, and what they prove themselves with.

use std::collections::BTreeMap;

use lgsp_proto::registry::v1::certificate::KnownBy;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{
    Application, ApplicationState, Certificate, ConnectionRecord, CredentialRecord, Environment,
};

use crate::ended::{is_gone, is_over, is_unbound};

/// All applications by id, and all of their credentials by application and id. Credentials are records of their own; no
/// application in here has any in itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Holders {
    connections: BTreeMap<String, ConnectionRecord>,
    credentials: BTreeMap<(String, String), CredentialRecord>,
}

impl Holders {
    pub fn put(&mut self, record: ConnectionRecord) {
        let id = record.application.as_ref().map(|application| application.id.clone());
        self.connections.insert(id.unwrap_or_default(), record);
    }

    /// Puts an application that came from the files, with its credentials.
    pub fn put_imported(&mut self, application: Application, sequence: u64) {
        let (application, credentials) = apart(application);
        for record in credentials {
            self.put_credential(CredentialRecord { etag: sequence, ..record });
        }
        let application = Some(application);
        self.put(ConnectionRecord { application, etag: sequence, ..ConnectionRecord::default() });
    }

    pub fn put_credential(&mut self, record: CredentialRecord) {
        self.credentials.insert(key(&record), record);
    }

    pub fn remove(&mut self, record: &ConnectionRecord) {
        if let Some(application) = &record.application {
            self.connections.remove(&application.id);
        }
    }

    pub fn remove_imported(&mut self, application: &Application) {
        self.connections.remove(&application.id);
        for record in apart(application.clone()).1 {
            self.remove_credential(&record);
        }
    }

    pub fn remove_credential(&mut self, record: &CredentialRecord) {
        self.credentials.remove(&key(record));
    }

    pub fn connection(&self, id: &str) -> Option<&ConnectionRecord> {
        self.connections.get(id)
    }

    /// All of them, by id.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionRecord> {
        self.connections.values()
    }

    pub fn application(&self, id: &str) -> Option<&Application> {
        self.connections.get(id)?.application.as_ref()
    }

    pub fn credential(&self, application: &str, id: &str) -> Option<&CredentialRecord> {
        self.credentials.get(&(application.to_owned(), id.to_owned()))
    }

    /// All credentials, those that have ended too, by application and id.
    pub fn credentials(&self) -> impl Iterator<Item = &CredentialRecord> {
        self.credentials.values()
    }

    /// The credentials of an application, those that have ended too.
    pub fn credentials_of(&self, application: &str) -> impl Iterator<Item = &CredentialRecord> {
        let from = (application.to_owned(), String::new());
        let theirs = self.credentials.range(from..).map(|(_, record)| record);
        let application = application.to_owned();
        theirs.take_while(move |record| record.application == application)
    }

    /// The applications as gateways of an environment get them, with the credentials that are good there, by id. One that may not
    /// call is known all the same, so that a refusal can say why; what ended long before the rules were `made` (Unix µs) is not.
    pub fn in_rules(&self, environment: &str, made: i64) -> Vec<Application> {
        let known = |application: &&Application| match application.state() {
            ApplicationState::Onboarding
            | ApplicationState::Connected
            | ApplicationState::Suspended
            | ApplicationState::Retired => true,
            ApplicationState::Unspecified | ApplicationState::Requested | ApplicationState::Refused => false,
        };
        let here = self.connections.values().filter(|record| !is_gone(record, made));
        let applications = here.filter_map(|record| record.application.as_ref());
        applications
            .filter(known)
            .map(|application| self.with_credentials(application, environment, made))
            .collect()
    }

    fn with_credentials(&self, application: &Application, environment: &str, made: i64) -> Application {
        let mut whole = application.clone();
        for record in self.credentials_of(&application.id) {
            if record.revoked.is_some() || environment_of(record) != lgsp_core::environment(environment) {
                continue;
            }
            match record.held.clone() {
                Some(Held::Credential(credential)) if !is_over(&credential, made) => {
                    whole.credentials.push(credential);
                }
                Some(Held::Certificate(certificate)) if !is_unbound(&certificate, made) => {
                    whole.certificates.push(certificate);
                }
                Some(Held::Credential(_) | Held::Certificate(_)) | None => {}
            }
        }
        whole
    }
}

/// Where a credential is good.
pub(crate) fn environment_of(record: &CredentialRecord) -> Environment {
    match &record.held {
        Some(Held::Credential(credential)) => credential.environment(),
        Some(Held::Certificate(certificate)) => certificate.environment(),
        None => Environment::Unspecified,
    }
}

/// What a certificate is known by, as an id among the credentials of an application.
pub(crate) fn certificate_id(certificate: &Certificate) -> String {
    match &certificate.known_by {
        Some(KnownBy::Sha256(digest)) => format!("sha256:{}", hex::encode(digest)),
        Some(KnownBy::DnsName(name)) => format!("dns:{name}"),
        Some(KnownBy::Uri(uri)) => format!("uri:{uri}"),
        None => String::new(),
    }
}

/// The id of what is held.
pub(crate) fn id_of(held: &Held) -> String {
    match held {
        Held::Credential(credential) => credential.key_id.clone(),
        Held::Certificate(certificate) => certificate_id(certificate),
    }
}

/// An application without its credentials, and these.
fn apart(mut application: Application) -> (Application, Vec<CredentialRecord>) {
    let keys = std::mem::take(&mut application.credentials).into_iter().map(Held::Credential);
    let certificates = std::mem::take(&mut application.certificates).into_iter().map(Held::Certificate);
    let record = |held: Held| CredentialRecord {
        application: application.id.clone(),
        id: id_of(&held),
        held: Some(held),
        ..CredentialRecord::default()
    };
    let credentials = keys.chain(certificates).map(record).collect();
    (application, credentials)
}

fn key(record: &CredentialRecord) -> (String, String) {
    (record.application.clone(), record.id.clone())
}
