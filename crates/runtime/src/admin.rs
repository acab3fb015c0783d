//! The admin port: `/livez`, `/readyz`, `/status`, `/metrics` and the pages of its roles, without the bus, because they are asked when the bus
//! is away.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::State;
use crate::config::{self, Problems, Row, row};

/// Connections beyond this many wait in the listener's backlog.
const MOST_CONNECTIONS: usize = 64;
/// A connection that has not sent its request's headers by then is closed.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection carries one request and is closed by then, whether its answer was read or not.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a reader of OpenMetrics accepts.
const OPENMETRICS: &str = "application/openmetrics-text";

/// The options of the admin port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Where the admin port listens.
    pub listen: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        vec![row(
            "listen",
            "address:port; port 0 takes a free one",
            "Where /livez, /readyz, /status and /metrics are served, and by a ledger /checkpoint and /tile/… for monitors: with \
             /tile/entries/… every entry of the exchange log, without its erasable part. Nothing needs a credential: whoever reaches the \
             port reads it all. Keep it off public networks, and let only operators and monitors in.",
        )]
    }

    fn check(&self, _problems: &mut Problems) {}
}

/// The admin port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the admin port {address} cannot be opened: {source}")]
pub struct Error {
    address: SocketAddr,
    source: std::io::Error,
}

/// An admin port that is bound and not served yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

/// Binds the admin port.
///
/// # Errors
/// The address is taken or is not ours.
pub async fn bind(options: &Options) -> Result<Admin, Error> {
    let address = options.listen;
    let failed = |source| Error { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Admin { listener, address })
}

impl Admin {
    /// Returns the address that is really listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled. A role stops its admin port last, so that its leaving can be watched.
    pub async fn serve(self, state: State, stop: CancellationToken) {
        info!(address = %self.address, "admin port open");
        let connections = TaskTracker::new();
        let _ = stop.run_until_cancelled(accept(&self.listener, &state, &connections, &stop)).await;
        connections.close();
        connections.wait().await;
    }
}

async fn accept(listener: &TcpListener, state: &State, connections: &TaskTracker, stop: &CancellationToken) {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // Nobody closes the semaphore.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _peer)) => {
                let connection = serve_connection(stream, state.clone(), permit);
                connections.spawn(stop.clone().run_until_cancelled_owned(connection));
            }
            Err(error) => {
                warn!(%error, "admin connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, state: State, _permit: OwnedSemaphorePermit) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(&request, &state).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever ends it, nobody is waiting for the outcome: the asker sees a closed connection.
    let _ = timeout(CONNECTION_TIMEOUT, connection).await;
}

async fn answer(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned());
    }
    match request.uri().path() {
        "/livez" => verdict(state.is_live(), state),
        "/readyz" => verdict(state.is_live() && state.is_ready(), state),
        "/status" => {
            let mut response = text(StatusCode::OK, format!("{:#}\n", state.status()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        "/metrics" => metrics(request, state),
        path => page(path.to_owned(), state.clone()).await,
    }
}

/// Who reads OpenMetrics says so, and gets the traces of some measurements with it.
fn metrics(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    let (written, content_type) = if accepted.is_some_and(|accepted| accepted.contains(OPENMETRICS)) {
        (state.metrics().openmetrics(), "application/openmetrics-text; version=1.0.0; charset=utf-8")
    } else {
        (state.metrics().prometheus(), "text/plain; version=0.0.4; charset=utf-8")
    };
    let mut response = text(StatusCode::OK, written);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A page that a role shows.
async fn page(path: String, state: State) -> Response<Full<Bytes>> {
    let read = spawn_blocking(move || state.page(&path)).await;
    match read.unwrap_or(Ok(None)) {
        Ok(Some(page)) => {
            let mut response = Response::new(Full::from(page.body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
            let keep = if page.never_changes { "public, max-age=31536000, immutable" } else { "no-cache" };
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
            response
        }
        Ok(None) => text(StatusCode::NOT_FOUND, "/livez, /readyz, /status or /metrics\n".to_owned()),
        Err(error) => {
            warn!(%error, "page cannot be read");
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page cannot be read: see the log of the process\n".to_owned(),
            )
        }
    }
}

fn verdict(good: bool, state: &State) -> Response<Full<Bytes>> {
    if good {
        return text(StatusCode::OK, "ok\n".to_owned());
    }
    let mut complaints = state.complaints().join("\n");
    if complaints.is_empty() {
        "nothing is started yet".clone_into(&mut complaints);
    }
    text(StatusCode::SERVICE_UNAVAILABLE, complaints + "\n")
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
