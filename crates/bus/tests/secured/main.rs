//! The bus on a secured cluster, which `LGSP_TEST_KAFKA_SECURE=dir` names: who may do what, and what is told to whom Kafka does not let.
//! It needs a build with the feature `kafka-tls`; with `LGSP_REQUIRE_SERVERS=1` such a build fails without the cluster.

#![allow(clippy::unwrap_used)]

mod clients;
mod cluster;

use lgsp_bus::topics::{self, AclDifferences, Role};
use lgsp_bus::{Bus, Error, Options, Protocol, Security};
use lgsp_runtime::config::SecretFile;

use clients::Principal;
use cluster::{OPERATOR, Secured, fresh};

/// A bus for the operator, with topics and rights made.
async fn applied(secured: &Secured, namespace: &str) -> Bus {
    let bus = Bus::open(secured.options(namespace, OPERATOR)).unwrap();
    topics::apply(&bus).await.unwrap();
    topics::grant(&bus).await.unwrap();
    bus
}

/// Who writes and reads what, by the last part of a topic's name.
const EXPECTED: [(&str, &[&str], &[&str]); 5] = [
    (
        "lgsp-gateway",
        &[
            "request.population",
            "request.land",
            "request.registry",
            "request.ledger",
            "exchange",
            "heartbeat",
        ],
        &["reply", "registry", "usage", "heartbeat"],
    ),
    (
        "lgsp-registry",
        &["reply", "registry", "heartbeat", "dead-letter"],
        &["request.registry", "registry", "heartbeat"],
    ),
    (
        "lgsp-ledger",
        &["reply", "exchange", "usage", "heartbeat", "dead-letter"],
        &["request.population", "request.land", "request.registry", "request.ledger", "exchange"],
    ),
    ("lgsp-adapter-population", &["reply", "heartbeat", "dead-letter"], &["request.population"]),
    ("lgsp-adapter-land", &["reply", "heartbeat", "dead-letter"], &["request.land"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_principal_may_write_and_read_what_its_role_needs_and_nothing_else() {
    let Some(secured) = Secured::named("what a principal may do") else { return };
    let namespace = fresh("rights");
    let bus = applied(&secured, &namespace).await;
    let names = topics::declared(bus.options()).into_iter().map(|topic| topic.name);
    let names: Vec<String> = names.collect();
    for (user, writes, reads) in EXPECTED {
        let principal = Principal::of(&secured, user, &namespace);
        let expected = |short: &[&str]| -> Vec<String> {
            let is_in = |name: &&String| short.iter().any(|short| **name == format!("{namespace}.{short}"));
            names.iter().filter(is_in).cloned().collect()
        };
        assert_eq!(principal.writable(&names).await, expected(writes), "{user} writes");
        assert_eq!(principal.readable(&names), expected(reads), "{user} reads");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_joins_the_group_of_another_domain() {
    let Some(secured) = Secured::named("who may join a group") else { return };
    let namespace = fresh("groups");
    applied(&secured, &namespace).await;
    let population = Principal::of(&secured, "lgsp-adapter-population", &namespace);
    assert!(population.joins("population", "population"));
    assert!(!population.joins("land", "population"), "its offsets are those of land");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_missing_or_that_nobody_declared_are_named() {
    let Some(secured) = Secured::named("comparing rights") else { return };
    let namespace = fresh("compared");
    let bus = Bus::open(secured.options(&namespace, OPERATOR)).unwrap();
    assert!(topics::keeps_acls(&bus).await.unwrap());
    let missing = topics::compare_acls(&bus).await.unwrap().missing;
    let granted = topics::grant(&bus).await.unwrap();
    assert_eq!((missing.is_empty(), granted), (false, missing));
    // Other runs have other namespaces, and the same principals.
    let ours = |differences: AclDifferences| {
        let is_ours = |line: &String| line.contains(&namespace);
        let [missing, superfluous] = [differences.missing, differences.superfluous]
            .map(|acls| acls.iter().map(ToString::to_string).filter(is_ours).collect::<Vec<_>>());
        (missing, superfluous)
    };
    assert_eq!(ours(topics::compare_acls(&bus).await.unwrap()), (vec![], vec![]));

    // A hub without the domain has no use for its adapter's rights, nor for who asks it.
    let mut options: Options = secured.options(&namespace, OPERATOR);
    options.domains.retain(|domain| domain != "land");
    options.principals.remove("adapter-land");
    let (missing, superfluous) = ours(topics::compare_acls(&Bus::open(options).unwrap()).await.unwrap());
    assert_eq!(missing, [""; 0]);
    let has = |line: &str| superfluous.contains(&line.to_owned());
    assert!(has(&format!("User:lgsp-adapter-land: READ group {namespace}.land")), "{superfluous:?}");
    assert!(has(&format!("User:lgsp-gateway: WRITE topic {namespace}.request.land")), "{superfluous:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_principal_may_not_do_is_told_with_the_topic() {
    let Some(secured) = Secured::named("a right that is missing") else { return };
    let namespace = fresh("denied");
    applied(&secured, &namespace).await;
    let adapter = Bus::open(secured.options(&namespace, "lgsp-adapter-population")).unwrap();
    let denied = adapter.publish(topics::REGISTRY, Some(0), b"snapshot", b"rules", &[]).await.unwrap_err();
    assert!(matches!(&denied, Error::Denied { what: "write", on, .. } if on == "lgsp.registry"), "{denied}");
    let denied = adapter.watermarks(&topics::request("land")).await.unwrap_err();
    assert!(matches!(&denied, Error::Denied { what: "see", .. }), "{denied}");
    let denied = topics::compare_acls(&adapter).await.unwrap_err();
    assert!(matches!(&denied, Error::Denied { what: "describe", .. }), "{denied}");
    let denied = topics::grant(&adapter).await.unwrap_err();
    assert!(matches!(&denied, Error::Denied { .. }), "{denied}");

    // Its own topics are all that it looks at, and all that it can see.
    let role = Role::serving("population");
    assert_eq!(topics::check_of(&adapter, &role).await.unwrap(), []);
    let seen = topics::check_of(&adapter, &Role::serving("land")).await.unwrap();
    assert!(seen[0].to_string().contains("may not be seen by this principal"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_authority_are_told_as_such_and_soon() {
    let Some(secured) = Secured::named("who is not let in") else { return };
    let options = secured.options("strangers", "lgsp-gateway");
    let other = SecretFile::new(secured.file("passwords/lgsp-ledger"));
    let security = Security { password_file: Some(other), ..options.security.clone() };
    let bus = Bus::open(Options { security, ..options.clone() }).unwrap();
    let refused = topics::check(&bus).await.unwrap_err();
    assert!(matches!(&refused, Error::LoginRefused { .. }), "{refused}");
    assert!(refused.to_string().contains(&secured.brokers()), "{refused}");
    assert!(!refused.to_string().contains(&secured.password("lgsp-ledger")));

    // A certificate that is no authority's vouches for nobody.
    let security = Security { ca: Some(secured.file("tls/lgsp-gateway.pem")), ..options.security.clone() };
    let bus = Bus::open(Options { security, ..options }).unwrap();
    let untrusted = topics::check(&bus).await.unwrap_err();
    assert!(matches!(&untrusted, Error::Untrusted { .. }), "{untrusted}");
    assert!(untrusted.to_string().contains("kafka.security.ca"), "{untrusted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_proves_a_principal_as_a_password_does() {
    let Some(secured) = Secured::named("a principal by its certificate") else { return };
    let namespace = fresh("certified");
    applied(&secured, &namespace).await;
    let options = secured.options(&namespace, "lgsp-registry");
    let security = Security {
        protocol: Protocol::Ssl,
        ca: options.security.ca.clone(),
        certificate: Some(secured.file("tls/lgsp-registry.pem")),
        key: Some(SecretFile::new(secured.file("tls/lgsp-registry.key"))),
        ..Security::default()
    };
    let brokers = Some(secured.brokers_by_certificate());
    let registry = Bus::open(Options { brokers, security, ..options }).unwrap();
    registry.publish(topics::REGISTRY, Some(0), b"snapshot", b"rules", &[]).await.unwrap();
    let denied = registry.publish(topics::EXCHANGE, Some(0), b"exchange", b"entry", &[]).await.unwrap_err();
    assert!(matches!(&denied, Error::Denied { .. }), "{denied}");
}
