//! What is unusual in the exchange log, from an officer who asks too often to what an auditor makes of it.

use std::time::Duration;

use lgsp::config::Config;
use lgsp_core::{ExchangeId, Reason};
use lgsp_proto::ledger::v1::anomaly_service_client::AnomalyServiceClient;
use lgsp_proto::ledger::v1::audit_service_client::AuditServiceClient;
use lgsp_proto::ledger::v1::{
    AnnotateAnomalyRequest, AnnotateAnomalyResponse, Anomaly, AnomalyFilter, AnomalyRule, AnomalyStatus,
    GetAnomalyRequest, GetAnomalyResponse, GetExchangeRequest, ListAnomaliesRequest, SearchExchangesRequest,
};
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::caller::{App, refused};
use crate::fixture::{City, PERSON, within};

/// As many as are told. Nearly twice as many are asked: were it midnight meanwhile, one of the days has enough.
const OFTEN: u32 = 5;
const OFFICER: &str = "canbo.17";

fn watchful(config: &mut Config) {
    let rules = &mut config.ledger.anomalies;
    rules.every = Duration::from_millis(100);
    (rules.mass_lookups.officer, rules.mass_lookups.window) = (OFTEN, Duration::from_secs(24 * 60 * 60));
}

fn anomalies(app: &App) -> AnomalyServiceClient<Channel> {
    AnomalyServiceClient::new(app.channel.clone())
}

async fn list(app: &App, filter: AnomalyFilter) -> Result<Vec<Anomaly>, Status> {
    let request = ListAnomaliesRequest { filter: Some(filter), ..ListAnomaliesRequest::default() };
    Ok(anomalies(app).list_anomalies(app.request(request)).await?.into_inner().anomalies)
}

async fn get(app: &App, id: &str) -> Result<GetAnomalyResponse, Status> {
    let request = GetAnomalyRequest { id: id.to_owned() };
    anomalies(app).get_anomaly(app.request(request)).await.map(Response::into_inner)
}

async fn annotate(app: &App, id: &str, status: AnomalyStatus) -> Result<AnnotateAnomalyResponse, Status> {
    let note = "đã đối chiếu với lịch trực".to_owned();
    let request = AnnotateAnomalyRequest { id: id.to_owned(), status: status.into(), note };
    anomalies(app).annotate_anomaly(app.request(request)).await.map(Response::into_inner)
}

#[tokio::test]
async fn an_officer_who_asks_too_often_is_told_to_the_auditor_who_says_what_it_was() {
    let city = Box::pin(City::start_with(watchful)).await;
    let auditor = city.person("giam.sat");
    let officer = city.hub.tthc().with("lgsp-officer", OFFICER);
    let colleague = city.hub.tthc().with("lgsp-officer", "canbo.18");
    for _ in 1..2 * OFTEN {
        officer.get_citizen(PERSON).await.expect("served");
    }
    for _ in 1..OFTEN {
        colleague.get_citizen(PERSON).await.expect("served");
    }
    let of_officers =
        AnomalyFilter { rule: AnomalyRule::MassLookups.into(), open: true, ..AnomalyFilter::default() };
    within("the officer is told", || async {
        let found = list(&auditor, of_officers.clone()).await.expect("served");
        found.iter().any(|it| it.officer == OFFICER && it.value >= OFTEN.into())
    })
    .await;
    let found = list(&auditor, of_officers.clone()).await.expect("served");
    assert!(found.iter().all(|it| it.officer == OFFICER), "{found:?}");
    let anomaly = found.into_iter().next().expect("found");
    assert!(!format!("{anomaly:?}").contains(PERSON));
    let sealed_environment = {
        let filter = anomaly.filters.first().cloned();
        let request = SearchExchangesRequest { filter, page_size: 100, ..SearchExchangesRequest::default() };
        let mut audit = AuditServiceClient::new(auditor.channel.clone());
        let listed = audit.search_exchanges(auditor.request(request)).await.expect("served").into_inner();
        assert!(listed.exchanges.len() as u64 >= anomaly.value, "its own filter lists its entries");
        listed.exchanges[0].sealed.clone().expect("shown").environment
    };
    assert_eq!(anomaly.environment, sealed_environment);

    let said = annotate(&auditor, &anomaly.id, AnomalyStatus::Explained).await.expect("entered");
    let left = list(&auditor, of_officers).await.expect("served");
    assert!(left.iter().all(|it| it.id != anomaly.id), "it is open no more");
    let told = get(&auditor, &anomaly.id).await.expect("served");
    assert_eq!(told.annotations[0].by, "giam.sat");
    assert_eq!(told.annotations[0].note, "đã đối chiếu với lịch trực");
    // The annotation is an entry of the log, and names the call by which it was made.
    let act = ExchangeId::parse(&said.act_id).expect("an id");
    let request = GetExchangeRequest { exchange_id: act.to_string(), ..GetExchangeRequest::default() };
    let mut audit = AuditServiceClient::new(auditor.channel.clone());
    let entries = audit.get_exchange(auditor.request(request)).await.expect("served").into_inner().entries;
    assert_eq!(entries[0].leaf, said.leaf);
    city.hub.stop().await;
}

#[tokio::test]
async fn anomalies_are_for_auditors_alone() {
    let city = Box::pin(City::start_with(watchful)).await;
    let nobody = ExchangeId::new().to_string();
    let (operator, developer) = (city.person("dung.vanhanh"), city.person("an.tuphap"));
    for other in [&operator, &developer, &city.hub.app("tthc"), &city.hub.app("dieu-hanh")] {
        refused(list(other, AnomalyFilter::default()).await, Reason::RoleMissing);
        refused(get(other, &nobody).await, Reason::RoleMissing);
        refused(annotate(other, &nobody, AnomalyStatus::Confirmed).await, Reason::RoleMissing);
    }
    let auditor = city.person("giam.sat");
    assert_eq!(list(&auditor, AnomalyFilter::default()).await.expect("served"), []);
    refused(get(&auditor, &nobody).await, Reason::NotFound);
    city.hub.stop().await;
}
