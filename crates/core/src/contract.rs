//! What the hub asks of the contract of a data service before it carries it.
//!
//! A contract comes as an encoded `google.protobuf.FileDescriptorSet`. [`Contract::read`] says whether the hub can carry it at all;
//! [`Contract::unfit`] whether it may be registered, which asks for more: the files of the rules are written by whoever operates
//! the hub, and what is registered by anybody.

mod extent;

use std::collections::{BTreeSet, HashSet};

use lgsp_proto::options::{Classification, ServiceRules};
use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor, Syntax,
};

/// Most bytes of an encoded contract, or of an encoded snapshot: each is one record on the topic of the rules, and a record has
/// 1,000,000 bytes at most, with its key, its headers and the signature.
pub const LARGEST: usize = 990_000;

/// Longest domain: it is part of a topic's name.
const LONGEST_DOMAIN: usize = 32;
/// Packages that are nobody's but the hub's, or everybody's.
const OWN_PACKAGES: [&str; 7] =
    ["lgsp.registry", "lgsp.ledger", "lgsp.monitor", "lgsp.options", "lgsp.record", "google", "grpc"];
const ANY: &str = "google.protobuf.Any";

/// The contract of one data service.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The service.
    pub service: ServiceDescriptor,
    /// SHA-256 of the encoded descriptor set.
    pub sha256: [u8; 32],
    /// The hub's rules of the service.
    pub rules: ServiceRules,
}

/// One thing that is wrong with a contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Full name of what it is about.
    pub place: String,
    /// What is wrong.
    pub found: String,
    /// What is accepted instead; empty when `found` says it already.
    pub accepted: String,
}

impl Problem {
    pub(crate) fn new(place: &str, found: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self { place: place.to_owned(), found: found.into(), accepted: accepted.into() }
    }
}

impl Contract {
    /// Reads the contract of a service from an encoded descriptor set.
    ///
    /// # Errors
    /// The set is too large, does not link, or does not hold the service.
    pub fn read(set: &[u8], service: &str) -> Result<Self, Problem> {
        if set.len() > LARGEST {
            let found = format!("its descriptor set has {} bytes", set.len());
            return Err(Problem::new(service, found, format!("at most {LARGEST}, without comments")));
        }
        let pool = lgsp_proto::link(set).map_err(|error| {
            let found = format!("its descriptor set does not link: {error}");
            Problem::new(service, found, "an encoded FileDescriptorSet with all it imports")
        })?;
        let descriptor = pool.get_service_by_name(service).ok_or_else(|| {
            let names: Vec<String> = pool.services().map(|known| known.full_name().to_owned()).collect();
            let found = format!("`{service}` is not in its descriptor set");
            Problem::new(service, found, names.join(", "))
        })?;
        let rules = lgsp_proto::options::service(&descriptor);
        Ok(Self { service: descriptor, sha256: lgsp_proto::contract_sha256(set), rules })
    }

    /// A method by name.
    pub fn method(&self, name: &str) -> Option<MethodDescriptor> {
        self.service.methods().find(|method| method.name() == name)
    }

    /// Why the hub could not carry the methods: it keeps something for every field that one of them reaches; without a deadline a call
    /// would end before it began, and without limits a stream would.
    pub fn uncarried(&self) -> Vec<Problem> {
        let mut problems = extent::too_large(&self.service);
        if !problems.is_empty() {
            return problems;
        }
        for method in self.service.methods() {
            let rules = lgsp_proto::options::method(&method);
            let mut note = |found: &str, accepted: &str| {
                problems.push(Problem::new(method.full_name(), found.replace("{}", method.name()), accepted));
            };
            if rules.deadline_ms == 0 {
                note("its method `{}` has no deadline", "option (lgsp.options.v1.method).deadline_ms");
            }
            let unlimited = rules.max_stream_messages == 0 || rules.max_stream_bytes == 0;
            if method.is_server_streaming() && unlimited {
                note(
                    "its streaming method `{}` has no limits",
                    "option (lgsp.options.v1.method).max_stream_messages and .max_stream_bytes",
                );
            }
        }
        problems
    }

    /// Why it may not be registered, all at once. What [`uncarried`](Self::uncarried) says is part of it.
    pub fn unfit(&self) -> Vec<Problem> {
        let too_large = extent::too_large(&self.service);
        if !too_large.is_empty() {
            // Nobody reads what else is wrong with that much.
            return too_large;
        }
        let mut problems = self.uncarried();
        let name = self.service.full_name();
        if is_own(self.service.package_name()) {
            problems.push(Problem::new(
                name,
                "its package belongs to the hub",
                "a package of the agency's own",
            ));
        }
        if self.rules.platform {
            problems.push(Problem::new(name, "is a service of the hub itself", "platform: false"));
        }
        if self.service.methods().len() == 0 {
            problems.push(Problem::new(name, "has no method", "one method or more"));
        }
        for method in self.service.methods().filter(MethodDescriptor::is_client_streaming) {
            let found = "takes a stream of requests, which the hub does not carry";
            problems.push(Problem::new(method.full_name(), found, "a single request"));
        }
        let messages = reach(&self.service);
        let enumerations = messages.iter().flat_map(MessageDescriptor::fields).filter_map(|field| {
            // Those of proto2 know no values but their own.
            field.kind().as_enum().map(EnumDescriptor::parent_file)
        });
        let mut files: Vec<FileDescriptor> = messages.iter().map(MessageDescriptor::parent_file).collect();
        files.extend(enumerations);
        let others = files.iter().filter(|file| file.syntax() != Syntax::Proto3);
        let others: BTreeSet<&str> = others.map(FileDescriptor::name).collect();
        problems.extend(
            others.into_iter().map(|file| Problem::new(file, "is not of proto3", "syntax = \"proto3\"")),
        );
        problems.extend(messages.iter().flat_map(problems_of));
        problems.extend(redefined(self.service.parent_pool()));
        problems
    }
}

/// Whether a text can be a domain: the suffix of a topic.
pub fn is_domain(domain: &str) -> bool {
    let first = domain.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    first && rest && domain.len() <= LONGEST_DOMAIN
}

/// All messages that requests and answers of a service hold, each once.
pub(crate) fn reach(service: &ServiceDescriptor) -> Vec<MessageDescriptor> {
    let mut found: Vec<MessageDescriptor> = Vec::new();
    let mut seen = HashSet::new();
    let mut next: Vec<MessageDescriptor> =
        service.methods().flat_map(|method| [method.input(), method.output()]).collect();
    while let Some(message) = next.pop() {
        if seen.insert(message.full_name().to_owned()) {
            next.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
            found.push(message);
        }
    }
    found.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    found
}

fn problems_of(message: &MessageDescriptor) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = message.full_name();
    if name == ANY {
        problems.push(Problem::new(name, "may hold anything, which the hub cannot filter", "a message"));
        return problems;
    }
    if message.extension_ranges().len() > 0 {
        problems.push(Problem::new(name, "may be extended, which the hub cannot filter", "no `extensions`"));
    }
    // Shapes that many contracts share are classified where they are held.
    let is_shared =
        ["google.", "lgsp.record."].iter().any(|shared| message.package_name().starts_with(shared));
    for field in message.fields() {
        if field.is_group() {
            problems.push(Problem::new(
                field.full_name(),
                "is a group, which the hub cannot filter",
                "a message",
            ));
        }
        let classified = lgsp_proto::options::field(&field).classification() != Classification::Unspecified;
        if !classified && !is_shared && !message.is_map_entry() {
            let accepted = "option (lgsp.options.v1.field).classification";
            problems.push(Problem::new(field.full_name(), "has no classification", accepted));
        }
    }
    problems
}

fn is_own(package: &str) -> bool {
    OWN_PACKAGES
        .iter()
        .any(|own| package.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// What a contract says differently of the packages that all contracts share: the hub would read other rules than the agency meant,
/// and whoever looks at contracts would see one for the other.
fn redefined(pool: &DescriptorPool) -> Vec<Problem> {
    let hub = lgsp_proto::pool();
    let mut problems = Vec::new();
    for message in pool.all_messages().filter(|message| is_own(message.package_name())) {
        let Some(known) = hub.get_message_by_name(message.full_name()) else { continue };
        for field in message.fields() {
            let same = known.get_field(field.number()).is_none_or(|known| is_same(&known, &field));
            if !same {
                let found = "is not what the hub has under this name";
                problems.push(Problem::new(field.full_name(), found, "the file as the hub has it"));
            }
        }
    }
    for extension in pool.all_extensions() {
        let Some(known) = hub.get_extension_by_name(extension.full_name()) else { continue };
        if known.number() != extension.number() {
            let found = "is not what the hub has under this name";
            problems.push(Problem::new(extension.full_name(), found, "the file as the hub has it"));
        }
    }
    problems
}

fn is_same(a: &FieldDescriptor, b: &FieldDescriptor) -> bool {
    a.name() == b.name() && a.cardinality() == b.cardinality() && kind_name(&a.kind()) == kind_name(&b.kind())
}

/// The name of a type, as a contract writes it.
pub(crate) fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    }
}
