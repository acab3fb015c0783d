use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Trust;
use crate::{Error, Options};

/// How a connection is made safe.
#[derive(Clone)]
pub(super) enum Tls {
    Off,
    On(MakeRustlsConnect),
}

impl Tls {
    /// # Errors
    /// The root certificates cannot be read.
    pub(super) fn of(trust: Trust, options: &Options) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::Failed { code: "tls".to_owned() })?;
        let config = match (trust, &options.root_certificates) {
            (Trust::Plain, _) => return Ok(Self::Off),
            (Trust::Verified, Some(file)) => {
                builder.with_root_certificates(roots(file)?).with_no_client_auth()
            }
            (Trust::Encrypted | Trust::Verified, _) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Whoever(provider)))
                .with_no_client_auth(),
        };
        Ok(Self::On(MakeRustlsConnect::new(config)))
    }
}

fn roots(file: &Path) -> Result<RootCertStore, Error> {
    let unreadable = |_| Error::options("root-certificates", "cannot be read as certificates in PEM");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|_| Error::options("root-certificates", "holds a certificate of no authority"))?;
    }
    if roots.is_empty() {
        return Err(Error::options("root-certificates", "holds no certificate"));
    }
    Ok(roots)
}

/// What `sslmode=require` means: the line is encrypted, and nobody vouches for its other end.
#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
