//! A witness, which somebody else runs: asks it to cosign a checkpoint, as [tlog-witness](https://c2sp.org/tlog-witness) has it, and
//! believes nothing that it did not sign.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lgsp_tlog::witness::{self, SIZE_TYPE, parse_size, take};
use lgsp_tlog::{Hash, Note, Signature, VerifierKey, note};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Hashes;
use super::publish::{Published, prove_consistency};
use crate::disk;
use crate::options;

/// How long a request may take, with its connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Below the 30 s after which a witness of ours ends a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(20);
/// Longest answer: a cosignature has less than a thousand bytes.
const LARGEST: usize = 16 << 10;

type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("its authorities cannot be used: {0}")]
    Authorities(String),
    #[error("it cannot be reached")]
    Unreachable(#[source] legacy::Error),
    #[error("its answer broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it does not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    #[error("it does not look after this log")]
    UnknownLog,
    #[error("it does not know the key of this log")]
    UnknownKey,
    #[error("it answers with the status {0}")]
    Status(StatusCode),
    #[error("its answer is not understood")]
    NotUnderstood,
    #[error("its cosignature does not hold")]
    Cosignature(#[source] note::Error),
    #[error("the proof for it cannot be made")]
    Proof(#[source] crate::Error),
    #[error("the request for it cannot be made")]
    Request(#[source] witness::Error),
    #[error("it has cosigned {seen} leaves, and the log has {size}")]
    Ahead { seen: u64, size: u64 },
    #[error("it has cosigned another root of {size} leaves")]
    OtherRoot { size: u64 },
    #[error("the log does not go on the {seen} leaves that it has cosigned")]
    NotContinued { seen: u64 },
}

impl Trouble {
    /// Whether the witness has seen another log than this one: one of the two was rewritten.
    pub fn is_another_log(&self) -> bool {
        match self {
            Self::Ahead { .. } | Self::OtherRoot { .. } | Self::NotContinued { .. } => true,
            Self::Authorities(_)
            | Self::Unreachable(_)
            | Self::Broken(_)
            | Self::TimedOut
            | Self::UnknownLog
            | Self::UnknownKey
            | Self::Status(_)
            | Self::NotUnderstood
            | Self::Cosignature(_)
            | Self::Proof(_)
            | Self::Request(_) => false,
        }
    }
}

/// A witness, and what is known of it.
pub(crate) struct Witness {
    key: VerifierKey,
    /// Where it is asked.
    url: String,
    ca: Option<PathBuf>,
    /// Made when it is needed, and again after it failed, so that the authorities may be renewed.
    client: Option<Client>,
    /// The size that it cosigned last, as far as it told.
    seen: u64,
}

/// What it answered.
enum Answer {
    Cosigned(Bytes),
    /// It wants the proof from another size.
    From(u64),
}

impl Witness {
    pub fn new(options: &options::Witness) -> Self {
        Self {
            key: options.vkey.clone(),
            url: format!("{}/add-checkpoint", options.url.trim_end_matches('/')),
            ca: options.ca.clone(),
            client: None,
            seen: 0,
        }
    }

    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// Asks how far it has cosigned, with the checkpoint of an empty log.
    ///
    /// # Errors
    /// It does not say, or has cosigned more than there is.
    pub async fn learn(&mut self, nothing: &Published, size: u64, hashes: &Hashes) -> Result<(), Trouble> {
        self.seen = match self.ask_from(0, nothing, hashes).await? {
            Answer::Cosigned(_) => 0,
            Answer::From(seen) if seen > size => return Err(Trouble::Ahead { seen, size }),
            Answer::From(seen) => seen,
        };
        Ok(())
    }

    /// Asks for a cosignature of a checkpoint, whose tree has these hashes.
    pub async fn ask(&mut self, published: &Published, hashes: &Hashes) -> Result<Signature, Trouble> {
        let size = published.size;
        let mut old = self.seen.min(size);
        // It tells at most once what it has seen, if nobody else asks it in the name of this log.
        for _ in 0..2 {
            match self.ask_from(old, published, hashes).await? {
                Answer::Cosigned(body) => {
                    let signature = self.take(&body, &published.note)?;
                    self.seen = size;
                    return Ok(signature);
                }
                Answer::From(seen) if seen > size => return Err(Trouble::Ahead { seen, size }),
                Answer::From(seen) => {
                    self.seen = seen;
                    old = seen;
                }
            }
        }
        Err(Trouble::NotUnderstood)
    }

    async fn ask_from(
        &mut self,
        old: u64,
        published: &Published,
        hashes: &Hashes,
    ) -> Result<Answer, Trouble> {
        let proof = prove(old, published, hashes).await?;
        let asked = witness::Request::new(old, proof, published.note.clone()).map_err(Trouble::Request)?;
        let body = Full::from(asked.to_string());
        let request = Request::post(&self.url).header(CONTENT_TYPE, witness::TEXT_TYPE).body(body);
        let request = request.map_err(|_| Trouble::NotUnderstood)?;
        let client = match self.client.take() {
            Some(client) => client,
            None => self.connect().await?,
        };
        let answered = timeout(PATIENCE, send(&client, request)).await.map_err(|_| Trouble::TimedOut)?;
        let (answer, body) = answered?;
        self.client = Some(client);
        self.read(&answer, body, old, published.size)
    }

    fn read(&self, answer: &Response<()>, body: Bytes, old: u64, size: u64) -> Result<Answer, Trouble> {
        let is_size = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == SIZE_TYPE);
        match answer.status() {
            StatusCode::OK => Ok(Answer::Cosigned(body)),
            StatusCode::CONFLICT if is_size => {
                parse_size(&body).map(Answer::From).map_err(|_| Trouble::NotUnderstood)
            }
            StatusCode::CONFLICT => Err(Trouble::OtherRoot { size }),
            StatusCode::UNPROCESSABLE_ENTITY => Err(Trouble::NotContinued { seen: old }),
            StatusCode::FORBIDDEN => Err(Trouble::UnknownKey),
            StatusCode::NOT_FOUND => Err(Trouble::UnknownLog),
            other => Err(Trouble::Status(other)),
        }
    }

    /// The cosignature of an answer, if it is one of this checkpoint.
    fn take(&self, body: &[u8], note: &Note) -> Result<Signature, Trouble> {
        let mut taken = note.clone();
        take(body, &mut taken, std::slice::from_ref(&self.key)).map_err(Trouble::Cosignature)?;
        let is_ours =
            |signature: &&Signature| (signature.name(), signature.id()) == (self.key.name(), self.key.id());
        taken.signatures().iter().find(is_ours).cloned().ok_or(Trouble::NotUnderstood)
    }

    async fn connect(&self) -> Result<Client, Trouble> {
        let ca = self.ca.clone();
        let client = spawn_blocking(move || client(ca)).await;
        // It is ended only with the process.
        client.map_err(|_| Trouble::TimedOut)?.map_err(Trouble::Authorities)
    }
}

async fn prove(old: u64, published: &Published, hashes: &Hashes) -> Result<Vec<Hash>, Trouble> {
    let (hashes, folder, new) =
        (hashes.clone(), hashes.folder().to_owned(), (published.size, published.root));
    let proof = disk(folder, move || prove_consistency(&hashes, old, new));
    proof.await.map_err(Trouble::Proof)
}

/// Redirects are not followed: they are a status like any other.
async fn send(client: &Client, request: Request<Full<Bytes>>) -> Result<(Response<()>, Bytes), Trouble> {
    let answer: Response<Incoming> = client.request(request).await.map_err(Trouble::Unreachable)?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(Trouble::Broken)?;
    Ok((Response::from_parts(head, ()), body.to_bytes()))
}

/// Blocking.
fn client(ca: Option<PathBuf>) -> Result<Client, String> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| error.to_string())? {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|_| "one is a certificate of no authority".to_owned())?;
        }
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        .build(https.enable_http1().wrap_connector(http));
    Ok(client)
}
