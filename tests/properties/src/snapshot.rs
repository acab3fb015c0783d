use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_core::entry::sha256;
use lgsp_core::{Rules, descriptor_key};
use lgsp_gateway::filter::Subjects;
use lgsp_proto::registry::v1::{DataService, ServiceState, Snapshot};
use prost::Message;

use crate::{choice, fixture};

/// Of rules that hold together every part stands in the snapshot that they come from, and no contract brings the gateway down.
///
/// The first byte chooses what the rest is: a snapshot, or a descriptor set.
pub fn snapshot(data: &[u8]) {
    let (chosen, rest) = choice(data);
    if chosen.is_multiple_of(2) { rules(rest) } else { contract(rest) }
}

fn rules(data: &[u8]) {
    let Ok(mut snapshot) = Snapshot::decode(data) else { return };
    name_contracts(&mut snapshot);
    let Ok(rules) = Rules::compile(&snapshot, &fixture::descriptors()) else { return };
    assert_eq!(rules.revision(), snapshot.revision);
    let mut granted = 0;
    for method in rules.methods() {
        let services = snapshot.services.iter().filter(|service| *service.name == *method.service);
        let [service] = services.collect::<Vec<_>>()[..] else { panic!("{} is not there once", method.path) };
        assert_eq!(*method.path, *format!("/{}/{}", service.name, method.name));
        assert_eq!((method.platform, method.state), (service.platform, service.state()));
        assert_eq!(method.contract_sha256[..], service.descriptor_sha256[..]);
        for application in &snapshot.applications {
            let id = &rules.application(&application.id).expect("it was compiled").id;
            granted += rules.grants(id, method).len();
            assert!(!method.platform || rules.grants(id, method).is_empty(), "no agreement opens a platform");
        }
    }
    let agreed: usize = snapshot.agreements.iter().map(|agreement| agreement.grants.len()).sum();
    assert_eq!(granted, agreed, "every grant stands for one method of one application");

    let persons = snapshot.persons.iter().flat_map(|person| person.credentials.iter());
    let applications = snapshot.applications.iter().flat_map(|application| application.credentials.iter());
    for credential in persons.chain(applications) {
        let known = rules.credential(&credential.key_id).expect("it was compiled");
        assert_eq!(known.public_key[..], credential.ed25519_public_key[..]);
        assert_eq!(known.fingerprint, sha256(&credential.ed25519_public_key));
    }
    for purpose in &snapshot.purposes {
        assert!(
            lgsp_core::Purpose::parse(&purpose.code).is_some_and(|purpose| rules.knows_purpose(&purpose))
        );
    }
}

/// A service that names no contract has that of its name, so that what was kept outlives the contracts.
fn name_contracts(snapshot: &mut Snapshot) {
    for service in snapshot.services.iter_mut().filter(|service| service.descriptor_sha256.is_empty()) {
        if let Some(set) = lgsp_proto::descriptor_set_of(&service.name) {
            service.descriptor_sha256 = lgsp_proto::contract_sha256(set).to_vec().into();
        }
    }
}

fn contract(data: &[u8]) {
    let set = Bytes::copy_from_slice(data);
    let Ok(pool) = lgsp_proto::link(&set) else { return };
    let digest = sha256(&set);
    let services = pool.services().map(|service| DataService {
        name: service.full_name().to_owned(),
        domain: "land".to_owned(),
        state: ServiceState::InUse.into(),
        descriptor_sha256: digest.to_vec().into(),
        ..DataService::default()
    });
    let snapshot = Snapshot { services: services.collect(), ..Snapshot::default() };
    let descriptors = BTreeMap::from([(descriptor_key(&digest), set)]);
    let Ok(rules) = Rules::compile(&snapshot, &descriptors) else { return };
    for method in rules.methods() {
        // Nobody answers for a contract that is not ours; it only must not bring us down.
        let _ = method.checks.request(&[]);
        let (mut out, mut subjects) = (Vec::new(), Subjects::default());
        lgsp_gateway::filter::filter(&method.whole, &[], &mut out, &mut subjects)
            .expect("nothing is a message");
    }
}
