//! Holds the entries against each other and builds the snapshot.

mod credentials;

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::contract::{self, Contract};
use lgsp_core::{ApplicationId, Rules};
use lgsp_identifiers::AgencyCode;
use lgsp_proto::registry::v1 as wire;
use prost::Message;
use toml::value::Datetime;

use super::Checked;
use super::build::{agreement, application, contact, data_service};
use super::contracts::{Contracts, problem_of_path};
use super::entries;
use super::folder::{FILES, Folder};
use super::moment;
use super::parse::{Entry, entries, line_at};
use crate::problem::{Problems, one_of};

pub(super) const SLUG: &str = "lower-case letters, digits and `-`, beginning with a letter, at most 32";

/// Everything that the checks look up, filled in the order of [`FILES`].
pub(super) struct Checker<'a> {
    pub(super) folder: &'a Folder,
    pub(super) problems: Problems,
    contracts: Contracts,
    pub(super) snapshot: wire::Snapshot,
    contacts: BTreeMap<String, Vec<wire::Contact>>,
    pub(super) inventory: Vec<wire::Item>,
}

pub(super) fn check(folder: &Folder, environment: &str) -> Result<Checked, Problems> {
    let snapshot = wire::Snapshot { environment: environment.to_owned(), ..Default::default() };
    let mut checker = Checker {
        folder,
        problems: Problems::default(),
        contracts: Contracts::default(),
        snapshot,
        contacts: BTreeMap::new(),
        inventory: Vec::new(),
    };
    checker.file_names();
    checker.agencies();
    checker.purposes();
    checker.services();
    checker.roles();
    checker.applications();
    checker.credentials();
    checker.agreements();
    checker.inventory();
    checker.finish()
}

impl Checker<'_> {
    fn file_names(&mut self) {
        for name in self.folder.files.keys() {
            if name.ends_with(".toml") && !FILES.contains(&name.as_str()) {
                self.problems.add(name, 0, "the file is not one of the rules", one_of(FILES));
            }
        }
    }

    fn agencies(&mut self) {
        let mut seen = BTreeMap::new();
        for entry in entries::<entries::Agency>(self.folder, "agencies.toml", "agency", &mut self.problems) {
            let Some(code) = self.agency_code(&entry, &entry.value.code) else { continue };
            self.once(&mut seen, &entry, "agency", &code);
            self.named(&entry, "name-vi", &entry.value.name_vi);
            self.named(&entry, "name-en", &entry.value.name_en);
            let entries::Agency { name_vi, name_en, .. } = entry.value;
            self.snapshot.agencies.push(wire::Agency { code, name_vi, name_en, etag: 0 });
        }
    }

    fn purposes(&mut self) {
        let mut seen = BTreeMap::new();
        for entry in entries::<entries::Purpose>(self.folder, "purposes.toml", "purpose", &mut self.problems)
        {
            let code = &entry.value.code;
            if lgsp_core::Purpose::parse(code).is_none() {
                self.bad(&entry, format!("purpose `{code}` is not well formed"), SLUG);
            }
            self.once(&mut seen, &entry, "purpose", code);
            self.named(&entry, "title-vi", &entry.value.title_vi);
            self.named(&entry, "title-en", &entry.value.title_en);
            let entries::Purpose { code, title_vi, title_en } = entry.value;
            self.snapshot.purposes.push(wire::Purpose { code, title_vi, title_en, etag: 0 });
        }
    }

    fn services(&mut self) {
        let mut seen = BTreeMap::new();
        for entry in entries::<entries::Service>(self.folder, "services.toml", "service", &mut self.problems)
        {
            self.once(&mut seen, &entry, "service", &entry.value.name);
            let owner = self.known_agency(&entry, &entry.value.owner);
            for (key, moment) in
                [("deprecated-at", &entry.value.deprecated_at), ("sunset-at", &entry.value.sunset_at)]
            {
                if let Some(bad) = moment.as_ref().filter(|moment| moment::micros(moment).is_none()) {
                    self.bad(&entry, format!("`{key}` = {bad} is no moment"), moment::ACCEPTED);
                }
            }
            self.contracts.add(&entry, self.folder, &mut self.problems);
            let Some(contract) = self.contracts.get(&entry.value.name) else {
                self.problems.unread(&entry.value.name);
                continue;
            };
            let Some(owner) = owner else { continue };
            self.snapshot.services.push(data_service(&entry.value, owner, contract));
        }
    }

    fn roles(&mut self) {
        let mut seen = BTreeMap::new();
        let platform_methods = self.contracts.platform_methods();
        for entry in entries::<entries::Role>(self.folder, "roles.toml", "role", &mut self.problems) {
            let name = &entry.value.name;
            self.once(&mut seen, &entry, "role", name);
            for method in &entry.value.methods {
                if !platform_methods.contains(method) {
                    let found = format!(
                        "role `{name}` names `{method}`, which is no method of the hub's own services"
                    );
                    self.bad(&entry, found, &one_of(platform_methods.iter().map(String::as_str)));
                }
            }
            let entries::Role { name, mut methods } = entry.value;
            methods.sort_unstable();
            methods.dedup();
            self.snapshot.roles.push(wire::Role { name, methods, etag: 0 });
        }
    }

    fn applications(&mut self) {
        let mut seen = BTreeMap::new();
        let known: BTreeSet<String> = self.snapshot.roles.iter().map(|role| role.name.clone()).collect();
        let file = "applications.toml";
        for entry in entries::<entries::Application>(self.folder, file, "application", &mut self.problems) {
            let id = &entry.value.id;
            if ApplicationId::parse(id).is_none() {
                self.bad(&entry, format!("application `{id}` is not well formed"), SLUG);
            }
            self.once(&mut seen, &entry, "application", id);
            self.named(&entry, "name-vi", &entry.value.name_vi);
            self.named(&entry, "name-en", &entry.value.name_en);
            for role in entry.value.roles.iter().filter(|role| !known.contains(*role)) {
                self.unknown(&entry, "role", role, &one_of(known.iter().map(String::as_str)));
            }
            for contact in &entry.value.contacts {
                self.named(&entry, "office", &contact.office);
            }
            let contacts: Vec<_> = entry.value.contacts.iter().map(contact).collect();
            if !contacts.is_empty() {
                self.contacts.insert(id.clone(), contacts);
            }
            let agency_code = self.known_agency(&entry, &entry.value.agency).unwrap_or_default();
            self.snapshot.applications.push(application(entry.value, agency_code));
        }
    }

    fn agreements(&mut self) {
        let mut seen = BTreeMap::new();
        for entry in
            entries::<entries::Agreement>(self.folder, "agreements.toml", "agreement", &mut self.problems)
        {
            let entries::Agreement { id, version, valid_from: from, valid_to: to, .. } = &entry.value;
            self.once(&mut seen, &entry, "agreement", id);
            self.named(&entry, "id", id);
            self.named(&entry, "legal-basis", &entry.value.legal_basis);
            if *version == 0 {
                self.bad(&entry, format!("agreement `{id}` has version 0"), "1 or more");
            }
            self.agreement_refers(&entry);
            let grants = self.grants(&entry);
            let Some(period) = self.period(&entry, ("valid-from", from), ("valid-to", to)) else { continue };
            self.snapshot.agreements.push(agreement(entry.value, period, grants));
        }
    }

    fn agreement_refers(&mut self, entry: &Entry<entries::Agreement>) {
        let agreement = &entry.value;
        let named = format!("agreement `{}`", agreement.id);
        let applications: Vec<String> =
            self.snapshot.applications.iter().map(|known| known.id.clone()).collect();
        if !applications.contains(&agreement.application) {
            let known = one_of(applications.iter().map(String::as_str));
            self.unknown(entry, "application", &agreement.application, &known);
        }
        let purposes: Vec<String> = self.snapshot.purposes.iter().map(|known| known.code.clone()).collect();
        for purpose in agreement.purposes.iter().filter(|purpose| !purposes.contains(*purpose)) {
            self.unknown(entry, "purpose", purpose, &one_of(purposes.iter().map(String::as_str)));
        }
        if agreement.purposes.is_empty() {
            self.bad(
                entry,
                format!("{named} allows no purpose"),
                &one_of(purposes.iter().map(String::as_str)),
            );
        }
        if agreement.grants.is_empty() {
            self.bad(
                entry,
                format!("{named} grants no method"),
                "[[agreement.grant]] with method and fields",
            );
        }
    }

    fn grants(&mut self, entry: &Entry<entries::Agreement>) -> Vec<wire::Grant> {
        let agreement = &entry.value;
        let named = format!("agreement `{}`", agreement.id);
        let Some(contract) = self.contracts.get(&agreement.service) else {
            let known = one_of(self.contracts.names());
            self.unknown(entry, "service", &agreement.service, &known);
            return Vec::new();
        };
        if contract.rules.platform {
            let found = format!("{named}: `{}` is opened by role, not by agreement", agreement.service);
            self.bad(entry, found, "a data service");
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut grants = Vec::new();
        for spanned in &agreement.grants {
            let (start, grant) = (spanned.span().start, spanned.get_ref());
            if !seen.insert(&grant.method) {
                found.push((
                    start,
                    format!("{named} grants `{}` twice", grant.method),
                    "one grant a method".to_owned(),
                ));
            }
            found.extend(problems_of_grant(contract, &named, grant).into_iter().map(|(f, a)| (start, f, a)));
            let mut fields = grant.fields.clone();
            fields.sort_unstable();
            fields.dedup();
            grants.push(wire::Grant { method: grant.method.clone(), fields });
        }
        let text =
            self.folder.files.get(entry.file).map(|text| String::from_utf8_lossy(text)).unwrap_or_default();
        for (start, found, accepted) in found {
            self.problems.add(entry.file, line_at(&text, start), found, accepted);
        }
        grants
    }

    /// Sorts the snapshot, and lets the core have the last word.
    fn finish(mut self) -> Result<Checked, Problems> {
        let snapshot = &mut self.snapshot;
        snapshot.agencies.sort_by(|a, b| a.code.cmp(&b.code));
        snapshot.purposes.sort_by(|a, b| a.code.cmp(&b.code));
        snapshot.services.sort_by(|a, b| a.name.cmp(&b.name));
        snapshot.roles.sort_by(|a, b| a.name.cmp(&b.name));
        snapshot.applications.sort_by(|a, b| a.id.cmp(&b.id));
        snapshot.agreements.sort_by(|a, b| a.id.cmp(&b.id));
        for application in &mut snapshot.applications {
            application.credentials.sort_by(|a, b| a.key_id.cmp(&b.key_id));
            application.certificates.sort_by(|a, b| credentials::name_of(a).cmp(&credentials::name_of(b)));
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let size = self.snapshot.encoded_len();
        if size > contract::LARGEST {
            let found = format!("all rules together have {size} bytes, and are one record");
            self.problems.add("rules", 0, found, format!("at most {}", contract::LARGEST));
            return Err(self.problems);
        }
        let descriptors = self.contracts.descriptors;
        if let Err(error) = Rules::compile(&self.snapshot, &descriptors) {
            self.problems.add("rules", 0, error.to_string(), "");
            return Err(self.problems);
        }
        let Self { snapshot, contacts, inventory, .. } = self;
        Ok(Checked { snapshot, descriptors, contacts, inventory })
    }

    pub(super) fn bad<T>(&mut self, entry: &Entry<T>, found: impl Into<String>, accepted: &str) {
        self.problems.add(entry.file, entry.line, found, accepted);
    }

    /// Refuses a reference to what is not there.
    pub(super) fn unknown<T>(&mut self, entry: &Entry<T>, what: &str, name: &str, known: &str) {
        if !self.problems.is_unread(name) {
            self.bad(entry, format!("the {what} `{name}` is unknown"), known);
        }
    }

    pub(super) fn named<T>(&mut self, entry: &Entry<T>, key: &str, value: &str) {
        if value.trim().is_empty() {
            self.bad(entry, format!("`{key}` is empty"), "a text");
        }
    }

    /// Refuses what an earlier entry was named already.
    pub(super) fn once<T>(
        &mut self,
        seen: &mut BTreeMap<String, usize>,
        entry: &Entry<T>,
        what: &str,
        name: &str,
    ) {
        if let Some(line) = seen.insert(name.to_owned(), entry.line) {
            self.bad(entry, format!("{what} `{name}` is there already, on line {line}"), "each once");
        }
    }

    fn agency_code<T>(&mut self, entry: &Entry<T>, code: &str) -> Option<String> {
        match AgencyCode::parse(code) {
            Ok(code) => Some(code.as_str().to_owned()),
            Err(error) => {
                self.bad(entry, format!("agency code `{code}`: {error}"), "a code of an agency");
                None
            }
        }
    }

    pub(super) fn known_agency<T>(&mut self, entry: &Entry<T>, code: &str) -> Option<String> {
        let code = self.agency_code(entry, code)?;
        if self.snapshot.agencies.iter().any(|agency| agency.code == code) {
            return Some(code);
        }
        let known = one_of(self.snapshot.agencies.iter().map(|agency| agency.code.as_str()));
        self.unknown(entry, "agency", &code, &known);
        None
    }

    fn period<T>(
        &mut self,
        entry: &Entry<T>,
        (from_key, from): (&str, &Datetime),
        (to_key, to): (&str, &Datetime),
    ) -> Option<(i64, i64)> {
        let moments = [(from_key, from), (to_key, to)].map(|(key, moment)| {
            let micros = moment::micros(moment);
            if micros.is_none() {
                self.bad(entry, format!("`{key}` = {moment} is no moment"), moment::ACCEPTED);
            }
            micros
        });
        let [Some(from), Some(to)] = moments else { return None };
        if from >= to {
            self.bad(entry, format!("`{to_key}` is not after `{from_key}`"), "a later date");
            return None;
        }
        Some((from, to))
    }
}

fn problems_of_grant(contract: &Contract, named: &str, grant: &entries::Grant) -> Vec<(String, String)> {
    let Some(method) = contract.method(&grant.method) else {
        let methods: Vec<String> =
            contract.service.methods().map(|method| method.name().to_owned()).collect();
        let accepted = one_of(methods.iter().map(String::as_str));
        return vec![(format!("{named} names the unknown method `{}`", grant.method), accepted)];
    };
    if grant.fields.is_empty() {
        let (_, accepted) = problem_of_path(&method.output(), "").unwrap_or_default();
        return vec![(format!("{named}, method `{}`: no field is granted", grant.method), accepted)];
    }
    let paths = grant.fields.iter().filter_map(|path| problem_of_path(&method.output(), path));
    paths
        .map(|(found, accepted)| (format!("{named}, method `{}`: {found}", grant.method), accepted))
        .collect()
}
