//! The contracts of the services: built in, or from a file beside the rules.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_core::{Plan, descriptor_key};
use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor, ServiceDescriptor};

use super::entries;
use super::folder::Folder;
use super::parse::Entry;
use crate::problem::{Problems, one_of};

/// The contracts of all services of the rules.
#[derive(Default)]
pub(crate) struct Contracts {
    services: BTreeMap<String, Contract>,
    /// Encoded descriptor sets by their key on the topic.
    pub descriptors: BTreeMap<String, Bytes>,
}

/// The contract of one service.
pub(crate) struct Contract {
    pub descriptor: ServiceDescriptor,
    pub sha256: [u8; 32],
    pub rules: lgsp_proto::options::ServiceRules,
}

impl Contracts {
    /// Finds the contract of a service; a problem if there is none, or the hub cannot carry it.
    pub fn add(&mut self, entry: &Entry<entries::Service>, folder: &Folder, problems: &mut Problems) {
        let name = &entry.value.name;
        let Some(set) = descriptor_set(entry, folder, problems) else { return };
        let pool = match lgsp_proto::link(&set) {
            Ok(pool) => pool,
            Err(error) => {
                let found = format!("service `{name}`: its descriptor set does not link: {error}");
                return problems.add(
                    entry.file,
                    entry.line,
                    found,
                    "an encoded FileDescriptorSet with all it imports",
                );
            }
        };
        let Some(descriptor) = pool.get_service_by_name(name) else {
            let services: Vec<String> =
                pool.services().map(|service| service.full_name().to_owned()).collect();
            let found = format!("service `{name}` is not in its descriptor set");
            return problems.add(entry.file, entry.line, found, one_of(services.iter().map(String::as_str)));
        };
        let rules = lgsp_proto::options::service(&descriptor);
        if rules.domain.is_empty() {
            let found = format!("service `{name}`: its contract names no domain");
            return problems.add(entry.file, entry.line, found, "option (lgsp.options.v1.service).domain");
        }
        for (found, accepted) in problems_of_methods(&descriptor) {
            problems.add(entry.file, entry.line, format!("service `{name}`: {found}"), accepted);
        }
        let sha256 = lgsp_proto::contract_sha256(&set);
        self.descriptors.insert(descriptor_key(&sha256), set);
        self.services.insert(name.clone(), Contract { descriptor, sha256, rules });
    }

    /// The contract of a service.
    pub fn get(&self, service: &str) -> Option<&Contract> {
        self.services.get(service)
    }

    /// The names of all services.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// Full names of the methods that are opened by role.
    pub fn platform_methods(&self) -> Vec<String> {
        let platform = self.services.values().filter(|contract| contract.rules.platform);
        let full = |contract: &Contract| {
            let service = contract.descriptor.full_name().to_owned();
            contract
                .descriptor
                .methods()
                .map(move |method| format!("{service}/{}", method.name()))
                .collect::<Vec<_>>()
        };
        platform.flat_map(full).collect()
    }
}

impl Contract {
    /// A method by name.
    pub fn method(&self, name: &str) -> Option<MethodDescriptor> {
        self.descriptor.methods().find(|method| method.name() == name)
    }
}

fn descriptor_set(
    entry: &Entry<entries::Service>,
    folder: &Folder,
    problems: &mut Problems,
) -> Option<Bytes> {
    let name = &entry.value.name;
    let Some(file) = &entry.value.descriptor_set else {
        let built_in = lgsp_proto::descriptor_set_of(name);
        if built_in.is_none() {
            let found = format!("service `{name}` is not built in");
            let accepted =
                format!("descriptor-set = \"….binpb\", or one of {}", one_of(lgsp_proto::services()));
            problems.add(entry.file, entry.line, found, accepted);
        }
        return built_in.map(Bytes::from_static);
    };
    let set = folder.files.get(file).filter(|_| file.ends_with(".binpb"));
    if set.is_none() {
        let found = format!("service `{name}`: there is no file `{file}`");
        let sets = folder.files.keys().map(String::as_str).filter(|file| file.ends_with(".binpb"));
        problems.add(entry.file, entry.line, found, one_of(sets));
    }
    set.cloned()
}

/// Without a deadline a call would end before it began, and without limits a stream would.
fn problems_of_methods(service: &ServiceDescriptor) -> Vec<(String, &'static str)> {
    let mut problems = Vec::new();
    for method in service.methods() {
        let rules = lgsp_proto::options::method(&method);
        if rules.deadline_ms == 0 {
            let found = format!("its method `{}` has no deadline", method.name());
            problems.push((found, "option (lgsp.options.v1.method).deadline_ms"));
        }
        let unlimited = rules.max_stream_messages == 0 || rules.max_stream_bytes == 0;
        if method.is_server_streaming() && unlimited {
            let found = format!("its streaming method `{}` has no limits", method.name());
            problems
                .push((found, "option (lgsp.options.v1.method).max_stream_messages and .max_stream_bytes"));
        }
    }
    problems
}

/// What is wrong with a field path, and what is accepted in its place; `None` if nothing is.
pub(crate) fn problem_of_path(message: &MessageDescriptor, path: &str) -> Option<(String, String)> {
    let error = Plan::compile(message, &[path.to_owned()]).err()?;
    let mut at = message.clone();
    let mut known = String::new();
    for name in path.split('.') {
        let Some(field) = at.get_field_by_name(name) else { break };
        let kind = if field.is_map() { at_value_of(&field.kind()) } else { Some(field.kind()) };
        known.push_str(name);
        known.push('.');
        match kind {
            Some(Kind::Message(inner)) => at = inner,
            _ => {
                return Some((
                    error.to_string(),
                    format!("`{}` has nothing below it", known.trim_end_matches('.')),
                ));
            }
        }
    }
    let fields: Vec<String> = at.fields().map(|field| format!("{known}{}", field.name())).collect();
    Some((error.to_string(), one_of(fields.iter().map(String::as_str))))
}

fn at_value_of(kind: &Kind) -> Option<Kind> {
    kind.as_message().map(|entry| entry.map_entry_value_field().kind())
}
