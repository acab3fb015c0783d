//! The registry's own services come with the registry: a history from before one was there, or from before its contract grew, gets it
//! as this program has it. What roles open of it is for administrators to say.

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_core::descriptor_key;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{DataService, Edit, ServiceState};

use crate::catalogue::{Catalogue, put};

/// Who owns it owns the others, too.
const REGISTRY: &str = "lgsp.registry.v1.RegistryService";
const OWN: &str = "lgsp.registry.v1.";

/// What to change so that gateways carry the registry's services as they are, and the contracts that this needs. Nothing, where the
/// rules never had them.
pub(crate) fn outdated(catalogue: &Catalogue) -> (Vec<Edit>, BTreeMap<String, Bytes>) {
    let (mut edits, mut contracts) = (Vec::new(), BTreeMap::new());
    let Some(registry) = catalogue.service(REGISTRY) else { return (edits, contracts) };
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
    (edits, contracts)
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::Change;

    use super::*;
    use crate::office::Office;

    const CATALOGUE: &str = "lgsp.registry.v1.CatalogueService";

    fn without(change: impl FnOnce(DataService) -> Option<DataService>) -> Catalogue {
        let mut catalogue = Office::new().catalogue;
        let known = catalogue.service(CATALOGUE).unwrap().clone();
        let item = |of| lgsp_proto::registry::v1::Item { item: Some(of) };
        let edit = Edit {
            before: Some(item(Of::Service(known.clone()))),
            after: change(known).map(|service| item(Of::Service(service))),
            ..Edit::default()
        };
        let sequence = catalogue.sequence + 1;
        catalogue.apply(&Change { sequence, edits: vec![edit], ..Change::default() }).unwrap();
        catalogue
    }

    #[test]
    fn a_history_that_lacks_a_service_of_the_registry_or_has_an_older_one_gets_it() {
        assert_eq!(outdated(&Office::new().catalogue), (Vec::new(), BTreeMap::new()), "it has them all");
        let older = |known| Some(DataService { descriptor_sha256: vec![7; 32].into(), ..known });
        for mut catalogue in [without(|_| None), without(older)] {
            let (edits, contracts) = outdated(&catalogue);
            assert_eq!((edits.len(), contracts.len()), (1, 1));
            let sequence = catalogue.sequence + 1;
            catalogue.apply(&Change { sequence, edits, ..Change::default() }).unwrap();
            let service = catalogue.service(CATALOGUE).unwrap();
            assert_eq!((service.owner_agency_code.as_str(), service.platform), ("H13.02", true));
            assert!(contracts.contains_key(&descriptor_key(&service.descriptor_sha256)));
            assert_eq!(outdated(&catalogue).0, []);
        }
    }
}
