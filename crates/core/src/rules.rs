mod certificates;
mod compile;
mod pools;
mod sign_ins;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use lgsp_proto::registry::v1::{AgreementState, ServiceState};
use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::check::Checks;
use crate::plan::MaskError;
use crate::{ApplicationId, CertificateName, PersonId, Plan, Purpose};

pub use certificates::{Bound, BoundCertificate};
pub use pools::Pools;
pub use sign_ins::SignedIn;

/// A snapshot of the registry, checked and compiled so that every decision is a look-up.
#[derive(Debug)]
pub struct Rules {
    revision: u64,
    environment: Arc<str>,
    methods: HashMap<String, Arc<Method>>,
    applications: HashMap<ApplicationId, Arc<Application>>,
    credentials: HashMap<String, Arc<Credential>>,
    certificates: HashMap<CertificateName, BoundCertificate>,
    /// By issuer, then by subject.
    sign_ins: HashMap<String, HashMap<String, SignedIn>>,
    purposes: HashSet<Purpose>,
    grants: HashMap<(ApplicationId, Arc<str>), Vec<Arc<Grant>>>,
    pools: Vec<DescriptorPool>,
}

/// A method that the hub carries or refuses by name.
#[derive(Debug)]
pub struct Method {
    /// `/lgsp.population.v1.PopulationService/GetCitizen`.
    pub path: Arc<str>,
    /// `lgsp.population.v1.PopulationService`.
    pub service: Arc<str>,
    /// `GetCitizen`.
    pub name: Arc<str>,
    /// The domain whose topic carries it.
    pub domain: Arc<str>,
    /// Opened by role, not by agreement.
    pub platform: bool,
    /// The agency that owns its data service, and so decides about agreements: name and code.
    pub owner: Arc<str>,
    /// State of its data service.
    pub state: ServiceState,
    /// When its data service was deprecated, Unix µs.
    pub deprecated_at: Option<i64>,
    /// From when on its data service may be retired, Unix µs.
    pub sunset_at: Option<i64>,
    /// The request message.
    pub input: MessageDescriptor,
    /// The answer message.
    pub output: MessageDescriptor,
    /// The answer is a stream.
    pub server_streaming: bool,
    /// The request is a stream, which the hub refuses.
    pub client_streaming: bool,
    /// Deadline of a call that brings none, and the longest that one may bring.
    pub deadline: Duration,
    /// Most messages of one streamed answer.
    pub max_stream_messages: u64,
    /// Most bytes of one streamed answer.
    pub max_stream_bytes: u64,
    /// SHA-256 of the encoded descriptor set.
    pub contract_sha256: [u8; 32],
    /// The field rules of the request.
    pub checks: Checks,
    /// All that the contract knows of the answer: what a role lets through.
    pub whole: Arc<Plan>,
}

/// A connected application.
#[derive(Debug)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// The agency that owns it.
    pub agency: Arc<str>,
    /// Whether it may call.
    pub connected: bool,
    /// Full names of the platform methods that its roles open, each with a leading `/`.
    pub platform_methods: HashSet<String>,
    /// Most exchanges in flight on one gateway; `None`: the gateway's default.
    pub max_in_flight: Option<u32>,
}

/// The public half of an application's key.
#[derive(Debug)]
pub struct Credential {
    /// `kid` of its tokens.
    pub key_id: Arc<str>,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
    /// SHA-256 of the public key, as entries name it.
    pub fingerprint: [u8; 32],
    /// Valid from, Unix µs.
    pub not_before: i64,
    /// Valid until just before, Unix µs.
    pub not_after: i64,
    /// Whose key it is; for a person, the hub's own tool with what the person's roles open.
    pub application: Arc<Application>,
    /// The person, if it is one's.
    pub person: Option<PersonId>,
}

/// What one agreement grants of one method.
#[derive(Debug)]
pub struct Grant {
    /// The agreement.
    pub agreement: Arc<str>,
    /// Its version.
    pub version: u32,
    /// Its state.
    pub state: AgreementState,
    /// In force from, Unix µs.
    pub valid_from: i64,
    /// In force until just before, Unix µs.
    pub valid_to: i64,
    /// The purposes that it allows.
    pub purposes: HashSet<Purpose>,
    /// The law that it rests on.
    pub legal_basis: Arc<str>,
    /// The field paths as the agreement writes them.
    pub fields: Arc<[String]>,
    /// The same, compiled.
    pub plan: Arc<Plan>,
    /// Exchanges a second; `None`: no bound.
    pub per_second: Option<u32>,
    /// Exchanges a day in Asia/Ho_Chi_Minh; `None`: no bound.
    pub per_day: Option<u64>,
    /// What goes first when there is more to do than can be done.
    pub priority: Priority,
}

/// Whether somebody waits for the answers of an agreement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// Somebody does.
    #[default]
    Interactive,
    /// Nobody does: it has a part of the room, and is refused beyond that.
    Bulk,
}

/// Why a snapshot is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// A descriptor set that a service needs is not there.
    #[error("service `{service}`: its descriptor set {sha256} is missing")]
    DescriptorMissing {
        /// The service.
        service: String,
        /// Hex digest.
        sha256: String,
    },
    /// A descriptor set does not link.
    #[error("service `{service}`: its descriptor set does not link")]
    DescriptorInvalid {
        /// The service.
        service: String,
        /// The cause.
        #[source]
        source: lgsp_proto::LinkError,
    },
    /// A name refers to nothing, or is not well formed.
    #[error("{what} `{name}`: {problem}")]
    Invalid {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A mask does not fit the answer.
    #[error("agreement `{agreement}`, method `{method}`: {source}")]
    Mask {
        /// The agreement.
        agreement: String,
        /// The method.
        method: String,
        /// The cause.
        #[source]
        source: MaskError,
    },
}

/// The topic key of a descriptor set: `descriptors/<hex of its SHA-256>`.
pub fn descriptor_key(sha256: &[u8]) -> String {
    format!("descriptors/{}", hex::encode(sha256))
}

impl Rules {
    /// The revision of the snapshot.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// `production` or `sandbox`.
    pub fn environment(&self) -> &Arc<str> {
        &self.environment
    }

    /// The method of an exact path (`/package.Service/Method`).
    pub fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.methods.get(path)
    }

    /// All methods, in no order.
    pub fn methods(&self) -> impl Iterator<Item = &Arc<Method>> {
        self.methods.values()
    }

    /// The credential of a `kid`.
    pub fn credential(&self, key_id: &str) -> Option<&Arc<Credential>> {
        self.credentials.get(key_id)
    }

    /// A connected application.
    pub fn application(&self, id: &str) -> Option<&Arc<Application>> {
        self.applications.get(id)
    }

    /// All connected applications, in no order.
    pub fn applications(&self) -> impl Iterator<Item = &Arc<Application>> {
        self.applications.values()
    }

    /// Whether the hub knows the purpose.
    pub fn knows_purpose(&self, purpose: &Purpose) -> bool {
        self.purposes.contains(purpose)
    }

    /// What agreements grant an application of a method, in the order of the snapshot.
    pub fn grants(&self, application: &ApplicationId, method: &Method) -> &[Arc<Grant>] {
        let key = (application.clone(), method.path.clone());
        self.grants.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The linked contracts, one pool a data service.
    pub fn pools(&self) -> &[DescriptorPool] {
        &self.pools
    }
}
