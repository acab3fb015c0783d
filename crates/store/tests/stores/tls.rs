use std::time::Duration;

use lgsp_store::testing::Database;
use lgsp_store::{Error, Options, Query, Store};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{number, soon};

const ENCRYPTED: &str = "SELECT count(*) AS n FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";

/// An authority that vouches for nobody here. Made for this test; its key was thrown away.
const STRANGER: &str = include_str!("stranger.pem");

/// A server with a certificate, which vouches for itself.
struct Certified {
    database: Database,
    folder: TempDir,
}

impl Certified {
    async fn new() -> Option<Self> {
        let database = Database::postgres().await?;
        let store = Store::open(&database.options(), &[]).await.unwrap();
        let mut reader = store.reader(soon()).await.unwrap();
        let found = "SELECT pg_read_file('server.crt', 0, 100000, true) AS certificate";
        let found = reader.optional(Query::new(found)).await.unwrap().unwrap();
        let Some(certificate) = found.maybe_text("certificate").unwrap() else {
            eprintln!("skipped: needs the server of deploy/postgres, with TLS");
            return None;
        };
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("server.crt"), certificate).unwrap();
        std::fs::write(folder.path().join("stranger.crt"), STRANGER).unwrap();
        Some(Self { database, folder })
    }

    fn options(&self, parameters: &str, root: Option<&str>) -> Options {
        let root_certificates = root.map(|file| self.folder.path().join(file));
        Options { root_certificates, ..Options::of(format!("{}&{parameters}", self.database.url())) }
    }

    async fn refusal(&self, parameters: &str, root: Option<&str>) -> String {
        Store::open_read_only(&self.options(parameters, root)).await.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn a_line_is_encrypted_when_the_url_says_so_and_verified_when_it_says_that() {
    let Some(certified) = Certified::new().await else { return };
    for (parameters, root, encrypted) in [
        ("sslmode=disable", None, 0),
        ("", None, 0),
        ("sslmode=require", None, 1),
        ("sslmode=verify-full", Some("server.crt"), 1),
    ] {
        let store = Store::open_read_only(&certified.options(parameters, root)).await.unwrap();
        assert_eq!(number(&store, ENCRYPTED).await, encrypted, "{parameters}");
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_not_trusted() {
    let Some(certified) = Certified::new().await else { return };
    let refused = "the store cannot be opened (code tls-certificate)";
    assert_eq!(certified.refusal("sslmode=verify-full", Some("stranger.crt")).await, refused);
    let elsewhere = certified.database.url().replace("@127.0.0.1", "@dan-cu.example");
    let elsewhere = Options {
        root_certificates: Some(certified.folder.path().join("server.crt")),
        ..Options::of(format!("{elsewhere}&hostaddr=127.0.0.1"))
    };
    assert_eq!(Store::open_read_only(&elsewhere).await.unwrap_err().to_string(), refused, "another name");

    let text = certified.folder.path().join("text");
    std::fs::write(text, "no certificate").unwrap();
    let refusal = certified.refusal("sslmode=verify-full", Some("text")).await;
    assert_eq!(refusal, "root-certificates holds no certificate");
    let refusal = certified.refusal("sslmode=verify-full", Some("missing")).await;
    assert_eq!(refusal, "root-certificates cannot be read as certificates in PEM");
}

#[tokio::test]
async fn a_cancellation_takes_an_encrypted_line_too() {
    let Some(certified) = Certified::new().await else { return };
    let options = certified.options("sslmode=verify-full", Some("server.crt"));
    let store = Store::open_read_only(&Options { max_connections: 1, ..options }).await.unwrap();
    let mut reader = store.reader(Instant::now() + Duration::from_secs(3600)).await.unwrap();
    let sleep = reader.all(Query::new("SELECT pg_sleep(3600)::text AS n"));
    assert!(tokio::time::timeout(Duration::from_millis(50), sleep).await.is_err());
    drop(reader);
    store.probe(soon()).await.unwrap();
}

/// A server that answers the request for TLS with "no".
#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_clear_text() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut line, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        line.read_exact(&mut request).await.unwrap();
        line.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        line.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let options = Options::of(format!("postgres://lgsp@127.0.0.1:{port}/db?sslmode=require"));
    let refusal = Store::open_read_only(&options).await.unwrap_err();
    assert!(matches!(&refusal, Error::Unreachable { code } if code == "no-tls"), "{refusal:?}");
    assert!(heard.await.unwrap().is_empty());
}
