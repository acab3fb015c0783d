//! Alerts as whoever is on duty gets them: told, acknowledged, silenced, and over.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use lgsp::cli::server::Domain;
use lgsp::roles;
use lgsp_core::Reason;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_monitor::alerts::Webhook;
use lgsp_proto::ledger::v1::Outcome;
use lgsp_proto::monitor::v1::alert_service_client::AlertServiceClient;
use lgsp_proto::monitor::v1::{
    AcknowledgeAlertRequest, Alert, AlertMatcher, AlertSeverity, AlertState, EndSilenceRequest,
    GetAlertRequest, ListAlertsRequest, ListSilencesRequest, SilenceAlertsRequest,
};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::caller::{App, exchange_of, refusal};
use crate::fixture::{Hub, PATIENCE, within};

/// Most messages that are kept for a story.
const MOST_HEARD: usize = 1_024;

fn client(app: &App) -> AlertServiceClient<Channel> {
    AlertServiceClient::new(app.channel.clone())
}

/// Where a webhook is received: each message as it comes.
async fn duty() -> (SocketAddr, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (heard, hears) = mpsc::channel(MOST_HEARD);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut reader = BufReader::new(&mut stream);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).await.expect("a head") > 2 {
                if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = told.trim().parse().expect("a length");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).await.expect("a body");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.expect("an answer");
            if heard.send(serde_json::from_slice(&body).expect("JSON")).await.is_err() {
                return;
            }
        }
    });
    (address, hears)
}

/// Waits for a message with an alert that is wanted, and returns that alert.
async fn told(hears: &mut mpsc::Receiver<Value>, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let told = async {
        loop {
            let message = hears.recv().await.expect("a webhook that listens");
            let alerts = message["alerts"].as_array().expect("alerts").clone();
            if let Some(alert) = alerts.into_iter().find(&is_wanted) {
                return alert;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("somebody is told")
}

/// The land register is dead. At its start a provider owns no partition yet, which is another cause.
fn is_dead(alert: &Value) -> bool {
    let is_land = alert["rule"] == "link-down" && alert["subject"] == "provider/land";
    is_land && alert["state"] == "firing" && alert["cause"] == "instance-not-heard"
}

/// The alerts about the land register that are in a state.
async fn listed(hub: &Hub, state: AlertState) -> Result<Vec<Alert>, Status> {
    let operator = hub.app("dieu-hanh");
    let wanted = ListAlertsRequest { resolved_since: Some(timestamp(1)) };
    let told = client(&operator).list_alerts(operator.request(wanted)).await?.into_inner();
    assert_eq!(told.untold_receivers, Vec::<String>::new());
    let ours = told.alerts.into_iter();
    Ok(ours.filter(|alert| alert.subject == "provider/land" && alert.state() == state).collect())
}

async fn hub(duty: SocketAddr) -> Hub {
    let hub = Hub::start_with(lgsp_sample::Config { citizens: 100, seed: 1 }, |config| {
        let alerts = &mut config.monitor.alerts;
        alerts.group_wait = Duration::ZERO;
        alerts.group_interval = Duration::ZERO;
        alerts.resolve_after = Duration::ZERO;
        alerts.rules.link_down.r#for = Duration::from_secs(1);
        alerts.owners.insert("provider/land".to_owned(), "so-nnmt".to_owned());
        let (name, url) = ("duty".to_owned(), format!("http://{duty}/"));
        alerts.webhooks = vec![Webhook { name, url, ..Webhook::default() }];
    })
    .await;
    within("the monitor to answer, and nothing to fire", || async {
        listed(&hub, AlertState::Firing).await.is_ok_and(|firing| firing.is_empty())
            && hub.fact("monitor", "links") > 5
            && hub.fact("monitor", "links-down") == 0
    })
    .await;
    hub
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_adapter_is_told_acknowledged_through_the_gateway_and_told_to_be_over() {
    let (address, mut hears) = duty().await;
    let mut hub = hub(address).await;
    hub.kill("adapter-land");
    let alert = told(&mut hears, is_dead).await;
    assert_eq!((&alert["severity"], &alert["owner"]), (&"critical".into(), &"so-nnmt".into()));
    let firing = listed(&hub, AlertState::Firing).await.expect("listed");
    let [known] = firing.as_slice() else { panic!("{firing:?}") };
    assert_eq!((known.cause.as_str(), known.severity()), ("instance-not-heard", AlertSeverity::Critical));
    assert_eq!(alert["id"], known.id);
    assert!(hub.fact("monitor", "alerts-firing") >= 1);

    let acknowledge =
        || AcknowledgeAlertRequest { id: known.id.clone(), note: "đang khởi động lại".to_owned() };
    let application = hub.tthc();
    let refused = client(&application).acknowledge_alert(application.request(acknowledge())).await;
    assert_eq!(refused.expect_err("no operator").code(), Code::PermissionDenied);
    let operator = hub.app("dieu-hanh");
    let answer =
        client(&operator).acknowledge_alert(operator.request(acknowledge())).await.expect("acknowledged");
    let entry = hub.final_entry(exchange_of(answer.metadata())).await;
    let sealed = entry.sealed.expect("an entry");
    assert_eq!((sealed.method.as_str(), sealed.outcome()), ("AcknowledgeAlert", Outcome::Served));
    let acknowledged = answer.into_inner();
    assert_eq!(acknowledged.state(), AlertState::Acknowledged);
    assert_eq!(
        (acknowledged.acknowledged_by.as_str(), acknowledged.note.as_str()),
        ("dieu-hanh", "đang khởi động lại")
    );

    let started = roles::adapter::start(hub.host(), Domain::Land).await.expect("it starts");
    hub.adopt(started);
    let is_over = |told: &Value| told["id"] == alert["id"] && told["state"] == "resolved";
    let over = told(&mut hears, is_over).await;
    assert!(over["resolved"].is_string() && !over.to_string().contains("dieu-hanh"), "{over}");
    within("its end to be kept", || async {
        let resolved = listed(&hub, AlertState::Resolved).await.unwrap_or_default();
        resolved.iter().any(|alert| alert.id == known.id && alert.acknowledged_by == "dieu-hanh")
    })
    .await;
    let wanted = GetAlertRequest { id: known.id.clone() };
    let shown = client(&operator).get_alert(operator.request(wanted)).await.expect("shown").into_inner();
    assert_eq!(shown.alert.expect("it is kept").state(), AlertState::Resolved);
    let late = client(&operator).acknowledge_alert(operator.request(acknowledge())).await.expect_err("over");
    assert_eq!(refusal(&late).reason, Some(Reason::InvalidField));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_silenced_is_told_to_nobody_until_the_silence_ends() {
    let (address, mut hears) = duty().await;
    let mut hub = hub(address).await;
    let operator = hub.app("dieu-hanh");
    let silence = |matcher: Option<AlertMatcher>| {
        let until = Some(timestamp(unix_micros(SystemTime::now()) + 3_600_000_000));
        let wanted = SilenceAlertsRequest { matcher, until, reason: "thay máy chủ".to_owned() };
        let (mut client, request) = (client(&operator), operator.request(wanted));
        async move { client.silence_alerts(request).await }
    };
    let of = |rule: &str, subject: &str| {
        Some(AlertMatcher { rule: rule.to_owned(), subject: subject.to_owned(), ..AlertMatcher::default() })
    };
    for senseless in [None, of("", ""), of("no-such-rule", "")] {
        let refused = silence(senseless).await.expect_err("it would silence everything, or nothing");
        assert_eq!(refusal(&refused).reason, Some(Reason::InvalidField));
    }
    let made = silence(of("link-down", "provider/*")).await.expect("silenced").into_inner();
    hub.kill("adapter-land");
    within("it to fire in silence", || async {
        let silenced = listed(&hub, AlertState::Silenced).await.unwrap_or_default();
        silenced.iter().any(|alert| alert.rule == "link-down" && alert.silenced_by == made.id)
    })
    .await;
    let list =
        client(&operator).list_silences(operator.request(ListSilencesRequest {})).await.expect("listed");
    let [known] = list.get_ref().silences.as_slice() else { panic!("{list:?}") };
    assert_eq!((known.made_by.as_str(), known.alerts), ("dieu-hanh", 1));
    while let Ok(message) = hears.try_recv() {
        let told = message["alerts"].as_array().expect("alerts");
        assert!(!told.iter().any(is_dead), "{message}");
    }
    let ended = EndSilenceRequest { id: made.id.clone() };
    let ended = client(&operator).end_silence(operator.request(ended)).await.expect("ended").into_inner();
    assert_eq!(ended.ended_by, "dieu-hanh");
    told(&mut hears, is_dead).await;
}
