//! The console as a browser meets it: let in once by a link, shown the links as they are, and told of what changes without asking.

use std::net::SocketAddr;

use lgsp::cli::server::Domain;
use lgsp::roles;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{Hub, PATIENCE, within};

/// A browser, as far as it is needed: one cookie, and no scripts.
struct Browser {
    console: SocketAddr,
    cookie: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Browser {
    fn new(console: SocketAddr) -> Self {
        Self { console, cookie: String::new() }
    }

    async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.console).await.expect("it listens");
        let Self { console, cookie } = self;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {console}\r\norigin: http://{console}\r\ncookie: {cookie}\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = self.open(method, path, body).await;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("whole");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Opens a one-time link.
    async fn enter(&mut self, link: &str) -> Answer {
        let path = link.strip_prefix(&format!("http://{}", self.console)).expect("a link to this console");
        let answer = self.get(path).await;
        if let Some(cookie) = answer.head.split("set-cookie: ").nth(1) {
            self.cookie = cookie.split(';').next().expect("a pair").to_owned();
        }
        answer
    }

    /// Follows a page until an event has this text.
    async fn hears(&self, path: &str) -> BufReader<TcpStream> {
        BufReader::new(self.open("GET", path, "").await)
    }
}

async fn until(events: &mut BufReader<TcpStream>, wanted: &[&str]) {
    let heard = async {
        loop {
            let mut line = String::new();
            assert!(events.read_line(&mut line).await.expect("whole") > 0, "the stream has ended");
            if wanted.iter().all(|wanted| line.contains(wanted)) {
                return;
            }
        }
    };
    timeout(PATIENCE, heard).await.unwrap_or_else(|_| panic!("{wanted:?} is not told"));
}

/// A hub with a console, and a browser that was let in.
async fn let_in() -> (Hub, Browser) {
    let mut hub = Hub::start(100).await;
    let (console, link) = hub.start_console().await;
    let mut browser = Browser::new(console);
    assert_eq!(browser.enter(&link).await.status, 303);
    let again = Browser::new(console).enter(&link).await;
    assert_eq!(again.status, 401, "a link is good once");
    within("every provider on the page", || async {
        let page = browser.get("/").await;
        let domains =
            ["population", "land", "health", "education", "business", "registry", "ledger", "monitor"];
        let works = |domain| page.body.contains(&format!("/links/provider/{domain}\""));
        page.status == 200 && domains.into_iter().all(works) && page.body.contains("/links/broker/kafka")
    })
    .await;
    (hub, browser)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_adapter_is_told_to_a_browser_with_its_cause_and_what_to_do_and_comes_back() {
    let (mut hub, browser) = let_in().await;
    within("land to work", || async {
        browser.get("/links/provider/land").await.body.contains("class=\"state-card working\"")
    })
    .await;
    let mut events = browser.hears("/live/overview").await;
    until(&mut events, &["\"attention\""]).await;
    hub.kill("adapter-land");
    let cause = "Mất tín hiệu của bên cung cấp";
    until(&mut events, &["\"name\":\"attention\"", "/links/provider/land", cause, "Việc cần làm:"]).await;
    let page = browser.get("/links/provider/land").await;
    assert_eq!(page.status, 200);
    for told in ["class=\"state-card down\"", cause, "instance-not-heard", "Mất kết nối"] {
        assert!(page.body.contains(told), "{told}");
    }
    let started = roles::adapter::start(hub.host(), Domain::Land).await.expect("it starts");
    hub.adopt(started);
    until(&mut events, &["\"name\":\"attention\"", "Không có việc cần xử lý."]).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_announces_maintenance_on_the_page_of_a_link_and_cancels_it() {
    let (hub, browser) = let_in().await;
    let page = browser.get("/links/provider/land").await.body;
    let form = page.split("name=\"form\" value=\"").nth(1).expect("a form").split('"').next().expect("it");
    let sent = |rest: &str| format!("form={form}&link=provider%2Fland&{rest}");
    let bad = browser.ask("POST", "/maintenance/announce", &sent("hours=0&reason=disk")).await;
    assert_eq!(bad.status, 422);
    assert!(bad.body.contains("value=\"disk\""), "what was entered is still there");
    let announced =
        browser.ask("POST", "/maintenance/announce", &sent("hours=2&reason=thay+%C4%91%C4%A9a")).await;
    assert_eq!(announced.status, 303, "{}", announced.body);
    within("the maintenance on the page", || async {
        let page = browser.get("/links/provider/land").await.body;
        page.contains("thay đĩa") && page.contains("class=\"state-card maintenance\"")
    })
    .await;
    let page = browser.get("/links/provider/land").await.body;
    let id = page
        .split("name=\"id\" value=\"")
        .nth(1)
        .expect("it can be cancelled")
        .split('"')
        .next()
        .expect("it");
    let cancelled = browser.ask("POST", "/maintenance/cancel", &sent(&format!("id={id}"))).await;
    assert_eq!(cancelled.status, 303, "{}", cancelled.body);
    within("the link without maintenance", || async {
        browser.get("/links/provider/land").await.body.contains("class=\"state-card working\"")
    })
    .await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_monitor_the_page_shows_what_the_roles_say_and_says_what_it_lacks() {
    let (mut hub, browser) = let_in().await;
    let mut events = browser.hears("/live/overview").await;
    until(&mut events, &["\"freshness\""]).await;
    hub.kill("monitor");
    until(&mut events, &["\"name\":\"freshness\"", "Trạng thái do các tiến trình tự báo"]).await;
    let page = browser.get("/links/provider/land").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Lịch sử và lịch bảo trì không hiển thị được"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_browsers_cost_the_hub_one_follower() {
    let (hub, browser) = let_in().await;
    let mut all = Vec::new();
    for _ in 0..50 {
        all.push(browser.hears("/live/overview").await);
    }
    for events in &mut all {
        until(events, &["\"name\":\"links\""]).await;
    }
    let operator = hub.app("dieu-hanh");
    let mut ledger =
        lgsp_proto::ledger::v1::ledger_service_client::LedgerServiceClient::new(operator.channel.clone());
    let filter = lgsp_proto::ledger::v1::ExchangeFilter {
        service: "lgsp.monitor.v1.MonitorService".to_owned(),
        method: "FollowLinks".to_owned(),
        include_platform: true,
        ..Default::default()
    };
    let wanted = lgsp_proto::ledger::v1::ListExchangesRequest { filter: Some(filter), ..Default::default() };
    let told = ledger.list_exchanges(operator.request(wanted)).await.expect("told").into_inner();
    // The one that runs has its opening; none has ended for another one.
    assert!(told.exchanges.len() <= 1, "{:?}", told.exchanges.len());
    hub.stop().await;
}
