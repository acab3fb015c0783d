//! The contracts of the services: built in, or from a file beside the rules.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_core::contract::{Contract, Problem};
use lgsp_core::{Plan, descriptor_key};
use prost_reflect::{Kind, MessageDescriptor};

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

impl Contracts {
    /// Finds the contract of a service; a problem if there is none, or the hub cannot carry it.
    pub fn add(&mut self, entry: &Entry<entries::Service>, folder: &Folder, problems: &mut Problems) {
        let name = &entry.value.name;
        let Some(set) = descriptor_set(entry, folder, problems) else { return };
        let contract = match Contract::read(&set, name) {
            Ok(contract) => contract,
            Err(Problem { found, accepted, .. }) => {
                return problems.add(entry.file, entry.line, format!("service `{name}`: {found}"), accepted);
            }
        };
        if contract.rules.domain.is_empty() && entry.value.domain.is_none() {
            let found = format!("service `{name}`: its contract names no domain");
            return problems.add(entry.file, entry.line, found, "option (lgsp.options.v1.service).domain");
        }
        for Problem { found, accepted, .. } in contract.uncarried() {
            problems.add(entry.file, entry.line, format!("service `{name}`: {found}"), accepted);
        }
        self.descriptors.insert(descriptor_key(&contract.sha256), set);
        self.services.insert(name.clone(), contract);
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
            let service = contract.service.full_name().to_owned();
            contract
                .service
                .methods()
                .map(move |method| format!("{service}/{}", method.name()))
                .collect::<Vec<_>>()
        };
        platform.flat_map(full).collect()
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
