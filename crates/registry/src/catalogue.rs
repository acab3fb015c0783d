//! What the registry holds: all that its changes amount to.

mod edits;

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::time::micros;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Agency, Agreement, AgreementRecord, AgreementStage, AgreementState, Application, Change, DataService,
    Edit, Item, NationalService, Person, PersonProposal, Purpose, Role, RoleProposal, Snapshot, System,
};

use crate::ended::{is_over, is_past};
use crate::holders::Holders;
use crate::remembered::Remembered;
use crate::versions::Versions;
use crate::{recover, sandbox};

pub(crate) use edits::{import, put, stamped, take_away};

/// The registry as of one change. The history is kept, and this is folded from it: there is nothing else to keep in step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Catalogue {
    /// The last change that it holds; 0: none.
    pub sequence: u64,
    /// Revision of the rules as of then.
    pub revision: u64,
    /// When the rules got their revision, Unix µs.
    made: i64,
    agencies: BTreeMap<String, Agency>,
    purposes: BTreeMap<String, Purpose>,
    services: Versions,
    roles: BTreeMap<String, Role>,
    /// By the name of the role.
    role_proposals: BTreeMap<String, RoleProposal>,
    holders: Holders,
    systems: BTreeMap<String, System>,
    national_services: BTreeMap<String, NationalService>,
    persons: BTreeMap<String, Person>,
    /// By the id of the person.
    person_proposals: BTreeMap<String, PersonProposal>,
    remembered: Remembered,
    /// By id and version.
    agreements: BTreeMap<(String, u32), AgreementRecord>,
    /// The exchanges by which something was decided.
    exchanges: BTreeSet<String>,
    /// Number of the contracts of the registry's own services.
    own_services: u32,
    serves_production: bool,
    /// Who was made an administrator on the store itself.
    recoveries: Vec<Recovery>,
}

/// Somebody was made an administrator without a hub.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recovery {
    pub sequence: u64,
    pub person: String,
    pub key_id: String,
}

/// A history that does not hold together: somebody else wrote in the store, or it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {sequence} does not follow change {last}")]
pub struct Damage {
    /// The change that was read.
    pub sequence: u64,
    /// The one before it.
    pub last: u64,
}

impl Catalogue {
    /// Takes in the change that follows the last one.
    pub fn apply(&mut self, change: &Change) -> Result<(), Damage> {
        if change.sequence != self.sequence + 1 {
            return Err(Damage { sequence: change.sequence, last: self.sequence });
        }
        self.remembered.take_in(change);
        for edit in &change.edits {
            self.edit(edit, change.sequence);
        }
        self.own_services = self.own_services.max(change.own_services);
        self.serves_production |= change.action == sandbox::PRODUCTION;
        if change.action == recover::ACTION {
            self.recoveries.extend(recovery(change));
        }
        if !change.exchange_id.is_empty() {
            self.exchanges.insert(change.exchange_id.clone());
        }
        if change.revision != self.revision {
            self.made = change.at.as_ref().map_or(0, micros);
        }
        (self.sequence, self.revision) = (change.sequence, change.revision);
        Ok(())
    }

    /// Whether a registry of production has ever worked on this history.
    pub fn serves_production(&self) -> bool {
        self.serves_production
    }

    /// Number of the contracts of the registry's own services that were put last; 0: a program put them that knew none.
    pub fn own_services(&self) -> u32 {
        self.own_services
    }

    /// Whether something was decided by this exchange.
    pub fn knows(&self, exchange: &str) -> bool {
        self.exchanges.contains(exchange)
    }

    fn edit(&mut self, edit: &Edit, sequence: u64) {
        let of = |item: &Option<Item>| item.as_ref().and_then(|item| item.item.clone());
        if let Some(gone) = of(&edit.before) {
            self.remove(&gone);
        }
        match of(&edit.after) {
            Some(Of::Agency(agency)) => drop(self.agencies.insert(agency.code.clone(), agency)),
            Some(Of::Purpose(purpose)) => drop(self.purposes.insert(purpose.code.clone(), purpose)),
            Some(Of::Service(service)) => self.services.put_imported(service, sequence),
            Some(Of::ServiceRecord(record)) => self.services.put(record),
            Some(Of::Role(role)) => drop(self.roles.insert(role.name.clone(), role)),
            Some(Of::RoleProposal(proposal)) => {
                self.role_proposals.insert(role_of(&proposal), proposal);
            }
            Some(Of::Application(application)) => self.holders.put_imported(application, sequence),
            Some(Of::Connection(record)) => self.holders.put(record),
            Some(Of::Credential(record)) => self.holders.put_credential(record),
            Some(Of::System(system)) => drop(self.systems.insert(system.id.clone(), system)),
            Some(Of::NationalService(service)) => {
                self.national_services.insert(service.id.clone(), service);
            }
            Some(Of::Person(person)) => drop(self.persons.insert(person.id.clone(), person)),
            Some(Of::PersonProposal(proposal)) => {
                self.person_proposals.insert(whom(&proposal), proposal);
            }
            Some(Of::Agreement(record)) => drop(self.agreements.insert(key(&record), record)),
            None => {}
        }
    }

    fn remove(&mut self, item: &Of) {
        match item {
            Of::Agency(agency) => drop(self.agencies.remove(&agency.code)),
            Of::Purpose(purpose) => drop(self.purposes.remove(&purpose.code)),
            Of::Service(service) => self.services.remove_imported(service),
            Of::ServiceRecord(record) => self.services.remove(record),
            Of::Role(role) => drop(self.roles.remove(&role.name)),
            Of::RoleProposal(proposal) => drop(self.role_proposals.remove(&role_of(proposal))),
            Of::Application(application) => self.holders.remove_imported(application),
            Of::Connection(record) => self.holders.remove(record),
            Of::Credential(record) => self.holders.remove_credential(record),
            Of::System(system) => drop(self.systems.remove(&system.id)),
            Of::NationalService(service) => drop(self.national_services.remove(&service.id)),
            Of::Person(person) => drop(self.persons.remove(&person.id)),
            Of::PersonProposal(proposal) => drop(self.person_proposals.remove(&whom(proposal))),
            Of::Agreement(record) => drop(self.agreements.remove(&key(record))),
        }
    }

    /// One version of an agreement.
    pub fn agreement(&self, id: &str, version: u32) -> Option<&AgreementRecord> {
        self.agreements.get(&(id.to_owned(), version))
    }

    /// All versions of an agreement, oldest first.
    pub fn versions(&self, id: &str) -> impl Iterator<Item = &AgreementRecord> {
        let all = (id.to_owned(), 0)..=(id.to_owned(), u32::MAX);
        self.agreements.range(all).map(|(_, record)| record)
    }

    /// All versions of all agreements, by id and version.
    pub fn agreements(&self) -> impl Iterator<Item = &AgreementRecord> {
        self.agreements.values()
    }

    /// A data service, whatever its version.
    pub fn service(&self, name: &str) -> Option<&DataService> {
        self.services.service(name)
    }

    /// The versions of the data services.
    pub fn services(&self) -> &Versions {
        &self.services
    }

    /// An application.
    pub fn application(&self, id: &str) -> Option<&Application> {
        self.holders.application(id)
    }

    /// An agency.
    pub fn agency(&self, code: &str) -> Option<&Agency> {
        self.agencies.get(code)
    }

    /// A person.
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.persons.get(id)
    }

    /// Who was made an administrator on the store itself, oldest first.
    pub fn recoveries(&self) -> &[Recovery] {
        &self.recoveries
    }

    /// All persons, by id.
    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// What a person shall be, when another administrator confirms it.
    pub fn person_proposal(&self, id: &str) -> Option<&PersonProposal> {
        self.person_proposals.get(id)
    }

    /// All of what persons shall be, by id.
    pub fn person_proposals(&self) -> impl Iterator<Item = &PersonProposal> {
        self.person_proposals.values()
    }

    /// What was once, and is not forgotten.
    pub fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// Whether a purpose of this code is there.
    pub fn has_purpose(&self, code: &str) -> bool {
        self.purposes.contains_key(code)
    }

    /// The applications, and what they prove themselves with.
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    /// A system of the inventory.
    pub fn system(&self, id: &str) -> Option<&System> {
        self.systems.get(id)
    }

    /// The inventory of systems, by id.
    pub fn systems(&self) -> impl Iterator<Item = &System> {
        self.systems.values()
    }

    /// A data service of the national platform.
    pub fn national_service(&self, id: &str) -> Option<&NationalService> {
        self.national_services.get(id)
    }

    /// Whether a role of this name is there.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.contains_key(name)
    }

    /// A role.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// What a role shall be, when another administrator says so too.
    pub fn role_proposal(&self, name: &str) -> Option<&RoleProposal> {
        self.role_proposals.get(name)
    }

    /// A purpose.
    pub fn purpose(&self, code: &str) -> Option<&Purpose> {
        self.purposes.get(code)
    }

    /// Everything, each with its place in the order of kinds and ids.
    pub fn items(&self) -> impl Iterator<Item = (String, Of)> {
        let agencies = self.agencies.values().map(|it| (format!("0/{}", it.code), Of::Agency(it.clone())));
        let purposes = self.purposes.values().map(|it| (format!("1/{}", it.code), Of::Purpose(it.clone())));
        let roles = self.roles.values().map(|it| (format!("2/{}", it.name), Of::Role(it.clone())));
        let proposals = self.role_proposals.iter();
        let proposals = proposals.map(|(name, it)| (format!("3/{name}"), Of::RoleProposal(it.clone())));
        let services = self.services.all().map(|it| {
            let name = it.service.as_ref().map_or("", |service| &service.name);
            (format!("4/{name}/{:010}", it.version), Of::ServiceRecord(it.clone()))
        });
        let applications = self.holders.connections().map(|it| {
            let id = it.application.as_ref().map_or("", |application| &application.id);
            (format!("5/{id}"), Of::Connection(it.clone()))
        });
        let credentials = self.holders.credentials();
        let credentials =
            credentials.map(|it| (format!("6/{}/{}", it.application, it.id), Of::Credential(it.clone())));
        let systems = self.systems.values().map(|it| (format!("7/{}", it.id), Of::System(it.clone())));
        let national = self.national_services.values();
        let national = national.map(|it| (format!("71/{}", it.id), Of::NationalService(it.clone())));
        let persons = self.persons.values().map(|it| (format!("8/{}", it.id), Of::Person(it.clone())));
        let shall_be = self.person_proposals.iter();
        let shall_be = shall_be.map(|(id, it)| (format!("81/{id}"), Of::PersonProposal(it.clone())));
        let agreements = self.agreements.iter();
        let agreements = agreements
            .map(|((id, version), it)| (format!("9/{id}/{version:010}"), Of::Agreement(it.clone())));
        let kinds = agencies.chain(purposes).chain(roles).chain(proposals).chain(services);
        kinds
            .chain(applications)
            .chain(credentials)
            .chain(systems)
            .chain(national)
            .chain(persons)
            .chain(shall_be)
            .chain(agreements)
    }

    /// The same with all that has ever ended, as if its rules were the first.
    pub fn with_all_that_has_ended(&self) -> Self {
        Self { made: 0, ..self.clone() }
    }

    /// What gateways of an environment need to know of it: what can be asked for, and what has ended lately, so that a refusal can
    /// say why.
    pub fn snapshot(&self, environment: &str) -> Snapshot {
        let applications = self.holders.in_rules(environment, self.made);
        let services = self.services.in_rules(environment);
        let is_of_both = |agreement: &Agreement| {
            applications.iter().any(|application| application.id == agreement.application)
                && services.iter().any(|service| service.name == agreement.service)
        };
        let known = self.agreements.values().filter(|record| !is_past(record, self.made));
        let persons = self.persons.values();
        Snapshot {
            revision: 0,
            published: None,
            environment: environment.to_owned(),
            agencies: self.agencies.values().cloned().map(|it| Agency { etag: 0, ..it }).collect(),
            purposes: self.purposes.values().cloned().map(|it| Purpose { etag: 0, ..it }).collect(),
            agreements: known.filter_map(in_rules).filter(is_of_both).collect(),
            roles: self.roles.values().cloned().map(|it| Role { etag: 0, ..it }).collect(),
            persons: persons.filter_map(|person| person_in(person, environment, self.made)).collect(),
            applications,
            services,
        }
    }
}

/// A person with the keys that are good in an environment.
fn person_in(person: &Person, environment: &str, made: i64) -> Option<Person> {
    let here = lgsp_core::environment(environment);
    let mut person = (!person.left).then(|| person.clone())?;
    person.credentials.retain(|credential| credential.environment() == here && !is_over(credential, made));
    person.etag = 0;
    Some(person)
}

fn recovery(change: &Change) -> Option<Recovery> {
    let Of::Person(person) = change.edits.first()?.after.as_ref()?.item.as_ref()? else { return None };
    let key_id = person.credentials.first()?.key_id.clone();
    Some(Recovery { sequence: change.sequence, person: person.id.clone(), key_id })
}

fn role_of(proposal: &RoleProposal) -> String {
    proposal.role.as_ref().map(|role| role.name.clone()).unwrap_or_default()
}

fn whom(proposal: &PersonProposal) -> String {
    proposal.person.as_ref().map(|person| person.id.clone()).unwrap_or_default()
}

fn key(record: &AgreementRecord) -> (String, u32) {
    let terms = record.agreement.as_ref();
    terms.map(|terms| (terms.id.clone(), terms.version)).unwrap_or_default()
}

/// What of an agreement is a rule: what is in force, and what was.
fn in_rules(record: &AgreementRecord) -> Option<Agreement> {
    let state = match record.stage() {
        AgreementStage::Active => AgreementState::Active,
        AgreementStage::Suspended => AgreementState::Suspended,
        AgreementStage::Revoked => AgreementState::Revoked,
        AgreementStage::Unspecified
        | AgreementStage::Proposed
        | AgreementStage::Approved
        | AgreementStage::Refused
        | AgreementStage::Superseded => return None,
    };
    let terms = record.agreement.clone()?;
    Some(Agreement { state: state.into(), ..terms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Folder, check};

    fn shipped() -> Snapshot {
        check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap().snapshot
    }

    fn imported() -> (Change, Catalogue) {
        let edits = import(&shipped(), &AgreementRecord::default());
        let change = Change { sequence: 1, revision: 7, edits, ..Change::default() };
        let mut catalogue = Catalogue::default();
        catalogue.apply(&change).unwrap();
        (change, catalogue)
    }

    #[test]
    fn what_was_imported_is_what_gateways_get() {
        let (_, catalogue) = imported();
        assert_eq!(catalogue.snapshot("sandbox"), shipped());
        assert_eq!((catalogue.sequence, catalogue.revision), (1, 7));
    }

    #[test]
    fn a_change_that_does_not_follow_the_last_one_is_damage() {
        let (change, mut catalogue) = imported();
        let again = catalogue.clone();
        assert_eq!(catalogue.apply(&change), Err(Damage { sequence: 1, last: 1 }));
        let skipped = Change { sequence: 3, ..change };
        assert_eq!(catalogue.apply(&skipped), Err(Damage { sequence: 3, last: 1 }));
        assert_eq!(catalogue, again, "and leaves everything as it was");
    }
}
