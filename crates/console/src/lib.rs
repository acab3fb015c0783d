//! The console: web pages for operators and auditors.
//!
//! ```text
//!            ┌─ follow ─ FollowLinks, ListLinks …, in the console's own name ─► gateway
//!  board ◄───┤                                            (no monitor: /links of the admin ports)
//!    │       └─ meter ── /metrics of the admin ports
//!    ▼
//!  pages ── templates ─► HTML and SVG ──► browsers, and parts of them again by server-sent events
//!    ▲
//!    └─ what somebody asks or decides, with the token of their own session ─► gateway
//! ```
//!
//! 1. [`start`] binds and serves; `web` lets in only what this browser may send, and says in headers what pages may do.
//! 2. `session` knows who has signed in: by a one-time link ([`Invitations`]) or at an issuer (`oidc`).
//! 3. `board` is the one picture of all links; `follow` keeps it. Fifty browsers cost the hub what one does.
//! 4. `pages` make what is shown of it: a view model in code, a template, and every text from `texts/*.ftl`.
//!
//! It is a client of the gateway, and nothing more: no store, no bus, no rule of its own. A page that somebody may not see the hub
//! refuses, and the page says what they lack. No personal data stands in an address, a title or a log.

mod board;
mod console;
mod draw;
mod follow;
mod hub;
mod invitation;
mod meter;
mod oidc;
mod options;
mod pages;
mod session;
mod text;
mod web;

use futures::future::BoxFuture;
use lgsp_proto::monitor::v1::Link;

pub use console::{Around, Error, bind, start};
pub use invitation::{GOOD_FOR, Invitations};
pub use options::{Oidc, Options};

/// What goes with the calls of somebody: a token, signed for the moment or given by an issuer.
pub trait Bearer: Send + Sync {
    /// The token for a call that begins now; `None`: there is none any more.
    fn token(&self) -> Option<String>;
}

impl Bearer for String {
    fn token(&self) -> Option<String> {
        Some(self.clone())
    }
}

/// The admin ports of the roles: what is known also while nobody can be called.
pub trait Ports: Send + Sync {
    /// Every link that the roles tell of; `None` if no role answers.
    fn links(&self) -> BoxFuture<'_, Option<Vec<Link>>>;

    /// What is at `/metrics`, of each port that answers, by the port.
    fn metrics(&self) -> BoxFuture<'_, Vec<(String, String)>>;
}
