//! Who asks, and how they like it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::Desk;
use crate::pages::frame::{Frame, Theme, Who};
use crate::session::Session;
use crate::text::{Lang, Say};

const LANGUAGE: &str = "lgsp-language";
const THEME: &str = "lgsp-theme";
/// How long a browser keeps what somebody likes.
const LIKED_FOR: Duration = Duration::from_secs(365 * 86_400);
/// Longest address that a form may lead back to.
const LONGEST_PATH: usize = 300;

/// Whoever asks.
pub(crate) struct Asker {
    pub(crate) say: Say,
    pub(crate) theme: Theme,
    pub(crate) session: Option<Session>,
    /// There is the cookie of a session, good or not.
    pub(crate) had_session: bool,
    pub(crate) path: String,
}

impl Asker {
    /// The frame of the page that they asked for.
    pub(crate) fn frame(&self, title: &'static str) -> Frame {
        let who = self.session.as_ref();
        let who = who.map(|it| Who { name: it.name.to_string(), form: it.form.to_string() });
        Frame {
            say: self.say,
            theme: self.theme,
            title,
            path: self.path.clone(),
            who,
            live: None,
            is_wall: false,
        }
    }
}

impl FromRequestParts<Arc<Desk>> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Infallible> {
        let cookie = |name: &str| cookie(&parts.headers, name);
        let id = cookie(session_name(desk));
        Ok(Self {
            say: Say(cookie(LANGUAGE).and_then(Lang::from_code).unwrap_or_default()),
            theme: cookie(THEME).and_then(Theme::from_name).unwrap_or_default(),
            session: id.and_then(|id| desk.sessions.find(id, Instant::now())),
            had_session: id.is_some_and(|id| !id.is_empty()),
            path: parts.uri.path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default(),
        })
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// What the cookie of a session is called: encrypted, a browser takes it from nobody else.
fn session_name(desk: &Desk) -> &'static str {
    if desk.options.is_encrypted() { "__Host-lgsp-console" } else { "lgsp-console" }
}

pub(super) fn sign_in_name(desk: &Desk) -> &'static str {
    if desk.options.is_encrypted() { "__Host-lgsp-sign-in" } else { "lgsp-sign-in" }
}

fn set(desk: &Desk, name: &str, value: &str, rest: &str) -> HeaderValue {
    let secure = if desk.options.is_encrypted() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; SameSite=Lax{secure}{rest}");
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

/// The cookie of a session: until the browser closes, or the session is over.
pub(super) fn session_cookie(desk: &Desk, id: &str) -> HeaderValue {
    set(desk, session_name(desk), id, "; HttpOnly")
}

pub(super) fn no_session_cookie(desk: &Desk) -> HeaderValue {
    set(desk, session_name(desk), "", "; HttpOnly; Max-Age=0")
}

/// The cookie that a sign-in at an issuer comes back with.
pub(super) fn sign_in_cookie(desk: &Desk, value: &str, lasts: Duration) -> HeaderValue {
    set(desk, sign_in_name(desk), value, &format!("; HttpOnly; Max-Age={}", lasts.as_secs()))
}

pub(super) fn language_cookie(desk: &Desk, lang: Lang) -> HeaderValue {
    set(desk, LANGUAGE, lang.code(), &format!("; HttpOnly; Max-Age={}", LIKED_FOR.as_secs()))
}

pub(super) fn theme_cookie(desk: &Desk, theme: Theme) -> HeaderValue {
    set(desk, THEME, theme.name(), &format!("; HttpOnly; Max-Age={}", LIKED_FOR.as_secs()))
}

/// An address of ours to lead back to; the first page for anything else.
pub(super) fn back(path: &str) -> &str {
    let is_ours = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= LONGEST_PATH
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        // Where something was sent there is nothing to see.
        && !path.starts_with("/maintenance")
        && !path.starts_with("/enter");
    if is_ours { path } else { "/" }
}
