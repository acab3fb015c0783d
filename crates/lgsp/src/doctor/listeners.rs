//! Addresses that the roles of this machine listen on: theirs, free, or somebody else's.

use std::net::SocketAddr;

use lgsp_bus::topics::Role;
use tokio::net::TcpListener;

use super::asked::{Asked, Process};
use super::finding::Finding;
use super::part::Parts;
use crate::config::Config;

const CHECK: &str = "ports";

pub(super) async fn check(config: &Config, parts: &Parts, asked: &Asked) -> Vec<Finding> {
    let mut findings = Vec::new();
    if parts.include(&[Role::Gateway]) {
        let runs = asked.processes.iter().any(|(port, process)| is_near(*port) && has_gateway(process));
        findings.push(of("gateway.listen", config.gateway.listen, runs).await);
    }
    let admin = config.admin.listen;
    if admin.port() != 0 {
        let is_there = |(port, _): &(SocketAddr, Process)| port.port() == admin.port();
        findings.push(of("admin.listen", admin, asked.processes.iter().any(is_there)).await);
    }
    findings
}

fn is_near(port: SocketAddr) -> bool {
    port.ip().is_loopback() || port.ip().is_unspecified()
}

fn has_gateway(process: &Process) -> bool {
    let components = process.status["components"].as_object();
    components.is_some_and(|components| components.keys().any(|name| name.starts_with("gateway/")))
}

async fn of(key: &str, address: SocketAddr, runs: bool) -> Finding {
    let what = format!("{key} = {address}");
    // Whoever could bind it lets go of it at once.
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(CHECK, what, "free"),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match runs {
            true => Finding::ok(CHECK, what, "in use by a process of the hub"),
            false => {
                Finding::warning(CHECK, what, "in use, and by no process of the hub that is known here").mend(
                    format!("see who listens: ss -ltnp 'sport = :{}'; stop it, or set {key}", address.port()),
                )
            }
        },
        Err(error) => Finding::wrong(CHECK, what, format!("cannot be listened on: {error}"))
            .mend(format!("set {key} to an address of this machine")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[tokio::test]
    async fn an_address_is_free_ours_or_somebody_elses() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = taken.local_addr().expect("bound");
        assert_eq!(of("gateway.listen", address, true).await.verdict, Verdict::Ok);
        assert_eq!(of("gateway.listen", address, false).await.verdict, Verdict::Warning);
        drop(taken);
        assert_eq!(of("gateway.listen", address, false).await.found, "free");
        let foreign = "192.0.2.1:1".parse().expect("an address of documents");
        assert_eq!(of("gateway.listen", foreign, false).await.verdict, Verdict::Wrong);
    }
}
