//! Parts of pages, sent again when they change. All browsers are shown what was drawn once.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_stream::stream;
use axum::extract::{Path, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::asker::Asker;
use super::{Desk, id_of, see};
use crate::follow::now_us;
use crate::hub::Refused;
use crate::pages::{Part, link as link_page, overview as overview_page};
use crate::text::{Lang, Say};

/// How often a browser hears that the console is there.
const PULSE: Duration = Duration::from_secs(5);
/// How soon after one change the next is sent.
const PAUSE: Duration = Duration::from_millis(500);
/// A stream ends after so long; its browser comes back, and is asked again who it is.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Most drawings that are kept.
const MOST_DRAWN: usize = 512;

/// What is drawn, in which language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Drawing {
    pub(crate) view: View,
    pub(crate) lang: Lang,
}

/// A page with parts that change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum View {
    Overview,
    Link(String),
}

/// The parts of a drawing, of one version of the board.
#[derive(Clone)]
pub(crate) struct Drawn {
    version: u64,
    pub(crate) parts: Arc<[Part]>,
}

impl Desk {
    /// Draws a view as it is now, unless it was drawn already.
    pub(crate) fn draw(&self, view: &View, say: Say) -> Arc<[Part]> {
        self.board.look();
        let version = *self.board.changes().borrow();
        let drawing = Drawing { view: view.clone(), lang: say.0 };
        if let Some(drawn) = self.drawn.lock().get(&drawing).filter(|drawn| drawn.version == version) {
            return Arc::clone(&drawn.parts);
        }
        let parts: Arc<[Part]> = {
            let picture = self.board.see();
            match view {
                View::Overview => overview_page::parts(say, &picture, now_us()),
                View::Link(id) => link_page::parts(say, &picture, id, now_us()),
            }
            .into()
        };
        let mut drawn = self.drawn.lock();
        if drawn.len() >= MOST_DRAWN {
            drawn.clear();
        }
        drawn.insert(drawing, Drawn { version, parts: Arc::clone(&parts) });
        parts
    }
}

pub(super) async fn overview(State(desk): State<Arc<Desk>>, asker: Asker) -> Response {
    live(desk, asker, View::Overview).await
}

pub(super) async fn link(
    State(desk): State<Arc<Desk>>,
    Path((kind, name)): Path<(String, String)>,
    asker: Asker,
) -> Response {
    match id_of(&kind, &name) {
        Some(id) => live(desk, asker, View::Link(id)).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn live(desk: Arc<Desk>, asker: Asker, view: View) -> Response {
    let Some(session) = asker.session.clone() else { return over() };
    if let Err(refusal) = see::may_see_links(&desk, &session).await {
        let is_final = matches!(refusal.kind, Refused::Stranger | Refused::Forbidden);
        return if is_final { over() } else { StatusCode::SERVICE_UNAVAILABLE.into_response() };
    }
    let Ok(permit) = Arc::clone(&desk.streams).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let say = asker.say;
    let events = stream! {
        let _permit = permit;
        let mut changes = desk.board.changes();
        let mut sent: HashMap<&'static str, String> = HashMap::new();
        let ends = Instant::now() + LONGEST;
        while Instant::now() < ends && !desk.leaving.is_cancelled() {
            if !desk.sessions.keep(&session, Instant::now().into_std()) {
                yield Ok::<_, Infallible>(end());
                break;
            }
            changes.mark_unchanged();
            // Only the newest is ever sent: a browser that reads slowly misses what was between.
            for part in desk.draw(&view, say).iter() {
                if sent.get(part.name) != Some(&part.html) {
                    sent.insert(part.name, part.html.clone());
                    yield Ok(event("part", &json!({ "name": part.name, "html": part.html })));
                }
            }
            sleep(PAUSE).await;
            let pulse = Instant::now() + PULSE;
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                () = sleep_until(pulse) => {}
                () = desk.leaving.cancelled() => break,
            }
            yield Ok(event("pulse", &json!({ "at": say.clock(now_us()) })));
        }
    };
    Sse::new(events).into_response()
}

/// Tells a browser that it need not come back.
fn over() -> Response {
    Sse::new(futures::stream::iter([Ok::<_, Infallible>(end())])).into_response()
}

fn end() -> Event {
    event("over", &json!({}))
}

fn event(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
