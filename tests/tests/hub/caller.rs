//! An application that calls the hub: its token, its metadata, and what it can read from an answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lgsp_core::{ExchangeId, Reason};
use lgsp_proto::business::v1::business_service_client::BusinessServiceClient;
use lgsp_proto::education::v1::education_service_client::EducationServiceClient;
use lgsp_proto::google::rpc;
use lgsp_proto::health::v1::health_service_client::HealthServiceClient;
use lgsp_proto::land::v1::land_service_client::LandServiceClient;
use lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use lgsp_proto::population::v1::{GetCitizenRequest, GetCitizenResponse};
use lgsp_proto::registry::v1::decision_service_client::DecisionServiceClient;
use lgsp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use prost::Message;
use serde_json::{Value, json};
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// An application with its key, connected to a gateway.
#[derive(Clone)]
pub struct App {
    pub id: String,
    pub key: SigningKey,
    pub channel: Channel,
    metadata: Vec<(&'static str, String)>,
    timeout: Option<Duration>,
}

impl App {
    pub fn new(id: &str, key: SigningKey, channel: Channel) -> Self {
        Self { id: id.to_owned(), key, channel, metadata: Vec::new(), timeout: None }
    }

    /// The same application, calling another gateway.
    pub fn on(self, channel: Channel) -> Self {
        Self { channel, ..self }
    }

    /// With a metadata value on every call.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.metadata.retain(|(known, _)| *known != name);
        self.metadata.push((name, value.to_owned()));
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.metadata.retain(|(known, _)| *known != name);
        self
    }

    pub fn purpose(self, purpose: &str) -> Self {
        self.with("lgsp-purpose", purpose)
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub fn claims(&self) -> Value {
        let now = now_seconds();
        json!({"iss": self.id, "sub": self.id, "aud": "lgsp", "iat": now, "exp": now + 120})
    }

    /// A token that the hub accepts.
    pub fn token(&self) -> String {
        self.token_of(&self.claims())
    }

    /// A token with any claims, signed with the application's key.
    pub fn token_of(&self, claims: &Value) -> String {
        sign(&self.key, &format!("{}-1", self.id), claims)
    }

    /// A request with the token and the metadata of this application.
    pub fn request<T>(&self, message: T) -> Request<T> {
        self.request_with_token(message, &self.token())
    }

    pub fn request_with_token<T>(&self, message: T, token: &str) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", format!("Bearer {token}").parse().expect("ASCII"));
        for (name, value) in &self.metadata {
            let name: AsciiMetadataKey = name.parse().expect("a metadata name");
            metadata.insert(name, value.parse().expect("ASCII"));
        }
        if let Some(timeout) = self.timeout {
            request.set_timeout(timeout);
        }
        request
    }

    pub fn population(&self) -> PopulationServiceClient<Channel> {
        PopulationServiceClient::new(self.channel.clone())
    }

    pub fn land(&self) -> LandServiceClient<Channel> {
        LandServiceClient::new(self.channel.clone())
    }

    pub fn health(&self) -> HealthServiceClient<Channel> {
        HealthServiceClient::new(self.channel.clone())
    }

    pub fn education(&self) -> EducationServiceClient<Channel> {
        EducationServiceClient::new(self.channel.clone())
    }

    pub fn business(&self) -> BusinessServiceClient<Channel> {
        BusinessServiceClient::new(self.channel.clone())
    }

    pub fn ledger(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone())
    }

    pub fn registry(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel.clone())
    }

    pub fn decisions(&self) -> DecisionServiceClient<Channel> {
        DecisionServiceClient::new(self.channel.clone())
    }

    /// The call that most stories make.
    pub async fn get_citizen(&self, number: &str) -> Result<Response<GetCitizenResponse>, Status> {
        let request = GetCitizenRequest { personal_number: number.to_owned() };
        self.population().get_citizen(self.request(request)).await
    }
}

/// Signs a token with any key and any claims.
pub fn sign(key: &SigningKey, key_id: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key_id.to_owned());
    let der = key.to_pkcs8_der().expect("a key can be encoded");
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(der.as_bytes()))
        .expect("a token can be signed")
}

pub fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// What a caller can read of a refusal.
pub struct Refusal {
    pub code: tonic::Code,
    pub reason: Option<Reason>,
    pub hop: String,
    pub retry: Option<Duration>,
    pub message_vi: String,
    pub violations: Vec<(String, String)>,
    pub exchange: Option<ExchangeId>,
}

/// Reads all details of a refusal.
pub fn refusal(status: &Status) -> Refusal {
    let details = rpc::Status::decode(status.details()).expect("the details are a google.rpc.Status");
    let info: rpc::ErrorInfo = detail(&details, "ErrorInfo").unwrap_or_default();
    let retry: Option<rpc::RetryInfo> = detail(&details, "RetryInfo");
    let bad: rpc::BadRequest = detail(&details, "BadRequest").unwrap_or_default();
    let localized: rpc::LocalizedMessage = detail(&details, "LocalizedMessage").unwrap_or_default();
    assert_eq!(info.domain, "lgsp");
    assert_eq!(details.code, status.code() as i32, "the details repeat the code");
    Refusal {
        code: status.code(),
        reason: Reason::from_name(&info.reason),
        hop: info.metadata.get("hop").cloned().unwrap_or_default(),
        retry: retry.and_then(|retry| retry.retry_delay).and_then(|delay| delay.try_into().ok()),
        message_vi: localized.message,
        violations: bad.field_violations.into_iter().map(|v| (v.field, v.description)).collect(),
        exchange: exchange_of(status.metadata()),
    }
}

fn detail<M: Message + Default>(status: &rpc::Status, name: &str) -> Option<M> {
    let url = format!("type.googleapis.com/google.rpc.{name}");
    let any = status.details.iter().find(|any| any.type_url == url)?;
    Some(M::decode(any.value.as_slice()).expect("a detail decodes"))
}

/// The exchange id of a response's metadata.
pub fn exchange_of(metadata: &MetadataMap) -> Option<ExchangeId> {
    ExchangeId::parse(metadata.get("lgsp-exchange-id")?.to_str().ok()?)
}

/// The refusal of a call that must fail for a reason, with its full set of details.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Status>, reason: Reason) -> Refusal {
    let status = result.expect_err("the call must be refused");
    let refusal = refusal(&status);
    assert_eq!(refusal.reason, Some(reason), "{status:?}");
    assert_eq!(refusal.code as i32, reason.code() as i32);
    assert_eq!(refusal.message_vi, reason.message_vi());
    assert_eq!(refusal.retry.is_some(), reason.retry().is_some(), "the retry hint of {reason:?}");
    assert!(!refusal.hop.is_empty() && refusal.hop != "unknown");
    assert!(refusal.exchange.is_some(), "every response names its exchange");
    refusal
}
