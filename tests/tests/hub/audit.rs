//! The exchange log as auditors see it: who may look, what is found of a person, and what is erased, held or withheld.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use lgsp_bus::topics;
use lgsp_core::entry::{SubjectKeys, SubjectRef, seal};
use lgsp_core::time::{month, timestamp, unix_micros};
use lgsp_core::{ExchangeId, Reason, Subject};
use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::{
    AuditFilter, AuditedEntry, CheckCompletenessRequest, CountExchangesRequest, DecidedResponse,
    DestroySubjectKeyRequest, DestroySubjectKeyResponse, Disclosure, Erasable, EraseExchangesRequest,
    Exchange, ExportExchangesRequest, FollowAuditRequest, GetExchangeRequest, Mark, MarkExchangesRequest,
    Outcome, Phase, ReportExposureRequest, ReportSubjectRequest, Sealed, SearchExchangesRequest, SubjectKey,
};
use lgsp_proto::population::v1::GetHouseholdRequest;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::caller::{App, exchange_of, refused};
use crate::fixture::{City, DAY_US, PERSON, within};

const DOSSIER: &str = "H13.05-260601-0001";

fn audit(app: &App) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(app.channel.clone())
}

fn of(number: &str) -> AuditFilter {
    let subject = SubjectKey { person: number.to_owned(), ..SubjectKey::default() };
    AuditFilter { subject: Some(subject), ..AuditFilter::default() }
}

async fn search(app: &App, filter: AuditFilter) -> Result<Vec<Exchange>, Status> {
    let request = SearchExchangesRequest { filter: Some(filter), ..SearchExchangesRequest::default() };
    Ok(audit(app).search_exchanges(app.request(request)).await?.into_inner().exchanges)
}

async fn finds(app: &App, filter: AuditFilter, exchange: ExchangeId) -> bool {
    let found = search(app, filter).await.expect("served");
    found.iter().any(|found| found.exchange_id == exchange.to_string())
}

async fn get(app: &App, exchange: ExchangeId) -> Vec<AuditedEntry> {
    let request = GetExchangeRequest { exchange_id: exchange.to_string(), ..GetExchangeRequest::default() };
    audit(app).get_exchange(app.request(request)).await.expect("served").into_inner().entries
}

async fn erase(app: &App, exchanges: &[ExchangeId]) -> Result<DecidedResponse, Status> {
    let request = EraseExchangesRequest {
        exchange_ids: exchanges.iter().map(ToString::to_string).collect(),
        legal_basis: "Luật 91/2025/QH15, Điều 14".to_owned(),
        preview: false,
    };
    audit(app).erase_exchanges(app.request(request)).await.map(Response::into_inner)
}

async fn mark(
    app: &App,
    mark: Mark,
    exchange: ExchangeId,
    after: Option<i64>,
) -> Result<DecidedResponse, Status> {
    let request = MarkExchangesRequest {
        mark: mark.into(),
        exchange_ids: vec![exchange.to_string()],
        legal_basis: "Quyết định 17/QĐ-CAT".to_owned(),
        disclose_after: after.map(timestamp),
    };
    audit(app).mark_exchanges(app.request(request)).await.map(Response::into_inner)
}

async fn report(app: &App, number: &str) -> Vec<Disclosure> {
    let request = ReportSubjectRequest { subject: of(number).subject, ..ReportSubjectRequest::default() };
    let mut stream = audit(app).report_subject(app.request(request)).await.expect("served").into_inner();
    let mut told = Vec::new();
    while let Some(disclosure) = stream.message().await.expect("served") {
        told.extend(disclosure.exchange.is_some().then_some(disclosure));
    }
    told
}

/// The administrative procedure system asks about a person; returns the exchange, once the log has its end.
async fn ask(city: &City, number: &str) -> ExchangeId {
    let app = city.hub.tthc().with("lgsp-officer", "canbo.17").with("lgsp-dossier", DOSSIER);
    let served = app.get_citizen(number).await.expect("served");
    let id = exchange_of(served.metadata());
    city.hub.final_entry(id).await;
    id.expect("the response named its exchange")
}

/// An exchange of another month, as a gateway entered it then under the key of that month.
async fn entered_long_ago(city: &City, number: &str) -> ExchangeId {
    let admitted_us = unix_micros(SystemTime::now()) - 40 * DAY_US;
    let keys = city.hub.data().join("keys/subjects").join(format!("{}.key", month(admitted_us)));
    fs::write(&keys, "2a".repeat(32)).expect("written");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("set");
    let of_then = SubjectKeys::new([(month(admitted_us), [0x2a; 32])].into());
    let subject = SubjectRef { kind: Subject::Person, value: number.to_owned(), asked: true };
    let id = ExchangeId::new();
    let sealed = Sealed {
        exchange_id: id.as_bytes().to_vec().into(),
        phase: Phase::Final.into(),
        application: "tthc".to_owned(),
        outcome: Outcome::Served.into(),
        admitted_us,
        entered_us: admitted_us,
        ..Sealed::default()
    };
    let subjects = of_then.hash(&subject, admitted_us).into_iter().collect();
    let entry = seal(sealed, Erasable { subjects, ..Erasable::default() }).encode_to_vec();
    let bus = &city.hub.host().bus;
    bus.publish(topics::EXCHANGE, None, id.as_bytes(), &entry, &[]).await.expect("published");
    id
}

#[tokio::test]
async fn an_auditor_finds_a_person_under_the_keys_of_two_months_and_the_look_is_an_entry_about_that_person() {
    let city = Box::pin(City::start()).await;
    let auditor = city.person("giam.sat");
    let now = ask(&city, PERSON).await;
    let before = entered_long_ago(&city, PERSON).await;
    within("the ledger has the key of the other month", || finds(&auditor, of(PERSON), before)).await;
    assert!(finds(&auditor, of(PERSON), now).await);
    let found = search(&auditor, of(PERSON)).await.expect("served");
    let ids: Vec<String> = found.iter().map(|found| found.exchange_id.clone()).collect();
    assert_eq!(
        ids,
        [now.to_string(), before.to_string()],
        "newest first, and no look of the hub's own people"
    );

    let request = SearchExchangesRequest { filter: Some(of(PERSON)), ..SearchExchangesRequest::default() };
    let look = audit(&auditor).search_exchanges(auditor.request(request)).await.expect("served");
    let look = exchange_of(look.metadata());
    assert_eq!(city.hub.final_entry(look).await.method, "SearchExchanges");
    let with_looks = AuditFilter { include_platform: true, officer: "giam.sat".to_owned(), ..of(PERSON) };
    assert!(finds(&auditor, with_looks, look.unwrap()).await, "the auditor's own look is about the person");

    let by_dossier = AuditFilter { dossier: DOSSIER.to_owned(), ..AuditFilter::default() };
    assert!(finds(&auditor, by_dossier, now).await);
    let exposure = ReportExposureRequest {
        officer: "canbo.17".to_owned(),
        since: Some(timestamp(unix_micros(SystemTime::now()) - DAY_US)),
        until: Some(timestamp(unix_micros(SystemTime::now()) + DAY_US)),
        ..ReportExposureRequest::default()
    };
    let exposed = audit(&auditor).report_exposure(auditor.request(exposure)).await.expect("served");
    let exposed = exposed.into_inner().message().await.expect("served").expect("what left");
    assert_eq!(exposed.exchange.unwrap().exchange_id, now.to_string());
    assert!(!exposed.fields.is_empty() && !exposed.subjects.is_empty());

    let of_nobody = search(&auditor, of("12")).await;
    assert_eq!(refused(of_nobody, Reason::InvalidField).violations[0].0, "filter.subject.person");
    city.hub.stop().await;
}

#[tokio::test]
async fn what_is_found_of_persons_is_for_auditors_and_what_is_erased_for_operators() {
    let city = Box::pin(City::start()).await;
    let (auditor, operator) = (city.person("giam.sat"), city.person("dung.vanhanh"));
    let exchange = ask(&city, PERSON).await;
    for other in [&operator, &city.person("an.tuphap"), &city.hub.app("tthc"), &city.hub.app("dieu-hanh")] {
        refused(search(other, of(PERSON)).await, Reason::RoleMissing);
        let count = CountExchangesRequest { filter: Some(of(PERSON)) };
        refused(audit(other).count_exchanges(other.request(count)).await, Reason::RoleMissing);
        let one = GetExchangeRequest { exchange_id: exchange.to_string(), ..GetExchangeRequest::default() };
        refused(audit(other).get_exchange(other.request(one)).await, Reason::RoleMissing);
        refused(mark(other, Mark::Hold, exchange, None).await, Reason::RoleMissing);
        let follow = FollowAuditRequest::default();
        refused(audit(other).follow_audit(other.request(follow)).await.map(|_| ()), Reason::RoleMissing);
    }
    for other in [&auditor, &city.hub.app("tthc")] {
        refused(erase(other, &[exchange]).await, Reason::RoleMissing);
        refused(destroy_key(other, "2026-01").await, Reason::RoleMissing);
    }
    let request = CheckCompletenessRequest::default();
    for both in [&auditor, &operator] {
        let told = audit(both).check_completeness(both.request(request)).await.expect("served").into_inner();
        assert!(told.exchanges > 0 && !told.settled);
    }
    city.hub.stop().await;
}

#[tokio::test]
async fn what_an_operator_erases_is_found_by_nothing_and_a_hold_of_the_auditor_is_before_it() {
    let city = Box::pin(City::start()).await;
    let (auditor, operator) = (city.person("giam.sat"), city.person("dung.vanhanh"));
    let (held, gone) = (ask(&city, PERSON).await, ask(&city, PERSON).await);
    let leaf = get(&auditor, gone).await.remove(0);
    assert_eq!(leaf.erasable.unwrap().dossier.unwrap().value, DOSSIER);
    mark(&auditor, Mark::Hold, held, None).await.expect("held");
    refused(erase(&operator, &[held, gone]).await, Reason::Held);
    let request = EraseExchangesRequest {
        exchange_ids: vec![held.to_string(), gone.to_string()],
        legal_basis: "Luật 91/2025/QH15, Điều 14".to_owned(),
        preview: true,
    };
    let told =
        audit(&operator).erase_exchanges(operator.request(request)).await.expect("served").into_inner();
    let mut told: Vec<_> = told.erasures.into_iter().map(|it| (it.exchange_id, it.parts, it.held)).collect();
    told.sort_by_key(|(_, _, held)| !held);
    assert_eq!(told, [(held.to_string(), 1, true), (gone.to_string(), 1, false)]);
    assert!(finds(&auditor, of(PERSON), gone).await, "none of them is erased");

    let decision = erase(&operator, &[gone]).await.expect("erased");
    let erased = get(&auditor, gone).await.remove(0);
    assert_eq!(
        (erased.erased, erased.erasable, &erased.sealed, erased.leaf),
        (true, None, &leaf.sealed, leaf.leaf)
    );
    for filter in [of(PERSON), AuditFilter { dossier: DOSSIER.to_owned(), ..AuditFilter::default() }] {
        assert!(!finds(&auditor, filter.clone(), gone).await && finds(&auditor, filter, held).await);
    }
    let act = get(&auditor, ExchangeId::parse(&decision.act_id).unwrap()).await.remove(0);
    let act = Sealed::decode(act.sealed).unwrap().act.unwrap();
    assert_eq!((act.by.as_str(), act.legal_basis.as_str()), ("dung.vanhanh", "Luật 91/2025/QH15, Điều 14"));
    city.hub.stop().await;
}

async fn destroy_key(app: &App, month: &str) -> Result<DestroySubjectKeyResponse, Status> {
    let request = DestroySubjectKeyRequest {
        month: month.to_owned(),
        legal_basis: "Quyết định 20/QĐ-UBND".to_owned(),
        reason: "hết thời hạn tra cứu".to_owned(),
        ..Default::default()
    };
    audit(app).destroy_subject_key(app.request(request)).await.map(Response::into_inner)
}

#[tokio::test]
async fn a_month_whose_key_an_operator_destroys_is_found_by_nobody_and_its_file_is_gone_even_if_put_back() {
    let city = Box::pin(City::start()).await;
    let (auditor, operator) = (city.person("giam.sat"), city.person("dung.vanhanh"));
    let before = entered_long_ago(&city, PERSON).await;
    within("the ledger has the key of the other month", || finds(&auditor, of(PERSON), before)).await;
    let now_us = unix_micros(SystemTime::now());
    let (then, now) = (month(now_us - 40 * DAY_US), month(now_us));
    let file = |month: &str| city.hub.data().join("keys/subjects").join(format!("{month}.key"));

    refused(destroy_key(&auditor, &then).await, Reason::RoleMissing);
    let refusal = refused(destroy_key(&operator, &now).await, Reason::InvalidField);
    assert_eq!(refusal.violations[0].0, "month", "nothing is served without it");
    let destroyed = destroy_key(&operator, &then).await.expect("destroyed");
    assert!(!finds(&auditor, of(PERSON), before).await);
    assert!(!destroyed.gateways.is_empty(), "the gateway of this hub may have it too");
    within("its file is gone", || async { !file(&then).exists() }).await;
    assert!(file(&now).exists());

    let act = get(&auditor, ExchangeId::parse(&destroyed.act_id).unwrap()).await.remove(0);
    let act = Sealed::decode(act.sealed).unwrap().act.unwrap();
    assert_eq!((act.by.as_str(), act.month), ("dung.vanhanh", then.clone()));
    fs::write(file(&then), "2a".repeat(32)).expect("written");
    within("it is gone again", || async { !file(&then).exists() }).await;
    let served = ask(&city, PERSON).await;
    assert!(finds(&auditor, of(PERSON), served).await, "the months that have their key are found as before");
    city.hub.stop().await;
}

#[tokio::test]
async fn everyone_of_a_household_is_told_who_received_it_and_not_before_an_investigation_allows() {
    let city = Box::pin(City::start()).await;
    let auditor = city.person("giam.sat");
    let app = city.hub.tthc();
    let request =
        GetHouseholdRequest { personal_number: PERSON.to_owned(), ..GetHouseholdRequest::default() };
    let served = app.population().get_household(app.request(request)).await.expect("served");
    let exchange = exchange_of(served.metadata()).unwrap();
    let household = served.into_inner().household.expect("a household");
    let member = household.members.iter().map(|member| member.personal_number.as_str());
    let member =
        member.filter(|number| !number.is_empty()).find(|number| *number != PERSON).expect("not alone");
    city.hub.final_entry(Some(exchange)).await;

    for (number, asked) in [(PERSON, true), (member, false)] {
        let told = report(&auditor, number).await;
        let [told] = &told[..] else { panic!("one disclosure: {told:?}") };
        assert_eq!(
            (told.exchange.as_ref().unwrap().exchange_id.clone(), told.asked),
            (exchange.to_string(), asked)
        );
        assert_eq!(told.exchange.as_ref().unwrap().purpose, "prefill");
    }
    let now = unix_micros(SystemTime::now());
    mark(&auditor, Mark::Withhold, exchange, Some(now + DAY_US)).await.expect("withheld");
    assert_eq!(report(&auditor, member).await, []);
    mark(&auditor, Mark::Withhold, exchange, Some(unix_micros(SystemTime::now()) + 1_000_000)).await.unwrap();
    within("the moment has come", || async { report(&auditor, member).await.len() == 1 }).await;
    city.hub.stop().await;
}

#[tokio::test]
async fn an_export_goes_on_where_it_broke_off_and_a_follower_hears_of_the_person_alone() {
    let city = Box::pin(City::start()).await;
    let auditor = city.person("giam.sat");
    let request = FollowAuditRequest { filter: Some(of(PERSON)) };
    let mut follow =
        audit(&auditor).follow_audit(auditor.request(request)).await.expect("served").into_inner();
    let mut asked = Vec::new();
    for _ in 0..3 {
        ask(&city, lgsp_sample::persons::MASKED.personal_number).await;
        asked.push(ask(&city, PERSON).await.to_string());
        let heard = follow.message().await.expect("served").expect("an exchange");
        assert_eq!(Some(&heard.exchange_id), asked.last());
    }
    let mut cursor = String::new();
    for expected in &asked {
        let request = ExportExchangesRequest { filter: Some(of(PERSON)), after: cursor };
        let mut stream =
            audit(&auditor).export_exchanges(auditor.request(request)).await.expect("served").into_inner();
        let exported = stream.message().await.expect("served").expect("an exchange");
        assert_eq!(&exported.exchange.unwrap().exchange_id, expected);
        assert_eq!((exported.officer.as_str(), exported.dossier.as_str()), ("canbo.17", DOSSIER));
        cursor = exported.cursor;
    }
    let request = ExportExchangesRequest { filter: Some(of(PERSON)), after: cursor };
    let mut stream =
        audit(&auditor).export_exchanges(auditor.request(request)).await.expect("served").into_inner();
    assert_eq!(stream.message().await.expect("served"), None);
    city.hub.stop().await;
}
