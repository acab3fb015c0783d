//! Rules as files, as [`check`](super::check) reads them. The same rules are the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use lgsp_core::time::micros;
use lgsp_proto::registry::v1 as wire;
use lgsp_proto::registry::v1::certificate::KnownBy;
use prost_reflect::prost_types::Timestamp;

use super::folder::INVENTORY;
use super::moment;

/// What every file begins with.
const HEAD: &str = "# Written by `lgsp registry export`; the registry decides, and this is a copy.\n";

/// Whether a service's contract is not the one that is built in, so that its file has to lie beside the rules.
pub fn has_own_contract(service: &wire::DataService) -> bool {
    let built_in = lgsp_proto::descriptor_set_of(&service.name);
    built_in
        .is_none_or(|set| lgsp_proto::contract_sha256(set).as_slice() != service.descriptor_sha256.as_ref())
}

/// The files of rules, by name. `contacts` are those of applications, by id; `contracts` those of the services for which
/// [`has_own_contract`] says so, by name.
///
/// Of each agreement the last version is written: files know no other.
pub fn write(
    snapshot: &wire::Snapshot,
    contacts: &BTreeMap<String, Vec<wire::Contact>>,
    contracts: &BTreeMap<String, Bytes>,
) -> BTreeMap<String, Bytes> {
    let mut files = BTreeMap::new();
    for (service, set) in contracts {
        files.insert(contract_file(service), set.clone());
    }
    let texts = [
        ("agencies.toml", snapshot.agencies.iter().map(agency).collect()),
        ("purposes.toml", snapshot.purposes.iter().map(purpose).collect()),
        ("services.toml", snapshot.services.iter().map(|it| service(it, contracts)).collect()),
        ("roles.toml", snapshot.roles.iter().map(role).collect()),
        ("applications.toml", snapshot.applications.iter().map(|it| application(it, contacts)).collect()),
        ("credentials.toml", credentials(snapshot)),
        ("agreements.toml", last_versions(snapshot).into_iter().map(agreement).collect()),
    ];
    for (name, entries) in texts {
        let entries: Vec<String> = entries;
        let text = std::iter::once(HEAD.to_owned()).chain(entries).collect::<Vec<_>>().join("\n");
        files.insert(name.to_owned(), Bytes::from(text));
    }
    files
}

/// The file of the inventory.
pub fn write_inventory(
    systems: &[wire::System],
    national: &[wire::NationalService],
) -> (&'static str, Bytes) {
    let entries = systems.iter().map(system).chain(national.iter().map(national_service));
    let text = std::iter::once(HEAD.to_owned()).chain(entries).collect::<Vec<_>>().join("\n");
    (INVENTORY, Bytes::from(text))
}

fn system(system: &wire::System) -> String {
    let entry = Entry::new("system").text("id", &system.id);
    let entry = entry.text("name-vi", &system.name_vi).text("name-en", &system.name_en);
    let entry =
        entry.text("agency", &system.agency_code).text_unless_empty("application", &system.application);
    entry.text_unless_empty("why-not", &system.why_not).text_unless_empty("planned", &system.planned).0
}

fn national_service(service: &wire::NationalService) -> String {
    let state = match service.state() {
        wire::NationalServiceState::InUse => "in-use",
        wire::NationalServiceState::Available | wire::NationalServiceState::Unspecified => "available",
    };
    let entry = Entry::new("national-service").text("id", &service.id);
    let entry = entry.text("name-vi", &service.name_vi).text("name-en", &service.name_en);
    entry.text("state", state).text_unless_empty("since", &service.since).0
}

/// An entry under way: one key a line.
struct Entry(String);

impl Entry {
    fn new(table: &str) -> Self {
        Self(format!("[[{table}]]\n"))
    }

    fn raw(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "{key} = {value}");
        self
    }

    fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, text(value))
    }

    fn text_unless_empty(self, key: &str, value: &str) -> Self {
        if value.is_empty() { self } else { self.text(key, value) }
    }

    fn texts(self, key: &str, values: &[String]) -> Self {
        let one_line = format!("[{}]", values.iter().map(|it| text(it)).collect::<Vec<_>>().join(", "));
        if key.len() + one_line.len() <= 100 {
            return self.raw(key, one_line);
        }
        let lines: String = values.iter().map(|it| format!("    {},\n", text(it))).collect();
        self.raw(key, format!("[\n{lines}]"))
    }

    fn moment(self, key: &str, at: Option<&Timestamp>) -> Self {
        match at.and_then(|at| moment::text(micros(at))) {
            Some(text) => self.raw(key, text),
            None => self,
        }
    }
}

fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn agency(agency: &wire::Agency) -> String {
    let entry = Entry::new("agency").text("code", &agency.code);
    entry.text("name-vi", &agency.name_vi).text("name-en", &agency.name_en).0
}

fn purpose(purpose: &wire::Purpose) -> String {
    let entry = Entry::new("purpose").text("code", &purpose.code);
    entry.text("title-vi", &purpose.title_vi).text("title-en", &purpose.title_en).0
}

fn service(service: &wire::DataService, contracts: &BTreeMap<String, Bytes>) -> String {
    let state = match service.state() {
        wire::ServiceState::Draft => "draft",
        wire::ServiceState::Sandbox => "sandbox",
        wire::ServiceState::InUse => "in-use",
        wire::ServiceState::Deprecated => "deprecated",
        wire::ServiceState::Unspecified
        | wire::ServiceState::Retired
        | wire::ServiceState::Superseded
        | wire::ServiceState::Refused
        | wire::ServiceState::Withdrawn => "retired",
    };
    let entry = Entry::new("service").text("name", &service.name);
    let entry = entry.text("owner", &service.owner_agency_code).text("state", state);
    let entry = entry.moment("deprecated-at", service.deprecated_at.as_ref());
    let entry = entry.moment("sunset-at", service.sunset_at.as_ref());
    if !contracts.contains_key(&service.name) {
        return entry.0;
    }
    // A contract of an agency may leave these to whoever registers it.
    let entry = entry.text("descriptor-set", &contract_file(&service.name));
    let entry = entry.text_unless_empty("domain", &service.domain);
    entry.text_unless_empty("title-vi", &service.title_vi).text_unless_empty("title-en", &service.title_en).0
}

fn contract_file(service: &str) -> String {
    format!("{service}.binpb")
}

fn role(role: &wire::Role) -> String {
    Entry::new("role").text("name", &role.name).texts("methods", &role.methods).0
}

fn application(application: &wire::Application, contacts: &BTreeMap<String, Vec<wire::Contact>>) -> String {
    let state = match application.state() {
        wire::ApplicationState::Onboarding => "onboarding",
        wire::ApplicationState::Connected => "connected",
        wire::ApplicationState::Suspended => "suspended",
        wire::ApplicationState::Requested => "requested",
        wire::ApplicationState::Unspecified
        | wire::ApplicationState::Retired
        | wire::ApplicationState::Refused => "retired",
    };
    let entry = Entry::new("application").text("id", &application.id);
    let entry = entry.text("name-vi", &application.name_vi).text("name-en", &application.name_en);
    let mut entry = entry.text("agency", &application.agency_code).text("state", state);
    if !application.roles.is_empty() {
        entry = entry.texts("roles", &application.roles);
    }
    if application.max_in_flight > 0 {
        entry = entry.raw("max-in-flight", application.max_in_flight);
    }
    if application.platform {
        entry = entry.raw("platform", true);
    }
    for contact in contacts.get(&application.id).into_iter().flatten() {
        let ours = Entry("\n[[application.contact]]\n".to_owned()).text("office", &contact.office);
        let ours = ours.text_unless_empty("email", &contact.email).text_unless_empty("phone", &contact.phone);
        entry.0.push_str(&ours.0);
    }
    entry.0
}

fn credentials(snapshot: &wire::Snapshot) -> Vec<String> {
    let mut entries = Vec::new();
    for application in &snapshot.applications {
        entries.extend(application.credentials.iter().filter_map(|it| key(&application.id, it)));
        entries.extend(application.certificates.iter().filter_map(|it| certificate(&application.id, it)));
    }
    entries
}

fn key(application: &str, credential: &wire::Credential) -> Option<String> {
    let public = VerifyingKey::try_from(credential.ed25519_public_key.as_ref()).ok()?;
    let pem = public.to_public_key_pem(LineEnding::LF).ok()?;
    let entry = Entry::new("credential").text("application", application).text("key-id", &credential.key_id);
    let entry = entry.moment("not-before", credential.not_before.as_ref());
    let entry = entry.moment("not-after", credential.not_after.as_ref());
    Some(entry.raw("public-key", format!("\"\"\"\n{}\n\"\"\"", pem.trim_end())).0)
}

fn certificate(application: &str, certificate: &wire::Certificate) -> Option<String> {
    let entry = Entry::new("certificate").text("application", application);
    let entry = match certificate.known_by.as_ref()? {
        KnownBy::Sha256(digest) => entry.text("sha256", &hex::encode(digest)),
        KnownBy::DnsName(name) => entry.text("dns-name", name),
        KnownBy::Uri(uri) => entry.text("uri", uri),
    };
    let entry = entry.moment("not-before", certificate.not_before.as_ref());
    Some(entry.moment("not-after", certificate.not_after.as_ref()).0)
}

fn last_versions(snapshot: &wire::Snapshot) -> Vec<&wire::Agreement> {
    let mut last: BTreeMap<&str, &wire::Agreement> = BTreeMap::new();
    for agreement in &snapshot.agreements {
        let known = last.entry(&agreement.id).or_insert(agreement);
        if agreement.version > known.version {
            *known = agreement;
        }
    }
    last.into_values().collect()
}

fn agreement(agreement: &wire::Agreement) -> String {
    let state = match agreement.state() {
        wire::AgreementState::Active => "active",
        wire::AgreementState::Suspended => "suspended",
        wire::AgreementState::Revoked | wire::AgreementState::Unspecified => "revoked",
    };
    let entry = Entry::new("agreement").text("id", &agreement.id).raw("version", agreement.version);
    let entry = entry.text("application", &agreement.application).text("service", &agreement.service);
    let entry = entry.texts("purposes", &agreement.purposes);
    let entry = entry.moment("valid-from", agreement.valid_from.as_ref());
    let entry = entry.moment("valid-to", agreement.valid_to.as_ref());
    let mut entry = entry.text("legal-basis", &agreement.legal_basis).text("state", state);
    let quota = agreement.quota.unwrap_or_default();
    if (quota.per_second, quota.per_day) != (0, 0) {
        let bounds = [("per-second", u64::from(quota.per_second)), ("per-day", quota.per_day)];
        let bounds = bounds.iter().filter(|(_, bound)| *bound > 0);
        let bounds = bounds.map(|(name, bound)| format!("{name} = {bound}")).collect::<Vec<_>>().join(", ");
        entry = entry.raw("quota", format!("{{ {bounds} }}"));
    }
    if agreement.priority() == wire::Priority::Bulk {
        entry = entry.text("priority", "bulk");
    }
    for grant in &agreement.grants {
        let ours = Entry("\n[[agreement.grant]]\n".to_owned()).text("method", &grant.method);
        entry.0.push_str(&ours.texts("fields", &grant.fields).0);
    }
    entry.0
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::registry::v1::{AgreementRecord, Change};
    use prost::Message;

    use super::*;
    use crate::catalogue::{Catalogue, import};
    use crate::rules::{Checked, Folder, check};

    fn read(files: &BTreeMap<String, Bytes>) -> Checked {
        check(&Folder { files: files.clone() }, "sandbox").unwrap()
    }

    /// Of the shipped files, as a registry that has imported them tells them.
    fn told() -> wire::Snapshot {
        let shipped = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
        let edits = import(shipped.snapshot(), &AgreementRecord::default());
        let mut catalogue = Catalogue::default();
        catalogue.apply(&Change { sequence: 1, edits, ..Change::default() }).unwrap();
        catalogue.snapshot("sandbox")
    }

    /// In files no credential says where it is good: it is where they are read.
    fn silent(mut snapshot: wire::Snapshot) -> wire::Snapshot {
        for application in &mut snapshot.applications {
            application.credentials.iter_mut().for_each(|it| it.environment = 0);
            application.certificates.iter_mut().for_each(|it| it.environment = 0);
        }
        snapshot
    }

    #[test]
    fn the_shipped_rules_are_the_same_after_they_were_imported_and_written() {
        let files = write(&told(), &BTreeMap::new(), &BTreeMap::new());
        assert_eq!(files.len(), 7);
        assert_eq!(read(&files).snapshot(), &told());
        assert_eq!(write(read(&files).snapshot(), &BTreeMap::new(), &BTreeMap::new()), files);
    }

    #[test]
    fn whatever_rules_may_say_is_read_as_it_was_written() {
        let mut snapshot = told();
        let application = &mut snapshot.applications[0];
        application.name_en = "a \"name\"\nof 'two' lines \\ and \u{7f}".to_owned();
        application.max_in_flight = 7;
        application.set_state(wire::ApplicationState::Suspended);
        let (from, to) = (Some(timestamp(1_780_246_800_000_001)), Some(timestamp(1_880_246_800_000_000)));
        let public = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        application.credentials.push(wire::Credential {
            key_id: "k-1".to_owned(),
            ed25519_public_key: public.as_bytes().to_vec().into(),
            not_before: from,
            not_after: to,
            ..Default::default()
        });
        for known_by in [
            KnownBy::Sha256(vec![9; 32].into()),
            KnownBy::DnsName("a.example.vn".to_owned()),
            KnownBy::Uri("urn:lgsp:application:a".to_owned()),
        ] {
            let certificate = wire::Certificate {
                known_by: Some(known_by),
                not_before: from,
                not_after: to,
                ..Default::default()
            };
            application.certificates.push(certificate);
        }
        let id = application.id.clone();
        snapshot.services[0].set_state(wire::ServiceState::Deprecated);
        snapshot.services[0].deprecated_at = from;
        snapshot.services[0].sunset_at = to;
        let agreement = &mut snapshot.agreements[0];
        agreement.set_state(wire::AgreementState::Suspended);
        agreement.set_priority(wire::Priority::Bulk);
        agreement.quota = Some(wire::Quota { per_second: 0, per_day: u64::from(u32::MAX) });
        agreement.version = 3;

        let contact = wire::Contact {
            office: "Văn phòng".to_owned(),
            phone: "0292 3 000 000".to_owned(),
            ..Default::default()
        };
        let contacts = BTreeMap::from([(id, vec![contact])]);
        let read = read(&write(&snapshot, &contacts, &BTreeMap::new()));
        assert_eq!(read.snapshot(), &silent(snapshot));
        assert_eq!(read.contacts(), &contacts);
    }

    #[test]
    fn a_contract_that_is_not_built_in_lies_beside_the_rules() {
        let mut snapshot = told();
        let service = &mut snapshot.services[0];
        assert!(!has_own_contract(service));
        // Another file with the same messages: only its bytes differ.
        let mut set = lgsp_proto::descriptor_set_of(&service.name).unwrap().to_vec();
        let empty = prost_reflect::prost_types::FileDescriptorProto {
            name: Some("more.proto".to_owned()),
            ..Default::default()
        };
        let more = prost_reflect::prost_types::FileDescriptorSet { file: vec![empty] };
        set.extend(more.encode_to_vec());
        service.descriptor_sha256 = lgsp_proto::contract_sha256(&set).to_vec().into();
        assert!(has_own_contract(service));
        let contracts = BTreeMap::from([(service.name.clone(), Bytes::from(set))]);
        let files = write(&snapshot, &BTreeMap::new(), &contracts);
        assert_eq!(files.len(), 8);
        assert_eq!(read(&files).snapshot(), &snapshot);
    }

    #[test]
    fn of_an_agreement_the_last_version_is_written() {
        let mut snapshot = told();
        let mut later = snapshot.agreements[0].clone();
        snapshot.agreements[0].set_state(wire::AgreementState::Revoked);
        later.version = 2;
        snapshot.agreements.insert(1, later);
        let files = write(&snapshot, &BTreeMap::new(), &BTreeMap::new());
        snapshot.agreements.remove(0);
        assert_eq!(read(&files).snapshot(), &snapshot);
    }

    #[test]
    fn an_inventory_that_is_written_is_read_again_with_all_that_it_says() {
        let text = |text: &str| text.to_owned();
        let systems = [
            wire::System {
                id: text("dodac"),
                name_vi: text("Đo đạc \"bản đồ\""),
                name_en: text("Maps"),
                agency_code: text("H13.01"),
                why_not: text("chờ nâng cấp"),
                planned: text("2027-06-30"),
                ..Default::default()
            },
            wire::System {
                id: text("hotich"),
                name_vi: text("Hộ tịch"),
                name_en: text("Civil status"),
                agency_code: text("H13.03"),
                application: text("hotich"),
                ..Default::default()
            },
        ];
        let national = [wire::NationalService {
            id: text("dan-cu"),
            name_vi: text("Dân cư"),
            name_en: text("Population"),
            state: wire::NationalServiceState::InUse.into(),
            since: text("2026-02-01"),
            ..Default::default()
        }];
        let (name, written) = write_inventory(&systems, &national);
        let mut files: BTreeMap<String, Bytes> = BTreeMap::new();
        for (name, content) in crate::shipped() {
            files.insert((*name).to_owned(), Bytes::from_static(content.as_bytes()));
        }
        files.insert(name.to_owned(), written);
        let checked = read(&files);
        let (read_systems, read_national) = checked.inventory_of_files();
        assert_eq!(read_systems, systems.iter().collect::<Vec<_>>());
        assert_eq!(read_national, national.iter().collect::<Vec<_>>());
    }
}
