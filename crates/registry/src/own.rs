//! The registry's own services come with the registry: a history from before one was there, or from before its contract grew, gets it
//! as this program has it. What roles open of it is for administrators to say.
//!
//! Several programs may work on one history. Their contracts have a [`NUMBER`], which the history keeps: the services of the newest one
//! stay, whoever starts last.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_core::descriptor_key;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{DataService, Edit, ServiceState};

use crate::catalogue::{Catalogue, put};

/// Who owns it owns the others, too.
const REGISTRY: &str = "lgsp.registry.v1.RegistryService";
const OWN: &str = "lgsp.registry.v1.";

/// Number of the contracts of the registry's own services in this program. It grows with every change of theirs; a test holds that.
pub(crate) const NUMBER: u32 = 1;

/// Whether the services are those of a newer program, to be left as they are.
pub(crate) fn are_of_a_newer_program(catalogue: &Catalogue) -> bool {
    catalogue.own_services() > NUMBER
}

/// What to change so that gateways carry the registry's services as they are here, and the contracts that this needs; no edits, if
/// only the number is not known yet. Nothing, where the services are those of this program or of a newer one, or the rules never had
/// them.
pub(crate) fn outdated(catalogue: &Catalogue) -> Option<(Vec<Edit>, BTreeMap<String, Bytes>)> {
    let (mut edits, mut contracts) = (Vec::new(), BTreeMap::new());
    let registry = catalogue.service(REGISTRY).filter(|_| !are_of_a_newer_program(catalogue))?;
    for name in lgsp_proto::services().filter(|name| name.starts_with(OWN)) {
        let Some(set) = lgsp_proto::descriptor_set_of(name) else { continue };
        let sha256 = lgsp_proto::contract_sha256(set);
        let known = catalogue.service(name);
        if known.is_some_and(|known| known.descriptor_sha256.as_ref() == sha256) {
            continue;
        }
        let Some(descriptor) = lgsp_proto::pool().get_service_by_name(name) else { continue };
        let rules = lgsp_proto::options::service(&descriptor);
        let service = DataService {
            name: name.to_owned(),
            owner_agency_code: registry.owner_agency_code.clone(),
            state: known.map_or(ServiceState::InUse, DataService::state).into(),
            descriptor_sha256: sha256.to_vec().into(),
            domain: rules.domain,
            platform: rules.platform,
            title_vi: rules.title_vi,
            title_en: rules.title_en,
            ..DataService::default()
        };
        contracts.insert(descriptor_key(&sha256), Bytes::from_static(set));
        edits.push(put(known.cloned().map(Of::Service), Of::Service(service), name.to_owned()));
    }
    let stands = edits.is_empty() && catalogue.own_services() == NUMBER;
    (!stands).then_some((edits, contracts))
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::{Change, Item};

    use super::*;
    use crate::office::Office;

    const CATALOGUE: &str = "lgsp.registry.v1.CatalogueService";

    fn without(change: impl FnOnce(DataService) -> Option<DataService>) -> Catalogue {
        let mut catalogue = Office::new().catalogue;
        let known = catalogue.service(CATALOGUE).unwrap().clone();
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
            let (edits, contracts) = outdated(&catalogue).unwrap();
            assert_eq!((edits.len(), contracts.len()), (1, 1));
            let catalogue = numbered(catalogue, NUMBER, edits);
            let service = catalogue.service(CATALOGUE).unwrap();
            assert_eq!((service.owner_agency_code.as_str(), service.platform), ("H13.02", true));
            assert!(contracts.contains_key(&descriptor_key(&service.descriptor_sha256)));
            assert_eq!(outdated(&catalogue), None);
        }
    }

    #[test]
    fn what_a_newer_program_has_put_an_older_one_leaves_and_not_the_other_way_round() {
        let theirs = |number| numbered(without(older), number, Vec::new());
        assert_eq!(outdated(&theirs(NUMBER + 1)), None);
        assert!(are_of_a_newer_program(&theirs(NUMBER + 1)));
        let (edits, _) = outdated(&theirs(NUMBER - 1)).unwrap();
        let ours = numbered(theirs(NUMBER - 1), NUMBER, edits);
        assert!(!are_of_a_newer_program(&ours));
        // An older one that did not look would put its own, and say so: the number stays that of the newest.
        assert_eq!(numbered(ours, NUMBER - 1, Vec::new()).own_services(), NUMBER);
    }

    #[test]
    fn a_history_with_the_very_services_and_no_number_gets_the_number_alone() {
        assert_eq!(outdated(&Office::new().catalogue), Some((Vec::new(), BTreeMap::new())));
        assert_eq!(outdated(&Catalogue::default()), None, "the rules have none");
    }

    /// If this fails, a contract of the registry has changed: raise [`NUMBER`], and put here what it says.
    #[test]
    fn every_change_of_a_contract_of_the_registry_has_the_next_number() {
        let mut digests: Vec<String> = lgsp_proto::services()
            .filter(|name| name.starts_with(OWN))
            .map(|name| {
                hex::encode(lgsp_proto::contract_sha256(lgsp_proto::descriptor_set_of(name).unwrap()))
            })
            .collect();
        digests.sort_unstable();
        let all = hex::encode(lgsp_core::entry::sha256(digests.concat().as_bytes()));
        assert_eq!(
            (NUMBER, all.as_str()),
            (1, "5c5cc05f1c4b13fe1bc565867f70d53fc6f2b8f7d0f967961eeb5bb8d9b1aca2")
        );
    }
}
