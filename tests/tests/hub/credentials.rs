//! Keys of applications at run time: issued, rotated and revoked by calls and by the command line.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use lgsp::cli::{Cli, Command};
use lgsp::client::{self, Lang};
use lgsp::layout::read_signing_key;
use lgsp_core::Reason;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::population::v1::{GetCitizenRequest, GetCitizenResponse};
use lgsp_proto::registry::v1::credential_service_client::CredentialServiceClient;
use lgsp_proto::registry::v1::{
    Credential, CredentialDecision, CredentialRecord, CredentialState, Environment, IssueCredentialRequest,
    ListCredentialsRequest, RevokeCredentialRequest, RotateCredentialRequest, issue_credential_request,
    rotate_credential_request,
};
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::caller::{App, Refusal, refused, sign};
use crate::fixture::{City, DAY_US, PERSON, key_of};

const APPLICATION: &str = "hotich";

fn credentials(app: &App) -> CredentialServiceClient<Channel> {
    CredentialServiceClient::new(app.channel.clone())
}

/// The key of a name, good for a year.
pub fn key(key_id: &str, environment: Environment) -> Credential {
    let now = unix_micros(SystemTime::now());
    Credential {
        key_id: key_id.to_owned(),
        ed25519_public_key: key_of(key_id).verifying_key().as_bytes().to_vec().into(),
        not_after: Some(timestamp(now + 365 * DAY_US)),
        environment: environment.into(),
        ..Credential::default()
    }
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal.violations.iter().map(|(field, _)| field.as_str()).collect()
}

fn record(decision: &CredentialDecision) -> &CredentialRecord {
    decision.credential.as_ref().unwrap()
}

impl City {
    pub async fn issue(
        &self,
        by: &str,
        application: &str,
        credential: Credential,
    ) -> Result<CredentialDecision, Status> {
        let person = self.person(by);
        let request = IssueCredentialRequest {
            application: application.to_owned(),
            held: Some(issue_credential_request::Held::Credential(credential)),
            reason: "a key of its own".to_owned(),
        };
        credentials(&person).issue_credential(person.request(request)).await.map(Response::into_inner)
    }

    async fn rotate(&self, old: &CredentialRecord, to: Credential) -> Result<CredentialDecision, Status> {
        let person = self.person("an.tuphap");
        let request = RotateCredentialRequest {
            application: old.application.clone(),
            id: old.id.clone(),
            etag: old.etag,
            held: Some(rotate_credential_request::Held::Credential(to)),
            ..RotateCredentialRequest::default()
        };
        credentials(&person).rotate_credential(person.request(request)).await.map(Response::into_inner)
    }

    async fn revoke(&self, by: &str, record: &CredentialRecord) -> Result<CredentialDecision, Status> {
        let person = self.person(by);
        let request = RevokeCredentialRequest {
            application: record.application.clone(),
            id: record.id.clone(),
            etag: record.etag,
            reason: "lost".to_owned(),
        };
        credentials(&person).revoke_credential(person.request(request)).await.map(Response::into_inner)
    }

    async fn keys(&self, wanted: ListCredentialsRequest) -> Vec<CredentialRecord> {
        let auditor = self.person("giam.sat");
        let listed = credentials(&auditor).list_credentials(auditor.request(wanted)).await;
        listed.expect("told").into_inner().credentials
    }

    /// Civil status calls with one of its keys.
    async fn call_with(&self, key_id: &str) -> Result<Response<GetCitizenResponse>, Status> {
        self.call_signed_by(key_of(key_id), key_id).await
    }

    async fn call_signed_by(
        &self,
        key: SigningKey,
        key_id: &str,
    ) -> Result<Response<GetCitizenResponse>, Status> {
        let channel = self.hub.app(APPLICATION).channel;
        let app = App::new(APPLICATION, key, channel).purpose("civil-status");
        let token = sign(&app.key, key_id, &app.claims());
        let request = GetCitizenRequest { personal_number: PERSON.to_owned() };
        app.population().get_citizen(app.request_with_token(request, &token)).await
    }
}

#[tokio::test]
async fn a_key_is_good_as_soon_as_it_is_issued_and_no_longer_once_it_is_revoked() {
    let city = Box::pin(City::start()).await;
    let issued = city.issue("an.tuphap", APPLICATION, key("hotich-2", Environment::Sandbox)).await;
    let issued = issued.expect("issued");
    assert!(issued.gateways_behind.is_empty());
    assert_eq!((record(&issued).state(), record(&issued).days_left), (CredentialState::Valid, 364));
    city.call_with("hotich-2").await.expect("every gateway knows it");

    let rotated = city.rotate(record(&issued), key("hotich-3", Environment::Unspecified)).await;
    let rotated = rotated.expect("rotated");
    let old = rotated.replaced.as_ref().unwrap();
    assert_eq!((old.state(), old.days_left, &*old.rotated_to), (CredentialState::Rotated, 6, "hotich-3"));
    for key_id in ["hotich-2", "hotich-3"] {
        city.call_with(key_id).await.expect("both are good while they overlap");
    }
    let revoked = city.revoke("dung.vanhanh", old).await.expect("revoked");
    assert!(revoked.gateways_behind.is_empty());
    assert_eq!((record(&revoked).id.as_str(), &revoked.replaced), ("hotich-2", &None), "told once");
    refused(city.call_with("hotich-2").await, Reason::TokenInvalid);
    city.call_with("hotich-3").await.expect("the other one stays");

    let live = ListCredentialsRequest { application: APPLICATION.to_owned(), ..Default::default() };
    let ids = |keys: &[CredentialRecord]| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&city.keys(live.clone()).await), ["hotich-1", "hotich-3"]);
    let all = city.keys(ListCredentialsRequest { include_ended: true, ..live }).await;
    assert_eq!(ids(&all), ["hotich-1", "hotich-2", "hotich-3"]);
    assert_eq!(all[1].state(), CredentialState::Revoked);
    let print = lgsp_core::entry::sha256(key_of("hotich-2").verifying_key().as_bytes());
    assert_eq!(all[1].sha256, hex::encode(print));
    let soon = ListCredentialsRequest { ending_within_days: 7, ..Default::default() };
    let persons: Vec<String> = city.keys(soon).await.into_iter().map(|key| key.person).collect();
    assert_eq!(persons, ["an.tuphap", "chi.congan", "dung.vanhanh", "giam.sat"], "theirs are good for a day");
    assert!(!city.hub.is_well("registry", "credentials"), "and the state says so");
}

#[tokio::test]
async fn a_key_that_is_anothers_or_good_nowhere_or_for_too_long_is_refused_field_by_field() {
    let city = Box::pin(City::start()).await;
    let issue = async |by: &str, credential: Credential| city.issue(by, APPLICATION, credential).await;
    let good = key("hotich-2", Environment::Sandbox);
    refused(issue("chi.congan", good.clone()).await, Reason::RoleMissing);
    city.put("en.congan", "G01.30.92", "developer").await;
    refused(issue("en.congan", good.clone()).await, Reason::NotYourAgency);
    let persons = Credential { key_id: "hotich-2".to_owned(), ..key("an.tuphap", Environment::Sandbox) };
    let persons = refused(issue("an.tuphap", persons).await, Reason::InvalidField);
    assert_eq!(fields(&persons), ["credential"]);
    let nowhere =
        refused(issue("an.tuphap", key("hotich-2", Environment::Unspecified)).await, Reason::InvalidField);
    assert_eq!(fields(&nowhere), ["credential.environment"]);
    let not_after = Some(timestamp(unix_micros(SystemTime::now()) + 800 * DAY_US));
    let long =
        refused(issue("an.tuphap", Credential { not_after, ..good.clone() }).await, Reason::InvalidField);
    assert_eq!(fields(&long), ["credential.not_after"]);

    let issued = issue("an.tuphap", good).await.expect("issued");
    let elsewhere = city.rotate(record(&issued), key("hotich-3", Environment::Production)).await;
    assert_eq!(fields(&refused(elsewhere, Reason::InvalidField)), ["credential.environment"]);
    let stale = CredentialRecord { etag: 1, ..record(&issued).clone() };
    refused(city.revoke("an.tuphap", &stale).await, Reason::Stale);
}

/// A command as a person of justice gives it, in a directory with their key. Whether it was done.
async fn command(city: &City, dir: &Path, line: &str) -> bool {
    let line = line.replace("DIR", &dir.display().to_string());
    let who = format!("--as an-tuphap --key {}/an-tuphap.pem --grpc {}", dir.display(), city.hub.grpc());
    let words =
        ["lgsp", "--lang", "en"].into_iter().chain(line.split_whitespace()).chain(who.split_whitespace());
    let command = match Cli::try_parse_from(words).expect("as documented").command {
        Command::Connections(args) => client::Command::Connections(args),
        Command::Credential(args) => client::Command::Credential(args),
        other => panic!("{other:?}"),
    };
    let exit = client::run(command, Lang::En).await;
    format!("{exit:?}") == format!("{:?}", ExitCode::SUCCESS)
}

#[tokio::test]
async fn the_command_line_makes_keys_for_their_owner_alone_and_writes_over_nothing() {
    let city = Box::pin(City::start()).await;
    city.put("an-tuphap", "H13.03", "developer").await;
    let dir = tempfile::tempdir().unwrap();
    let person = dir.path().join("an-tuphap.pem");
    std::fs::write(&person, key_of("an-tuphap").to_pkcs8_pem(Default::default()).unwrap()).unwrap();
    std::fs::set_permissions(&person, std::fs::Permissions::from_mode(0o600)).unwrap();

    let issue = "credential issue hotich --environment sandbox --out DIR/hotich-2.pem";
    assert!(command(&city, dir.path(), issue).await);
    let file = dir.path().join("hotich-2.pem");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = read_signing_key(&file).expect("a key");
    city.call_signed_by(key.clone(), "hotich-2").await.expect("the hub has its public half");
    assert!(!command(&city, dir.path(), issue).await, "it is there already");
    assert_eq!(read_signing_key(&file).expect("as it was"), key);
    let nobodys = "credential issue tthc --environment sandbox --out DIR/tthc-2.pem";
    assert!(!command(&city, dir.path(), nobodys).await, "it is of another agency");
    assert!(!dir.path().join("tthc-2.pem").exists(), "what the hub refused is nobody's key");

    let rotate = "credential rotate hotich hotich-2 --overlap 1 --out DIR/hotich-3.pem";
    assert!(command(&city, dir.path(), rotate).await);
    assert!(command(&city, dir.path(), "credential revoke hotich hotich-2 --reason lost").await);
    refused(city.call_signed_by(key, "hotich-2").await, Reason::TokenInvalid);
    let next = read_signing_key(&dir.path().join("hotich-3.pem")).expect("a key");
    city.call_signed_by(next, "hotich-3").await.expect("its successor");
    let bind = "credential issue hotich --environment sandbox --certificate dns:hotich.example.vn";
    assert!(command(&city, dir.path(), bind).await);
    for list in ["credential list --all", "credential list --output json", "connections --overdue"] {
        assert!(command(&city, dir.path(), list).await, "{list}");
    }
}
