//! What a browser, and somebody who is none, gets of the whole router. The gateway is away throughout: what is told is on the board.

use std::time::Duration;

use axum::body::Body;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::Exchange;
use lgsp_proto::monitor::v1::{Link, LinkChange, LinkEvidence, LinkState, Maintenance};
use lgsp_proto::registry::v1::{ApplicationSummary, CredentialRecord, ServiceSummary};
use tonic::transport::Endpoint;
use tower::ServiceExt as _;

use super::*;
use crate::board::From;
use crate::follow::now_us;
use crate::pages::link::{self, Announced, Credential, Failure, Listed};
use crate::pages::{filled, overview as overview_page};
use crate::text::{Lang, Say};

/// What an outsider would have a page do, in a name.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

struct Fixture {
    desk: Arc<Desk>,
    invitations: Invitations,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let invitations = Invitations::of(dir.path());
        invitations.listens("http://127.0.0.1:8080").expect("noted");
        // Nobody listens there.
        let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let bearer: Arc<dyn Bearer> = Arc::new("token".to_owned());
        let board = Arc::new(Board::new());
        let invited = Some((invitations.clone(), bearer));
        let desk = Desk::new(options, Hub::new(channel), board, invited, None, CancellationToken::new());
        Self { desk: Arc::new(desk), invitations, _dir: dir }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        router(Arc::clone(&self.desk)).oneshot(request).await.expect("an answer")
    }

    async fn get(&self, path: &str, cookie: &str) -> Response<Body> {
        self.send(asked(Method::GET, path, cookie).body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str, cookie: &str, form: &str) -> Response<Body> {
        let request = asked(Method::POST, path, cookie).header(ORIGIN, "http://127.0.0.1:8080");
        self.send(request.body(Body::from(form.to_owned())).expect("a request")).await
    }

    /// Signs in by a one-time link; returns the cookie.
    async fn sign_in(&self) -> String {
        let link = self.invitations.invite().expect("made");
        let entered = self.get(link.strip_prefix("http://127.0.0.1:8080").expect("ours"), "").await;
        assert_eq!(entered.status(), StatusCode::SEE_OTHER);
        cookie_of(&entered)
    }

    /// What the forms of a session hold.
    async fn form(&self, cookie: &str) -> String {
        let page = text(self.get("/", cookie).await).await;
        let at = page.find("name=\"form\" value=\"").expect("a form") + "name=\"form\" value=\"".len();
        page[at..].split('"').next().expect("a value").to_owned()
    }
}

fn asked(method: Method, path: &str, cookie: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:8080").header(COOKIE, cookie)
}

fn cookie_of(response: &Response<Body>) -> String {
    let cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|it| it.to_str().ok());
    let session = cookies.into_iter().find(|it| it.contains("lgsp-console")).expect("a session");
    session.split(';').next().expect("a pair").to_owned()
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

fn link(id: &str, state: LinkState, cause: &str) -> Link {
    Link {
        id: id.to_owned(),
        state: state.into(),
        cause: cause.to_owned(),
        since: Some(timestamp(now_us())),
        ..Link::default()
    }
}

#[tokio::test]
async fn a_one_time_link_signs_in_once_and_nobody_sees_anything_without() {
    let it = Fixture::new();
    for path in ["/", "/wall", "/links/provider/land"] {
        assert_eq!(it.get(path, "").await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let link = it.invitations.invite().expect("made");
    let path = link.strip_prefix("http://127.0.0.1:8080").expect("ours");
    let ahead = asked(Method::GET, path, "").header("sec-purpose", "prefetch").body(Body::empty());
    assert_eq!(it.send(ahead.expect("a request")).await.status(), StatusCode::UNAUTHORIZED);
    let first = it.get(path, "").await;
    assert_eq!(
        (first.status(), &first.headers()[LOCATION]),
        (StatusCode::SEE_OTHER, &"/".parse().expect("it"))
    );
    let told = first.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(told.contains("HttpOnly") && told.contains("SameSite=Lax") && !told.contains("Secure"), "{told}");
    assert_eq!(it.get("/", &cookie_of(&first)).await.status(), StatusCode::OK);
    let second = it.get(path, "").await;
    assert_eq!(second.status(), StatusCode::UNAUTHORIZED);
    assert!(second.headers().get(SET_COOKIE).is_none());
    assert!(text(second).await.contains(&Say(Lang::Vi).of("sign-in-spent")));
}

#[tokio::test]
async fn a_session_that_is_over_is_told_on_a_plain_page_and_leads_nowhere_by_itself() {
    let it = Fixture::new();
    let over = it.get("/", "lgsp-console=stolen").await;
    assert_eq!(over.status(), StatusCode::UNAUTHORIZED);
    assert!(over.headers().get(LOCATION).is_none());
    assert!(text(over).await.contains(&Say(Lang::Vi).of("sign-in-over")));
    let told = text(it.get("/live/overview", "lgsp-console=stolen").await).await;
    assert_eq!(told, "event: over\ndata: {}\n\n");
    let cookie = it.sign_in().await;
    let form = it.form(&cookie).await;
    assert_eq!(it.post("/sign-out", &cookie, &format!("form={form}")).await.status(), StatusCode::OK);
    assert_eq!(it.get("/", &cookie).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_of_another_site_or_of_another_session_does_nothing() {
    let it = Fixture::new();
    let (cookie, other) = (it.sign_in().await, it.sign_in().await);
    let (form, others) = (it.form(&cookie).await, it.form(&other).await);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:8081"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = asked(Method::POST, "/sign-out", &cookie).header(name, value);
        let request = request.body(Body::from(format!("form={form}"))).expect("a request");
        assert_eq!(it.send(request).await.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let request =
        asked(Method::POST, "/theme", &cookie).header(ORIGIN, "null").header("sec-fetch-site", "same-origin");
    let own = it.send(request.body(Body::from("theme=dark&back=/")).expect("a request")).await;
    assert_eq!(own.status(), StatusCode::SEE_OTHER, "as browsers send it from a page that tells no referrer");
    for form in ["", "form=", &format!("form={others}")] {
        for path in ["/sign-out", "/maintenance/announce", "/maintenance/cancel"] {
            let sent = format!("{form}&link=provider/land&id=x&hours=1&reason=x");
            assert_eq!(it.post(path, &cookie, &sent).await.status(), StatusCode::FORBIDDEN, "{path} {form}");
        }
    }
    assert_eq!(it.get("/", &cookie).await.status(), StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn a_name_of_somebody_else_is_not_answered_as_ours() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    for host in ["evil.example", "127.0.0.1.evil.example:8080", ""] {
        let request = Request::get("/").header(HOST, host).header(COOKIE, &cookie);
        let answer = it.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let behind =
        Fixture::with(Options { origin: "https://console.example.vn".to_owned(), ..Options::default() });
    let request = |host: &str| Request::get("/").header(HOST, host).body(Body::empty()).expect("a request");
    let known = behind.send(request("console.example.vn")).await;
    assert_eq!(known.status(), StatusCode::UNAUTHORIZED);
    assert!(known.headers().contains_key("strict-transport-security"));
    assert_eq!(behind.send(request("127.0.0.1:8080")).await.status(), StatusCode::MISDIRECTED_REQUEST);
    let link = behind.invitations.invite().expect("made");
    let path = link.strip_prefix("http://127.0.0.1:8080").expect("ours");
    let request = Request::get(path).header(HOST, "console.example.vn").body(Body::empty());
    let entered = behind.send(request.expect("a request")).await;
    let told = entered.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(told.starts_with("__Host-lgsp-console=") && told.contains("; Secure"), "{told}");
}

#[tokio::test]
async fn pages_may_load_nothing_from_elsewhere_and_are_kept_nowhere_and_assets_for_long() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    for path in ["/", "/wall", "/nowhere", "/links/provider/land"] {
        let page = it.get(path, &cookie).await;
        let header = |name: &http::HeaderName| page.headers()[name].to_str().expect("text").to_owned();
        let policy = header(&CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(
            (header(&REFERRER_POLICY).as_str(), header(&CACHE_CONTROL).as_str()),
            ("no-referrer", "no-store")
        );
        let page = text(page).await;
        for inline in ["<style", " style=", " onclick=", "javascript:", "<script>", "http://", "https://"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
    }
    let style = it.get(assets::style(), "").await;
    assert!(style.headers()[CACHE_CONTROL].to_str().expect("text").contains("immutable"));
    assert!(!text(style).await.contains("http"), "no font and no picture from elsewhere");
    assert_eq!(it.get("/assets/console.css", "").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn language_and_theme_lead_back_to_a_page_of_ours_alone() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    for (back, expected) in [
        ("/links/provider/land?window=7d", "/links/provider/land?window=7d"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("/enter/x", "/"),
    ] {
        let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        let led = it.post("/language", &cookie, &format!("language=en&back={back}")).await;
        assert_eq!(led.headers()[LOCATION], expected);
        let liked =
            led.headers()[SET_COOKIE].to_str().expect("text").split(';').next().expect("it").to_owned();
        assert_eq!(liked, "lgsp-language=en");
    }
    let vi = text(it.get("/", &cookie).await).await;
    let en = text(it.get("/", &format!("{cookie}; lgsp-language=en; lgsp-theme=dark")).await).await;
    assert!(vi.contains(&format!("href=\"{}\" media=\"(prefers-color-scheme: dark)\"", assets::dark())));
    assert!(en.contains(&format!("href=\"{}\" media=\"all\"", assets::dark())));
    let light = text(it.get("/", &format!("{cookie}; lgsp-theme=light")).await).await;
    assert!(light.contains(assets::style()) && !light.contains(assets::dark()));
    assert!(vi.contains("<html lang=\"vi\" data-theme=\"auto\"") && vi.contains("Cần xử lý trước"));
    assert!(en.contains("<html lang=\"en\" data-theme=\"dark\"") && en.contains("Needs attention first"));
}

/// A board on which everything that an outsider can set is hostile.
fn hostile(desk: &Desk) {
    let id = format!("application/{HOSTILE}");
    let evidence = LinkEvidence {
        failed: 1,
        of: 2,
        reason: HOSTILE.to_owned(),
        hop: HOSTILE.to_owned(),
        instances: vec![HOSTILE.to_owned()],
        ..LinkEvidence::default()
    };
    let links = ["application", "provider", "source/land", "witness", "broker"].map(|kind| Link {
        evidence: Some(evidence.clone()),
        ..link(&format!("{kind}/{HOSTILE}"), LinkState::Down, HOSTILE)
    });
    desk.board.take_links(From::Monitor, links.into(), now_us());
    desk.board.take_change(LinkChange {
        link: id,
        to: LinkState::Down.into(),
        cause: HOSTILE.to_owned(),
        at: Some(timestamp(now_us())),
        evidence: Some(evidence),
        ..LinkChange::default()
    });
    let named = ApplicationSummary {
        id: HOSTILE.to_owned(),
        name_vi: HOSTILE.to_owned(),
        name_en: HOSTILE.to_owned(),
        agency_name: HOSTILE.to_owned(),
        ..ApplicationSummary::default()
    };
    let offered = ServiceSummary {
        name: HOSTILE.to_owned(),
        title_vi: HOSTILE.to_owned(),
        domain: HOSTILE.to_owned(),
        ..ServiceSummary::default()
    };
    desk.board.take_names(vec![named], vec![offered]);
}

fn assert_harmless(page: &str, what: &str) {
    assert!(page.contains("&#60;script&#62;") || page.contains("%3Cscript"), "{what} shows nothing of it");
    for harm in ["<script>", "<img", "\"'>"] {
        assert!(!page.contains(harm), "{what}: {harm}");
    }
}

#[tokio::test]
async fn nothing_that_an_outsider_names_is_more_than_text() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    hostile(&it.desk);
    for path in ["/", "/wall", &crate::pages::words::href(&format!("application/{HOSTILE}"))] {
        let page = it.get(path, &cookie).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        assert_harmless(&text(page).await, path);
    }
    let say = Say(Lang::Vi);
    let exchange = Exchange {
        application: HOSTILE.to_owned(),
        service: HOSTILE.to_owned(),
        method: HOSTILE.to_owned(),
        reason: HOSTILE.to_owned(),
        exchange_id: HOSTILE.to_owned(),
        ..Exchange::default()
    };
    let announced = Maintenance {
        id: HOSTILE.to_owned(),
        links: vec![HOSTILE.to_owned()],
        reason: HOSTILE.to_owned(),
        announced_by: HOSTILE.to_owned(),
        ..Maintenance::default()
    };
    let credential = CredentialRecord { id: HOSTILE.to_owned(), ..CredentialRecord::default() };
    let notice = link::Notice { is_good: false, text: HOSTILE.to_owned(), lines: vec![HOSTILE.to_owned()] };
    let entered =
        link::Entered { reason: HOSTILE.to_owned(), from: HOSTILE.to_owned(), hours: HOSTILE.to_owned() };
    let frame = crate::pages::frame::Frame {
        say,
        theme: crate::pages::frame::Theme::Auto,
        title: "title-link",
        path: HOSTILE.to_owned(),
        who: Some(crate::pages::frame::Who { name: HOSTILE.to_owned(), form: HOSTILE.to_owned() }),
        live: Some(HOSTILE.to_owned()),
        is_wall: false,
    };
    let page = link::Page {
        frame,
        parts: &[],
        id: HOSTILE.to_owned(),
        name: HOSTILE.to_owned(),
        kind: HOSTILE.to_owned(),
        facts: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
        past: link::Past30::default(),
        failures: Listed::of(say, Ok(vec![exchange]), |it| Failure::of(say, it, 0)),
        credentials: Some(Listed::of(say, Ok(vec![credential]), |it| Credential::of(say, it))),
        quotas: None,
        maintenance: Listed::of(say, Ok(vec![announced]), |it| Announced::of(say, it, 0)),
        notice: Some(notice),
        entered,
    };
    assert_harmless(&filled(&page), "the page of a link");
}

#[tokio::test]
async fn titles_name_nobody() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    it.desk.board.take_links(From::Monitor, vec![link("application/x", LinkState::Down, "")], now_us());
    let page = text(it.get("/links/application/x", &cookie).await).await;
    let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).expect("a title");
    assert_eq!(title, Say(Lang::Vi).of("title-link"));
}

#[tokio::test]
async fn while_nobody_answers_the_page_says_what_it_cannot_show_and_since_when() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    let say = Say(Lang::Vi);
    it.desk.board.take_links(
        From::Ports,
        vec![link("provider/land", LinkState::Down, "instance-not-heard")],
        now_us(),
    );
    let limited = text(it.get("/", &cookie).await).await;
    for told in ["fresh-ports-lacks", "no-past", "cause-instance-not-heard"] {
        assert!(limited.contains(&say.known(told).expect("a text")), "{told}");
    }
    it.desk.board.lose(now_us());
    let lost = text(it.get("/", &cookie).await).await;
    assert!(lost.contains(&say.of("fresh-nobody-lacks")));
    let page = it.get("/links/provider/land", &cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(text(page).await.contains(&say.of("away")), "the past is not told now");
}

/// Reads a stream of events until it has what is looked for.
async fn until(body: &mut Body, wanted: &str) -> String {
    let mut read = String::new();
    let reading = async {
        while !read.contains(wanted) {
            let frame = body.frame().await.expect("it goes on").expect("whole");
            if let Ok(data) = frame.into_data() {
                read.push_str(std::str::from_utf8(&data).expect("text"));
            }
        }
    };
    let read_all = tokio::time::timeout(Duration::from_secs(20), reading).await;
    assert!(read_all.is_ok(), "{wanted} does not come");
    read
}

#[tokio::test]
async fn a_change_reaches_a_browser_and_one_that_reads_slowly_gets_the_newest_alone() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    let show = |cause: &str| {
        it.desk.board.take_links(
            From::Monitor,
            vec![link("provider/land", LinkState::Down, cause)],
            now_us(),
        );
    };
    show("first");
    let mut body = it.get("/live/overview", &cookie).await.into_body();
    until(&mut body, "first").await;
    for number in 0..100 {
        show(&format!("cause{number}."));
    }
    let read = until(&mut body, "cause99.").await;
    assert!(!read.contains("cause50."), "what was between is not kept for anybody");
}

#[tokio::test]
async fn an_open_page_is_told_that_its_session_is_over_and_shows_nothing_more() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    let mut body = it.get("/live/overview", &cookie).await.into_body();
    until(&mut body, "event: part").await;
    let form = it.form(&cookie).await;
    assert_eq!(it.post("/sign-out", &cookie, &format!("form={form}")).await.status(), StatusCode::OK);
    it.desk.board.take_links(From::Monitor, vec![link("provider/land", LinkState::Down, "late")], now_us());
    let told = until(&mut body, "event: over").await;
    assert!(!told.contains("late"), "{told}");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn browsers_that_follow_are_bounded_and_leave_room_when_they_go() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    let mut streams = Vec::new();
    for _ in 0..MOST_STREAMS {
        let mut body = it.get("/live/overview", &cookie).await.into_body();
        // A stream holds its place as long as it is read from.
        until(&mut body, "event: part").await;
        streams.push(body);
    }
    assert_eq!(it.get("/live/overview", &cookie).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    streams.pop();
    assert_eq!(it.get("/live/overview", &cookie).await.status(), StatusCode::OK);
    let drawn = it.desk.drawn.lock().len();
    assert_eq!(drawn, 1, "drawn once for all");
}

#[tokio::test]
async fn what_could_be_no_link_is_not_asked_for() {
    let it = Fixture::new();
    let cookie = it.sign_in().await;
    for path in ["/links/other/x", "/links/provider/", "/live/links/other/x", "/nowhere"] {
        assert_eq!(it.get(path, &cookie).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let long = format!("/links/provider/{}", "x".repeat(300));
    assert_eq!(it.get(&long, &cookie).await.status(), StatusCode::NOT_FOUND);
}

#[test]
fn the_first_page_is_small() {
    let board = Board::new();
    let links = |kind: &str, count: usize| -> Vec<Link> {
        (0..count).map(|number| link(&format!("{kind}/name-{number}"), LinkState::Working, "")).collect()
    };
    let all = [links("application", 11), links("provider", 8), links("source/land", 8), links("broker", 1)]
        .concat();
    board.take_links(From::Monitor, all, now_us());
    let parts = overview_page::parts(Say(Lang::Vi), &board.see(), now_us());
    let size: usize = parts.iter().map(|part| part.html.len()).sum();
    let assets = include_bytes!("../../assets/console.css").len()
        + include_bytes!("../../assets/dark.css").len()
        + include_bytes!("../../assets/console.js").len();
    assert!(size + assets < 200 << 10, "{size} and {assets} bytes");
}
