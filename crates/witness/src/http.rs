//! The HTTP around the desk: one path, bounded bodies, bounded times.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use lgsp_tlog::witness::{self, MAX_LEN, Refusal, TEXT_TYPE};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::desk::{Answer, Desk};

/// What is asked for, below whatever a proxy takes away.
const PATH: &str = "/add-checkpoint";
/// Connections beyond this many wait in the listener's backlog.
const MOST_CONNECTIONS: usize = 64;
/// A connection on which nobody asks is closed after this time.
const IDLE: Duration = Duration::from_secs(30);
/// A body that is not whole by then is not read any further.
const BODY: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is cancelled; what was asked before is answered.
pub(crate) async fn serve(listener: TcpListener, desk: Arc<Desk>, stop: CancellationToken) {
    let (connections, permits) = (TaskTracker::new(), Arc::new(Semaphore::new(MOST_CONNECTIONS)));
    let accept = async {
        loop {
            // Nobody closes the semaphore.
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&desk), stop.clone(), permit));
                }
                Err(error) => {
                    warn!(%error, "connection not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    let _ = stop.run_until_cancelled(accept).await;
    connections.close();
    connections.wait().await;
    info!("witness closed");
}

async fn serve_connection(
    stream: TcpStream,
    desk: Arc<Desk>,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
) {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(answer(request, desk).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // Whatever ends it, nobody waits for the outcome: the asker sees a closed connection.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(BODY, connection).await;
        }
    }
}

async fn answer(request: Request<Incoming>, desk: Arc<Desk>) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return text(StatusCode::NOT_FOUND, "POST /add-checkpoint\n");
    }
    if request.method() != Method::POST {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let body = match timeout(BODY, Limited::new(request.into_body(), MAX_LEN).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return response(Answer::of(&Refusal::Malformed(witness::Error::TooLong)));
        }
        Ok(Err(_)) => return text(StatusCode::BAD_REQUEST, "the body broke off\n"),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n"),
    };
    match spawn_blocking(move || desk.answer(&body)).await {
        Ok(answer) => response(answer),
        Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the witness is ending\n"),
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    response(Answer { status: status.as_u16(), content_type: TEXT_TYPE, body: body.to_owned() })
}
