//! The server is known by its certificate, and the adapter by its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lgsp_adapter::config::SecretFile;
use lgsp_adapter_health::Source;
use lgsp_adapter_health::fhir::{Fhir, Options};
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::fake::Fake;
use crate::persons::{AN, searchset};
use crate::{holder, options, soon};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fhir/tls").join(name)
}

/// Shows its certificate, and asks for one that vouches for itself likewise.
fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(clients).with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_and_believes_ours() {
    let server = Fake::start_over(acceptor(), |_, _| searchset([]).into()).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::copy(file("key.pem"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let ours = Options {
        root_certificates: Some(file("certificate.pem")),
        client_certificate: Some(file("certificate.pem")),
        client_key: Some(SecretFile::new(key)),
        ..options(&server.secure_url())
    };
    let cause = async |options: &Options| {
        let cards = Fhir::open(options).unwrap().cards(&holder(AN), soon()).await;
        cards.map_err(|error| error.cause()).map(|cards| cards.len())
    };

    assert_eq!(cause(&ours).await, Ok(0));
    assert_eq!(server.asked().len(), 1);
    let nobody = Options { client_certificate: None, client_key: None, ..ours.clone() };
    assert_eq!(cause(&nobody).await, Err("unavailable"));
    let misled = Options { root_certificates: Some(file("stranger.pem")), ..ours.clone() };
    assert_eq!(cause(&misled).await, Err("unavailable"));
    let by_address = ours.url.replace("localhost", "127.0.0.1");
    assert_eq!(cause(&Options { url: by_address, ..ours }).await, Err("unavailable"), "another name");
    assert_eq!(server.asked().len(), 1, "none of them asked anything");
}
