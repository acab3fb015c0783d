//! A POST, with a bound on everything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{HeaderName, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lgsp_runtime::config::Secret;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Trouble;

/// Longest answer that is read; of what it says nothing is used.
const LARGEST: usize = 64 << 10;
const AGENT: &str = concat!("lgsp-monitor/", env!("CARGO_PKG_VERSION"));

type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Where something is posted to.
#[derive(Debug)]
pub(super) struct Post {
    url: String,
    ca: Option<PathBuf>,
    timeout: Duration,
}

impl Post {
    pub fn new(url: String, ca: Option<PathBuf>, timeout: Duration) -> Self {
        Self { url, ca, timeout }
    }

    /// Posts JSON. Redirects are not followed: they are a status like any other.
    pub async fn json(
        &self,
        body: Vec<u8>,
        token: Option<&Secret>,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<(), Trouble> {
        let ca = self.ca.clone();
        // Made anew, so that authorities may be replaced; messages are rare.
        let client = spawn_blocking(move || client(ca.as_deref())).await.map_err(|_| Trouble::Files)??;
        let mut request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Trouble::Message)?;
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        }
        request.headers_mut().extend(headers.iter().cloned());
        timeout(self.timeout, send(&client, request)).await.map_err(|_| Trouble::TimedOut)?
    }
}

async fn send(client: &Client, request: Request<Full<Bytes>>) -> Result<(), Trouble> {
    let answer = client.request(request).await.map_err(|error| trouble(&error))?;
    let status = answer.status();
    // Read to its end, so that whoever answers does not see its connection cut.
    let read = Limited::new(answer.into_body(), LARGEST).collect().await;
    if !status.is_success() {
        return Err(Trouble::Status(status));
    }
    read.map(drop).map_err(|_| Trouble::NotUnderstood)
}

fn trouble(error: &legacy::Error) -> Trouble {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let io = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>() || io.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return Trouble::Untrusted;
        }
        source = cause.source();
    }
    if error.is_connect() { Trouble::Unreachable } else { Trouble::NotUnderstood }
}

fn bearer(token: &Secret) -> Result<HeaderValue, Trouble> {
    let token = token.text().ok_or(Trouble::Files)?;
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Trouble::Files)?;
    header.set_sensitive(true);
    Ok(header)
}

/// Blocking.
fn client(ca: Option<&Path>) -> Result<Client, Trouble> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        for certificate in CertificateDer::pem_file_iter(ca).map_err(|_| Trouble::Files)? {
            roots.add(certificate.map_err(|_| Trouble::Files)?).map_err(|_| Trouble::Files)?;
        }
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Trouble::Files)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(https.enable_http1().wrap_connector(http)))
}
