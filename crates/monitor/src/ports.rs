//! Reads `/links` and other pages of admin ports.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{DATE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::tell::{MOST_FACTS, MOST_TOLD, PATH, Telling};

/// How long a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of an answer.
const LARGEST: usize = 4 << 20;

/// Why an admin port tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// Nobody listens there.
    #[error("nobody answers")]
    Connection(#[source] std::io::Error),
    /// It took too long.
    #[error("it does not answer in time")]
    Late,
    /// Whoever listens there speaks something else.
    #[error("it is no admin port of the hub, or an older one")]
    Other,
}

/// A page of an admin port.
#[derive(Clone, Debug)]
pub struct Page {
    /// What its header `date` says: the clock of whoever answers, to the second.
    pub date: Option<String>,
    /// Its content.
    pub body: Bytes,
}

/// What a process tells of its links on its admin port.
///
/// # Errors
/// It does not, or not in time.
pub async fn read(address: SocketAddr) -> Result<Telling, Unread> {
    let page = get(address, PATH).await?;
    let mut telling: Telling = serde_json::from_slice(&page.body).map_err(|_| Unread::Other)?;
    telling.links.truncate(MOST_TOLD);
    telling.facts.truncate(MOST_FACTS);
    Ok(telling)
}

/// A page of a process's admin port.
///
/// # Errors
/// It shows none, or not in time.
pub async fn get(address: SocketAddr, path: &str) -> Result<Page, Unread> {
    timeout(PATIENCE, ask(address, path)).await.map_err(|_| Unread::Late)?
}

async fn ask(address: SocketAddr, path: &str) -> Result<Page, Unread> {
    let stream = TcpStream::connect(address).await.map_err(Unread::Connection)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Unread::Other)?;
    let request = Request::get(path).header(HOST, address.to_string()).body(Empty::<Bytes>::new());
    let request = request.map_err(|_| Unread::Other)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| Unread::Other)?;
        if !response.status().is_success() {
            return Err(Unread::Other);
        }
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(|_| Unread::Other)?;
        Ok(Page { date, body: body.to_bytes() })
    };
    tokio::pin!(answer);
    // The connection lives as long as its one answer is awaited.
    tokio::select! {
        answered = &mut answer => answered,
        _ = connection => answer.await,
    }
}
