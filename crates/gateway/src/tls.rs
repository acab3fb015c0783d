use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::Error;
use crate::options::Tls;

/// Reads the certificate and its key.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, Error> {
    let bad = |problem: String| Error::Certificate { problem };
    let file = tls.certificate.display();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| bad(format!("{file}: {error}")));
    let secret = tls.key.read().map_err(|error| bad(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(secret.bytes());
    // The parser's own text may hold a piece of the key.
    let key = key.map_err(|_| bad(format!("{} is no private key", tls.key.path().display())))?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?;
    let config = config.with_no_client_auth().with_single_cert(certificates?, key);
    let mut config = config.map_err(|error| bad(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
