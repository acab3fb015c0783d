//! Pages to look at, and the forms on them.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use futures::join;
use http::header::SET_COOKIE;
use http::{StatusCode, Uri};
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{Exchange, ExchangeFilter, Outcome};
use lgsp_proto::monitor::v1::{AnnounceMaintenanceRequest, Maintenance};
use lgsp_proto::registry::v1::{AgreementStage, ListAgreementsRequest};
use time::macros::format_description;
use time::{PrimitiveDateTime, UtcOffset};

use super::asker::{Asker, no_session_cookie};
use super::live::View;
use super::preferences::Form;
use super::{Desk, id_of, sign_in};
use crate::board::From;
use crate::follow::now_us;
use crate::hub::{Refusal, Refused};
use crate::pages::link::{
    Announced, Credential, Entered, Failure, Listed, Notice, Past30, Quota, Window, covers, facts,
};
use crate::pages::plain::{self, Message, Why};
use crate::pages::{filled, link as link_page, overview as overview_page, words};
use crate::session::Session;

/// How many failures the page of a link shows.
const FAILURES: i32 = 10;
/// Most services of a domain that failures are asked for.
const MOST_SERVICES: usize = 4;
const HOUR_US: i64 = 3_600_000_000;

/// Asks the hub whether somebody may see the links, unless it has said so of late. While nobody can be asked, who was let in stays.
pub(super) async fn may_see_links(desk: &Desk, session: &Session) -> Result<(), Refusal> {
    if session.sees_links {
        return Ok(());
    }
    let told = desk.hub.links(&*session.bearer).await.map(|_| ());
    match &told {
        Ok(()) => desk.sessions.note(session, true, Instant::now()),
        Err(refusal) if refusal.kind == Refused::Stranger => desk.sessions.end(session),
        Err(_) => {}
    }
    // By a one-time link came whoever runs the hub: there is nothing on the admin ports that they could not read.
    let is_let_in = |refusal: &Refusal| refusal.kind == Refused::Away && desk.is_invited(session);
    match told {
        Err(refusal) if is_let_in(&refusal) => Ok(()),
        told => told,
    }
}

impl Desk {
    fn is_invited(&self, session: &Session) -> bool {
        self.invited.as_ref().is_some_and(|(_, bearer)| Arc::ptr_eq(bearer, &session.bearer))
    }
}

/// The page of somebody who is not signed in, or may not see it.
fn barred(desk: &Desk, asker: &Asker, refusal: &Refusal) -> Response {
    match refusal.kind {
        Refused::Stranger => {
            let anew = Asker { session: None, had_session: true, path: asker.path.clone(), ..*asker };
            let mut response = sign_in::show(desk, &anew, Why::Unknown);
            response.headers_mut().append(SET_COOKIE, no_session_cookie(desk));
            response
        }
        kind => {
            let status = match kind {
                Refused::Forbidden => StatusCode::FORBIDDEN,
                Refused::NotFound => StatusCode::NOT_FOUND,
                Refused::Invalid => StatusCode::BAD_REQUEST,
                Refused::Away | Refused::Stranger => StatusCode::SERVICE_UNAVAILABLE,
            };
            let page = plain::refused(asker.frame("title-refused"), refusal);
            (status, Html(filled(&page))).into_response()
        }
    }
}

/// Who has signed in and may see links; or the page that says why not.
async fn let_in(desk: &Desk, asker: &Asker) -> Result<Session, Response> {
    let Some(session) = asker.session.clone() else {
        let why = if asker.had_session { Why::Over } else { Why::First };
        return Err(sign_in::show(desk, asker, why));
    };
    may_see_links(desk, &session).await.map_err(|refusal| barred(desk, asker, &refusal))?;
    desk.board.look_and_wait().await;
    Ok(session)
}

pub(super) async fn overview(State(desk): State<Arc<Desk>>, asker: Asker) -> Response {
    if let Err(response) = let_in(&desk, &asker).await {
        return response;
    }
    let parts = desk.draw(&View::Overview, asker.say);
    let mut frame = asker.frame("title-overview");
    frame.live = Some("/live/overview".to_owned());
    Html(filled(&overview_page::Page { frame, parts: &parts })).into_response()
}

pub(super) async fn wall(State(desk): State<Arc<Desk>>, asker: Asker) -> Response {
    if let Err(response) = let_in(&desk, &asker).await {
        return response;
    }
    let parts = desk.draw(&View::Overview, asker.say);
    let mut frame = asker.frame("title-wall");
    (frame.live, frame.is_wall) = (Some("/live/overview".to_owned()), true);
    Html(filled(&overview_page::Wall { frame, parts: &parts })).into_response()
}

pub(super) async fn link(
    State(desk): State<Arc<Desk>>,
    Path((kind, name)): Path<(String, String)>,
    uri: Uri,
    asker: Asker,
) -> Response {
    let session = match let_in(&desk, &asker).await {
        Ok(session) => session,
        Err(response) => return response,
    };
    let Some(id) = id_of(&kind, &name) else { return nothing_of(&asker) };
    let query = uri.query().unwrap_or_default();
    let notice = notice_of(&asker, query);
    show_link(&desk, &asker, &session, id, Window::from_query(query), notice, Entered::default()).await
}

/// What the page is told after a form was taken.
fn notice_of(asker: &Asker, query: &str) -> Option<Notice> {
    let done =
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "done").map(|(_, value)| value)?;
    let id = match &*done {
        "announced" => "maintenance-announced",
        "cancelled" => "maintenance-is-cancelled",
        _ => return None,
    };
    Some(Notice { is_good: true, text: asker.say.known(id)?, lines: Vec::new() })
}

async fn show_link(
    desk: &Desk,
    asker: &Asker,
    session: &Session,
    id: String,
    window: Window,
    notice: Option<Notice>,
    entered: Entered,
) -> Response {
    let (say, now, own) = (asker.say, now_us(), &*session.bearer);
    let (kind, name) = words::split(&id);
    let is_application = kind == "application";
    let (failures, past, maintenance, credentials, quotas) = join!(
        failures(desk, session, &id),
        desk.hub.link(own, &id, now - window.us()),
        desk.hub.maintenance(own),
        async { if is_application { Some(desk.hub.credentials(own, name).await) } else { None } },
        agreements(desk, session, &id),
    );
    let (is_known, is_limited) = {
        let picture = desk.board.see();
        (picture.link(&id).is_some(), picture.from != From::Monitor)
    };
    // The monitor says that there is none, and nobody has ever told of it.
    if let Err(refusal) = &past
        && matches!(refusal.kind, Refused::NotFound | Refused::Invalid)
        && !is_known
    {
        return nothing_of(asker);
    }
    if past.is_err() && !is_known && !is_limited {
        return nothing_of(asker);
    }
    let parts = desk.draw(&View::Link(id.clone()), say);
    let mut frame = asker.frame("title-link");
    frame.live = Some(format!("/live{}", words::href(&id)));
    frame.path = match window {
        Window::Week => words::href(&id),
        window => format!("{}?window={}", words::href(&id), window.name()),
    };
    let (name, facts) = {
        let picture = desk.board.see();
        (words::name(say, &picture, &id), facts(say, &picture, &id))
    };
    let about = |told: Vec<Maintenance>| told.into_iter().filter(|it| covers(it, &id)).collect::<Vec<_>>();
    let status = match &notice {
        Some(notice) if !notice.is_good => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let page = link_page::Page {
        frame,
        parts: &parts,
        name,
        kind: words::kind(say, &id),
        facts,
        past: Past30::of(say, past, window, now),
        failures: Listed::of(say, failures, |exchange| Failure::of(say, exchange, now)),
        credentials: credentials.map(|told| Listed::of(say, told, |it| Credential::of(say, it))),
        quotas: quotas.map(|told| Listed::of(say, told, |it| Quota::of(say, it))),
        maintenance: Listed::of(say, maintenance.map(about), |it| Announced::of(say, it, now)),
        notice,
        entered,
        id,
    };
    (status, Html(filled(&page))).into_response()
}

/// The last exchanges of a link that failed.
async fn failures(desk: &Desk, session: &Session, id: &str) -> Result<Vec<Exchange>, Refusal> {
    let (kind, name) = words::split(id);
    let filter = |outcome: Outcome| ExchangeFilter { outcome: outcome.into(), ..ExchangeFilter::default() };
    let mut filters = Vec::new();
    for outcome in [Outcome::Failed, Outcome::TimedOut] {
        match kind {
            "application" => filters.push(ExchangeFilter { application: name.to_owned(), ..filter(outcome) }),
            "provider" | "source" => {
                let domain = words::split(name).0;
                let picture = desk.board.see();
                let services = picture.services_of(domain).take(MOST_SERVICES).map(|it| it.name.clone());
                let of = |service| {
                    let include_platform = is_own(domain);
                    ExchangeFilter { service, include_platform, ..filter(outcome) }
                };
                filters.extend(services.map(of));
            }
            _ => filters.push(filter(outcome)),
        }
    }
    let asked = filters.into_iter().map(|filter| desk.hub.exchanges(&*session.bearer, filter, FAILURES));
    let mut all = Vec::new();
    for told in futures::future::join_all(asked).await {
        all.extend(told?);
    }
    let admitted = |it: &Exchange| it.admitted.as_ref().map_or(0, lgsp_core::time::micros);
    all.sort_by_key(|it| std::cmp::Reverse(admitted(it)));
    all.truncate(FAILURES as usize);
    Ok(all)
}

fn is_own(domain: &str) -> bool {
    ["registry", "ledger", "monitor"].contains(&domain)
}

/// Agreements in force that go over a link; `None` where there are none by its kind.
async fn agreements(
    desk: &Desk,
    session: &Session,
    id: &str,
) -> Option<Result<Vec<lgsp_proto::registry::v1::AgreementRecord>, Refusal>> {
    let (kind, name) = words::split(id);
    let wanted = |application: &str, service: &str| ListAgreementsRequest {
        application: application.to_owned(),
        service: service.to_owned(),
        stage: AgreementStage::Active.into(),
        page_size: 50,
        ..ListAgreementsRequest::default()
    };
    let wanted: Vec<ListAgreementsRequest> = match kind {
        "application" => vec![wanted(name, "")],
        "provider" if !is_own(name) => {
            let picture = desk.board.see();
            picture.services_of(name).take(MOST_SERVICES).map(|it| wanted("", &it.name)).collect()
        }
        _ => return None,
    };
    let asked = wanted.into_iter().map(|wanted| desk.hub.agreements(&*session.bearer, wanted));
    let mut all = Vec::new();
    for told in futures::future::join_all(asked).await {
        match told {
            Ok(told) => all.extend(told),
            Err(refusal) => return Some(Err(refusal)),
        }
    }
    Some(Ok(all))
}

/// Whether a form is from a page of this very session.
pub(super) fn is_form_of(session: &Session, form: &Form) -> bool {
    crate::session::digest(form.field("form")) == crate::session::digest(&session.form)
}

/// Whose form it is, and about which link.
fn form_of<'a>(asker: &'a Asker, form: &Form) -> Option<(&'a Session, String)> {
    let session = asker.session.as_ref().filter(|session| is_form_of(session, form))?;
    let (kind, name) = words::split(form.field("link"));
    Some((session, id_of(kind, name)?))
}

/// The answer to a form that is not from a page of this session.
pub(super) fn bad_form(desk: &Desk, asker: &Asker) -> Response {
    if asker.session.is_none() {
        return sign_in::show(desk, asker, Why::Over);
    }
    let (frame, say) = (asker.frame("title-refused"), asker.say);
    let lines = vec![say.of("form-old-again")];
    let page = Message { frame, heading: say.of("form-old"), lines, code: String::new() };
    (StatusCode::FORBIDDEN, Html(filled(&page))).into_response()
}

pub(super) async fn announce(State(desk): State<Arc<Desk>>, asker: Asker, body: Bytes) -> Response {
    let form = Form::read(&body);
    let Some((session, id)) = form_of(&asker, &form) else { return bad_form(&desk, &asker) };
    let entered = Entered {
        from: form.field("from").to_owned(),
        hours: form.field("hours").to_owned(),
        reason: form.field("reason").to_owned(),
    };
    let told = match wanted(&id, &entered) {
        Some(wanted) => desk.hub.announce(&*session.bearer, wanted).await,
        None => {
            let notice = Notice { is_good: false, text: asker.say.of("maintenance-when"), lines: Vec::new() };
            return show_link(&desk, &asker, session, id.clone(), Window::Week, Some(notice), entered).await;
        }
    };
    decided(&desk, &asker, session, id, told, "announced", entered).await
}

pub(super) async fn cancel(State(desk): State<Arc<Desk>>, asker: Asker, body: Bytes) -> Response {
    let form = Form::read(&body);
    let Some((session, id)) = form_of(&asker, &form) else { return bad_form(&desk, &asker) };
    let told = desk.hub.cancel(&*session.bearer, form.field("id")).await;
    decided(&desk, &asker, session, id, told, "cancelled", Entered::default()).await
}

/// What is announced; `None` if the moments are none. Moments are of Asia/Ho_Chi_Minh.
fn wanted(id: &str, entered: &Entered) -> Option<AnnounceMaintenanceRequest> {
    let now = now_us();
    let from_us = if entered.from.is_empty() { now } else { moment(&entered.from)? };
    let hours: f64 =
        entered.hours.replace(',', ".").parse().ok().filter(|hours| (0.0..=168.0).contains(hours))?;
    let until_us = from_us + (hours * HOUR_US as f64) as i64;
    (until_us > now).then(|| AnnounceMaintenanceRequest {
        links: vec![id.to_owned()],
        services: Vec::new(),
        // None: now, by the monitor's clock.
        from: (!entered.from.is_empty()).then(|| timestamp(from_us)),
        until: Some(timestamp(until_us)),
        reason: entered.reason.clone(),
    })
}

/// A moment as browsers send it: `2026-11-28T15:04`.
fn moment(text: &str) -> Option<i64> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let at = PrimitiveDateTime::parse(text.get(..16)?, format).ok()?;
    let ahead = UtcOffset::from_hms(7, 0, 0).ok()?;
    i64::try_from(at.assume_offset(ahead).unix_timestamp_nanos() / 1_000).ok()
}

/// Leads to the page with what was decided, or shows it again with what is wrong.
async fn decided(
    desk: &Desk,
    asker: &Asker,
    session: &Session,
    id: String,
    told: Result<Maintenance, Refusal>,
    done: &str,
    entered: Entered,
) -> Response {
    match told {
        Ok(_) => {
            if let Ok(maintenance) = desk.hub.maintenance(&*session.bearer).await {
                desk.board.take_maintenance(maintenance);
            }
            super::preferences::to(&format!("{}?done={done}", words::href(&id)), [])
        }
        Err(refusal) if refusal.kind == Refused::Stranger => barred(desk, asker, &refusal),
        Err(refusal) => {
            let (text, lines) = plain::told(asker.say, &refusal);
            let notice = Notice { is_good: false, text, lines };
            show_link(desk, asker, session, id, Window::Week, Some(notice), entered).await
        }
    }
}

pub(super) async fn nothing(asker: Asker) -> Response {
    nothing_of(&asker)
}

fn nothing_of(asker: &Asker) -> Response {
    let frame = asker.frame("title-nothing");
    let say = asker.say;
    let page = Message {
        frame,
        heading: say.of("nothing"),
        lines: vec![say.of("nothing-here")],
        code: String::new(),
    };
    (StatusCode::NOT_FOUND, Html(filled(&page))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_that_of_the_city() {
        assert_eq!(moment("2026-11-28T15:44"), Some(1_795_855_440_000_000));
        for bad in ["", "2026-11-28", "28/11/2026 15:44", "2026-13-28T15:44", "đđđđđđđđđđđđđđđđ"]
        {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn maintenance_is_announced_for_a_time_that_is_not_over() {
        let entered = |from: &str, hours: &str| Entered {
            from: from.to_owned(),
            hours: hours.to_owned(),
            reason: "thay đĩa".to_owned(),
        };
        let now = wanted("provider/land", &entered("", "1,5")).expect("from now on");
        assert_eq!(now.from, None);
        assert!(now.until.is_some());
        for (from, hours) in
            [("2020-01-01T00:00", "2"), ("", ""), ("", "-1"), ("", "0"), ("", "169"), ("x", "1"), ("", "NaN")]
        {
            assert!(wanted("provider/land", &entered(from, hours)).is_none(), "{from} {hours}");
        }
    }
}
