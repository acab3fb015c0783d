//! Roles as processes of their own, each under its own principal on the secured cluster that `LGSP_TEST_KAFKA_SECURE=dir` names; and what
//! they tell when Kafka does not let them. It needs a build with the feature `kafka-tls`; with `LGSP_REQUIRE_SERVERS=1` such a build
//! fails without the cluster.

#![allow(
    clippy::disallowed_methods,
    reason = "what is waited for is another process, under a bound, and no task waits"
)]

mod processes;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use processes::{Role, asked, data_directory, lgsp, text_of};
use tempfile::TempDir;

/// Names the folder of the cluster.
const SECURED: &str = "LGSP_TEST_KAFKA_SECURE";

/// A hub in a namespace of its own on the secured cluster, with its topics and rights made.
struct Site {
    cluster: PathBuf,
    data: TempDir,
    namespace: String,
    /// What every role is told beside who it is.
    settings: Vec<String>,
}

impl Site {
    /// `None`, and says so, in a build that cannot call such a cluster, or without one.
    fn on(story: &str) -> Option<Self> {
        if !cfg!(feature = "kafka-tls") {
            eprintln!("skipped: {story}: needs a build with the feature kafka-tls");
            return None;
        }
        let Some(cluster) = std::env::var_os(SECURED).map(PathBuf::from) else {
            assert!(std::env::var("LGSP_REQUIRE_SERVERS").as_deref() != Ok("1"), "{story} needs {SECURED}");
            eprintln!("skipped: {story}: needs {SECURED}");
            return None;
        };
        let namespace = format!("lgsp-test-{:08x}", rand::random::<u32>());
        let mut settings = vec![format!("kafka.namespace={namespace}")];
        settings.extend(["request", "reply", "exchange"].map(|kind| format!("kafka.{kind}-partitions=2")));
        // Those of the cluster, in whatever namespace.
        let domains = ["population", "land", "health", "education", "business"];
        let roles = ["gateway", "registry", "ledger"].map(str::to_owned).into_iter();
        let roles = roles.chain(domains.map(|domain| format!("adapter-{domain}")));
        settings.extend(roles.map(|role| format!("kafka.principals.{role}=User:lgsp-{role}")));
        Some(Self { cluster, data: data_directory(), namespace, settings })
    }

    /// Who a role is, and where Kafka.
    fn options(&self, user: &str) -> Vec<String> {
        let client = self.cluster.join(format!("clients/{user}.toml"));
        let mut options = vec!["--config".to_owned(), client.to_str().expect("UTF-8").to_owned()];
        options.extend(self.settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]));
        options
    }

    fn start(&self, arguments: &[&str], user: &str, more: &[&str]) -> Role {
        let options = self.options(user);
        let options: Vec<&str> = options.iter().map(String::as_str).chain(more.iter().copied()).collect();
        Role::start(arguments, &options, self.data.path())
    }

    /// What `lgsp topics` says to an operator, or to somebody else.
    fn topics(&self, command: &str, user: &str) -> Output {
        self.topics_with(command, user, &[])
    }

    fn topics_with(&self, command: &str, user: &str, more: &[&str]) -> Output {
        let mut ran = lgsp(&["topics", command]);
        ran.args(self.options(user)).args(more).output().expect("the command runs")
    }

    fn client(&self, grpc: &str, arguments: &[&str]) -> Command {
        let mut command = lgsp(arguments);
        command.args(["--grpc", grpc, "--data"]).arg(self.data.path());
        command
    }

    /// The lines about this hub; other runs have other namespaces, and the same principals.
    fn ours(&self, output: &Output) -> Vec<String> {
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        lines.lines().filter(|line| line.contains(&self.namespace)).map(str::to_owned).collect()
    }
}

#[test]
fn every_role_under_its_own_principal_serves_and_enters_and_publishes() {
    let Some(site) = Site::on("every role under its own principal") else { return };
    let before = site.topics("check", "lgsp-operator");
    let lacks = format!("User:lgsp-gateway: WRITE topic {}.exchange: is missing", site.namespace);
    assert!(site.ours(&before).iter().any(|line| line.starts_with(&lacks)), "{}", text_of(&before));
    assert_eq!(before.status.code(), Some(1));
    // Who starts before its rights are given waits for them.
    let alone = |role: &str| site.start(&[role], &format!("lgsp-{role}"), &[]);
    let (registry, ledger) = (alone("registry"), alone("ledger"));
    registry.until("telling what it lacks", |role| role.condition("topics").as_deref() == Some("degraded"));
    let applied = site.topics("apply", "lgsp-operator");
    assert_eq!(applied.status.code(), Some(0), "{}", text_of(&applied));
    assert_eq!(site.ours(&site.topics("check", "lgsp-operator")), [""; 0]);

    let adapter = |domain: &str| site.start(&["adapter", domain], &format!("lgsp-adapter-{domain}"), &[]);
    let gateway = site.start(&["gateway", "--grpc", "127.0.0.1:0"], "lgsp-gateway", &[]);
    let grpc = gateway.address("gateway open");
    let roles = [registry, ledger, adapter("population"), adapter("land"), gateway];
    for role in &roles {
        role.until("ready", |role| role.get("/readyz").0 == 200);
    }
    for (method, request) in asked().iter().take(2) {
        let call = ["call", "--as", "tthc", "--purpose", "prefill", method, request];
        let served = site.client(&grpc, &call).output().expect("the command runs");
        assert_eq!(served.status.code(), Some(0), "{method}: {}", text_of(&served));
    }
    let list = ["exchanges", "--output", "json", "--application", "tthc"];
    let [.., gateway] = &roles;
    gateway.until("telling both exchanges", |_| {
        let listed = site.client(&grpc, &list).output().expect("the command runs");
        String::from_utf8_lossy(&listed.stdout).lines().count() == 2
    });
    for role in roles.into_iter().rev() {
        assert_eq!(role.end(), Some(0));
    }
}

#[test]
fn a_role_under_the_principal_of_another_gets_nothing_and_says_what_it_lacks() {
    let Some(site) = Site::on("a role under another's principal") else { return };
    let applied = site.topics("apply", "lgsp-operator");
    assert_eq!(applied.status.code(), Some(0), "{}", text_of(&applied));

    let land = site.start(&["adapter", "land"], "lgsp-adapter-population", &[]);
    let told = land.says("kafka denies this process a right");
    assert!(told.contains(&site.namespace) && told.contains("AuthorizationFailed"), "{told}");
    land.until("telling that its topics are not open to it", |role| {
        role.cause("topics").is_some_and(|cause| cause.contains("lgsp topics check"))
    });
    assert_eq!(land.get("/readyz").0, 503);

    let refused = site.topics("apply", "lgsp-adapter-population");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text_of(&refused).contains("denies this process the right"), "{}", text_of(&refused));
}

#[test]
fn a_role_with_a_wrong_password_or_authority_says_so() {
    let Some(site) = Site::on("a role that Kafka does not let in") else { return };
    let set = |key: &str, file: &str| format!("kafka.security.{key}={}", site.cluster.join(file).display());
    let stories = [
        (
            set("password-file", "passwords/lgsp-ledger"),
            "kafka refuses our user or its password",
            "Kafka refuses kafka.security.user or its password",
        ),
        // No authority, so that it vouches for nobody.
        (
            set("ca", "tls/lgsp-gateway.pem"),
            "tls with kafka fail",
            "TLS with Kafka failed; see kafka.security.ca",
        ),
    ];
    for (setting, cause, refusal) in stories {
        let checked = site.topics_with("check", "lgsp-operator", &["--set", &setting]);
        assert_eq!(checked.status.code(), Some(1));
        assert!(text_of(&checked).contains(refusal), "{}", text_of(&checked));
        let role = site.start(&["adapter", "population"], "lgsp-adapter-population", &["--set", &setting]);
        role.says(cause);
        role.until("telling the cause", |role| {
            role.cause("topics").is_some_and(|told| told.starts_with(cause))
        });
    }
}

/// A build without it must not speak in the clear instead.
#[test]
fn what_the_build_cannot_speak_is_refused_with_the_build_to_use() {
    if cfg!(feature = "kafka-tls") {
        eprintln!("skipped: a build without TLS to Kafka: this one has it");
        return;
    }
    let settings = [
        "kafka.brokers=127.0.0.1:9092",
        "kafka.security.protocol=sasl-ssl",
        "kafka.security.user=lgsp-gateway",
        "kafka.security.password-file=password",
    ];
    let mut command = lgsp(&["gateway"]);
    command.args(settings.iter().flat_map(|setting| ["--set", setting])).current_dir(Path::new("/"));
    let refused = command.output().expect("the command runs");
    assert_eq!(refused.status.code(), Some(64), "{}", text_of(&refused));
    let text = text_of(&refused);
    assert!(text.contains("kafka.security.protocol") && text.contains("--features kafka-tls"), "{text}");
}
