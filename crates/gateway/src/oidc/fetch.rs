//! Reads the issuer's documents: its discovery document says where its keys are.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lgsp_core::sign_in::is_loopback;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::keys::Keys;
use crate::options::Oidc;

/// Where a discovery document lies below its issuer (OpenID Connect Discovery, 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Largest document. A set of 64 RSA keys with their certificates has less.
const LARGEST_DOCUMENT: usize = 256 << 10;
/// How long the two documents may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the issuer's keys could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the authorities cannot be used: {0}")]
    Authorities(String),
    #[error("it cannot be reached")]
    Unreachable(#[source] legacy::Error),
    #[error("its answer broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    #[error("it answers with the status {0}")]
    Status(StatusCode),
    #[error("its document is larger than {LARGEST_DOCUMENT} bytes")]
    TooLarge,
    #[error("its document is not understood")]
    NotUnderstood(#[source] serde_json::Error),
    #[error("its discovery document is another issuer's")]
    AnotherIssuer,
    #[error("its keys are to be read in the clear, or nowhere")]
    KeysElsewhere,
    #[error("its set has too many keys")]
    TooManyKeys,
    #[error("its set has two keys of one id")]
    KeyTwice,
}

impl Error {
    /// What is told of it in the gateway's state.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Self::Authorities(_) => "issuer-authorities-unusable",
            Self::Unreachable(_) | Self::Broken(_) | Self::TimedOut | Self::Status(_) => "issuer-unreachable",
            Self::AnotherIssuer => "issuer-is-another",
            Self::TooLarge
            | Self::NotUnderstood(_)
            | Self::KeysElsewhere
            | Self::TooManyKeys
            | Self::KeyTwice => "issuer-documents-bad",
        }
    }
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

type Client = legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Reads the keys of the issuer. The file with its authorities is read each time, so that it may be renewed.
///
/// # Errors
/// Nothing changes by a set that cannot be read as a whole.
pub(super) async fn keys(options: &Oidc) -> Result<Keys, Error> {
    let ca = options.ca.clone();
    let client = spawn_blocking(move || client(ca.as_deref())).await;
    // It is ended only with the process.
    let client = client.map_err(|_| Error::TimedOut)??;
    timeout(PATIENCE, read(&client, &options.issuer)).await.map_err(|_| Error::TimedOut)?
}

async fn read(client: &Client, issuer: &str) -> Result<Keys, Error> {
    let url = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
    let document = document(client, url.parse().map_err(|_| Error::KeysElsewhere)?).await?;
    let discovery: Discovery = serde_json::from_slice(&document).map_err(Error::NotUnderstood)?;
    if discovery.issuer != issuer {
        return Err(Error::AnotherIssuer);
    }
    let uri: Uri = discovery.jwks_uri.parse().map_err(|_| Error::KeysElsewhere)?;
    let may_be_in_the_clear = issuer.starts_with("http://") && uri.host().is_some_and(is_loopback);
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if may_be_in_the_clear => {}
        _ => return Err(Error::KeysElsewhere),
    }
    Keys::read(&self::document(client, uri).await?)
}

/// Redirects are not followed: they are a status like any other.
async fn document(client: &Client, uri: Uri) -> Result<Bytes, Error> {
    let request = Request::get(uri).header(header::ACCEPT, "application/json");
    let request = request.body(Empty::new()).map_err(|_| Error::KeysElsewhere)?;
    let answer = client.request(request).await.map_err(Error::Unreachable)?;
    if answer.status() != StatusCode::OK {
        return Err(Error::Status(answer.status()));
    }
    let body = Limited::new(answer.into_body(), LARGEST_DOCUMENT).collect().await;
    let body = body.map_err(|error| match error.downcast::<LengthLimitError>() {
        Ok(_) => Error::TooLarge,
        Err(error) => Error::Broken(error),
    })?;
    Ok(body.to_bytes())
}

/// Blocking.
fn client(ca: Option<&Path>) -> Result<Client, Error> {
    let roots = authorities(ca).map_err(Error::Authorities)?;
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Authorities(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(legacy::Client::builder(TokioExecutor::new()).build(https.enable_http1().wrap_connector(http)))
}

/// Reads who may vouch for the issuer; without a file, nobody. Blocking.
pub(super) fn authorities(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else { return Ok(roots) };
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|_| "it holds a certificate of no authority".to_owned())?;
    }
    if roots.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(roots) }
}
