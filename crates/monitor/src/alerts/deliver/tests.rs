//! Receivers that are really there: an HTTP server that hangs, one that fails and then works, and a mail server.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lgsp_proto::monitor::v1::AlertState;
use lgsp_runtime::state::Condition;
use lgsp_runtime::{Instance, State};
use lgsp_store::Options as StoreOptions;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::*;
use crate::alerts::alert::tests::alert;
use crate::alerts::metrics::Meters;
use crate::alerts::receivers::{self, Security};
use crate::alerts::roll::{Roll, View};
use crate::alerts::rule::Rule;
use crate::alerts::store::Kept;
use crate::history::History;
use crate::listen::now_us;

const PATIENCE: Duration = Duration::from_secs(20);
/// Most requests that a server keeps for the test.
const MOST_HEARD: usize = 64;

/// A request as a server has read it: its head and its body.
type Read = (String, String);

/// Reads one request.
async fn read(stream: &mut TcpStream) -> Option<Read> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).await.ok()? > 2 {
        head.push_str(&line.to_ascii_lowercase());
        line.clear();
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

/// Answers requests with these statuses, the last one again and again; 0 never answers.
async fn server(statuses: &'static [u16]) -> (SocketAddr, mpsc::Receiver<Read>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hears) = mpsc::channel(MOST_HEARD);
    tokio::spawn(async move {
        let mut held = Vec::new();
        for number in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let Some(request) = read(&mut stream).await else { continue };
            let status = statuses[number.min(statuses.len() - 1)];
            if heard.send(request).await.is_err() {
                return;
            }
            if status == 0 {
                held.push(stream);
                continue;
            }
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, hears)
}

fn firing(subject: &str) -> View {
    let mut alert = alert(Rule::LinkDown, subject, now_us());
    alert.fired_us = now_us();
    View { alert, state: AlertState::Firing, silenced_by: String::new() }
}

fn resolved(view: &View) -> View {
    let mut view = View { state: AlertState::Resolved, ..view.clone() };
    view.alert.resolved_us = now_us();
    view
}

fn of(view: &View) -> Message {
    Message { group: Some(view.alert.key.rule), firing: vec![view.clone()], new: 1, resolved: Vec::new() }
}

fn hook(name: &str, address: SocketAddr) -> receivers::Webhook {
    receivers::Webhook {
        name: name.to_owned(),
        url: format!("http://{address}/alerts"),
        timeout: Duration::from_millis(500),
        ..receivers::Webhook::default()
    }
}

/// Receivers that run, and what they see.
struct Told {
    state: State,
    telling: Telling,
    kept: Kept,
    views: watch::Sender<Arc<Vec<View>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    dir: tempfile::TempDir,
}

impl Told {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let kept = open(dir.path()).await;
        let state = State::new(Instance::new("monitor", "0"));
        let telling = Telling::new(state.component("alerts"));
        Self { state, telling, kept, views: watch::Sender::default(), tasks: Vec::new(), dir }
    }

    async fn start(&mut self, options: &Options) {
        let meters = Meters::show(self.state.metrics(), &Arc::new(Mutex::new(Roll::default())));
        for channel in channels(options) {
            let told = self.kept.told(&channel.0, soon()).await.unwrap();
            let receiver =
                Receiver::new(channel, told, self.kept.clone(), self.telling.clone(), meters.clone());
            self.tasks.push(tokio::spawn(receiver.run(self.views.subscribe())));
        }
    }

    async fn show(&self, views: &[&View]) {
        let views: Vec<View> = views.iter().map(|view| (*view).clone()).collect();
        self.kept.put(views.iter().map(|view| &view.alert), soon()).await.unwrap();
        self.views.send_replace(Arc::new(views));
    }

    fn condition(&self) -> Option<Condition> {
        self.state.condition("alerts")
    }

    async fn until(&self, condition: Condition) {
        let holds = async {
            while self.condition() != Some(condition) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never {condition:?}"));
    }
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + PATIENCE
}

async fn open(dir: &Path) -> Kept {
    let url = format!("sqlite:{}", dir.join("monitor.db").display());
    History::open(&StoreOptions::of(url)).await.unwrap().alerts()
}

async fn next(hears: &mut mpsc::Receiver<Read>) -> (String, Value) {
    let (head, body) = timeout(PATIENCE, hears.recv()).await.expect("a request").expect("a server");
    (head, serde_json::from_str(&body).unwrap())
}

fn at_once(webhooks: Vec<receivers::Webhook>) -> Options {
    let none = Duration::ZERO;
    Options { webhooks, group_wait: none, group_interval: none, ..Options::default() }
}

#[tokio::test]
async fn a_webhook_that_hangs_delays_nobody_else_and_the_state_names_it() {
    let (hangs, mut hears_nothing) = server(&[0]).await;
    let (works, mut hears) = server(&[200]).await;
    let mut told = Told::new().await;
    let slow = receivers::Webhook { timeout: Duration::from_secs(2), ..hook("a-hangs", hangs) };
    told.start(&at_once(vec![slow, hook("b-works", works)])).await;
    let view = firing("provider/land");
    told.show(&[&view]).await;
    next(&mut hears_nothing).await;
    let (_, body) = next(&mut hears).await;
    assert_eq!(body["alerts"][0]["subject"], "provider/land");
    told.show(&[&resolved(&view)]).await;
    let (_, body) = next(&mut hears).await;
    assert_eq!((&body["status"], &body["resolved"]), (&"resolved".into(), &1.into()));
    told.until(Condition::Degraded).await;
    assert_eq!(told.telling.untold(), ["a-hangs"]);
    let names = &told.state.status()["components"]["alerts"]["names"];
    assert_eq!(*names, serde_json::json!(["a-hangs: it does not answer in time"]));
    let metrics = told.state.metrics().prometheus();
    let counted = r#"lgsp_alert_messages_total{lgsp_alert_receiver="a-hangs",lgsp_alert_outcome="untold"}"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_webhook_that_fails_is_told_again_until_it_works_and_then_once() {
    let (address, mut hears) = server(&[503, 302, 200]).await;
    let mut told = Told::new().await;
    told.start(&at_once(vec![hook("duty", address)])).await;
    let view = firing("provider/land");
    told.show(&[&view]).await;
    next(&mut hears).await;
    told.until(Condition::Degraded).await;
    next(&mut hears).await;
    next(&mut hears).await;
    told.until(Condition::Ready).await;
    assert_eq!(told.telling.untold(), Vec::<String>::new());
    // What was told is not told again: the next message is about its end.
    told.show(&[&resolved(&view)]).await;
    let (_, body) = next(&mut hears).await;
    assert_eq!((&body["status"], &body["alerts"][0]["state"]), (&"resolved".into(), &"resolved".into()));
}

#[tokio::test]
async fn after_a_restart_nobody_is_told_twice_and_the_end_is_told_to_whoever_was_told() {
    let (address, mut hears) = server(&[200]).await;
    let options = at_once(vec![hook("duty", address)]);
    let mut told = Told::new().await;
    told.start(&options).await;
    let view = firing("provider/land");
    told.show(&[&view]).await;
    next(&mut hears).await;
    let noted = async {
        while told.kept.told("duty", soon()).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, noted).await.expect("it is written down");
    told.tasks.drain(..).for_each(|task| task.abort());

    told.kept = open(told.dir.path()).await;
    told.start(&options).await;
    let other = firing("provider/health");
    told.show(&[&view, &other]).await;
    let (_, body) = next(&mut hears).await;
    assert_eq!((&body["new"], &body["firing"]), (&1.into(), &2.into()), "the other is news");
    told.show(&[&resolved(&view), &other]).await;
    let (_, body) = next(&mut hears).await;
    assert_eq!((&body["resolved"], &body["alerts"][1]["subject"]), (&1.into(), &"provider/land".into()));
}

#[tokio::test]
async fn a_webhook_gets_json_with_a_token_and_a_signature() {
    let (address, mut hears) = server(&[204]).await;
    let dir = tempfile::tempdir().unwrap();
    let secret = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Some(path)
    };
    let options = receivers::Webhook {
        bearer_token_file: secret("token", "synthetic-token\n"),
        hmac_key_file: secret("key", "synthetic key\n"),
        ..hook("duty", address)
    };
    let mut view = firing("disk/hub-1/data");
    view.alert.key.rule = Rule::Disk;
    (view.alert.finding.value, view.alert.finding.limit) = (0.04, 0.05);
    view.alert.acknowledged = Some(crate::alerts::alert::Acknowledged {
        at_us: 1,
        by: "nguoi-truc".to_owned(),
        note: "đang xem".to_owned(),
    });
    let webhook = webhook::Webhook::new(&options, Language::Both, "https://help.example/#");
    webhook.tell(&of(&view), 1_800_000_000_000_000).await.unwrap();
    let (head, body) = next(&mut hears).await;
    assert!(
        head.contains("authorization: bearer synthetic-token") && head.contains("lgsp-signature: sha256=")
    );
    assert!(head.contains("lgsp-timestamp: 1800000000"), "{head}");
    assert_eq!((&body["receiver"], &body["group"]), (&"duty".into(), &"disk".into()));
    assert_eq!(body["help"], "https://help.example/#disk");
    assert_eq!((&body["alerts"][0]["value"], &body["alerts"][0]["unit"]), (&0.04.into(), &"1".into()));
    assert!(!body.to_string().contains("nguoi-truc") && !body.to_string().contains("đang xem"), "{body}");
    std::fs::remove_file(dir.path().join("token")).unwrap();
    assert_eq!(webhook.tell(&of(&view), 1).await, Err(Trouble::Files));
}

#[tokio::test]
async fn an_alertmanager_gets_labels_that_stay_and_an_end_that_is_ahead() {
    let (address, mut hears) = server(&[200]).await;
    let options = receivers::Alertmanager {
        name: "alertmanager".to_owned(),
        url: format!("http://{address}/"),
        ..receivers::Alertmanager::default()
    };
    let manager = alertmanager::Alertmanager::new(&options, Language::En, "https://help.example/#");
    let mut view = firing("provider/land");
    (view.alert.fired_us, view.alert.finding.owner) = (1_800_000_000_000_000, "so-nnmt".to_owned());
    let ended = resolved(&view);
    let message = Message { resolved: vec![ended], group: None, ..of(&view) };
    manager.tell(&message, 1_800_000_060_000_000).await.unwrap();
    let (head, body) = next(&mut hears).await;
    assert!(head.starts_with("post /api/v2/alerts "), "{head}");
    let labels = serde_json::json!({
        "alertname": "lgsp-link-down", "job": "lgsp-monitor", "rule": "link-down", "subject": "provider/land",
        "severity": "critical", "owner": "so-nnmt",
    });
    assert_eq!((&body[0]["labels"], &body[1]["labels"]), (&labels, &labels));
    assert_eq!(body[0]["startsAt"], "2027-01-15T08:00:00Z");
    assert_eq!(body[0]["endsAt"], "2027-01-15T08:05:00Z");
    assert_ne!(body[1]["endsAt"], body[0]["endsAt"]);
    assert_eq!(body[0]["generatorURL"], "https://help.example/#link-down");
}

/// What a real Alertmanager says on `LGSP_TEST_ALERTMANAGER` (`host:port`), if there is one.
async fn real_alerts(address: &str) -> Vec<Value> {
    let mut stream = TcpStream::connect(address).await.expect("an Alertmanager");
    let request = format!("GET /api/v2/alerts HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (begin, end) = (answer.find('[').expect("a list"), answer.rfind(']').expect("its end"));
    serde_json::from_str(&answer[begin..=end]).expect("JSON")
}

#[tokio::test]
async fn a_real_alertmanager_takes_what_fires_and_its_end() {
    let Ok(address) = std::env::var("LGSP_TEST_ALERTMANAGER") else {
        eprintln!("skipped: LGSP_TEST_ALERTMANAGER names no Alertmanager");
        return;
    };
    let url = format!("http://{address}");
    let options = receivers::Alertmanager { url, ..receivers::Alertmanager::default() };
    let manager = alertmanager::Alertmanager::new(&options, Language::Both, "");
    let view = firing(&format!("provider/{}", uuid::Uuid::now_v7()));
    let of_ours = |alerts: Vec<Value>| {
        alerts.into_iter().find(|alert| alert["labels"]["subject"] == view.alert.key.subject.as_str())
    };
    manager.tell(&of(&view), now_us()).await.unwrap();
    let taken = of_ours(real_alerts(&address).await).expect("it is taken");
    assert_eq!(taken["labels"]["alertname"], "lgsp-link-down");
    let over = Message { firing: Vec::new(), new: 0, resolved: vec![resolved(&view)], ..of(&view) };
    manager.tell(&over, now_us()).await.unwrap();
    let is_over = async {
        while of_ours(real_alerts(&address).await).is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, is_over).await.expect("it is over");
}

/// A mail server for one mail: what it was told, and the mail itself.
async fn mail_server(greeting: &'static str, refuses: Option<&'static str>) -> (u16, mpsc::Receiver<Read>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, hears) = mpsc::channel(MOST_HEARD);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let (mut lines, mut said, mut mail) = (BufReader::new(reader).lines(), String::new(), String::new());
        writer.write_all(b"220 mail.test ESMTP\r\n").await.unwrap();
        let mut is_mail = false;
        while let Ok(Some(line)) = lines.next_line().await {
            if is_mail && line != "." {
                mail.push_str(&line);
                mail.push('\n');
                continue;
            }
            said.push_str(&format!("{line}\n"));
            let answer = match line.split(' ').next().unwrap_or_default() {
                "EHLO" => greeting,
                "RCPT" => refuses.unwrap_or("250 ok"),
                "DATA" => "354 go on",
                "AUTH" => "235 welcome",
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            is_mail = line == "DATA";
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
        let _ = heard.send((said, mail)).await;
    });
    (port, hears)
}

fn mail(port: u16, dir: &Path) -> receivers::Mail {
    let password = dir.join("password");
    std::fs::write(&password, "synthetic-password\n").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    receivers::Mail {
        name: "mail".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::None,
        from: "lgsp@hub.test".to_owned(),
        to: vec!["truc@so.test".to_owned(), "duty@so.test".to_owned()],
        username: "lgsp".to_owned(),
        password_file: Some(password),
        timeout: Duration::from_secs(5),
        ..receivers::Mail::default()
    }
}

#[tokio::test]
async fn a_mail_is_signed_in_for_and_says_it_in_both_languages() {
    let (port, mut hears) = mail_server("250-mail.test\r\n250 AUTH PLAIN", None).await;
    let dir = tempfile::tempdir().unwrap();
    let mail = mail::Mail::new(&mail(port, dir.path()), Language::Both, "https://help.example/#");
    mail.tell(&of(&firing("provider/land"))).await.unwrap();
    drop(mail);
    let (said, mail) = timeout(PATIENCE, hears.recv()).await.unwrap().unwrap();
    // "\0lgsp\0synthetic-password"
    assert!(said.contains("AUTH PLAIN AGxnc3AAc3ludGhldGljLXBhc3N3b3Jk"), "{said}");
    assert!(said.contains("RCPT TO:<truc@so.test>") && said.contains("RCPT TO:<duty@so.test>"), "{said}");
    assert!(mail.contains("Content-Type: text/plain; charset=utf-8"), "{mail}");
    assert!(mail.contains("provider/land: link down (instance-not-heard)"), "{mail}");
    assert!(mail.contains("From: \"LGSP Hub\" <lgsp@hub.test>"), "{mail}");
}

#[tokio::test]
async fn a_mail_that_is_refused_is_told_by_its_code_and_by_no_address() {
    let (port, _hears) = mail_server("250 mail.test", Some("550 no such person truc@so.test")).await;
    let dir = tempfile::tempdir().unwrap();
    let options = receivers::Mail { username: String::new(), password_file: None, ..mail(port, dir.path()) };
    let mail = mail::Mail::new(&options, Language::Vi, "");
    let refused = mail.tell(&of(&firing("provider/land"))).await.unwrap_err();
    assert_eq!(refused, Trouble::Refused(550));
    assert!(!refused.to_string().contains('@') && !format!("{mail:?}").contains('@'));
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_no_mail_and_no_password() {
    let (port, mut hears) = mail_server("250-mail.test\r\n250 AUTH PLAIN", None).await;
    let dir = tempfile::tempdir().unwrap();
    let options = receivers::Mail { security: Security::Starttls, ..mail(port, dir.path()) };
    let told = mail::Mail::new(&options, Language::Vi, "").tell(&of(&firing("provider/land"))).await;
    assert!(told.is_err());
    let (said, mail) = timeout(PATIENCE, hears.recv()).await.unwrap().unwrap();
    assert!(!said.contains("AUTH") && mail.is_empty(), "{said}");
}
