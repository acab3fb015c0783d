//! Pages that say one thing: how to sign in, what somebody may not see, and what is not there.

use askama::Template;

use super::frame::Frame;
use super::words;
use crate::hub::{Refusal, Refused};
use crate::text::Say;

/// What makes a one-time link, on the machine of the hub.
const LINK_COMMAND: &str = "lgsp console link";

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody has been.
    First,
    /// The session is over, or somebody else ended it.
    Over,
    /// Somebody has signed out.
    Left,
    /// A one-time link was used, or is too old.
    Spent,
    /// The hub does not know the token, or not any more.
    Unknown,
    /// The issuer was not understood, or did not let them in.
    Issuer,
}

impl Why {
    fn text(self) -> Option<&'static str> {
        match self {
            Self::First => None,
            Self::Over => Some("sign-in-over"),
            Self::Left => Some("sign-in-left"),
            Self::Spent => Some("sign-in-spent"),
            Self::Unknown => Some("sign-in-unknown"),
            Self::Issuer => Some("sign-in-issuer-failed"),
        }
    }
}

/// How to sign in.
#[derive(Template)]
#[template(path = "sign-in.html")]
pub(crate) struct SignIn {
    pub(crate) frame: Frame,
    pub(crate) why: Why,
    pub(crate) has_issuer: bool,
    pub(crate) has_links: bool,
}

impl SignIn {
    fn command(&self) -> &'static str {
        LINK_COMMAND
    }

    fn told(&self) -> String {
        self.why.text().map(|id| self.frame.say.of(id)).unwrap_or_default()
    }
}

/// Something that is not to be seen: it is not there, or not for them, or nobody answers.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) lines: Vec<String>,
    pub(crate) code: String,
}

/// What a refusal means to whom it met, in a heading and some lines.
pub(crate) fn told(say: Say, refusal: &Refusal) -> (String, Vec<String>) {
    let hub = say.0.pick(&refusal.vi, &refusal.en).to_owned();
    let mut lines = Vec::new();
    let heading = match refusal.kind {
        Refused::Stranger => say.of("sign-in-unknown"),
        Refused::Forbidden => {
            lines.push(say.with("forbidden-lacks", "method", refusal.method));
            lines.push(say.of("forbidden-ask"));
            say.of("forbidden")
        }
        Refused::NotFound => say.of("not-found"),
        Refused::Invalid => {
            if !hub.is_empty() {
                lines.push(hub);
            }
            lines.extend(refusal.fields.iter().map(|(field, rule)| format!("{field}: {rule}")));
            say.of("invalid")
        }
        Refused::Away => {
            if !hub.is_empty() {
                lines.push(hub);
            }
            lines.push(say.of("away-wait"));
            say.of("away")
        }
    };
    (heading, lines)
}

/// A part of a page that the hub did not tell, in one line.
pub(crate) fn missing(say: Say, refusal: &Refusal) -> String {
    let (heading, lines) = told(say, refusal);
    // Nothing was sent that could be mended: what the hub says is enough.
    match (refusal.kind, lines.first()) {
        (Refused::Invalid, Some(line)) => line.clone(),
        _ => format!("{heading}. {}", lines.join(" ")).trim_end().to_owned(),
    }
}

/// The page of a refusal.
pub(crate) fn refused(frame: Frame, refusal: &Refusal) -> Message {
    let (heading, lines) = told(frame.say, refusal);
    Message { frame, heading, lines, code: refusal.reason.clone() }
}

/// Whether a link of this name could be there at all.
pub(crate) fn is_link(id: &str) -> bool {
    let (kind, name) = words::split(id);
    words::KINDS.contains(&kind) && !name.is_empty() && id.len() <= 200
}
