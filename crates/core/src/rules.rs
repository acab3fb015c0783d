use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_proto::registry::v1::{self as wire, AgreementState, ApplicationState, ServiceState};
use prost_reflect::{DescriptorPool, MessageDescriptor, ServiceDescriptor};

use crate::check::Checks;
use crate::plan::MaskError;
use crate::time::micros;
use crate::{ApplicationId, Plan, Purpose};

/// A snapshot of the registry, checked and compiled so that every decision is a look-up.
#[derive(Debug)]
pub struct Rules {
    revision: u64,
    environment: Arc<str>,
    methods: HashMap<String, Arc<Method>>,
    applications: HashMap<ApplicationId, Arc<Application>>,
    credentials: HashMap<String, Arc<Credential>>,
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
    /// State of its data service.
    pub state: ServiceState,
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
    /// Whose key it is.
    pub application: Arc<Application>,
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
        source: prost_reflect::DescriptorError,
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
    /// Compiles a snapshot.
    ///
    /// `descriptors` holds the encoded descriptor sets by [`descriptor_key`]. The whole snapshot is refused if any
    /// part of it does not hold together: half a set of rules is no set of rules.
    ///
    /// # Errors
    /// The first thing found that does not hold together.
    pub fn compile(
        snapshot: &wire::Snapshot,
        descriptors: &BTreeMap<String, Bytes>,
    ) -> Result<Self, RulesError> {
        let mut rules = Self {
            revision: snapshot.revision,
            environment: snapshot.environment.as_str().into(),
            methods: HashMap::new(),
            applications: HashMap::new(),
            credentials: HashMap::new(),
            purposes: HashSet::new(),
            grants: HashMap::new(),
            pools: Vec::new(),
        };
        rules.add_purposes(snapshot)?;
        rules.add_services(snapshot, descriptors)?;
        rules.add_applications(snapshot)?;
        for agreement in &snapshot.agreements {
            rules.add_agreement(agreement)?;
        }
        Ok(rules)
    }

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

    fn add_purposes(&mut self, snapshot: &wire::Snapshot) -> Result<(), RulesError> {
        for purpose in &snapshot.purposes {
            let parsed = Purpose::parse(&purpose.code);
            self.purposes
                .insert(parsed.ok_or_else(|| invalid("purpose", &purpose.code, "is not well formed"))?);
        }
        Ok(())
    }

    fn add_services(
        &mut self,
        snapshot: &wire::Snapshot,
        descriptors: &BTreeMap<String, Bytes>,
    ) -> Result<(), RulesError> {
        let mut linked: HashMap<&[u8], DescriptorPool> = HashMap::new();
        for service in &snapshot.services {
            let digest: &[u8] = &service.descriptor_sha256;
            if !linked.contains_key(digest) {
                linked.insert(digest, link(service, descriptors)?);
            }
            let found = linked[digest].get_service_by_name(&service.name);
            let descriptor =
                found.ok_or_else(|| invalid("service", &service.name, "is not in its descriptor set"))?;
            self.add_methods(service, &descriptor)?;
        }
        self.pools = linked.into_values().collect();
        Ok(())
    }

    fn add_methods(
        &mut self,
        service: &wire::DataService,
        descriptor: &ServiceDescriptor,
    ) -> Result<(), RulesError> {
        let name: Arc<str> = service.name.as_str().into();
        let domain: Arc<str> = service.domain.as_str().into();
        let Ok(contract_sha256) = <[u8; 32]>::try_from(service.descriptor_sha256.as_ref()) else {
            return Err(invalid("service", &service.name, "its descriptor digest is not 32 bytes"));
        };
        for method in descriptor.methods() {
            let options = lgsp_proto::options::method(&method);
            let path: Arc<str> = format!("/{}/{}", service.name, method.name()).into();
            let whole = Plan::compile(&method.output(), &["*".to_owned()]);
            let whole = whole.map_err(|source| RulesError::Mask {
                agreement: "-".to_owned(),
                method: path.to_string(),
                source,
            })?;
            let compiled = Method {
                path: path.clone(),
                service: name.clone(),
                name: method.name().into(),
                domain: domain.clone(),
                platform: service.platform,
                state: service.state(),
                checks: Checks::compile(&method.input()),
                input: method.input(),
                output: method.output(),
                server_streaming: method.is_server_streaming(),
                client_streaming: method.is_client_streaming(),
                deadline: Duration::from_millis(u64::from(options.deadline_ms.max(1))),
                max_stream_messages: u64::from(options.max_stream_messages),
                max_stream_bytes: options.max_stream_bytes,
                contract_sha256,
                whole: Arc::new(whole),
            };
            if self.methods.insert(path.to_string(), Arc::new(compiled)).is_some() {
                return Err(invalid("service", &service.name, "is there twice"));
            }
        }
        Ok(())
    }

    fn add_applications(&mut self, snapshot: &wire::Snapshot) -> Result<(), RulesError> {
        let roles: HashMap<&str, &wire::Role> =
            snapshot.roles.iter().map(|role| (role.name.as_str(), role)).collect();
        for application in &snapshot.applications {
            let id = ApplicationId::parse(&application.id)
                .ok_or_else(|| invalid("application", &application.id, "is not well formed"))?;
            let mut platform_methods = HashSet::new();
            for name in &application.roles {
                let role = roles.get(name.as_str());
                let role =
                    role.ok_or_else(|| invalid("application", &application.id, "has an unknown role"))?;
                platform_methods.extend(role.methods.iter().map(|method| format!("/{method}")));
            }
            let compiled = Arc::new(Application {
                id: id.clone(),
                agency: application.agency_code.as_str().into(),
                connected: application.state() == ApplicationState::Connected,
                platform_methods,
                max_in_flight: (application.max_in_flight > 0).then_some(application.max_in_flight),
            });
            for credential in &application.credentials {
                self.add_credential(credential, &compiled)?;
            }
            if self.applications.insert(id, compiled).is_some() {
                return Err(invalid("application", &application.id, "is there twice"));
            }
        }
        Ok(())
    }

    fn add_credential(
        &mut self,
        credential: &wire::Credential,
        application: &Arc<Application>,
    ) -> Result<(), RulesError> {
        let Ok(public_key) = <[u8; 32]>::try_from(credential.ed25519_public_key.as_ref()) else {
            return Err(invalid("credential", &credential.key_id, "its public key is not 32 bytes"));
        };
        let compiled = Credential {
            key_id: credential.key_id.as_str().into(),
            public_key,
            fingerprint: crate::entry::sha256(&public_key),
            not_before: credential.not_before.as_ref().map_or(0, micros),
            not_after: credential.not_after.as_ref().map_or(i64::MAX, micros),
            application: application.clone(),
        };
        if self.credentials.insert(credential.key_id.clone(), Arc::new(compiled)).is_some() {
            return Err(invalid("credential", &credential.key_id, "is there twice"));
        }
        Ok(())
    }

    fn add_agreement(&mut self, agreement: &wire::Agreement) -> Result<(), RulesError> {
        let bad =
            |problem: String| RulesError::Invalid { what: "agreement", name: agreement.id.clone(), problem };
        let Some(application) = self.applications.get(agreement.application.as_str()) else {
            return Err(bad(format!("names the unknown application `{}`", agreement.application)));
        };
        let application = application.id.clone();
        let mut purposes = HashSet::new();
        for code in &agreement.purposes {
            let known = Purpose::parse(code).filter(|purpose| self.purposes.contains(purpose));
            purposes.insert(known.ok_or_else(|| bad(format!("names the unknown purpose `{code}`")))?);
        }
        let quota = agreement.quota.unwrap_or_default();
        for grant in &agreement.grants {
            let path = format!("/{}/{}", agreement.service, grant.method);
            let method = self.methods.get(&path);
            let method = method.ok_or_else(|| bad(format!("names the unknown method `{}`", grant.method)))?;
            if method.platform {
                return Err(bad(format!("`{}` is opened by role, not by agreement", grant.method)));
            }
            let plan = Plan::compile(&method.output, &grant.fields).map_err(|source| RulesError::Mask {
                agreement: agreement.id.clone(),
                method: grant.method.clone(),
                source,
            })?;
            let compiled = Grant {
                agreement: agreement.id.as_str().into(),
                version: agreement.version,
                state: agreement.state(),
                valid_from: agreement.valid_from.as_ref().map_or(0, micros),
                valid_to: agreement.valid_to.as_ref().map_or(i64::MAX, micros),
                purposes: purposes.clone(),
                legal_basis: agreement.legal_basis.as_str().into(),
                fields: grant.fields.clone().into(),
                plan: Arc::new(plan),
                per_second: (quota.per_second > 0).then_some(quota.per_second),
                per_day: (quota.per_day > 0).then_some(quota.per_day),
            };
            let key = (application.clone(), method.path.clone());
            self.grants.entry(key).or_default().push(Arc::new(compiled));
        }
        Ok(())
    }
}

fn invalid(what: &'static str, name: &str, problem: &str) -> RulesError {
    RulesError::Invalid { what, name: name.to_owned(), problem: problem.to_owned() }
}

fn link(
    service: &wire::DataService,
    descriptors: &BTreeMap<String, Bytes>,
) -> Result<DescriptorPool, RulesError> {
    let Some(bytes) = descriptors.get(&descriptor_key(&service.descriptor_sha256)) else {
        let sha256 = hex::encode(&service.descriptor_sha256);
        return Err(RulesError::DescriptorMissing { service: service.name.clone(), sha256 });
    };
    DescriptorPool::decode(bytes.clone())
        .map_err(|source| RulesError::DescriptorInvalid { service: service.name.clone(), source })
}
