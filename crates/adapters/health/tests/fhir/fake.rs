//! A server on this machine that answers whatever a test wants.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A request as the server got it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and URL.
    pub line: String,
    pub headers: HeaderMap,
    /// Its body, with what a form escapes undone.
    pub body: String,
}

/// What the server does with a request.
pub enum Answer {
    Fhir(u16, Value),
    Other(u16, &'static str, Vec<u8>),
    /// It takes the request and never answers.
    Never,
}

impl From<Value> for Answer {
    fn from(resource: Value) -> Self {
        Self::Fhir(200, resource)
    }
}

type Behaviour = dyn Fn(usize, &Asked) -> Answer + Send + Sync;

/// A server and what it was asked.
pub struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Requests that are being worked on, and the most that ever were.
    in_work: watch::Sender<(usize, usize)>,
    _serving: JoinSet<()>,
}

impl Fake {
    /// Starts one that behaves so; it is told how many requests came before.
    pub async fn start(behaviour: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_with(Duration::ZERO, behaviour).await
    }

    /// Starts one that takes its time.
    pub async fn start_with(
        time: Duration,
        behaviour: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serve(None, time, Arc::new(behaviour)).await
    }

    /// Starts one that is reached by TLS alone.
    pub async fn start_over(
        tls: TlsAcceptor,
        behaviour: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(tls), Duration::ZERO, Arc::new(behaviour)).await
    }

    async fn serve(tls: Option<TlsAcceptor>, time: Duration, behaviour: Arc<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, in_work) = (Arc::<Mutex<Vec<Asked>>>::default(), watch::Sender::new((0, 0)));
        let desk = Desk { asked: asked.clone(), in_work: in_work.clone(), behaviour, time };
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (desk, tls) = (desk.clone(), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => desk.attend(stream).await,
                        Some(tls) => {
                            // A handshake that fails is the caller's to tell.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            desk.attend(stream).await;
                        }
                    }
                });
            }
        });
        Self { address, asked, in_work, _serving: serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/fhir", self.address)
    }

    /// Where one is that is reached by TLS.
    pub fn secure_url(&self) -> String {
        format!("https://localhost:{}/fhir", self.address.port())
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until nothing is being worked on, and tells the most that ever was.
    pub async fn idle(&self) -> usize {
        self.in_work.subscribe().wait_for(|(now, _)| *now == 0).await.unwrap().1
    }
}

#[derive(Clone)]
struct Desk {
    asked: Arc<Mutex<Vec<Asked>>>,
    in_work: watch::Sender<(usize, usize)>,
    behaviour: Arc<Behaviour>,
    time: Duration,
}

/// Counts a request as long as it is worked on, however that ends.
struct Work(watch::Sender<(usize, usize)>);

impl Work {
    fn begin(in_work: &watch::Sender<(usize, usize)>) -> Self {
        in_work.send_modify(|(now, most)| {
            *now += 1;
            *most = (*most).max(*now);
        });
        Self(in_work.clone())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.send_modify(|(now, _)| *now -= 1);
    }
}

impl Desk {
    async fn attend(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(move |request| self.clone().serve(request));
        let connection = hyper::server::conn::http1::Builder::new();
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn serve(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let _work = Work::begin(&self.in_work);
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let asked = Asked {
            line: format!("{} {}", head.method, head.uri),
            headers: head.headers,
            body: plain(&body),
        };
        let before = {
            let mut all = self.asked.lock().unwrap();
            all.push(asked.clone());
            all.len() - 1
        };
        tokio::time::sleep(self.time).await;
        let (status, kind, body) = match (self.behaviour)(before, &asked) {
            Answer::Fhir(status, resource) => {
                (status, "application/fhir+json;charset=utf-8", resource.to_string().into())
            }
            Answer::Other(status, kind, body) => (status, kind, body),
            Answer::Never => std::future::pending().await,
        };
        let answer = Response::builder().status(status).header("content-type", kind);
        Ok(answer.body(Full::new(Bytes::from(body))).unwrap())
    }
}

fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).into_owned();
    if text.starts_with('{') {
        return text;
    }
    let pairs = form_urlencoded::parse(body).map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}
