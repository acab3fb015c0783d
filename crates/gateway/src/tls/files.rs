//! From the files of TLS to what a connection is accepted with.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lgsp_core::entry::sha256;
use lgsp_runtime::config::Secret;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientCertVerifierBuilder, NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use webpki::BorrowedCertRevocationList;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::Current;
use crate::error::Error;
use crate::options::{ClientCertificates, Tls};

/// Largest file, in bytes. An authority that has revoked a million certificates needs about 40 MiB to say so.
const LARGEST: u64 = 64 << 20;

const NO_AUTHORITY: &str =
    "holds no certificate of an authority: name the PEM file of who signs the callers' certificates";
const NO_CRL: &str =
    "is no list of revoked certificates: name what the authority publishes as its CRL, in PEM or DER";

/// The files as they were read at once.
pub(super) struct Files<'a> {
    options: &'a Tls,
    certificate: Vec<u8>,
    key: Secret,
    authorities: Vec<Named<'a>>,
    revocations: Vec<Named<'a>>,
}

struct Named<'a> {
    path: &'a Path,
    content: Vec<u8>,
}

impl<'a> Files<'a> {
    /// Reads all of them. Blocking.
    pub(super) fn read(options: &'a Tls) -> Result<Self, Error> {
        let client_files = |paths: &'a [PathBuf]| -> Result<Vec<Named<'a>>, Error> {
            let read = |path: &'a PathBuf| match read_bounded(path) {
                Ok(content) => Ok(Named { path, content }),
                Err(error) => Err(unusable(path, error.to_string())),
            };
            paths.iter().map(read).collect()
        };
        let file = &options.certificate;
        let certificate = read_bounded(file).map_err(|error| bad(format!("{}: {error}", file.display())))?;
        Ok(Self {
            options,
            certificate,
            key: options.key.read().map_err(|error| bad(error.to_string()))?,
            authorities: client_files(&options.client_ca)?,
            revocations: client_files(&options.client_crl)?,
        })
    }

    /// What tells whether any of them has changed.
    pub(super) fn digests(&self) -> Vec<[u8; 32]> {
        let client_files = self.authorities.iter().chain(&self.revocations).map(|file| &*file.content);
        [&*self.certificate, self.key.bytes()].into_iter().chain(client_files).map(sha256).collect()
    }

    /// Makes of them what connections are accepted with.
    pub(super) fn into_current(self, generation: u64) -> Result<Current, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = match self.options.client_certificates {
            ClientCertificates::Off => None,
            ClientCertificates::Optional => {
                Some(self.clients(&provider, |builder| builder.allow_unauthenticated())?)
            }
            ClientCertificates::Required => Some(self.clients(&provider, |builder| builder)?),
        };
        let config = self.config(provider, clients.clone())?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Current { acceptor, clients, ends: self.ends()?, generation, digests: self.digests() })
    }

    /// When the gateway's own certificate ends, Unix s.
    fn ends(&self) -> Result<i64, Error> {
        let file = self.options.certificate.display();
        let first = CertificateDer::pem_slice_iter(&self.certificate).next();
        let der = first.ok_or_else(|| bad(format!("{file}: no certificate")))?;
        let der = der.map_err(|error| bad(format!("{file}: {error}")))?;
        let certificate = Certificate::from_der(&der).map_err(|error| bad(format!("{file}: {error}")))?;
        let ends = certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
        Ok(i64::try_from(ends).unwrap_or(i64::MAX))
    }

    fn config(
        &self,
        provider: Arc<CryptoProvider>,
        clients: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Result<ServerConfig, Error> {
        let file = self.options.certificate.display();
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.map_err(|error| bad(format!("{file}: {error}")))?;
        // The parser's own text may hold a piece of the key.
        let key = PrivateKeyDer::from_pem_slice(self.key.bytes())
            .map_err(|_| bad(format!("{} is no private key", self.options.key.path().display())))?;

        let asks = clients.is_some();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(error.to_string()))?
            .with_client_cert_verifier(clients.unwrap_or_else(WebPkiClientVerifier::no_client_auth))
            .with_single_cert(chain, key);
        let mut config = config.map_err(|error| bad(error.to_string()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if asks {
            // A session that is taken up again would bring its certificate along without looking at it.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    fn clients(
        &self,
        provider: &Arc<CryptoProvider>,
        anonymous: impl FnOnce(ClientCertVerifierBuilder) -> ClientCertVerifierBuilder,
    ) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let mut roots = RootCertStore::empty();
        for file in &self.authorities {
            file.add_authorities(&mut roots)?;
        }
        let mut revocations = Vec::new();
        for file in &self.revocations {
            revocations.extend(file.revocations()?);
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .with_crls(revocations)
            .enforce_revocation_expiration();
        anonymous(builder).build().map_err(|error| bad(error.to_string()))
    }
}

impl Named<'_> {
    fn add_authorities(&self, roots: &mut RootCertStore) -> Result<(), Error> {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&self.content) {
            let certificate = certificate.map_err(|error| unusable(self.path, error.to_string()))?;
            roots.add(certificate).map_err(|_| unusable(self.path, NO_AUTHORITY.to_owned()))?;
        }
        if roots.len() == before {
            return Err(unusable(self.path, NO_AUTHORITY.to_owned()));
        }
        Ok(())
    }

    fn revocations(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
        let bad = || unusable(self.path, NO_CRL.to_owned());
        let lists: Vec<_> = if self.content.starts_with(&[DER_SEQUENCE]) {
            vec![self.content.clone().into()]
        } else {
            let lists: Result<_, _> = CertificateRevocationListDer::pem_slice_iter(&self.content).collect();
            lists.map_err(|_| bad())?
        };
        let readable =
            |list: &CertificateRevocationListDer<'_>| BorrowedCertRevocationList::from_der(list).is_ok();
        if lists.is_empty() || !lists.iter().all(readable) {
            return Err(bad());
        }
        Ok(lists)
    }
}

/// What DER of a list begins with, and no PEM does.
const DER_SEQUENCE: u8 = 0x30;

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(content)
}

fn bad(problem: String) -> Error {
    Error::Certificate { problem }
}

fn unusable(file: &Path, problem: String) -> Error {
    Error::ClientCertificates { file: file.to_owned(), problem }
}
