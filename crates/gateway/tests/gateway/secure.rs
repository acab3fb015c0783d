//! The gateway with a certificate. The one in `tls/` was made for this test and is trusted by nobody.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use lgsp_gateway::{Error, Options, Tls};
use lgsp_runtime::config::SecretFile;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::hub::{Hub, within};

fn connector(certificate: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_calls_come_over_tls_and_plain_ones_are_ended() {
    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/tls");
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::copy(tls.join("key.pem"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let certificate = tls.join("certificate.pem");
    let ours = Tls::of(&certificate, SecretFile::new(key));
    let hub = Hub::unused_with(|options| options.tls = Some(Box::new(ours)), |_| {}).await;

    let stream = TcpStream::connect(hub.gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = within("a handshake", connector(&certificate).connect(name, stream)).await.unwrap();
    let (send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let head =
        Request::post("https://localhost/x").header("content-type", "application/grpc").body(()).unwrap();
    let (response, mut body) = send.ready().await.unwrap().send_request(head, false).unwrap();
    let _ = body.send_data(Bytes::new(), true);
    let response = within("a response", response).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["grpc-status"], "16");

    let mut plain = TcpStream::connect(hub.gateway.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"POST / HTTP/1.1\r\nhost: hub\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = within("the end", plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"));
}

#[tokio::test]
async fn without_a_certificate_only_loopback_is_listened_on() {
    let options = Options { listen: SocketAddr::from(([0, 0, 0, 0], 0)), ..Options::default() };
    assert!(matches!(lgsp_gateway::bind(&options).await, Err(Error::NotLoopback { .. })));
}
