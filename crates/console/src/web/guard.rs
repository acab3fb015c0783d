//! What holds for every request: which hosts it may name, where a form may come from, and what a page may do.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use lgsp_core::sign_in::is_loopback;

use super::Desk;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

pub(super) async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let is_form = request.method() == Method::POST;
    let mut response = if !names_us(&desk, request.headers()) {
        (StatusCode::MISDIRECTED_REQUEST, "this host is not the console's\n").into_response()
    } else if is_form && !is_from_our_pages(&desk, request.headers()) {
        (StatusCode::FORBIDDEN, "the form is not from a page of the console\n").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if desk.options.is_encrypted() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// A page of somebody else whose name leads to this machine must not speak with the console as if it were its own.
fn names_us(desk: &Desk, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    match &desk.host {
        Some(own) => host.eq_ignore_ascii_case(own),
        None => is_loopback(host),
    }
}

/// Browsers tell where a form comes from. What tells nothing is no browser, and has no cookie that it did not get itself.
fn is_from_our_pages(desk: &Desk, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // Our pages tell nobody where they lead from, so that browsers leave out the origin of our own forms: this comes first.
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(&ORIGIN), text(&HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => match &desk.host {
            Some(_) => origin.eq_ignore_ascii_case(&desk.options.origin),
            None => origin.strip_prefix("http://").is_some_and(|of| of.eq_ignore_ascii_case(host)),
        },
        (Some(_), None) => false,
    }
}
