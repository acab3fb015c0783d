//! Links as operators see them: what a kill takes down, and nothing else; what is told without Kafka; and maintenance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lgsp::cli::server::Domain;
use lgsp::roles::{self, Role};
use lgsp_adapter::health::Probe;
use lgsp_adapter::{Adapter, SourceError};
use lgsp_core::Reason;
use lgsp_core::time::{micros, timestamp, unix_micros};
use lgsp_monitor::picture::Picture;
use lgsp_monitor::{at_a_glance, ports};
use lgsp_proto::google::rpc;
use lgsp_proto::monitor::v1::monitor_service_client::MonitorServiceClient;
use lgsp_proto::monitor::v1::{
    AnnounceMaintenanceRequest, CancelMaintenanceRequest, FollowLinksRequest, GetLinkRequest,
    GetLinkResponse, LinkState, ListLinksRequest, ListMaintenanceRequest,
};
use lgsp_proto::population::v1::GetCitizenRequest;
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use prost::Message;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::caller::{App, refusal};
use crate::fixture::{Hub, PERSON, within};

type States = BTreeMap<String, (LinkState, String)>;

fn client(app: &App) -> MonitorServiceClient<Channel> {
    MonitorServiceClient::new(app.channel.clone())
}

/// Every link with its state and cause, as the monitor tells it through the gateway.
async fn states(hub: &Hub) -> Result<States, Status> {
    let operator = hub.app("dieu-hanh");
    let told = client(&operator).list_links(operator.request(ListLinksRequest {})).await?.into_inner();
    Ok(told.links.into_iter().map(|link| (link.id.clone(), (link.state(), link.cause))).collect())
}

/// The links that are down, each with its cause.
async fn down(hub: &Hub) -> Option<Vec<(String, String)>> {
    let states = states(hub).await.ok()?;
    let down = states.into_iter().filter(|(_, (state, _))| *state == LinkState::Down);
    Some(down.map(|(id, (_, cause))| (id, cause)).collect())
}

/// Waits until exactly these links are down.
async fn until_down(hub: &Hub, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> =
        expected.iter().map(|(id, cause)| ((*id).to_owned(), (*cause).to_owned())).collect();
    within(&format!("{expected:?} down"), || async { down(hub).await.as_ref() == Some(&expected) }).await;
}

/// A hub whose every provider and source works.
async fn well() -> Hub {
    let hub = Hub::start(100).await;
    within("every link to work", || async {
        let Ok(states) = states(&hub).await else { return false };
        let works = |id: &str| states.get(id).is_some_and(|(state, _)| *state == LinkState::Working);
        let sources = states.keys().filter(|id| id.starts_with("source/")).count();
        let providers =
            ["population", "land", "health", "education", "business", "registry", "ledger", "monitor"];
        let serve = providers.iter().all(|domain| works(&format!("provider/{domain}")));
        serve && sources == 5 && works("broker/kafka") && down(&hub).await == Some(Vec::new())
    })
    .await;
    hub
}

async fn link(hub: &Hub, id: &str) -> GetLinkResponse {
    let operator = hub.app("dieu-hanh");
    let wanted = GetLinkRequest { id: id.to_owned(), ..GetLinkRequest::default() };
    client(&operator).get_link(operator.request(wanted)).await.expect("a known link").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_adapter_takes_down_its_own_provider_and_nothing_else() {
    let mut hub = well().await;
    let operator = hub.app("dieu-hanh");
    let mut changes =
        client(&operator).follow_links(operator.request(FollowLinksRequest {})).await.expect("followed");
    hub.kill("adapter-land");
    until_down(&hub, &[("provider/land", "instance-not-heard")]).await;
    // Applications fall silent and call as they like; of the rest, it is the first to change.
    let change = loop {
        let change = changes.get_mut().message().await.expect("a stream").expect("a change");
        if !change.link.starts_with("application/") {
            break change;
        }
    };
    assert_eq!((change.link.as_str(), change.to()), ("provider/land", LinkState::Down));
    assert!(change.evidence.is_some_and(|it| it.last_sign.is_some()), "since when it is not heard");

    let started = roles::adapter::start(hub.host(), Domain::Land).await.expect("it starts");
    hub.adopt(started);
    until_down(&hub, &[]).await;
    let told = link(&hub, "provider/land").await;
    let mut states: Vec<LinkState> = told.changes.iter().map(|change| change.to()).collect();
    // It is heard again before it owns a partition.
    states.dedup();
    assert_eq!(states, [LinkState::Working, LinkState::Down, LinkState::Working], "newest first");
    assert!(told.unannounced_down_ms > 0 && told.announced_down_ms == 0, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_does_not_answer_is_down_and_its_provider_is_not() {
    /// A source that can be switched off.
    struct Switched(Arc<AtomicBool>);

    #[async_trait]
    impl Probe for Switched {
        async fn probe(&self, _: tokio::time::Instant) -> Result<(), SourceError> {
            if self.0.load(Ordering::Relaxed) { Ok(()) } else { Err(SourceError::TimedOut) }
        }
    }

    let mut hub = well().await;
    let on = Arc::new(AtomicBool::new(true));
    let adapter = Adapter {
        domain: "land",
        routes: Routes::default(),
        source: "switched".into(),
        probe: Arc::new(Switched(on.clone())),
    };
    let probe_interval = Duration::from_millis(100);
    let started: Role = roles::adapter::serve(hub.host(), "adapter-land-2", adapter, probe_interval)
        .await
        .expect("it starts");
    hub.adopt(started);
    within("the source to be known", || async {
        states(&hub).await.is_ok_and(|states| states.contains_key("source/land/switched"))
    })
    .await;
    on.store(false, Ordering::Relaxed);
    until_down(&hub, &[("source/land/switched", "source-timed-out")]).await;
    on.store(true, Ordering::Relaxed);
    until_down(&hub, &[]).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_broker_is_told_on_the_admin_port_meanwhile_and_takes_no_provider_down() {
    let hub = well().await;
    if !hub.host().bus.is_embedded() {
        eprintln!("skipped: a Kafka that all tests share is not stopped");
        return;
    }
    hub.host().bus.lose_broker().expect("embedded");
    let broker = ("broker/kafka".to_owned(), "broker-not-heard".to_owned());
    within("the broker to be told lost", || async { down_at_a_glance(&hub).await.contains(&broker) }).await;
    within("the monitor to say so", || async { hub.fact("monitor", "links-down") == 1 }).await;
    hub.host().bus.restore_broker().expect("embedded");
    until_down(&hub, &[]).await;
    let told = link(&hub, "broker/kafka").await;
    assert!(told.changes.iter().any(|change| change.to() == LinkState::Down));
    // Their partitions may be shared out anew afterwards; dead they never were.
    for id in ["provider/population", "provider/ledger"] {
        let told = link(&hub, id).await;
        let dead: Vec<_> = told.changes.iter().filter(|it| it.cause == "instance-not-heard").collect();
        assert!(dead.is_empty(), "{dead:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_ledger_is_told_although_nothing_is_served_without_it() {
    let mut hub = well().await;
    hub.kill("ledger");
    let ledger = ("provider/ledger".to_owned(), "instance-not-heard".to_owned());
    within("the ledger to be told dead", || async { down_at_a_glance(&hub).await == [ledger.clone()] }).await;
    within("the monitor to say so", || async { hub.fact("monitor", "links-down") == 1 }).await;
    if !hub.host().bus.is_embedded() {
        until_down(&hub, &[("provider/ledger", "instance-not-heard")]).await;
    }
    let (started, _) = roles::ledger::start(hub.host()).await.expect("it starts");
    hub.adopt(started);
    within("it is heard again", || async { hub.fact("monitor", "links-down") == 0 }).await;
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
        let refused = states(&hub).await.err();
        refused.is_some_and(|status| refusal(&status).reason == Some(Reason::NoProvider))
    })
    .await;
    citizen(&hub).await.expect("served");
    let broker = ("broker/kafka".to_owned(), "broker-not-heard".to_owned());
    assert!(!down_at_a_glance(&hub).await.contains(&broker), "the roles tell of themselves");
    let started = roles::monitor::start(hub.host()).await.expect("it starts");
    hub.adopt(started);
    until_down(&hub, &[]).await;
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
        let Ok(states) = states(&hub).await else { return false };
        states.get("provider/population") == Some(&(LinkState::Maintenance, "instance-not-heard".to_owned()))
    })
    .await;
    assert_eq!(down(&hub).await, Some(Vec::new()));

    let cancel = CancelMaintenanceRequest { id: announced.id.clone() };
    client(&operator).cancel_maintenance(operator.request(cancel)).await.expect("cancelled");
    until_down(&hub, &[("provider/population", "instance-not-heard")]).await;
    let told = link(&hub, "provider/population").await;
    assert!(told.announced_down_ms > 0, "{told:?}");
    let listed = client(&operator).list_maintenance(operator.request(ListMaintenanceRequest {})).await;
    let listed = listed.expect("listed").into_inner().maintenance;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].cancelled.is_some() && listed[0].cancelled_by == "dieu-hanh");
    within("the refusal to tell it no more", || async {
        citizen(&hub).await.is_err_and(|status| maintenance_until(&status).is_none())
    })
    .await;
}
