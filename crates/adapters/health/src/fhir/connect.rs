//! How a connection to the server is made, and safe.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{OpenError, Options};

/// Longest time of a connection's beginning; the deadline of the request ends it earlier.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) type Connector = HttpsConnector<HttpConnector>;

/// Makes what connects to the server.
///
/// # Errors
/// A certificate or a key cannot be used.
pub(super) fn connector(options: &Options) -> Result<Connector, OpenError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let https = HttpsConnectorBuilder::new().with_tls_config(tls(options)?).https_or_http();
    Ok(https.enable_http1().wrap_connector(http))
}

fn tls(options: &Options) -> Result<ClientConfig, OpenError> {
    let unusable = |_| OpenError::new("url", "TLS cannot be set up");
    let mut roots = RootCertStore::empty();
    if let Some(file) = &options.root_certificates {
        for certificate in certificates("root-certificates", file)? {
            let unfit = |_| OpenError::new("root-certificates", "holds a certificate of no authority");
            roots.add(certificate).map_err(unfit)?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_root_certificates(roots);
    let (Some(certificate), Some(key)) = (&options.client_certificate, &options.client_key) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("client-certificate", certificate)?;
    let secret = key.read().map_err(|error| OpenError::new("client-key", error))?;
    let key = PrivateKeyDer::from_pem_slice(secret.bytes())
        .map_err(|_| OpenError::new("client-key", "cannot be read as a key in PEM"))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| OpenError::new("client-key", "is not the key of the client certificate"))
}

fn certificates(key: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let unreadable = |_| OpenError::new(key, "cannot be read as certificates in PEM");
    let certificates = CertificateDer::pem_file_iter(file).map_err(unreadable)?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(OpenError::new(key, "holds no certificate"));
    }
    Ok(certificates)
}
