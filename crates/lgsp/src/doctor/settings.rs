//! The configuration: what is wrong with it, and what contradicts itself or leaves a door open.

use std::net::IpAddr;

use lgsp_bus::Protocol;
use lgsp_bus::topics::Role;
use lgsp_runtime::config;

use super::finding::Finding;
use super::part::Parts;
use crate::config::Config;

const CHECK: &str = "config";

/// A configuration that cannot be loaded. Values are not told: one may be a secret in the wrong place.
pub(super) fn problems(error: &config::Error) -> Vec<Finding> {
    let wrong = |problem: &config::Problem| {
        let what = if problem.key.is_empty() { "the file" } else { &problem.key };
        let accepts = problem.accepts.as_deref().unwrap_or("what lgsp config reference names");
        Finding::wrong(CHECK, what, format!("cannot be used; accepted: {accepts}")).mend("lgsp config check")
    };
    error.problems.iter().map(wrong).collect()
}

pub(super) fn check(config: &Config, parts: &Parts) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(CHECK, "all keys", "known and accepted")];
    let mut warn = |what: &str, found: &str, mend: &str| {
        findings.push(Finding::warning(CHECK, what, found).mend(mend));
    };
    let is_gateway = parts.include(&[Role::Gateway]);
    if is_gateway && config.gateway.tls.is_none() && !is_local(config.gateway.listen.ip()) {
        warn(
            "gateway.listen",
            "callers from other machines are taken without TLS: tokens and data pass in the clear",
            "set gateway.tls.certificate and gateway.tls.key",
        );
    }
    if !is_local(config.admin.listen.ip()) {
        warn(
            "admin.listen",
            "other machines may read it without a credential",
            "let a firewall admit operators and monitors alone, or set it to 127.0.0.1:0",
        );
    }
    let security = &config.kafka.security;
    let is_open = matches!(security.protocol, Protocol::Plaintext);
    let is_far = config.kafka.brokers.as_deref().is_some_and(|brokers| !brokers.split(',').all(is_near));
    if is_open && is_far {
        warn(
            "kafka.security.protocol",
            "Kafka on other machines is spoken with in the clear, and whoever reaches it reads every request",
            "set kafka.security.protocol, as docs/keys.md has it",
        );
    }
    if config.kafka.acls && is_open {
        warn(
            "kafka.acls",
            "rights are given to principals, and without TLS or a login nobody has one",
            "set kafka.security.protocol, or kafka.acls = false",
        );
    }
    let is_alone = config.kafka.brokers.is_some() && parts.include(&[Role::Monitor]);
    if is_alone && config.monitor.admin_ports.is_empty() {
        warn(
            "monitor.admin-ports",
            "a monitor of its own hears nothing of witnesses, nor of anything while Kafka is away",
            "set monitor.admin-ports to those of the other roles",
        );
    }
    findings
}

fn is_local(address: IpAddr) -> bool {
    address.is_loopback()
}

/// Whether a broker is on this machine.
fn is_near(broker: &str) -> bool {
    let host = broker.trim().rsplit_once(':').map_or(broker, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(is_local)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn warned(config: &Config) -> Vec<String> {
        let findings = check(config, &Parts::new(&[])).into_iter();
        findings.filter(|finding| finding.verdict == Verdict::Warning).map(|finding| finding.what).collect()
    }

    #[test]
    fn what_is_open_to_other_machines_is_told() {
        let mut config = Config::default();
        assert_eq!(warned(&config), [""; 0], "a hub by itself is open to nobody");
        config.gateway.listen = "0.0.0.0:50051".parse().expect("an address");
        config.admin.listen = "10.0.0.1:9100".parse().expect("an address");
        config.kafka.brokers = Some("127.0.0.1:9092,kafka-1:9092".to_owned());
        config.kafka.acls = true;
        assert_eq!(
            warned(&config),
            [
                "gateway.listen",
                "admin.listen",
                "kafka.security.protocol",
                "kafka.acls",
                "monitor.admin-ports"
            ]
        );
        config.kafka.brokers = Some("localhost:9092, [::1]:9092".to_owned());
        assert!(!warned(&config).contains(&"kafka.security.protocol".to_owned()));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named_by_its_key_alone() {
        let problem = config::Problem {
            key: "ledger.store".to_owned(),
            found: "is no URL: postgres:/u:hunter2@db".to_owned(),
            accepts: Some("a URL of PostgreSQL".to_owned()),
            origin: None,
        };
        let found = problems(&config::Error { problems: vec![problem] });
        assert!(!format!("{found:?}").contains("hunter2"));
        assert_eq!((found[0].what.as_str(), found[0].verdict), ("ledger.store", Verdict::Wrong));
    }
}
