//! Language and theme: a form each, which leads back to where it was.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, SET_COOKIE};

use super::Desk;
use super::asker::{self, back};
use crate::pages::frame::Theme;
use crate::text::Lang;

/// Largest form.
pub(super) const LARGEST_FORM: usize = 16 << 10;

/// A form, as it was sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        let body = body.get(..body.len().min(LARGEST_FORM)).unwrap_or_default();
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A field without what stands around it; empty if it was not sent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }
}

pub(super) async fn language(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let form = Form::read(&body);
    let lang = Lang::from_code(form.field("language")).unwrap_or_default();
    to(form.field("back"), [asker::language_cookie(&desk, lang)])
}

pub(super) async fn theme(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let form = Form::read(&body);
    let theme = Theme::from_name(form.field("theme")).unwrap_or_default();
    to(form.field("back"), [asker::theme_cookie(&desk, theme)])
}

/// Leads on to a page of ours, with cookies.
pub(super) fn to<const N: usize>(path: &str, cookies: [HeaderValue; N]) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let path = HeaderValue::from_str(back(path)).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, path);
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
