//! Connections: bounded in number and in what they may take their time with.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::warn;

/// Connections beyond this many wait in the listener's backlog: a browser holds up to six.
const MOST_CONNECTIONS: usize = 1_024;
/// A connection on which nobody asks is closed after this time.
const IDLE: Duration = Duration::from_secs(60);
/// How long what is being answered may take when the console ends.
const LAST: Duration = Duration::from_secs(2);
/// How long to wait after the system refused a connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is cancelled.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (connections, permits) = (TaskTracker::new(), Arc::new(Semaphore::new(MOST_CONNECTIONS)));
    let accept = async {
        loop {
            // Nobody closes the semaphore.
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    // An answer of a few packets must not wait for the last one to be acknowledged.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve_connection(stream, router.clone(), stop.clone(), permit));
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
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move { router.oneshot(request.map(Body::new)).await }
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
            let _ = timeout(LAST, connection).await;
        }
    }
}
