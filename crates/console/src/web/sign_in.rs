//! In and out: by a one-time link, or at an issuer.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http::header::{HeaderValue, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode, Uri};
use tracing::{info, warn};

use super::asker::{self, Asker, cookie, no_session_cookie, session_cookie, sign_in_cookie, sign_in_name};
use super::preferences::{Form, to};
use super::{Desk, see};
use crate::oidc::BEGUN_FOR;
use crate::pages::filled;
use crate::pages::plain::{SignIn, Why};

/// The page that says how to sign in.
pub(super) fn show(desk: &Desk, asker: &Asker, why: Why) -> Response {
    let status = if why == Why::Left { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
    let mut frame = asker.frame("title-sign-in");
    frame.path = asker::back(&frame.path).to_owned();
    let page = SignIn { frame, why, has_issuer: desk.issuer.is_some(), has_links: desk.invited.is_some() };
    (status, Html(filled(&page))).into_response()
}

pub(super) async fn page(State(desk): State<Arc<Desk>>, asker: Asker) -> Response {
    show(&desk, &asker, Why::First)
}

/// Lets whoever has a one-time link in, once.
pub(super) async fn enter(
    State(desk): State<Arc<Desk>>,
    Path(word): Path<String>,
    headers: HeaderMap,
    asker: Asker,
) -> Response {
    // A browser that only looks ahead does not use it up.
    let looks_ahead = headers.contains_key("sec-purpose") || headers.contains_key("purpose");
    let Some((invitations, bearer)) = desk.invited.clone().filter(|_| !looks_ahead) else {
        return show(&desk, &asker, Why::First);
    };
    let redeemed = tokio::task::spawn_blocking(move || invitations.redeem(&word)).await;
    if !redeemed.unwrap_or(false) {
        return show(&desk, &asker, Why::Spent);
    }
    if let Some(former) = &asker.session {
        desk.sessions.end(former);
    }
    info!("signed in by a one-time link");
    let name = &desk.options.application;
    let id = desk.sessions.begin(name, bearer, None, Instant::now());
    to("/", [session_cookie(&desk, &id)])
}

/// Leads to the issuer.
pub(super) async fn begin(
    State(desk): State<Arc<Desk>>,
    uri: Uri,
    headers: HeaderMap,
    asker: Asker,
) -> Response {
    let Some(issuer) = &desk.issuer else { return show(&desk, &asker, Why::First) };
    let query = uri.query().unwrap_or_default();
    let back = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "back");
    let back = back.map(|(_, value)| asker::back(&value).to_owned()).unwrap_or_else(|| "/".to_owned());
    match issuer.begin(&address(&desk, &headers), &back).await {
        Ok((location, state)) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            let headers = response.headers_mut();
            headers
                .insert(LOCATION, HeaderValue::from_str(&location).unwrap_or(HeaderValue::from_static("/")));
            headers.append(SET_COOKIE, sign_in_cookie(&desk, &state, BEGUN_FOR));
            response
        }
        Err(error) => {
            warn!(%error, "sign-in not begun");
            show(&desk, &asker, Why::Issuer)
        }
    }
}

/// Comes back from the issuer.
pub(super) async fn callback(
    State(desk): State<Arc<Desk>>,
    uri: Uri,
    headers: HeaderMap,
    asker: Asker,
) -> Response {
    let former = asker.session;
    let anew = Asker { session: None, path: "/".to_owned(), ..asker };
    let Some(issuer) = &desk.issuer else { return show(&desk, &anew, Why::First) };
    let form = Form::read(uri.query().unwrap_or_default().as_bytes());
    let begun_here = cookie(&headers, sign_in_name(&desk)) == Some(form.field("state"));
    let outcome = match begun_here {
        true => issuer.finish(form.field("state"), form.field("code"), form.field("iss")).await,
        false => Err(crate::oidc::Error::State),
    };
    match outcome {
        Ok(signed_in) => {
            if let Some(former) = &former {
                desk.sessions.end(former);
            }
            info!("signed in at the issuer");
            let good_for = Some(signed_in.good_for);
            let id =
                desk.sessions.begin(&signed_in.name, Arc::new(signed_in.token), good_for, Instant::now());
            let over = sign_in_cookie(&desk, "", std::time::Duration::ZERO);
            to(&signed_in.back, [session_cookie(&desk, &id), over])
        }
        Err(error) => {
            warn!(%error, "sign-in not finished");
            show(&desk, &anew, Why::Issuer)
        }
    }
}

/// Where the issuer sends browsers back to.
fn address(desk: &Desk, headers: &HeaderMap) -> String {
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = match desk.options.origin.as_str() {
        "" => format!("http://{host}"),
        origin => origin.to_owned(),
    };
    format!("{origin}/sign-in/callback")
}

pub(super) async fn out(State(desk): State<Arc<Desk>>, asker: Asker, body: Bytes) -> Response {
    let form = Form::read(&body);
    let mut left = Why::Over;
    if let Some(session) = &asker.session {
        if !see::is_form_of(session, &form) {
            return see::bad_form(&desk, &asker);
        }
        desk.sessions.end(session);
        left = Why::Left;
    }
    let anew = Asker { session: None, path: "/".to_owned(), ..asker };
    let mut response = show(&desk, &anew, left);
    response.headers_mut().append(SET_COOKIE, no_session_cookie(&desk));
    response
}
