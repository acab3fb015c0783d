//! A secured cluster as `deploy/kafka/kafka start --secure` makes it.

use std::path::PathBuf;

use lgsp_bus::{Options, Protocol, Security};
use lgsp_runtime::config::SecretFile;

/// Names the folder of one.
const SECURED: &str = "LGSP_TEST_KAFKA_SECURE";

/// Who administers it.
pub const OPERATOR: &str = "lgsp-operator";

pub struct Secured {
    dir: PathBuf,
    port: u16,
}

impl Secured {
    /// `None`, and says so, in a build that cannot call one, or without one.
    pub fn named(story: &str) -> Option<Self> {
        if !cfg!(feature = "kafka-tls") {
            eprintln!("skipped: {story}: needs a build with the feature kafka-tls");
            return None;
        }
        let Some(dir) = std::env::var_os(SECURED).map(PathBuf::from) else {
            assert!(std::env::var("LGSP_REQUIRE_SERVERS").as_deref() != Ok("1"), "{story} needs {SECURED}");
            eprintln!("skipped: {story}: needs {SECURED}");
            return None;
        };
        let cluster = std::fs::read_to_string(dir.join("cluster")).expect("a cluster's folder");
        let port = cluster.lines().find_map(|line| line.strip_prefix("port=")).expect("its port");
        Some(Self { port: port.parse().expect("a number"), dir })
    }

    /// Where callers prove themselves by a password.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where certificates prove them. There is one broker, and the controller's port lies between.
    pub fn brokers_by_certificate(&self) -> String {
        format!("127.0.0.1:{}", self.port + 2)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn password(&self, user: &str) -> String {
        std::fs::read_to_string(self.file(&format!("passwords/{user}")))
            .expect("its password")
            .trim()
            .to_owned()
    }

    /// A small hub in a namespace of its own, as a user sees it; the principals are those that the cluster has.
    pub fn options(&self, namespace: &str, user: &str) -> Options {
        let domains = ["population", "land", "registry", "ledger"].map(str::to_owned);
        let roles = ["gateway", "registry", "ledger", "adapter-population", "adapter-land"];
        Options {
            brokers: Some(self.brokers()),
            namespace: namespace.to_owned(),
            security: Security {
                protocol: Protocol::SaslSsl,
                ca: Some(self.file("tls/ca.pem")),
                user: Some(user.to_owned()),
                password_file: Some(SecretFile::new(self.file(&format!("passwords/{user}")))),
                ..Security::default()
            },
            acls: true,
            principals: roles.map(|role| (role.to_owned(), format!("User:lgsp-{role}"))).into(),
            domains: domains.into(),
            request_partitions: 1,
            reply_partitions: 1,
            exchange_partitions: 1,
            ..Options::default()
        }
    }
}

/// A name that no other run has used.
pub fn fresh(name: &str) -> String {
    format!("{name}-{:08x}", rand::random::<u32>())
}
