use lgsp_proto::registry::v1::{Agreement, AgreementRecord, MethodConformance};

use super::*;
use crate::office::{NOW, Office, YEAR, fields, person};
use crate::versions::state;

const NAME: &str = "example.vehicle.v1.VehicleService";
const METHODS: [&str; 2] = ["GetVehicle", "ListVehicles"];

fn contract(number: u8) -> DataService {
    DataService {
        name: NAME.to_owned(),
        owner_agency_code: "G01.30.92".to_owned(),
        descriptor_sha256: vec![number; 32].into(),
        domain: "vehicle".to_owned(),
        ..DataService::default()
    }
}

/// The police own the service; `eva.police` registers it, `dung.hub` operates the hub.
fn office() -> Office {
    let mut office = Office::new();
    office.put_person(person("eva.police", "G01.30.92", &["developer"]));
    office.put_person(person("gia.justice", "H13.03", &["developer", "operator"]));
    office
}

impl Office {
    fn register(&mut self, number: u8) -> Result<u32, Reason> {
        let registered = self.take("eva.police", NOW, |catalogue, occasion| {
            register(catalogue, contract(number), "vehicles".to_owned(), occasion)
        });
        registered.map_err(|fault| fault.reason())?;
        Ok(self.catalogue.services().of(NAME).count() as u32)
    }

    fn version(&self, version: u32) -> &ServiceRecord {
        self.catalogue.services().get(NAME, version).unwrap()
    }

    fn at(&mut self, now: i64, by: &str, decision: Decision, version: u32) -> Result<ServiceState, Fault> {
        let request = DecideServiceRequest {
            name: NAME.to_owned(),
            version,
            etag: self.version(version).etag,
            reason: "a reason".to_owned(),
        };
        self.take(by, now, |catalogue, occasion| decide(catalogue, decision, request, occasion))?;
        Ok(state(self.version(version)))
    }

    fn decide_service(&mut self, by: &str, decision: Decision, version: u32) -> Result<ServiceState, Reason> {
        self.at(NOW, by, decision, version).map_err(|fault| fault.reason())
    }

    fn check(&mut self, version: u32, methods: &[&str], problem: Option<&str>) -> Result<bool, Fault> {
        self.check_by("eva.police", version, methods, problem)
    }

    fn check_by(
        &mut self,
        by: &str,
        version: u32,
        methods: &[&str],
        problem: Option<&str>,
    ) -> Result<bool, Fault> {
        let told = methods.iter().map(|method| MethodConformance {
            method: (*method).to_owned(),
            requests: 3,
            problems: problem.map(str::to_owned).into_iter().collect(),
            exchange_ids: vec!["01890a5d-ac96-774b-bcce-b302099a8057".to_owned()],
        });
        let conformance = Conformance {
            descriptor_sha256: vec![version as u8; 32].into(),
            // Whatever whoever called says of it.
            passed: true,
            methods: told.collect(),
            ..Conformance::default()
        };
        let known = METHODS.map(str::to_owned);
        let etag = self.version(version).etag;
        self.take(by, NOW, |catalogue, occasion| {
            record_conformance(catalogue, (NAME, version, etag), conformance, &known, occasion)
        })?;
        Ok(self.version(version).conformance.as_ref().unwrap().passed)
    }

    /// A version that everybody has done with what they do about it.
    fn in_use(&mut self, version: u32) {
        assert_eq!(self.register(version as u8), Ok(version));
        assert_eq!(self.decide_service("eva.police", Decision::Offer, version), Ok(ServiceState::Sandbox));
        assert!(self.check(version, &METHODS, None).unwrap());
        assert_eq!(self.decide_service("dung.hub", Decision::PutInUse, version), Ok(ServiceState::InUse));
    }

    /// What gateways of both environments get: the digest's first byte.
    fn versions_in_rules(&self) -> [Option<u8>; 2] {
        ["production", "sandbox"].map(|environment| {
            let snapshot = self.catalogue.snapshot(environment);
            let ours = snapshot.services.iter().find(|service| service.name == NAME)?;
            ours.descriptor_sha256.first().copied()
        })
    }
}

#[test]
fn a_service_is_registered_tried_and_put_in_use_by_two_offices() {
    let mut office = office();
    assert_eq!(office.register(1), Ok(1));
    assert_eq!(office.versions_in_rules(), [None, None], "what is only registered is nobody's to call");
    office.decide_service("eva.police", Decision::Offer, 1).unwrap();
    assert_eq!(office.decide_service("dung.hub", Decision::PutInUse, 1), Err(Reason::NotConformant));
    assert!(office.check(1, &METHODS, None).unwrap());
    assert_eq!(office.decide_service("eva.police", Decision::PutInUse, 1), Err(Reason::NotYourAgency));
    assert_eq!(office.decide_service("dung.hub", Decision::PutInUse, 1), Ok(ServiceState::InUse));
    assert_eq!(office.versions_in_rules(), [Some(1), Some(1)]);
}

#[test]
fn nobody_puts_in_use_what_they_have_registered() {
    let mut office = office();
    office.put_person(person("eva.police", "G01.30.92", &["developer", "operator"]));
    office.register(1).unwrap();
    office.decide_service("eva.police", Decision::Offer, 1).unwrap();
    office.check(1, &METHODS, None).unwrap();
    assert_eq!(office.decide_service("eva.police", Decision::PutInUse, 1), Err(Reason::SamePerson));
}

#[test]
fn nobody_puts_in_use_what_they_have_checked() {
    let mut office = office();
    office.register(1).unwrap();
    office.decide_service("eva.police", Decision::Offer, 1).unwrap();
    assert!(office.check_by("dung.hub", 1, &METHODS, None).unwrap());
    assert_eq!(office.decide_service("dung.hub", Decision::PutInUse, 1), Err(Reason::SamePerson));
    assert_eq!(office.decide_service("gia.justice", Decision::PutInUse, 1), Ok(ServiceState::InUse));
}

#[test]
fn a_few_dozen_problems_and_exchanges_of_a_method_are_kept() {
    let mut office = office();
    office.register(1).unwrap();
    office.decide_service("eva.police", Decision::Offer, 1).unwrap();
    let told = MethodConformance {
        method: METHODS[0].to_owned(),
        problems: vec!["plate: taken without it".to_owned(); 50],
        exchange_ids: vec!["01890a5d-ac96-774b-bcce-b302099a8057".to_owned(); 200],
        ..MethodConformance::default()
    };
    let conformance =
        Conformance { descriptor_sha256: vec![1; 32].into(), methods: vec![told], ..Conformance::default() };
    let (known, etag) = (METHODS.map(str::to_owned), office.version(1).etag);
    let taken = office.take("eva.police", NOW, |catalogue, occasion| {
        record_conformance(catalogue, (NAME, 1, etag), conformance, &known, occasion)
    });
    taken.unwrap();
    let kept = &office.version(1).conformance.as_ref().unwrap().methods[0];
    assert_eq!((kept.problems.len(), kept.exchange_ids.len()), (32, 32));
}

#[test]
fn a_check_passes_only_with_every_method_of_this_contract_and_none_of_its_problems() {
    let mut office = office();
    office.register(1).unwrap();
    assert_eq!(office.check(1, &METHODS, None).unwrap_err().reason(), Reason::WrongStage);
    office.decide_service("eva.police", Decision::Offer, 1).unwrap();
    assert!(!office.check(1, &METHODS[..1], None).unwrap(), "a method was not called");
    assert!(!office.check(1, &METHODS, Some("plate: taken without it")).unwrap());
    assert_eq!(office.decide_service("dung.hub", Decision::PutInUse, 1), Err(Reason::NotConformant));
    let number = office.check(1, &METHODS, Some("092085000011")).unwrap_err();
    assert_eq!(fields(&number), ["conformance.methods.problems"]);
    let unknown = office.check(1, &["GetTractor"], None).unwrap_err();
    assert_eq!(fields(&unknown), ["conformance.methods"]);
    assert!(office.check(1, &METHODS, None).unwrap());
}

#[test]
fn a_later_version_is_tried_beside_the_one_in_use_and_takes_its_place() {
    let mut office = office();
    office.in_use(1);
    assert_eq!(office.register(1), Err(Reason::InvalidField), "it is in use already");
    assert_eq!(office.register(2), Ok(2));
    assert_eq!(office.register(3), Err(Reason::WrongStage), "one waits already");
    office.decide_service("eva.police", Decision::Offer, 2).unwrap();
    assert_eq!(office.versions_in_rules(), [Some(1), Some(2)]);
    office.check(2, &METHODS, None).unwrap();
    office.decide_service("dung.hub", Decision::PutInUse, 2).unwrap();
    assert_eq!(office.versions_in_rules(), [Some(2), Some(2)]);
    assert_eq!(state(office.version(1)), ServiceState::Superseded);
}

#[test]
fn what_is_taken_back_or_refused_is_out_of_the_sandbox_and_makes_room() {
    let mut office = office();
    office.in_use(1);
    for (version, by, decision, end) in [
        (2, "eva.police", Decision::Withdraw, ServiceState::Withdrawn),
        (3, "dung.hub", Decision::Refuse, ServiceState::Refused),
    ] {
        assert_eq!(office.register(version as u8), Ok(version));
        office.decide_service("eva.police", Decision::Offer, version).unwrap();
        assert_eq!(office.versions_in_rules(), [Some(1), Some(version as u8)]);
        assert_eq!(office.decide_service(by, decision, version), Ok(end));
        assert_eq!(office.versions_in_rules(), [Some(1), Some(1)]);
        assert_eq!(office.decide_service("eva.police", Decision::Offer, version), Err(Reason::WrongStage));
    }
    assert_eq!(office.decide_service("eva.police", Decision::Withdraw, 1), Err(Reason::WrongStage));
}

#[test]
fn another_agency_decides_nothing_about_it() {
    let mut office = office();
    office.register(1).unwrap();
    for decision in [Decision::Offer, Decision::Withdraw] {
        assert_eq!(office.decide_service("gia.justice", decision, 1), Err(Reason::NotYourAgency));
        assert_eq!(office.decide_service("dung.hub", decision, 1), Err(Reason::NotYourAgency));
    }
    assert_eq!(office.decide_service("chi.police", Decision::Refuse, 1), Err(Reason::NotYourAgency));
}

#[test]
fn a_service_is_retired_no_sooner_than_was_announced() {
    let mut office = office();
    office.in_use(1);
    assert_eq!(office.decide_service("chi.police", Decision::Retire, 1), Err(Reason::WrongStage));
    let past = office.at(NOW, "chi.police", Decision::Deprecate(NOW - 1), 1).unwrap_err();
    assert_eq!(fields(&past), ["retire_from"]);
    office.at(NOW, "chi.police", Decision::Deprecate(NOW + YEAR), 1).unwrap();
    let service = office.version(1).service.as_ref().unwrap();
    let told = (service.deprecated_at.as_ref().map(micros), service.sunset_at.as_ref().map(micros));
    assert_eq!(told, (Some(NOW), Some(NOW + YEAR)));
    assert_eq!(office.versions_in_rules(), [Some(1), Some(1)], "it is still carried");
    let early = office.at(NOW + YEAR - 1, "dung.hub", Decision::Retire, 1).unwrap_err();
    assert_eq!(fields(&early), ["service.sunset_at"]);
    // The date may be put off, and is never brought forward; when it was announced first stays.
    office.at(NOW + 5, "dung.hub", Decision::Deprecate(NOW + 2 * YEAR), 1).unwrap();
    let sooner = office.at(NOW + 6, "chi.police", Decision::Deprecate(NOW + 2 * YEAR - 1), 1).unwrap_err();
    assert_eq!(fields(&sooner), ["retire_from"]);
    let announced = office.version(1).service.as_ref().unwrap().deprecated_at.as_ref().map(micros);
    assert_eq!(announced, Some(NOW));
    let retired = office.at(NOW + 2 * YEAR, "dung.hub", Decision::Retire, 1);
    assert_eq!(retired.unwrap(), ServiceState::Retired);
}

#[test]
fn a_service_that_agreements_use_is_ended_with_a_months_notice() {
    let mut office = office();
    office.in_use(1);
    let terms = Agreement {
        id: "tt-vehicle".to_owned(),
        version: 1,
        service: NAME.to_owned(),
        ..Agreement::default()
    };
    let active = AgreementRecord {
        agreement: Some(terms),
        stage: AgreementStage::Active.into(),
        ..AgreementRecord::default()
    };
    office.take_in(vec![put(None, Of::Agreement(active.clone()), "tt-vehicle/1".to_owned())]);
    let day = 24 * 3_600_000_000;
    let soon = office.at(NOW, "chi.police", Decision::Deprecate(NOW + 29 * day), 1).unwrap_err();
    assert_eq!(fields(&soon), ["retire_from"]);
    let mut expired = active.clone();
    expired.agreement.as_mut().unwrap().valid_to = Some(timestamp(NOW));
    let revoked = AgreementRecord { stage: AgreementStage::Revoked.into(), ..active.clone() };
    let mut nobody = Office { catalogue: office.catalogue.clone() };
    for ended in [revoked, expired] {
        let before = Some(Of::Agreement(active.clone()));
        nobody.take_in(vec![put(before, Of::Agreement(ended), "tt-vehicle/1".to_owned())]);
        let mut nobody = Office { catalogue: nobody.catalogue.clone() };
        nobody.at(NOW, "chi.police", Decision::Deprecate(NOW + day), 1).unwrap();
    }
    office.at(NOW, "chi.police", Decision::Deprecate(NOW + 30 * day - 1), 1).unwrap();
}

#[test]
fn a_decision_about_what_has_changed_meanwhile_or_without_a_reason_is_refused() {
    let mut office = office();
    office.register(1).unwrap();
    let etag = office.version(1).etag;
    office.decide_service("eva.police", Decision::Offer, 1).unwrap();
    let decide_so = |office: &mut Office, etag: u64, reason: &str| {
        let (name, reason) = (NAME.to_owned(), reason.to_owned());
        let request = DecideServiceRequest { name, version: 1, etag, reason };
        let taken = office.take("dung.hub", NOW, |catalogue, occasion| {
            decide(catalogue, Decision::Refuse, request, occasion)
        });
        taken.unwrap_err()
    };
    assert_eq!(decide_so(&mut office, etag, "a reason").reason(), Reason::Stale);
    assert_eq!(fields(&decide_so(&mut office, etag, "  ")), ["reason"]);
}

#[test]
fn the_hubs_own_services_are_nobodys_to_decide_about() {
    let mut office = office();
    let request = DecideServiceRequest {
        name: "lgsp.registry.v1.RegistryService".to_owned(),
        version: 1,
        etag: 1,
        reason: "a reason".to_owned(),
    };
    let taken = office.take("dung.hub", NOW, |catalogue, occasion| {
        decide(catalogue, Decision::Deprecate(NOW + YEAR), request, occasion)
    });
    assert_eq!(taken.unwrap_err().reason(), Reason::NotYourAgency);
}

#[test]
fn a_service_of_the_files_is_superseded_as_any_other() {
    let mut office = office();
    let files = DataService { state: ServiceState::InUse.into(), ..contract(1) };
    office.take_in(vec![put(None, Of::Service(files), NAME.to_owned())]);
    assert_eq!(office.versions_in_rules(), [Some(1), Some(1)]);
    office.in_use(2);
    assert_eq!(state(office.version(1)), ServiceState::Superseded);
    assert_eq!(office.versions_in_rules(), [Some(2), Some(2)]);
}
