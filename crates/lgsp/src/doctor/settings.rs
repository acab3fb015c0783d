//! The configuration: what is wrong with it, and what contradicts itself or leaves a door open.

use std::net::IpAddr;

use lgsp_bus::Protocol;
use lgsp_bus::topics::Role;
use lgsp_runtime::config;

use super::finding::Finding;
use super::part::Parts;
use crate::client::Lang;
use crate::config::Config;

const CHECK: &str = "config";

/// A configuration that cannot be loaded. Values are not told: one may be a secret in the wrong place.
pub(super) fn problems(error: &config::Error, lang: Lang) -> Vec<Finding> {
    let wrong = |problem: &config::Problem| {
        let what =
            if problem.key.is_empty() { lang.pick("the file", "tệp cấu hình") } else { &problem.key };
        let named = lang.pick("what lgsp config reference names", "những gì lgsp config reference nêu");
        let accepts = problem.accepts.as_deref().unwrap_or(named);
        let unusable = lang.pick("cannot be used; accepted", "không dùng được; chấp nhận");
        Finding::wrong(CHECK, what, format!("{unusable}: {accepts}")).mend("lgsp config check")
    };
    error.problems.iter().map(wrong).collect()
}

pub(super) fn check(config: &Config, parts: &Parts, lang: Lang) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(
        CHECK,
        lang.pick("all keys", "mọi khoá cấu hình"),
        lang.pick("known and accepted", "đều được biết và chấp nhận"),
    )];
    let mut warn = |what: &str, found: &str, mend: &str| {
        findings.push(Finding::warning(CHECK, what, found).mend(mend));
    };
    let is_gateway = parts.include(&[Role::Gateway]);
    if is_gateway && config.gateway.tls.is_none() && !is_local(config.gateway.listen.ip()) {
        warn(
            "gateway.listen",
            lang.pick(
                "callers from other machines are taken without TLS: tokens and data pass in the clear",
                "nhận lượt gọi từ máy khác mà không có TLS: token và dữ liệu truyền không mã hoá",
            ),
            lang.pick(
                "set gateway.tls.certificate and gateway.tls.key",
                "đặt gateway.tls.certificate và gateway.tls.key",
            ),
        );
    }
    if !is_local(config.admin.listen.ip()) {
        warn(
            "admin.listen",
            lang.pick(
                "other machines may read it without a credential",
                "máy khác đọc được mà không cần chứng minh là ai",
            ),
            lang.pick(
                "let a firewall admit operators and monitors alone, or set it to 127.0.0.1:0",
                "chỉ cho người vận hành và hệ thống giám sát đi qua tường lửa, hoặc đặt là 127.0.0.1:0",
            ),
        );
    }
    let security = &config.kafka.security;
    let is_open = matches!(security.protocol, Protocol::Plaintext);
    let is_far = config.kafka.brokers.as_deref().is_some_and(|brokers| !brokers.split(',').all(is_near));
    if is_open && is_far {
        warn(
            "kafka.security.protocol",
            lang.pick(
                "Kafka on other machines is spoken with in the clear, and whoever reaches it reads every request",
                "trao đổi với Kafka ở máy khác không mã hoá, và ai đến được Kafka thì đọc được mọi yêu cầu",
            ),
            lang.pick(
                "set kafka.security.protocol, as docs/keys.md has it",
                "đặt kafka.security.protocol, như trong docs/keys.md",
            ),
        );
    }
    if config.kafka.acls && is_open {
        warn(
            "kafka.acls",
            lang.pick(
                "rights are given to principals, and without TLS or a login nobody has one",
                "quyền được cấp cho người dùng Kafka, mà không có TLS hay đăng nhập thì không ai là người dùng nào",
            ),
            lang.pick(
                "set kafka.security.protocol, or kafka.acls = false",
                "đặt kafka.security.protocol, hoặc kafka.acls = false",
            ),
        );
    }
    let is_alone = config.kafka.brokers.is_some() && parts.include(&[Role::Monitor]);
    if is_alone && config.monitor.admin_ports.is_empty() {
        warn(
            "monitor.admin-ports",
            lang.pick(
                "a monitor of its own hears nothing of witnesses, nor of anything while Kafka is away",
                "hệ thống giám sát chạy riêng không biết gì về bên làm chứng, và không biết gì khi Kafka vắng mặt",
            ),
            lang.pick(
                "set monitor.admin-ports to those of the other roles",
                "đặt monitor.admin-ports là địa chỉ quản trị của các vai trò khác",
            ),
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
        let findings = check(config, &Parts::new(&[]), Lang::En).into_iter();
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
        let found = problems(&config::Error { problems: vec![problem] }, Lang::En);
        assert!(!format!("{found:?}").contains("hunter2"));
        assert_eq!((found[0].what.as_str(), found[0].verdict), ("ledger.store", Verdict::Wrong));
    }
}
