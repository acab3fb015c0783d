//! What browsers send, and what they get.

mod asker;
pub(crate) mod assets;
mod guard;
mod live;
mod preferences;
mod see;
mod serve;
mod sign_in;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::hub::Hub;
use crate::invitation::Invitations;
use crate::oidc::Issuer;
use crate::options::Options;
use crate::session::Sessions;
use crate::{Bearer, pages};

pub(crate) use serve::serve;

/// Most browsers that get parts of pages again at a time.
const MOST_STREAMS: usize = 256;

/// What all answers are made from.
pub(crate) struct Desk {
    pub(crate) options: Options,
    /// Hosts that browsers may name, besides those of this machine: the one of `origin`.
    pub(crate) host: Option<String>,
    pub(crate) hub: Hub,
    pub(crate) board: Arc<Board>,
    pub(crate) sessions: Sessions,
    /// One-time links, and whose token goes with the calls of whoever comes by one.
    pub(crate) invited: Option<(Invitations, Arc<dyn Bearer>)>,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) leaving: CancellationToken,
    /// Parts by what they show, with the version of the board that they show.
    pub(crate) drawn: Mutex<HashMap<live::Drawing, live::Drawn>>,
}

impl Desk {
    pub(crate) fn new(
        options: Options,
        hub: Hub,
        board: Arc<Board>,
        invited: Option<(Invitations, Arc<dyn Bearer>)>,
        issuer: Option<Issuer>,
        leaving: CancellationToken,
    ) -> Self {
        Self {
            host: options.origin.strip_prefix("https://").map(str::to_owned),
            sessions: Sessions::new(options.idle, options.longest),
            options,
            hub,
            board,
            invited,
            issuer,
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            leaving,
            drawn: Mutex::default(),
        }
    }
}

pub(crate) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(see::overview))
        .route("/wall", get(see::wall))
        .route("/links/{kind}/{*name}", get(see::link))
        .route("/maintenance/announce", post(see::announce))
        .route("/maintenance/cancel", post(see::cancel))
        .route("/live/overview", get(live::overview))
        .route("/live/links/{kind}/{*name}", get(live::link))
        .route("/enter/{word}", get(sign_in::enter))
        .route("/sign-in", get(sign_in::page))
        .route("/sign-in/begin", get(sign_in::begin))
        .route("/sign-in/callback", get(sign_in::callback))
        .route("/sign-out", post(sign_in::out))
        .route("/language", post(preferences::language))
        .route("/theme", post(preferences::theme))
        .route("/assets/{file}", get(assets::serve))
        .fallback(see::nothing)
        .layer(from_fn_with_state(Arc::clone(&desk), guard::guard))
        .with_state(desk)
}

/// The first page of a link's address: `source`, `land/land-office`.
pub(crate) fn id_of(kind: &str, name: &str) -> Option<String> {
    let id = format!("{kind}/{name}");
    pages::plain::is_link(&id).then_some(id)
}
