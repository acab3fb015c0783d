//! The versions of the data services, and which of them gateways get.

use std::collections::BTreeMap;

use lgsp_proto::registry::v1::{DataService, ServiceRecord, ServiceState};

/// All versions of all data services, by name and version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Versions {
    records: BTreeMap<(String, u32), ServiceRecord>,
}

impl Versions {
    pub fn put(&mut self, record: ServiceRecord) {
        self.records.insert(key(&record), record);
    }

    /// Puts a service that came from the files: its first version, as if it had been looked at with the change that brought it.
    pub fn put_imported(&mut self, service: DataService, sequence: u64) {
        self.put(ServiceRecord { etag: sequence, ..imported(service) });
    }

    pub fn remove(&mut self, record: &ServiceRecord) {
        self.records.remove(&key(record));
    }

    pub fn remove_imported(&mut self, service: &DataService) {
        self.remove(&imported(service.clone()));
    }

    pub fn get(&self, name: &str, version: u32) -> Option<&ServiceRecord> {
        self.records.get(&(name.to_owned(), version))
    }

    /// All versions of a service, oldest first.
    pub fn of(&self, name: &str) -> impl DoubleEndedIterator<Item = &ServiceRecord> {
        let all = (name.to_owned(), 0)..=(name.to_owned(), u32::MAX);
        self.records.range(all).map(|(_, record)| record)
    }

    /// All versions of all services, by name and version.
    pub fn all(&self) -> impl Iterator<Item = &ServiceRecord> {
        self.records.values()
    }

    /// The version of a service that callers rely on.
    pub fn in_use(&self, name: &str) -> Option<&ServiceRecord> {
        self.of(name).rev().find(|record| is_in_use(state(record)))
    }

    /// What the service is, whatever its version: as it is in use, else as it was registered last.
    pub fn service(&self, name: &str) -> Option<&DataService> {
        self.in_use(name).or_else(|| self.of(name).next_back())?.service.as_ref()
    }

    /// The services as gateways of an environment get them, one version each, by name.
    pub fn in_rules(&self, environment: &str) -> Vec<DataService> {
        let mut chosen: BTreeMap<&str, (u8, &DataService)> = BTreeMap::new();
        for record in self.records.values() {
            let (Some(service), Some(rank)) = (&record.service, rank(record, environment)) else { continue };
            // A later version of the same rank is looked at later, and wins.
            let better = chosen.get(service.name.as_str()).is_none_or(|(known, _)| rank >= *known);
            if better {
                chosen.insert(&service.name, (rank, service));
            }
        }
        chosen.into_values().map(|(_, service)| service.clone()).collect()
    }
}

/// Which version gateways get: the highest. The sandbox tries what is offered there; elsewhere it is only known, so that a refusal
/// can say why, unless nothing else is.
fn rank(record: &ServiceRecord, environment: &str) -> Option<u8> {
    let sandbox = environment == lgsp_core::SANDBOX;
    match state(record) {
        ServiceState::Sandbox if sandbox => Some(3),
        ServiceState::InUse | ServiceState::Deprecated => Some(2),
        ServiceState::Sandbox | ServiceState::Retired => Some(1),
        // The files say it; agreements may name it.
        ServiceState::Draft if record.registered.is_none() => Some(1),
        ServiceState::Unspecified
        | ServiceState::Draft
        | ServiceState::Superseded
        | ServiceState::Refused
        | ServiceState::Withdrawn => None,
    }
}

/// Whether callers rely on a version at this stage.
pub(crate) fn is_in_use(state: ServiceState) -> bool {
    matches!(state, ServiceState::InUse | ServiceState::Deprecated)
}

/// Where a version stands.
pub(crate) fn state(record: &ServiceRecord) -> ServiceState {
    record.service.as_ref().map_or(ServiceState::Unspecified, DataService::state)
}

fn imported(service: DataService) -> ServiceRecord {
    ServiceRecord { service: Some(service), version: 1, ..ServiceRecord::default() }
}

fn key(record: &ServiceRecord) -> (String, u32) {
    let name = record.service.as_ref().map(|service| service.name.clone());
    (name.unwrap_or_default(), record.version)
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::Step;

    use super::*;

    const NAME: &str = "example.vehicle.v1.VehicleService";

    fn versions(states: &[ServiceState]) -> Versions {
        let mut versions = Versions::default();
        for (version, state) in (1..).zip(states) {
            let service = DataService {
                name: NAME.to_owned(),
                state: (*state).into(),
                title_en: version.to_string(),
                ..DataService::default()
            };
            let registered = Some(Step::default());
            versions.put(ServiceRecord { service: Some(service), version, registered, ..Default::default() });
        }
        versions
    }

    fn check(states: &[ServiceState], sandbox: &str, production: &str) {
        let versions = versions(states);
        let version = |environment: &str| {
            let services = versions.in_rules(environment);
            services.first().map(|service| service.title_en.clone()).unwrap_or_default()
        };
        assert_eq!([version("sandbox"), version("production")], [sandbox, production], "{states:?}");
    }

    #[test]
    fn the_sandbox_gets_what_is_offered_there_and_production_what_is_in_use() {
        use ServiceState::{Deprecated, Draft, InUse, Refused, Retired, Sandbox, Superseded, Withdrawn};
        check(&[Draft], "", "");
        check(&[Sandbox], "1", "1");
        check(&[InUse, Draft], "1", "1");
        check(&[InUse, Sandbox], "2", "1");
        check(&[Superseded, InUse, Sandbox, Draft], "3", "2");
        check(&[InUse, Refused, Withdrawn], "1", "1");
        check(&[Superseded, Deprecated], "2", "2");
        check(&[Superseded, Retired, Draft], "2", "2");
        check(&[Retired, Sandbox], "2", "2");
    }

    #[test]
    fn a_service_of_the_files_is_a_first_version_and_may_be_known_before_it_is_offered() {
        let mut versions = Versions::default();
        let service = DataService {
            name: NAME.to_owned(),
            state: ServiceState::Draft.into(),
            ..DataService::default()
        };
        versions.put_imported(service.clone(), 7);
        assert_eq!(versions.get(NAME, 1).map(|record| record.etag), Some(7));
        assert_eq!(versions.in_rules("production"), std::slice::from_ref(&service));
        versions.remove_imported(&service);
        assert_eq!(versions, Versions::default());
    }
}
