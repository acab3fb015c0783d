//! From a snapshot to rules: everything is checked, linked and looked up once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lgsp_proto::registry::v1 as wire;
use prost_reflect::{DescriptorPool, ServiceDescriptor};

use super::{Application, Credential, Grant, Method, Pools, Priority, Rules, RulesError, descriptor_key};
use crate::check::Checks;
use crate::environment::{belongs, may_call};
use crate::time::micros;
use crate::{ApplicationId, PersonId, Plan, Purpose};

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
        Self::compile_with(snapshot, descriptors, &Pools::default())
    }

    /// The same, with contracts that were linked before, for who compiles often. Contracts that are linked here are kept in `pools`.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_with(
        snapshot: &wire::Snapshot,
        descriptors: &BTreeMap<String, Bytes>,
        pools: &Pools,
    ) -> Result<Self, RulesError> {
        let mut rules = Self {
            revision: snapshot.revision,
            environment: snapshot.environment.as_str().into(),
            methods: HashMap::new(),
            applications: HashMap::new(),
            credentials: HashMap::new(),
            certificates: HashMap::new(),
            sign_ins: HashMap::new(),
            purposes: HashSet::new(),
            grants: HashMap::new(),
            pools: Vec::new(),
        };
        rules.add_purposes(snapshot)?;
        rules.add_services(snapshot, descriptors, pools)?;
        rules.add_applications(snapshot)?;
        rules.add_persons(snapshot)?;
        for agreement in &snapshot.agreements {
            rules.add_agreement(agreement)?;
        }
        Ok(rules)
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
        pools: &Pools,
    ) -> Result<(), RulesError> {
        let mut linked: HashMap<&[u8], DescriptorPool> = HashMap::new();
        for service in &snapshot.services {
            let digest: &[u8] = &service.descriptor_sha256;
            if !linked.contains_key(digest) {
                linked.insert(digest, link(service, descriptors, pools)?);
            }
            let found = linked[digest].get_service_by_name(&service.name);
            let descriptor =
                found.ok_or_else(|| invalid("service", &service.name, "is not in its descriptor set"))?;
            self.add_methods(service, &owner(snapshot, service), &descriptor)?;
        }
        self.pools = linked.into_values().collect();
        Ok(())
    }

    fn add_methods(
        &mut self,
        service: &wire::DataService,
        owner: &Arc<str>,
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
                owner: owner.clone(),
                state: service.state(),
                deprecated_at: service.deprecated_at.as_ref().map(micros),
                sunset_at: service.sunset_at.as_ref().map(micros),
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
        for application in &snapshot.applications {
            let id = ApplicationId::parse(&application.id)
                .ok_or_else(|| invalid("application", &application.id, "is not well formed"))?;
            let opened = platform_methods(snapshot, &application.roles);
            let platform_methods =
                opened.ok_or_else(|| invalid("application", &application.id, "has an unknown role"))?;
            let compiled = Arc::new(Application {
                id: id.clone(),
                agency: application.agency_code.as_str().into(),
                connected: may_call(application.state(), &self.environment),
                platform_methods,
                max_in_flight: (application.max_in_flight > 0).then_some(application.max_in_flight),
            });
            for credential in &application.credentials {
                self.add_credential(credential, &compiled, None)?;
            }
            for certificate in &application.certificates {
                self.add_certificate(certificate, &compiled)?;
            }
            if self.applications.insert(id, compiled).is_some() {
                return Err(invalid("application", &application.id, "is there twice"));
            }
        }
        Ok(())
    }

    /// A person calls through the hub's own tool, with what their roles open and in the name of their agency.
    fn add_persons(&mut self, snapshot: &wire::Snapshot) -> Result<(), RulesError> {
        for person in &snapshot.persons {
            let id = PersonId::parse(&person.id)
                .ok_or_else(|| invalid("person", &person.id, "is not well formed"))?;
            let opened = platform_methods(snapshot, &person.roles);
            let platform_methods =
                opened.ok_or_else(|| invalid("person", &person.id, "has an unknown role"))?;
            let tool = snapshot.applications.iter().find(|application| application.platform);
            let tool = tool.and_then(|tool| self.applications.get(tool.id.as_str()));
            let tool =
                tool.ok_or_else(|| invalid("person", &person.id, "has no tool of the hub to call through"))?;
            let compiled = Arc::new(Application {
                id: tool.id.clone(),
                agency: person.agency_code.as_str().into(),
                connected: tool.connected,
                platform_methods,
                max_in_flight: tool.max_in_flight,
            });
            for credential in &person.credentials {
                self.add_credential(credential, &compiled, Some(&id))?;
            }
            for sign_in in &person.sign_ins {
                self.add_sign_in(sign_in, &compiled, &id)?;
            }
        }
        Ok(())
    }

    fn add_credential(
        &mut self,
        credential: &wire::Credential,
        application: &Arc<Application>,
        person: Option<&PersonId>,
    ) -> Result<(), RulesError> {
        let Ok(public_key) = <[u8; 32]>::try_from(credential.ed25519_public_key.as_ref()) else {
            return Err(invalid("credential", &credential.key_id, "its public key is not 32 bytes"));
        };
        if !belongs(credential.environment(), &self.environment) {
            return Err(invalid("credential", &credential.key_id, "is of another environment"));
        }
        let compiled = Credential {
            key_id: credential.key_id.as_str().into(),
            public_key,
            fingerprint: crate::entry::sha256(&public_key),
            not_before: credential.not_before.as_ref().map_or(0, micros),
            not_after: credential.not_after.as_ref().map_or(i64::MAX, micros),
            application: application.clone(),
            person: person.cloned(),
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
                priority: priority(agreement),
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

fn priority(agreement: &wire::Agreement) -> Priority {
    match agreement.priority() {
        wire::Priority::Unspecified | wire::Priority::Interactive => Priority::Interactive,
        wire::Priority::Bulk => Priority::Bulk,
    }
}

/// Who owns a data service, for whoever has to ask there.
fn owner(snapshot: &wire::Snapshot, service: &wire::DataService) -> Arc<str> {
    let code = &service.owner_agency_code;
    match snapshot.agencies.iter().find(|agency| agency.code == *code) {
        Some(agency) => format!("{} ({code})", agency.name_vi).into(),
        None => code.as_str().into(),
    }
}

/// Full paths of the platform methods that roles open; `None` if one of the roles is not there.
fn platform_methods(snapshot: &wire::Snapshot, names: &[String]) -> Option<HashSet<String>> {
    let mut methods = HashSet::new();
    for name in names {
        let role = snapshot.roles.iter().find(|role| role.name == *name)?;
        methods.extend(role.methods.iter().map(|method| format!("/{method}")));
    }
    Some(methods)
}

fn link(
    service: &wire::DataService,
    descriptors: &BTreeMap<String, Bytes>,
    pools: &Pools,
) -> Result<DescriptorPool, RulesError> {
    let key = descriptor_key(&service.descriptor_sha256);
    let Some(bytes) = descriptors.get(&key) else {
        let sha256 = hex::encode(&service.descriptor_sha256);
        return Err(RulesError::DescriptorMissing { service: service.name.clone(), sha256 });
    };
    pools
        .link(&key, bytes)
        .map_err(|source| RulesError::DescriptorInvalid { service: service.name.clone(), source })
}
