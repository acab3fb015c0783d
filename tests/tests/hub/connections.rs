//! Applications at run time: who asks, who answers, and what production and the sandbox make of it.

use std::time::SystemTime;

use lgsp_adapter::testing::Database;
use lgsp_core::Reason;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::population::v1::{GetCitizenRequest, GetCitizenResponse};
use lgsp_proto::registry::v1::connection_service_client::ConnectionServiceClient;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Agreement, ApplicationState, Change, ConnectionDecision, ConnectionRecord, Contact,
    DecideAgreementRequest, DecideConnectionRequest, Edit, Environment, Grant, Item, ListChangesRequest,
    ListConnectionsRequest, ListSystemsRequest, ProposeAgreementRequest, PutSystemRequest,
    RequestConnectionRequest, System,
};
use lgsp_store::{Options, Store};
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::caller::{App, Refusal, refused, sign};
use crate::credentials::key;
use crate::fixture::{City, DAY_US, Hub, PERSON, key_of, within};

const ID: &str = "luutru";
const PURPOSE: &str = "verify";

fn connections(app: &App) -> ConnectionServiceClient<Channel> {
    ConnectionServiceClient::new(app.channel.clone())
}

/// The archive of justice wants to be connected.
fn wanted() -> RequestConnectionRequest {
    RequestConnectionRequest {
        id: ID.to_owned(),
        name_vi: "Lưu trữ hồ sơ hộ tịch".to_owned(),
        name_en: "Archive of civil status".to_owned(),
        agency_code: "000.00.03.H13".to_owned(),
        contacts: vec![Contact {
            office: "Phòng Hành chính tư pháp".to_owned(),
            email: "hotich@tuphap.example.vn".to_owned(),
            ..Contact::default()
        }],
        reason: "its records are asked for".to_owned(),
        ..RequestConnectionRequest::default()
    }
}

fn record(decision: &ConnectionDecision) -> &ConnectionRecord {
    decision.connection.as_ref().unwrap()
}

fn stage(decision: &ConnectionDecision) -> ApplicationState {
    record(decision).application.as_ref().unwrap().state()
}

fn about(record: &ConnectionRecord) -> DecideConnectionRequest {
    DecideConnectionRequest {
        id: record.application.as_ref().unwrap().id.clone(),
        etag: record.etag,
        reason: "as asked".to_owned(),
        legal_basis: "Nghị định 278/2025".to_owned(),
    }
}

fn fields(refusal: &Refusal) -> Vec<&str> {
    refusal.violations.iter().map(|(field, _)| field.as_str()).collect()
}

impl City {
    async fn request(&self, by: &str) -> Result<ConnectionDecision, Status> {
        self.request_as(by, wanted()).await
    }

    async fn request_as(
        &self,
        by: &str,
        wanted: RequestConnectionRequest,
    ) -> Result<ConnectionDecision, Status> {
        let person = self.person(by);
        connections(&person).request_connection(person.request(wanted)).await.map(Response::into_inner)
    }

    async fn onboarding(&self) -> ConnectionDecision {
        let requested = self.request("an.tuphap").await.expect("requested");
        let operator = self.person("dung.vanhanh");
        let approved =
            connections(&operator).approve_connection(operator.request(about(record(&requested)))).await;
        approved.expect("approved").into_inner()
    }

    /// The three steps of an agreement that lets the archive verify a person.
    async fn agree(&self) {
        let now = unix_micros(SystemTime::now());
        let terms = Agreement {
            id: "tt-luutru-dancu".to_owned(),
            application: ID.to_owned(),
            service: "lgsp.population.v1.PopulationService".to_owned(),
            grants: vec![Grant {
                method: "GetCitizen".to_owned(),
                fields: vec!["citizen.full_name".to_owned()],
            }],
            purposes: vec![PURPOSE.to_owned()],
            valid_from: Some(timestamp(now - DAY_US)),
            valid_to: Some(timestamp(now + DAY_US)),
            legal_basis: "Luật Hộ tịch (giả định)".to_owned(),
            ..Agreement::default()
        };
        let (justice, police, operator) =
            (self.person("an.tuphap"), self.person("chi.congan"), self.person("dung.vanhanh"));
        let request = ProposeAgreementRequest { agreement: Some(terms), reason: String::new() };
        let proposed = justice.decisions().propose_agreement(justice.request(request)).await;
        let proposed = proposed.expect("proposed").into_inner().agreement.unwrap();
        let about = |etag| DecideAgreementRequest {
            id: "tt-luutru-dancu".to_owned(),
            version: 1,
            etag,
            ..DecideAgreementRequest::default()
        };
        let approved = police.decisions().approve_agreement(police.request(about(proposed.etag))).await;
        let approved = approved.expect("approved").into_inner().agreement.unwrap();
        let active = operator.decisions().activate_agreement(operator.request(about(approved.etag))).await;
        active.expect("in force");
    }

    async fn list(&self, wanted: ListConnectionsRequest) -> Vec<ConnectionRecord> {
        let auditor = self.person("giam.sat");
        let listed = connections(&auditor).list_connections(auditor.request(wanted)).await;
        listed.expect("told").into_inner().connections
    }
}

/// The archive calls a hub, with one of its keys.
async fn get_citizen(hub: &Hub, key_id: &str) -> Result<Response<GetCitizenResponse>, Status> {
    let app = App::new(ID, key_of(key_id), hub.app("dieu-hanh").channel).purpose(PURPOSE);
    let token = sign(&app.key, key_id, &app.claims());
    let request = GetCitizenRequest { personal_number: PERSON.to_owned() };
    app.population().get_citizen(app.request_with_token(request, &token)).await
}

fn reason(answer: Result<Response<GetCitizenResponse>, Status>) -> Option<Reason> {
    crate::caller::refusal(&answer.err()?).reason
}

#[tokio::test]
async fn an_application_calls_in_the_sandbox_until_it_is_connected_and_each_key_in_its_own_environment() {
    let city = City::start_with(|config| config.registry.environment = "production".to_owned());
    let city = Box::pin(city).await;
    let sandbox = Box::pin(city.second_hub(|_| ())).await;
    city.onboarding().await;
    city.issue("an.tuphap", ID, key("luutru-thu", Environment::Sandbox)).await.expect("issued");
    city.issue("an.tuphap", ID, key("luutru-that", Environment::Production)).await.expect("issued");
    Box::pin(city.agree()).await;

    within("the sandbox has it", || async { get_citizen(&sandbox, "luutru-thu").await.is_ok() }).await;
    assert_eq!(reason(get_citizen(&sandbox, "luutru-that").await), Some(Reason::TokenInvalid));
    refused(get_citizen(&city.hub, "luutru-thu").await, Reason::TokenInvalid);
    refused(get_citizen(&city.hub, "luutru-that").await, Reason::ApplicationNotConnected);

    let operator = city.person("dung.vanhanh");
    let onboarding =
        ListConnectionsRequest { stage: ApplicationState::Onboarding.into(), ..Default::default() };
    let onboarding = city.list(onboarding).await;
    // Keys are handed out freely in the sandbox: what others live with is not decided there.
    city.put_in(Environment::Sandbox, "thu.vanhanh", "H13.02", &["operator"]).await;
    let there = sandbox.person("thu.vanhanh", key_of("thu.vanhanh"));
    within("the sandbox knows them", || async {
        let asked = ListConnectionsRequest::default();
        connections(&there).list_connections(there.request(asked)).await.is_ok()
    })
    .await;
    let elsewhere = connections(&there).connect(there.request(about(&onboarding[0]))).await;
    refused(elsewhere, Reason::ProductionDecides);
    let connected = connections(&operator).connect(operator.request(about(&onboarding[0]))).await;
    let connected = connected.expect("connected").into_inner();
    assert_eq!((stage(&connected), connected.gateways_behind.len()), (ApplicationState::Connected, 0));
    let served = get_citizen(&city.hub, "luutru-that").await.expect("every gateway of production has it");
    assert!(!served.into_inner().citizen.unwrap().full_name.is_empty());
    refused(get_citizen(&city.hub, "luutru-thu").await, Reason::TokenInvalid);
    // One history: what changed nothing there is a revision of the sandbox's rules, too.
    let revision = |hub: &Hub| hub.fact("registry", "revision");
    within("both publish in the order of the history", || async {
        revision(&city.hub) == revision(&sandbox) && revision(&sandbox) == connected.revision as i64
    })
    .await;
}

#[tokio::test]
async fn who_may_not_or_has_not_looked_connects_nothing() {
    let city = Box::pin(City::start()).await;
    refused(city.request("giam.sat").await, Reason::RoleMissing);
    city.put("en.congan", "G01.30.92", "developer").await;
    refused(city.request("en.congan").await, Reason::NotYourAgency);
    let unknown = RequestConnectionRequest { agency_code: "H13.77".to_owned(), ..wanted() };
    let unknown = refused(city.request_as("an.tuphap", unknown).await, Reason::InvalidField);
    assert_eq!(fields(&unknown), ["agency_code"]);
    let taken = RequestConnectionRequest { id: "hotich".to_owned(), ..wanted() };
    let taken = refused(city.request_as("an.tuphap", taken).await, Reason::InvalidField);
    assert_eq!(fields(&taken), ["id"]);

    let requested = city.request("an.tuphap").await.expect("requested");
    assert_eq!(record(&requested).agency_code_older, "000.00.03.H13");
    let operator = city.person("dung.vanhanh");
    let bare = DecideConnectionRequest { legal_basis: String::new(), ..about(record(&requested)) };
    let refusal = connections(&operator).refuse_connection(operator.request(bare)).await;
    let refusal = refused(refusal, Reason::InvalidField);
    assert_eq!(refusal.violations, [("legal_basis".to_owned(), "is required".to_owned())]);
    let stale = DecideConnectionRequest { etag: 1, ..about(record(&requested)) };
    refused(connections(&operator).approve_connection(operator.request(stale)).await, Reason::Stale);
    let early = connections(&operator).connect(operator.request(about(record(&requested)))).await;
    let early = refused(early, Reason::WrongStage);
    let where_it_stands = ("stage".to_owned(), "is requested, and has to be onboarding".to_owned());
    assert_eq!(early.violations, [where_it_stands]);
    let own = city.person("an.tuphap");
    let own = connections(&own).approve_connection(own.request(about(record(&requested)))).await;
    refused(own, Reason::RoleMissing);
    let answered =
        connections(&operator).refuse_connection(operator.request(about(record(&requested)))).await;
    assert_eq!(stage(&answered.expect("refused").into_inner()), ApplicationState::Refused);
}

#[tokio::test]
async fn nobody_answers_their_own_request_whatever_their_roles() {
    let city = Box::pin(City::start()).await;
    city.put_with("hai.vanhanh", "H13.02", &["developer", "operator"]).await;
    let own = RequestConnectionRequest { agency_code: "H13.02".to_owned(), ..wanted() };
    let requested = city.request_as("hai.vanhanh", own).await.expect("requested");
    let person = city.person("hai.vanhanh");
    let own = connections(&person).approve_connection(person.request(about(record(&requested)))).await;
    refused(own, Reason::SamePerson);
    let operator = city.person("dung.vanhanh");
    let other = connections(&operator).approve_connection(operator.request(about(record(&requested)))).await;
    assert_eq!(stage(&other.expect("approved").into_inner()), ApplicationState::Onboarding);
}

#[tokio::test]
async fn with_an_application_end_its_agreements_and_keys_and_the_answer_says_which() {
    let city = Box::pin(City::start()).await;
    let app = city.hub.app("hotich").purpose("civil-status");
    app.get_citizen(PERSON).await.expect("as the files say");
    let all =
        city.list(ListConnectionsRequest { agency_code: "H13.03".to_owned(), ..Default::default() }).await;
    let hotich = all.iter().find(|record| record.application.as_ref().unwrap().id == "hotich").unwrap();
    let by_id = |id: &str| ListConnectionsRequest { id: id.to_owned(), ..Default::default() };
    assert_eq!(city.list(by_id("hotich")).await, std::slice::from_ref(hotich));
    assert_eq!(city.list(by_id("hotic")).await, []);
    let agency = city.person("an.tuphap");
    let suspended = connections(&agency).suspend_application(agency.request(about(hotich))).await;
    let suspended = suspended.expect("suspended").into_inner();
    refused(app.get_citizen(PERSON).await, Reason::ApplicationNotConnected);
    let operator = city.person("dung.vanhanh");
    let resumed =
        connections(&operator).resume_application(operator.request(about(record(&suspended)))).await;
    let resumed = resumed.expect("resumed").into_inner();
    app.get_citizen(PERSON).await.expect("as before");
    let retired = connections(&operator).retire_application(operator.request(about(record(&resumed)))).await;
    let retired = retired.expect("retired").into_inner();
    let told = &retired.warnings;
    assert!(told.contains(&"agreement tt-hotich-dancu version 1 is revoked".to_owned()), "{told:?}");
    assert!(told.contains(&"credential hotich-1 is revoked".to_owned()), "{told:?}");
    refused(app.get_citizen(PERSON).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn a_request_that_waits_for_more_than_two_working_days_is_told_everywhere() {
    let city = Box::pin(City::start()).await;
    let requested = city.request("an.tuphap").await.expect("requested");
    let overdue = ListConnectionsRequest { overdue: true, ..Default::default() };
    assert_eq!(city.list(overdue.clone()).await, [], "it is not due yet");
    assert!(city.hub.is_well("registry", "connections"));
    // No call makes a request older than it is: another registry over the store would have done this.
    let mut older = record(&requested).clone();
    older.due = Some(timestamp(unix_micros(SystemTime::now()) - DAY_US));
    city.append(Of::Connection(record(&requested).clone()), Of::Connection(older)).await;
    within("the state says so", || async {
        !city.hub.is_well("registry", "connections") && city.hub.fact("registry", "connections-overdue") == 1
    })
    .await;
    let told = city.list(overdue).await;
    let ids: Vec<&str> = told.iter().map(|record| record.application.as_ref().unwrap().id.as_str()).collect();
    assert_eq!((ids.as_slice(), told[0].overdue), ([ID].as_slice(), true));
    let first = city.list(ListConnectionsRequest { page_size: 1, ..Default::default() }).await;
    assert_eq!(first, told, "what is overdue comes first");
}

#[tokio::test]
async fn the_inventory_tells_which_systems_are_not_connected_and_why() {
    let city = Box::pin(City::start()).await;
    let developer = city.person("an.tuphap");
    let system = System {
        id: ID.to_owned(),
        name_vi: "Lưu trữ hồ sơ hộ tịch".to_owned(),
        agency_code: "H13.03".to_owned(),
        why_not: "waits for its interface".to_owned(),
        planned: "2027-06-30".to_owned(),
        ..System::default()
    };
    let request = PutSystemRequest { system: Some(system), reason: "inventory of 2026".to_owned() };
    connections(&developer).put_system(developer.request(request)).await.expect("put");
    let list = async |include_connected| {
        let auditor = city.person("giam.sat");
        let request =
            ListSystemsRequest { include_connected, page_size: 200, ..ListSystemsRequest::default() };
        let listed = connections(&auditor).list_systems(auditor.request(request)).await;
        let systems = listed.expect("told").into_inner().systems.into_iter();
        // The inventory that ships has others.
        systems.filter(|system| system.id == ID).collect::<Vec<_>>()
    };
    assert_eq!(list(false).await.len(), 1);
    let onboarding = city.onboarding().await;
    city.issue("an.tuphap", ID, key("luutru-that", Environment::Production)).await.expect("issued");
    let operator = city.person("dung.vanhanh");
    let connected = connections(&operator).connect(operator.request(about(record(&onboarding)))).await;
    connected.expect("connected");
    assert_eq!(list(false).await, []);
    assert_eq!(list(true).await[0].application, ID);
}

impl City {
    /// Adds a change to the history as another registry does.
    async fn append(&self, before: Of, after: Of) {
        let auditor = self.person("giam.sat");
        let newest = ListChangesRequest { page_size: 1, ..ListChangesRequest::default() };
        let newest = auditor.decisions().list_changes(auditor.request(newest)).await;
        let newest = newest.expect("told").into_inner().changes.remove(0);
        let item = |of| Some(Item { item: Some(of) });
        let edit = Edit { before: item(before), after: item(after), ..Edit::default() };
        let change = Change {
            sequence: newest.sequence + 1,
            revision: newest.revision,
            edits: vec![edit],
            ..Change::default()
        };
        append(self.database(), &change).await;
    }
}

async fn append(database: &Database, change: &Change) {
    let descriptor = lgsp_proto::pool().get_message_by_name("lgsp.registry.v1.Change").unwrap();
    let mut dynamic = prost_reflect::DynamicMessage::new(descriptor);
    dynamic.transcode_from(change).unwrap();
    let record = serde_json::to_string(&dynamic).unwrap().replace('\'', "''");
    let sql =
        format!("INSERT INTO registry_change (sequence, record) VALUES ({}, '{record}')", change.sequence);
    let store = Store::open(&Options::of(database.url()), &[]).await.unwrap();
    store.run(&sql).await.unwrap();
    store.close().await;
}
