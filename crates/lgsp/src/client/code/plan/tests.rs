use lgsp_core::time::timestamp;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::{
    Actor, AgreementRecord, AgreementStage, AgreementState, ApplicationState, ConnectionRecord,
    CredentialRecord, Environment, RoleProposal, ServiceRecord, ServiceState, Step as Taken,
};
use lgsp_registry::rules::{Folder, check};

use super::*;

const NOW: i64 = 1_790_000_000_000_000;
const YEAR: i64 = 365 * 86_400 * 1_000_000;

/// The shipped files.
fn files() -> Checked {
    check(&Folder::of(lgsp_registry::shipped().iter().copied()), "production").expect("they hold together")
}

/// A registry that holds what the shipped files say.
fn whole() -> Known {
    let files = files();
    let snapshot = files.snapshot().clone();
    let (systems, national) = files.inventory_of_files();
    let service = |service: DataService| ServiceRecord {
        service: Some(service),
        version: 1,
        etag: 1,
        ..ServiceRecord::default()
    };
    let connection = |application: Application| ConnectionRecord {
        application: Some(application),
        etag: 1,
        ..ConnectionRecord::default()
    };
    let agreement = |terms: Agreement| {
        let is_suspended = terms.state() == AgreementState::Suspended;
        let stage = if is_suspended { AgreementStage::Suspended } else { AgreementStage::Active };
        let (agreement, stage) = (Some(terms), stage.into());
        AgreementRecord { agreement, stage, etag: 1, ..AgreementRecord::default() }
    };
    Known {
        environment: "production".to_owned(),
        agencies: snapshot.agencies,
        purposes: snapshot.purposes,
        roles: snapshot.roles,
        services: snapshot.services.into_iter().map(service).collect(),
        connections: snapshot.applications.into_iter().map(connection).collect(),
        agreements: snapshot.agreements.into_iter().map(agreement).collect(),
        systems: systems.into_iter().map(|it| System { etag: 1, ..it.clone() }).collect(),
        national_services: national.into_iter().map(|it| NationalService { etag: 1, ..it.clone() }).collect(),
        ..Known::default()
    }
}

/// A registry that begins with the hub alone.
fn hub() -> Known {
    let mut known = whole();
    known.services.retain(|it| it.service.as_ref().is_some_and(|it| it.platform));
    known.connections.retain(|it| it.application.as_ref().is_some_and(|it| it.platform));
    known.agreements.clear();
    known
}

fn found<'a>(plan: &'a [Difference], kind: &str, id: &str) -> &'a Difference {
    let mut ours = plan.iter().filter(|it| it.kind == kind && it.id == id);
    ours.next().unwrap_or_else(|| panic!("{kind} {id} is in {plan:?}"))
}

/// `act by role of agency`, step by step.
fn steps(difference: &Difference) -> Vec<String> {
    let told = |step: &Step| {
        let agency = step.by.agency.as_ref().map(|agency| format!(" of {agency}")).unwrap_or_default();
        format!("{} by {}{agency}", step.act.name(), step.by.role)
    };
    difference.steps.iter().map(told).collect()
}

fn person(id: &str, agency: &str, role: &str) -> Person {
    let (id, agency_code) = (id.to_owned(), agency.to_owned());
    Person { id, agency_code, roles: vec![role.to_owned()], ..Person::default() }
}

fn taken(by: &str) -> Option<Taken> {
    let by = Some(Actor { person: by.to_owned(), ..Actor::default() });
    Some(Taken { by, ..Taken::default() })
}

#[test]
fn where_the_registry_is_as_the_files_say_there_is_nothing_to_do() {
    assert_eq!(plan(&files(), &whole(), NOW), []);
}

#[test]
fn the_inventory_is_put_by_its_agency_and_the_operator_and_nothing_of_it_is_taken_away() {
    let mut known = whole();
    known.systems[20].name_vi = "another".to_owned();
    let changed = known.systems[20].clone();
    known.systems[21].application = "hotich".to_owned();
    let connected = known.systems[21].id.clone();
    let unknown = known.national_services.remove(3);
    known.national_services.push(NationalService { id: "more".to_owned(), ..NationalService::default() });
    let plan = plan(&files(), &known, NOW);
    let system = found(&plan, "system", &changed.id);
    assert_eq!(steps(system), [format!("put-system by developer of {}", changed.agency_code)]);
    assert_eq!(system.fields.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["nameVi"]);
    let by_hand = found(&plan, "system", &connected);
    assert!(steps(by_hand)[0].contains("lgsp connection request --system"), "{by_hand:?}");
    let service = found(&plan, "national-service", &unknown.id);
    assert_eq!(steps(service), ["put-national-service by operator"]);
    let gone = found(&plan, "national-service", "more");
    assert_eq!((gone.is_wanted, gone.steps.len()), (false, 0));
    assert_eq!(plan.len(), 4);
}

#[test]
fn files_without_an_inventory_say_nothing_of_it() {
    let shipped = lgsp_registry::shipped().iter().copied().filter(|(name, _)| *name != "inventory.toml");
    let files = check(&Folder::of(shipped), "production").expect("they hold together");
    assert_eq!(plan(&files, &whole(), NOW), []);
}

#[test]
fn from_the_hub_alone_each_thing_comes_in_steps_of_three_offices() {
    let plan = plan(&files(), &hub(), NOW);
    let service = found(&plan, "service", "lgsp.land.v1.LandService");
    assert_eq!(
        steps(service),
        [
            "register-service by developer of H13.04",
            "offer-service by developer of H13.04",
            "lgsp service check lgsp.land.v1.LandService by developer of H13.04",
            "put-service-in-use by operator",
        ]
    );
    let application = found(&plan, "application", "hotich");
    assert_eq!(
        steps(application),
        [
            "request-connection by developer of H13.03",
            "approve-connection by operator",
            "connect by operator"
        ]
    );
    let agreement = found(&plan, "agreement", "tt-hotich-dancu");
    assert_eq!(
        steps(agreement),
        [
            "propose-agreement by developer of H13.03",
            "approve-agreement by approver of G01.30.92",
            "activate-agreement by operator",
        ]
    );
    assert_eq!(agreement.waits.as_deref(), Some("its application"));
    assert!(agreement.step_of(&person("an", "H13.03", "developer")).is_none(), "not before its application");
    assert!(application.step_of(&person("an", "H13.03", "developer")).is_some());
    assert!(application.step_of(&person("an", "H13.04", "developer")).is_none(), "another agency");
    assert!(plan.iter().all(|it| it.is_wanted && !it.is_known));
}

#[test]
fn nobody_is_asked_for_a_second_step_of_an_agreement() {
    let mut known = whole();
    let record =
        known.agreements.iter_mut().find(|it| it.agreement.as_ref().unwrap().id == "tt-hotich-dancu");
    let record = record.unwrap();
    record.set_stage(AgreementStage::Proposed);
    record.proposed = taken("an");
    let difference = plan(&files(), &known, NOW);
    let next = found(&difference, "agreement", "tt-hotich-dancu");
    assert!(next.step_of(&person("an", "G01.30.92", "approver")).is_none());
    let step = next.step_of(&person("chi", "G01.30.92", "approver")).unwrap();
    assert_eq!(step.act, Act::ApproveAgreement("tt-hotich-dancu".to_owned(), 1, 1));

    let record =
        known.agreements.iter_mut().find(|it| it.agreement.as_ref().unwrap().id == "tt-hotich-dancu");
    let record = record.unwrap();
    record.set_stage(AgreementStage::Approved);
    record.approved = taken("chi");
    let difference = plan(&files(), &known, NOW);
    let next = found(&difference, "agreement", "tt-hotich-dancu");
    for (id, may) in [("an", false), ("chi", false), ("dung", true)] {
        assert_eq!(next.step_of(&person(id, "H13.02", "operator")).is_some(), may, "{id}");
    }
}

#[test]
fn other_terms_are_proposed_again_and_a_version_that_waits_is_decided_by_hand() {
    let mut known = whole();
    let index = known.agreements.iter().position(|it| it.agreement.as_ref().unwrap().id == "tt-hotich-dancu");
    let record = &mut known.agreements[index.unwrap()];
    record.agreement.as_mut().unwrap().legal_basis = "another".to_owned();
    let difference = plan(&files(), &known, NOW);
    let again = found(&difference, "agreement", "tt-hotich-dancu");
    assert!(steps(again)[0].starts_with("propose-agreement") && again.is_known);
    assert_eq!(again.fields.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["legalBasis"]);

    let mut other = known.agreements[index.unwrap()].clone();
    other.set_stage(AgreementStage::Proposed);
    other.agreement.as_mut().unwrap().version = 2;
    known.agreements.push(other);
    let difference = plan(&files(), &known, NOW);
    let waits = found(&difference, "agreement", "tt-hotich-dancu");
    assert!(matches!(waits.steps[0].act, Act::ByHand(_)));
}

#[test]
fn an_agreement_that_is_suspended_elsewhere_is_activated_and_one_that_is_gone_is_revoked() {
    let mut known = whole();
    known.agreements[0].set_stage(AgreementStage::Suspended);
    let mut gone = known.agreements[1].clone();
    gone.agreement.as_mut().unwrap().id = "tt-gone".to_owned();
    known.agreements.push(gone);
    let difference = plan(&files(), &known, NOW);
    assert_eq!(steps(&difference[0]), ["activate-agreement by operator"]);
    let gone = found(&difference, "agreement", "tt-gone/1");
    assert_eq!((steps(gone), gone.is_wanted), (vec!["revoke-agreement by operator".to_owned()], false));
    assert_eq!(difference.len(), 2);

    let ended = known.agreements.last_mut().unwrap().agreement.as_mut().unwrap();
    ended.valid_to = Some(timestamp(NOW));
    assert_eq!(plan(&files(), &known, NOW).len(), 1, "one that has ended is not missed");
}

#[test]
fn what_was_revoked_in_files_and_never_agreed_is_nothing_to_do() {
    let mut known = whole();
    let id = known.agreements[0].agreement.as_ref().unwrap().id.clone();
    let mut texts: Vec<(&str, String)> =
        lgsp_registry::shipped().iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    for (name, text) in &mut texts {
        if *name == "agreements.toml" {
            for state in ["active", "suspended"] {
                *text = text.replace(&format!("state = \"{state}\""), "state = \"revoked\"");
            }
        }
    }
    let folder = Folder::of(texts.iter().map(|(name, text)| (*name, text.as_str())));
    let revoked = check(&folder, "production").unwrap();
    assert_eq!(revoked.snapshot().agreements[0].state(), AgreementState::Revoked);
    let plan_ = plan(&revoked, &known, NOW);
    assert_eq!(steps(found(&plan_, "agreement", &id)), ["revoke-agreement by operator"]);
    known.agreements.clear();
    assert_eq!(plan(&revoked, &known, NOW), []);
}

#[test]
fn an_application_is_connected_with_a_key_for_production_and_retired_when_it_is_in_no_file() {
    let mut known = whole();
    let index = known.connections.iter().position(|it| it.application.as_ref().unwrap().id == "spp").unwrap();
    known.connections[index].application.as_mut().unwrap().set_state(ApplicationState::Onboarding);
    known.connections[index].requested = taken("an");
    let difference = plan(&files(), &known, NOW);
    let waits = found(&difference, "application", "spp");
    assert_eq!(steps(waits), ["connect by operator"]);
    assert!(waits.waits.is_some());

    let key = Credential {
        key_id: "spp-1".to_owned(),
        not_after: Some(timestamp(NOW + YEAR)),
        ..Credential::default()
    };
    let key = Credential { environment: Environment::Production.into(), ..key };
    known.credentials.push(CredentialRecord {
        application: "spp".to_owned(),
        id: "spp-1".to_owned(),
        held: Some(Held::Credential(key)),
        etag: 7,
        ..CredentialRecord::default()
    });
    let difference = plan(&files(), &known, NOW);
    let next = found(&difference, "application", "spp");
    assert!(next.step_of(&person("an", "H13.02", "operator")).is_none(), "who asked does not connect");
    assert!(next.step_of(&person("dung", "H13.02", "operator")).is_some());
    // The files name no key of its own.
    let key = found(&difference, "credential", "spp/spp-1");
    assert_eq!(steps(key), ["revoke-credential by developer of H13.08"]);
    assert!(plan(&files(), &known, NOW + 2 * YEAR).iter().all(|it| it.kind != "credential"), "it has ended");

    let mut other = known.connections[index].clone();
    other.application.as_mut().unwrap().id = "gone".to_owned();
    known.connections.push(other);
    let difference = plan(&files(), &known, NOW);
    assert_eq!(steps(found(&difference, "application", "gone")), ["retire-application by operator"]);
}

#[test]
fn what_a_role_opens_in_addition_waits_for_another_administrator() {
    let mut known = whole();
    let role = known.roles.iter_mut().find(|it| it.name == "auditor").unwrap();
    let whole_role = role.clone();
    role.methods.pop();
    let difference = plan(&files(), &known, NOW);
    let wider = found(&difference, "role", "auditor");
    assert_eq!(steps(wider), ["propose-role by administrator", "put-role by administrator"]);
    known.role_proposals.push(RoleProposal { role: Some(whole_role), proposed: taken("admin-1") });
    let difference = plan(&files(), &known, NOW);
    let wider = found(&difference, "role", "auditor");
    assert!(wider.step_of(&person("admin-1", "H13.02", "administrator")).is_none());
    assert!(wider.step_of(&person("admin-2", "H13.02", "administrator")).is_some());

    let mut known = whole();
    let role = known.roles.iter_mut().find(|it| it.name == "auditor").unwrap();
    role.methods.push("lgsp.registry.v1.DecisionService/PutPerson".to_owned());
    let difference = plan(&files(), &known, NOW);
    assert_eq!(steps(found(&difference, "role", "auditor")), ["put-role by administrator"]);
}

#[test]
fn a_service_goes_on_from_where_it_stands() {
    let mut known = whole();
    let index = known.services.iter().position(|it| it.service.as_ref().unwrap().name.contains(".land."));
    let record = &mut known.services[index.unwrap()];
    record.registered = taken("an");
    record.service.as_mut().unwrap().set_state(ServiceState::Sandbox);
    let difference = plan(&files(), &known, NOW);
    let next = found(&difference, "service", "lgsp.land.v1.LandService");
    assert!(matches!(next.steps[0].act, Act::ByHand(_)), "it has not been checked");
    let record = &mut known.services[index.unwrap()];
    record.conformance = Some(lgsp_proto::registry::v1::Conformance { passed: true, ..Default::default() });
    let difference = plan(&files(), &known, NOW);
    let next = found(&difference, "service", "lgsp.land.v1.LandService");
    assert!(next.step_of(&person("an", "H13.02", "operator")).is_none(), "who registered it");
    assert!(next.step_of(&person("dung", "H13.02", "operator")).is_some());
}

#[test]
fn a_purpose_that_only_ended_agreements_name_stays_and_is_no_difference() {
    let mut known = whole();
    known.purposes.push(Purpose { code: "once".to_owned(), ..Purpose::default() });
    let gone = plan(&files(), &known, NOW);
    assert_eq!(steps(found(&gone, "purpose", "once")), ["remove-purpose by administrator"]);
    let mut ended = known.agreements[0].clone();
    ended.set_stage(AgreementStage::Superseded);
    let terms = ended.agreement.as_mut().unwrap();
    (terms.version, terms.purposes) = (0, vec!["once".to_owned()]);
    known.agreements.insert(0, ended);
    assert_eq!(plan(&files(), &known, NOW), []);
}
