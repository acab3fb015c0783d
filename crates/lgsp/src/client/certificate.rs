//! The client certificate that a command shows to the gateway.

use std::path::Path;

use lgsp_core::entry::sha256;
use lgsp_runtime::config::SecretFile;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::Error;
use crate::cli::client::Gateway;

/// A client certificate with its key.
pub(super) struct Certificate {
    /// The certificate, and what chains it to its authority.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    sha256: [u8; 32],
}

impl Certificate {
    /// Reads the files of `--cert` and `--cert-key`, if they are named.
    pub(super) fn of(gateway: &Gateway) -> Result<Option<Self>, Error> {
        let (Some(cert), Some(cert_key)) = (&gateway.cert, &gateway.cert_key) else { return Ok(None) };
        let bad = |option, file: &Path, problem: String| Error::Certificate {
            option,
            file: file.to_owned(),
            problem,
        };
        let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
        let chain: Vec<_> = chain.map_err(|error| bad("cert", cert, error.to_string()))?;
        let first = chain.first().ok_or_else(|| bad("cert", cert, "holds no certificate".to_owned()))?;
        let sha256 = sha256(first);
        let secret = SecretFile::new(cert_key).read();
        let secret = secret.map_err(|error| bad("cert-key", cert_key, error.to_string()))?;
        // The parser's own text may hold a piece of the key.
        let key = PrivateKeyDer::from_pem_slice(secret.bytes())
            .map_err(|_| bad("cert-key", cert_key, "holds no private key in PEM".to_owned()))?;
        Ok(Some(Self { chain, key, sha256 }))
    }

    /// SHA-256 of the certificate in DER.
    pub(super) fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}
