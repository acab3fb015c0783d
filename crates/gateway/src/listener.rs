//! Accepts connections, bounds them, and ends those that say nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use lgsp_core::Reason;
use lgsp_runtime::shutdown::Group;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, sleep_until, timeout};
use tracing::{debug, warn};

use crate::activity::{Activity, Calling};
use crate::hub::Hub;
use crate::in_flight::Connection;
use crate::leash::{Leashed, Tether};
use crate::options::Connections;
use crate::service;
use crate::stats::Stats;
use crate::tls::{self, Certificates, Refusals, Shown};

/// How long to wait after the system refused a connection, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of one call that wait in HTTP/2 itself, for its caller to read.
const SEND_BUFFER: usize = 64 * 1024;
/// Bytes of one call, and of all calls of a connection, that a caller may send ahead.
const CALL_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Calls that were reset and not looked at yet; more end the connection.
const PENDING_RESETS: usize = 32;
/// How long a caller whose certificate was refused may take to hear it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A bound listener with what it serves.
pub(crate) struct Listener {
    pub(crate) tcp: TcpListener,
    pub(crate) tls: Option<Arc<Certificates>>,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) bounds: Connections,
    pub(crate) hub: Arc<Hub>,
    pub(crate) connections: Group,
    pub(crate) calls: Group,
}

impl Listener {
    /// Accepts connections until the gateway leaves; those that are there end by themselves.
    pub(crate) async fn run(self) {
        let permits = Arc::new(Semaphore::new(self.bounds.most));
        let builder =
            Arc::new(builder(&self.bounds, Leashed { calls: self.calls, stats: self.hub.stats.clone() }));
        let leaving = self.hub.leaving.clone();
        while let Some(accepted) = leaving.run_until_cancelled(self.tcp.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(%error, "connection not accepted");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = permits.clone().try_acquire_owned() else {
                Stats::count(&self.hub.stats.connections_refused);
                continue;
            };
            Stats::count(&self.hub.stats.connections);
            let accepted = Accepted {
                peer,
                tls: self.tls.clone(),
                refusals: self.refusals.clone(),
                bounds: self.bounds.clone(),
                hub: self.hub.clone(),
                builder: builder.clone(),
                _permit: permit,
            };
            // Its end is awaited by the group.
            drop(self.connections.spawn(accepted.serve(stream)));
        }
    }
}

fn builder(bounds: &Connections, executor: Leashed) -> auto::Builder<Leashed> {
    let mut builder = auto::Builder::new(executor);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.first_call)
        .max_buf_size(bounds.headers.max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(bounds.streams)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_header_list_size(u32::try_from(bounds.headers).unwrap_or(u32::MAX))
        .initial_stream_window_size(CALL_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(bounds.ping)
        .keep_alive_timeout(bounds.pong);
    builder
}

/// Lets a caller hear what TLS has told it: the end of a connection with unread bytes would take that along.
async fn let_hear(mut stream: TcpStream) {
    let heard = async {
        stream.shutdown().await?;
        copy(&mut stream, &mut sink()).await
    };
    let _ = timeout(FAREWELL, heard).await;
}

/// One accepted connection.
struct Accepted {
    peer: SocketAddr,
    tls: Option<Arc<Certificates>>,
    refusals: Arc<Refusals>,
    bounds: Connections,
    hub: Arc<Hub>,
    builder: Arc<auto::Builder<Leashed>>,
    _permit: OwnedSemaphorePermit,
}

impl Accepted {
    async fn serve(self, stream: TcpStream) {
        // Without it, small answers wait 40 ms for the caller's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "connection lost before its first call");
            return;
        }
        let Some(certificates) = self.tls.clone() else { return self.serve_http(stream, None).await };
        let current = certificates.current();
        match timeout(self.bounds.first_call, current.acceptor.accept(stream).into_fallible()).await {
            Ok(Ok(stream)) => {
                let shown = Shown::on(stream.get_ref().1, certificates, &current);
                // The connection may last, and what the files said when it began is large.
                drop(current);
                self.serve_http(stream, shown).await;
            }
            Ok(Err((error, stream))) => {
                let cause = tls::cause(&error);
                self.refuse(cause);
                if cause.is_some() {
                    let_hear(stream).await;
                }
            }
            Err(_) => self.refuse(None),
        }
    }

    /// Counts a connection that did not come about, and tells what was wrong with the caller's certificate, if that is why.
    fn refuse(&self, cause: Option<&'static str>) {
        Stats::count(&self.hub.stats.connections_refused);
        let Some(cause) = cause else { return };
        Stats::count(&self.hub.stats.certificates_refused);
        self.hub.count_attempt(Reason::CertificateInvalid, self.peer.ip(), "");
        self.refusals.tell(cause, self.peer.ip());
    }

    async fn serve_http<S>(self, stream: S, shown: Option<Shown>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        let connection = Connection::new(self.peer.ip(), self.bounds.unread).showing(shown);
        let (hub, seen) = (self.hub.clone(), activity.clone());
        let mut tether = Tether::new();
        let leash = tether.leash();
        let service = service_fn(move |request: Request<Incoming>| {
            let calling = Calling::begin(&seen);
            let of_http1 = (request.version() != Version::HTTP_2).then(|| leash.clone());
            let answer = service::answer(hub.clone(), connection.clone(), request);
            async move {
                let answer = match of_http1 {
                    None => answer.await,
                    Some(leash) => Box::pin(leash.hold(answer)).await,
                };
                Ok::<_, Infallible>(answer.map(|body| body.counted_by(calling)))
            }
        });
        let mut http = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        loop {
            tokio::select! {
                // However it ends, whoever called on it sees it. Of HTTP/1 an answer that is cut off takes its connection with it.
                ended = http.as_mut() => {
                    if ended.is_err_and(|error| was_cut_off(&*error)) {
                        Stats::count(&self.hub.stats.resets);
                    }
                    return;
                }
                () = self.hub.leaving.cancelled(), if !activity.is_closing() => {
                    activity.close();
                    http.as_mut().graceful_shutdown();
                }
                () = tether.passed(|| activity.is_calling()) => {
                    Stats::count(&self.hub.stats.resets);
                    return;
                }
                () = sleep_until(activity.look_at(&self.bounds)) => {
                    if activity.is_busy(&self.bounds) {
                        continue;
                    }
                    // Who never called was counted when it was asked to close.
                    if activity.is_closing() == activity.has_called() {
                        Stats::count(&self.hub.stats.connections_refused);
                    }
                    if activity.is_closing() {
                        return;
                    }
                    // A call that is on its way just now is served yet: HTTP/2 tells of the end before it comes.
                    activity.close();
                    http.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Whether a body of ours ended a connection, and not its caller.
fn was_cut_off(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user)
}
