//! The hub's own services come with the registry: a history from before one was there, or from before its contract grew, gets it
//! as this program has it.
//!
//! What they have in addition is opened by the roles that ship with the program, as long as they are as they shipped: a role that
//! has all that it would have had before, and nothing else, gains what is new of it. What administrators have changed is for them
//! to say.
//!
//! Several programs may work on one history. Their contracts have a [`NUMBER`], which the history keeps: the services of the newest one
//! stay, whoever starts last.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lgsp_core::contract::Contract;
use lgsp_core::descriptor_key;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{DataService, Edit, Role, ServiceState};

use crate::catalogue::{Catalogue, put, take_away};
use crate::held::key_of;
use crate::rules::{Folder, check};

/// Who owns it owns the others, too.
const REGISTRY: &str = "lgsp.registry.v1.RegistryService";

/// Number of the contracts of the hub's own services in this program. It grows with every change of theirs; a test holds that.
pub(crate) const NUMBER: u32 = 4;

/// What this program has, and a history has not.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Brought {
    /// None, if only the number is not known yet.
    pub edits: Vec<Edit>,
    /// The contracts that they name.
    pub contracts: BTreeMap<String, Bytes>,
    /// Roles that ship with what is new, and were changed.
    pub left: Vec<String>,
}

/// Whether the services are those of a newer program, to be left as they are.
pub(crate) fn are_of_a_newer_program(catalogue: &Catalogue) -> bool {
    catalogue.own_services() > NUMBER
}

/// What to change so that gateways carry the hub's services as they are here; `known` are the contracts of now. Nothing, where the
/// services are those of this program or of a newer one, or the rules never had them.
pub(crate) fn outdated(catalogue: &Catalogue, known: &BTreeMap<String, Bytes>) -> Option<Brought> {
    let mut brought = Brought::default();
    let mut new_methods = BTreeSet::new();
    let registry = catalogue.service(REGISTRY).filter(|_| !are_of_a_newer_program(catalogue))?;
    for (name, set) in own() {
        let sha256 = lgsp_proto::contract_sha256(set);
        let before = catalogue.service(name);
        if before.is_some_and(|before| before.descriptor_sha256.as_ref() == sha256) {
            continue;
        }
        let Ok(contract) = Contract::read(set, name) else { continue };
        let had = before.map(|before| Contract::read(known.get(&key_of(before))?, name).ok());
        new_methods.extend(new_in(&contract, had.as_ref().map(Option::as_ref)));
        let rules = contract.rules;
        let service = DataService {
            name: name.to_owned(),
            owner_agency_code: registry.owner_agency_code.clone(),
            state: before.map_or(ServiceState::InUse, DataService::state).into(),
            descriptor_sha256: sha256.to_vec().into(),
            domain: rules.domain,
            platform: rules.platform,
            title_vi: rules.title_vi,
            title_en: rules.title_en,
            ..DataService::default()
        };
        brought.contracts.insert(descriptor_key(&sha256), Bytes::from_static(set));
        brought.edits.push(put(before.cloned().map(Of::Service), Of::Service(service), name.to_owned()));
    }
    open(catalogue, &new_methods, &mut brought);
    let stands = brought.edits.is_empty() && catalogue.own_services() == NUMBER;
    (!stands).then_some(brought)
}

/// The hub's own services in this program, each with its contract.
fn own() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    lgsp_proto::services().filter_map(|name| {
        let descriptor = lgsp_proto::pool().get_service_by_name(name)?;
        let set = lgsp_proto::descriptor_set_of(name)?;
        lgsp_proto::options::service(&descriptor).platform.then_some((name, set))
    })
}

/// The methods that a contract has, and did not have before. With one from before that cannot be read, nothing is known to be new.
fn new_in(contract: &Contract, had: Option<Option<&Contract>>) -> Vec<String> {
    let is_new = |name: &str| match had {
        None => true,
        Some(had) => had.is_some_and(|had| had.method(name).is_none()),
    };
    let methods = contract.service.methods().filter(|method| is_new(method.name()));
    methods.map(|method| format!("{}/{}", contract.service.full_name(), method.name())).collect()
}

/// Has the roles that are as they shipped open what is new.
fn open(catalogue: &Catalogue, new_methods: &BTreeSet<String>, brought: &mut Brought) {
    if new_methods.is_empty() {
        return;
    }
    // A test holds that what ships holds together.
    let shipped = check(&Folder::of(crate::shipped().iter().copied()), "production").ok();
    for role in shipped.iter().flat_map(|shipped| &shipped.snapshot().roles) {
        let Some(known) = catalogue.role(&role.name) else { continue };
        let (new, before): (BTreeSet<&String>, BTreeSet<&String>) =
            role.methods.iter().partition(|method| new_methods.contains(*method));
        // What is there already was brought before, or the files of an empty store had it.
        if new.iter().all(|method| known.methods.contains(method)) {
            continue;
        }
        if known.methods.iter().collect::<BTreeSet<_>>() != before {
            brought.left.push(role.name.clone());
            continue;
        }
        let methods = role.methods.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let after = Role { methods, ..known.clone() };
        brought.edits.push(put(Some(Of::Role(known.clone())), Of::Role(after), role.name.clone()));
        // What was proposed was about the role as it was.
        let waiting = catalogue.role_proposal(&role.name);
        let falls = waiting.map(|waiting| take_away(Of::RoleProposal(waiting.clone()), role.name.clone()));
        brought.edits.extend(falls);
    }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::{Change, Item};

    use super::*;
    use crate::office::Office;

    const CATALOGUE: &str = "lgsp.registry.v1.CatalogueService";

    const AUDIT: &str = "lgsp.ledger.v1.AuditService";
    const SEARCH: &str = "lgsp.ledger.v1.AuditService/SearchExchanges";

    fn without(change: impl FnOnce(DataService) -> Option<DataService>) -> Catalogue {
        changed(CATALOGUE, change)
    }

    fn changed(service: &str, change: impl FnOnce(DataService) -> Option<DataService>) -> Catalogue {
        let mut catalogue = Office::new().catalogue;
        let known = catalogue.service(service).unwrap().clone();
        let item = |of| Item { item: Some(of) };
        let edit = Edit {
            before: Some(item(Of::Service(known.clone()))),
            after: change(known).map(|service| item(Of::Service(service))),
            ..Edit::default()
        };
        let sequence = catalogue.sequence + 1;
        catalogue.apply(&Change { sequence, edits: vec![edit], ..Change::default() }).unwrap();
        catalogue
    }

    fn older(known: DataService) -> Option<DataService> {
        Some(DataService { descriptor_sha256: vec![7; 32].into(), ..known })
    }

    /// The next change says that a program of this number has put what it has.
    fn numbered(mut catalogue: Catalogue, own_services: u32, edits: Vec<Edit>) -> Catalogue {
        let sequence = catalogue.sequence + 1;
        catalogue.apply(&Change { sequence, edits, own_services, ..Change::default() }).unwrap();
        catalogue
    }

    #[test]
    fn a_history_that_lacks_a_service_of_the_registry_or_has_an_older_one_gets_it() {
        for catalogue in [without(|_| None), without(older)] {
            let Brought { edits, contracts, .. } = outdated(&catalogue, &BTreeMap::new()).unwrap();
            let services = edits.iter().filter(|edit| edit.kind == "service").count();
            assert_eq!((services, contracts.len()), (1, 1));
            let catalogue = numbered(catalogue, NUMBER, edits);
            let service = catalogue.service(CATALOGUE).unwrap();
            assert_eq!((service.owner_agency_code.as_str(), service.platform), ("H13.02", true));
            assert!(contracts.contains_key(&descriptor_key(&service.descriptor_sha256)));
            assert_eq!(outdated(&catalogue, &BTreeMap::new()), None);
        }
    }

    #[test]
    fn what_a_newer_program_has_put_an_older_one_leaves_and_not_the_other_way_round() {
        let theirs = |number| numbered(without(older), number, Vec::new());
        assert_eq!(outdated(&theirs(NUMBER + 1), &BTreeMap::new()), None);
        assert!(are_of_a_newer_program(&theirs(NUMBER + 1)));
        let Brought { edits, .. } = outdated(&theirs(NUMBER - 1), &BTreeMap::new()).unwrap();
        let ours = numbered(theirs(NUMBER - 1), NUMBER, edits);
        assert!(!are_of_a_newer_program(&ours));
        // An older one that did not look would put its own, and say so: the number stays that of the newest.
        assert_eq!(numbered(ours, NUMBER - 1, Vec::new()).own_services(), NUMBER);
    }

    #[test]
    fn a_history_with_the_very_services_and_no_number_gets_the_number_alone() {
        assert_eq!(outdated(&Office::new().catalogue, &BTreeMap::new()), Some(Brought::default()));
        assert_eq!(outdated(&Catalogue::default(), &BTreeMap::new()), None, "the rules have none");
    }

    /// A history from before the log could be searched, with the auditors' role as it shipped then or as it was changed to.
    fn before_audits(change: impl Fn(&mut Vec<String>)) -> Catalogue {
        let mut catalogue = changed(AUDIT, |_| None);
        let mut edits = Vec::new();
        for name in ["auditor", "operator"] {
            let known = catalogue.role(name).unwrap().clone();
            let mut before = known.clone();
            before.methods.retain(|method| !method.starts_with(AUDIT));
            if name == "auditor" {
                change(&mut before.methods);
            }
            edits.push(put(Some(Of::Role(known)), Of::Role(before), name.to_owned()));
        }
        let sequence = catalogue.sequence + 1;
        catalogue.apply(&Change { sequence, edits, ..Change::default() }).unwrap();
        catalogue
    }

    fn opens(catalogue: &Catalogue, role: &str) -> Vec<String> {
        let mut methods = catalogue.role(role).unwrap().methods.clone();
        methods.sort_unstable();
        methods
    }

    #[test]
    fn every_service_of_the_platform_is_brought_and_the_roles_as_they_shipped_open_it() {
        let catalogue = before_audits(|_| {});
        let Brought { edits, contracts, left } = outdated(&catalogue, &BTreeMap::new()).unwrap();
        assert_eq!((contracts.len(), left), (1, Vec::new()));
        let catalogue = numbered(catalogue, NUMBER, edits);
        assert!(catalogue.service(AUDIT).unwrap().platform);
        let shipped = Office::new().catalogue;
        for role in ["auditor", "operator", "developer", "approver", "administrator"] {
            assert_eq!(opens(&catalogue, role), opens(&shipped, role), "{role}");
        }
        assert_eq!(outdated(&catalogue, &BTreeMap::new()), None);
    }

    #[test]
    fn a_role_that_was_changed_opens_nothing_in_addition_and_is_named() {
        let narrower = before_audits(|methods| drop(methods.pop()));
        let wider =
            before_audits(|methods| methods.push("lgsp.registry.v1.DecisionService/PutPerson".to_owned()));
        for catalogue in [narrower, wider] {
            let before = opens(&catalogue, "auditor");
            let Brought { edits, left, .. } = outdated(&catalogue, &BTreeMap::new()).unwrap();
            assert_eq!(left, ["auditor"]);
            let catalogue = numbered(catalogue, NUMBER, edits);
            assert_eq!(opens(&catalogue, "auditor"), before);
            assert_ne!(opens(&catalogue, "operator"), opens(&before_audits(|_| {}), "operator"));
        }
    }

    #[test]
    fn what_a_contract_had_before_is_nothing_new_that_a_role_would_gain() {
        let mut catalogue = changed(AUDIT, older);
        let known = catalogue.role("auditor").unwrap().clone();
        let mut narrower = known.clone();
        narrower.methods.retain(|method| method != SEARCH);
        let edits = vec![put(Some(Of::Role(known)), Of::Role(narrower), "auditor".to_owned())];
        let sequence = catalogue.sequence + 1;
        catalogue.apply(&Change { sequence, edits, ..Change::default() }).unwrap();
        let same_methods = Bytes::from_static(lgsp_proto::descriptor_set_of(AUDIT).unwrap());
        let contracts = BTreeMap::from([(descriptor_key(&[7; 32]), same_methods)]);
        let Brought { edits, .. } = outdated(&catalogue, &contracts).unwrap();
        let catalogue = numbered(catalogue, NUMBER, edits);
        assert!(!opens(&catalogue, "auditor").contains(&SEARCH.to_owned()), "administrators closed it");
    }

    /// If this fails, a contract of the hub's own services has changed: raise [`NUMBER`], and put here what it says.
    #[test]
    fn every_change_of_a_contract_of_the_platform_has_the_next_number() {
        let mut digests: Vec<String> =
            own().map(|(_, set)| hex::encode(lgsp_proto::contract_sha256(set))).collect();
        digests.sort_unstable();
        let all = hex::encode(lgsp_core::entry::sha256(digests.concat().as_bytes()));
        assert_eq!(
            (NUMBER, all.as_str()),
            (4, "336e17d41883c96bfa0dfadc8c31291654f9ac62adeb4f90bfaa830f8ebb455f")
        );
    }
}
