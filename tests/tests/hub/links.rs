//! Links as operators see them: what a kill takes down, and nothing else; what is told without Kafka; and maintenance.

mod kills;

use std::collections::BTreeMap;
use std::time::SystemTime;

use lgsp::roles;
use lgsp_core::Reason;
use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_monitor::picture::Picture;
use lgsp_monitor::{at_a_glance, ports};
use lgsp_proto::google::rpc;
use lgsp_proto::monitor::v1::monitor_service_client::MonitorServiceClient;
use lgsp_proto::monitor::v1::{
    AnnounceMaintenanceRequest, CancelMaintenanceRequest, FollowLinksRequest, GetLinkRequest,
    GetLinkResponse, Link, LinkState, ListAnnouncedMaintenanceRequest, ListLinksRequest,
    ListMaintenanceRequest,
};
use lgsp_proto::population::v1::GetCitizenRequest;
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::caller::{App, refusal};
use crate::fixture::{City, Hub, PATIENCE, PERSON, within};

type States = BTreeMap<String, (LinkState, String)>;

/// What all platforms have that `lgsp up` starts.
const PROVIDERS: [&str; 8] =
    ["population", "land", "health", "education", "business", "registry", "ledger", "monitor"];
/// Of the five adapters, of the ledger and of the monitor.
const LEAST_SOURCES: usize = 7;

fn now_us() -> i64 {
    unix_micros(SystemTime::now())
}

fn client(app: &App) -> MonitorServiceClient<Channel> {
    MonitorServiceClient::new(app.channel.clone())
}

async fn links(operator: &App) -> Result<Vec<Link>, Status> {
    let told = client(operator).list_links(operator.request(ListLinksRequest {})).await?;
    Ok(told.into_inner().links)
}

/// Every link with its state and cause, as the monitor tells it through the gateway.
async fn states(operator: &App) -> Result<States, Status> {
    let told = links(operator).await?;
    Ok(told.into_iter().map(|link| (link.id.clone(), (link.state(), link.cause))).collect())
}

/// Asks again while no answer comes through: a connection may end between two questions. Whatever the hub refuses has details.
async fn answered<T, F: Future<Output = Result<T, Status>>>(ask: impl Fn() -> F) -> T {
    let answer = async {
        loop {
            match ask().await {
                Err(status) if status.details().is_empty() => {}
                answered => break answered.expect("answered"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time")
}

/// The first link whose id begins so.
async fn shown(operator: &App, begins: &str) -> Link {
    let told = answered(|| links(operator)).await;
    told.into_iter().find(|link| link.id.starts_with(begins)).expect("a known link")
}

/// The links that are down, each with its cause.
async fn down(operator: &App) -> Option<Vec<(String, String)>> {
    let states = states(operator).await.ok()?;
    let down = states.into_iter().filter(|(_, (state, _))| *state == LinkState::Down);
    Some(down.map(|(id, (_, cause))| (id, cause)).collect())
}

/// Waits until exactly these links are down.
async fn until_down(operator: &App, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(id, cause)| ((*id).to_owned(), (*cause).to_owned())).collect();
    within(&format!("{expected:?} down"), || async { down(operator).await.as_ref() == Some(&expected) })
        .await;
}

/// Waits until every provider and every source works, and nothing is down.
async fn until_well(operator: &App) {
    within("every link to work", || async {
        let Ok(states) = states(operator).await else { return false };
        let works = |id: &str| states.get(id).is_some_and(|(state, _)| *state == LinkState::Working);
        let sources = states.keys().filter(|id| id.starts_with("source/"));
        let (sources, work): (Vec<&String>, Vec<bool>) = sources.map(|id| (id, works(id))).unzip();
        let serve = PROVIDERS.iter().all(|domain| works(&format!("provider/{domain}")));
        let is_none_down = !states.values().any(|(state, _)| *state == LinkState::Down);
        serve
            && sources.len() >= LEAST_SOURCES
            && !work.contains(&false)
            && works("broker/kafka")
            && is_none_down
    })
    .await;
}

/// A hub whose every provider and source works.
async fn well() -> Hub {
    let hub = Hub::start(100).await;
    until_well(&hub.app("dieu-hanh")).await;
    hub
}

async fn link(operator: &App, id: &str) -> GetLinkResponse {
    let wanted = GetLinkRequest { id: id.to_owned(), ..GetLinkRequest::default() };
    answered(|| get(operator, wanted.clone())).await
}

async fn get(operator: &App, wanted: GetLinkRequest) -> Result<GetLinkResponse, Status> {
    let told = client(operator).get_link(operator.request(wanted)).await?;
    Ok(told.into_inner())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_links_is_told_of_the_change_that_a_kill_makes() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let mut changes =
        client(&operator).follow_links(operator.request(FollowLinksRequest {})).await.expect("followed");
    hub.kill("adapter-land");
    // Applications fall silent and call as they like; of the rest, it is the first to change.
    let change = loop {
        let change = changes.get_mut().message().await.expect("a stream").expect("a change");
        if !change.link.starts_with("application/") {
            break change;
        }
    };
    assert_eq!((change.link.as_str(), change.to()), ("provider/land", LinkState::Down));
    within("what is followed to be written down", || async {
        link(&operator, "provider/land").await.changes.first() == Some(&change)
    })
    .await;
}

/// What the process tells on its admin port: the links that are down.
async fn down_at_a_glance(hub: &Hub) -> Vec<(String, String)> {
    let telling = ports::read(hub.admin()).await.expect("the admin port answers");
    let now_us = unix_micros(SystemTime::now());
    let mut picture = Picture::default();
    picture.take(telling, now_us);
    let links = at_a_glance(picture.readings([].into_iter(), 900_000_000, now_us), now_us);
    let down = links.into_iter().filter(|link| link.state() == LinkState::Down);
    down.map(|link| (link.id, link.cause)).collect()
}

async fn citizen(hub: &Hub) -> Result<(), Status> {
    let app = hub.tthc();
    let request = GetCitizenRequest { personal_number: PERSON.to_owned() };
    PopulationServiceClient::new(app.channel.clone()).get_citizen(app.request(request)).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_monitor_everything_else_is_served() {
    let mut hub = well().await;
    hub.kill("monitor");
    within("nobody to tell of links", || async {
        let refused = states(&hub.app("dieu-hanh")).await.err();
        // A busy machine may keep the client from its answer.
        let refused = refused.filter(|status| !status.details().is_empty());
        refused.is_some_and(|status| refusal(&status).reason == Some(Reason::NoProvider))
    })
    .await;
    citizen(&hub).await.expect("served");
    let broker = ("broker/kafka".to_owned(), "broker-not-heard".to_owned());
    assert!(!down_at_a_glance(&hub).await.contains(&broker), "the roles tell of themselves");
    let started = roles::monitor::start(hub.host()).await.expect("it starts");
    hub.adopt(started);
    until_well(&hub.app("dieu-hanh")).await;
}

/// Until when a refusal says that maintenance runs.
fn maintenance_until(status: &Status) -> Option<String> {
    let details = rpc::Status::decode(status.details()).ok()?.details;
    let info = details.iter().find(|detail| detail.type_url.ends_with("google.rpc.ErrorInfo"))?;
    rpc::ErrorInfo::decode(info.value.as_slice()).ok()?.metadata.get("maintenance-until").cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_maintenance_is_shown_counted_apart_and_told_to_whoever_meets_it() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let now_us = unix_micros(SystemTime::now());
    let announce = |request: AnnounceMaintenanceRequest| {
        let (mut client, request) = (client(&operator), operator.request(request));
        async move { client.announce_maintenance(request).await }
    };
    let wanted = AnnounceMaintenanceRequest {
        services: vec!["lgsp.population.v1.PopulationService".to_owned()],
        until: Some(timestamp(now_us + 3_600_000_000)),
        reason: "thay đĩa".to_owned(),
        ..AnnounceMaintenanceRequest::default()
    };
    let unknown = AnnounceMaintenanceRequest { services: vec!["a.B".to_owned()], ..wanted.clone() };
    assert_eq!(announce(unknown).await.expect_err("unknown").code(), Code::InvalidArgument);
    let too_long = timestamp(now_us + 8 * 24 * 3_600_000_000);
    let too_long = AnnounceMaintenanceRequest { until: Some(too_long), ..wanted.clone() };
    assert_eq!(announce(too_long).await.expect_err("too long").code(), Code::InvalidArgument);
    let announced = announce(wanted).await.expect("announced").into_inner();
    assert_eq!(
        (announced.links.as_slice(), announced.announced_by.as_str()),
        (&["provider/population".to_owned()][..], "dieu-hanh")
    );

    citizen(&hub).await.expect("served all the same");
    hub.kill("adapter-population");
    within("the refusal to tell until when", || async {
        let Err(status) = citizen(&hub).await else { return false };
        let until_us = announced.until.as_ref().map_or(0, micros);
        status.code() == Code::Unavailable
            && maintenance_until(&status) == Some(lgsp_core::time::rfc3339(until_us))
    })
    .await;
    within("maintenance to be shown", || async {
        let Ok(states) = states(&operator).await else { return false };
        states.get("provider/population") == Some(&(LinkState::Maintenance, "instance-not-heard".to_owned()))
    })
    .await;
    assert_eq!(down(&operator).await, Some(Vec::new()));

    let cancel = CancelMaintenanceRequest { id: announced.id.clone() };
    client(&operator).cancel_maintenance(operator.request(cancel)).await.expect("cancelled");
    until_down(&operator, &[("provider/population", "instance-not-heard")]).await;
    within("announced downtime to be written down", || async {
        link(&operator, "provider/population").await.announced_down_ms > 0
    })
    .await;
    let listed = client(&operator).list_maintenance(operator.request(ListMaintenanceRequest {})).await;
    let listed = listed.expect("listed").into_inner().maintenance;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].cancelled.is_some() && listed[0].cancelled_by == "dieu-hanh");
    within("the refusal to tell it no more", || async {
        citizen(&hub).await.is_err_and(|status| maintenance_until(&status).is_none())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_connected_sees_announced_maintenance_and_not_who_announced_it() {
    let city = City::start().await;
    let (operator, developer) = (city.person("dung.vanhanh"), city.person("an.tuphap"));
    until_well(&operator).await;
    let begins_us = now_us() + 3_600_000_000;
    let wanted = AnnounceMaintenanceRequest {
        services: vec!["lgsp.land.v1.LandService".to_owned()],
        from: Some(timestamp(begins_us)),
        until: Some(timestamp(begins_us + 3_600_000_000)),
        reason: "thay đĩa".to_owned(),
        ..AnnounceMaintenanceRequest::default()
    };
    client(&operator).announce_maintenance(operator.request(wanted)).await.expect("announced");
    for app in [&developer, &city.hub.app("tthc")] {
        let listed = client(app).list_maintenance(app.request(ListMaintenanceRequest {})).await;
        assert_eq!(listed.expect_err("who announced what").code(), Code::PermissionDenied);
        let request = app.request(ListAnnouncedMaintenanceRequest {});
        let told = client(app).list_announced_maintenance(request).await.expect("for everybody").into_inner();
        let [it] = &told.maintenance[..] else { panic!("{told:?}") };
        assert_eq!((it.domains.as_slice(), it.every_domain), (&["land".to_owned()][..], false));
        assert_eq!((it.from, it.reason.as_str()), (Some(timestamp(begins_us)), "thay đĩa"));
    }
}
