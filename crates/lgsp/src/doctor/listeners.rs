//! Addresses that the roles of this machine listen on: theirs, free, or somebody else's.

use std::net::SocketAddr;

use lgsp_bus::topics::Role;
use tokio::net::TcpListener;

use super::asked::{Asked, Process};
use super::finding::Finding;
use super::part::Parts;
use crate::client::Lang;
use crate::config::Config;

const CHECK: &str = "ports";

pub(super) async fn check(config: &Config, parts: &Parts, asked: &Asked, lang: Lang) -> Vec<Finding> {
    let mut findings = Vec::new();
    if parts.include(&[Role::Gateway]) {
        let runs = asked.processes.iter().any(|(port, process)| is_near(*port) && has_gateway(process));
        findings.push(of("gateway.listen", config.gateway.listen, runs, lang).await);
    }
    let admin = config.admin.listen;
    if admin.port() != 0 {
        let is_there = |(port, _): &(SocketAddr, Process)| port.port() == admin.port();
        findings.push(of("admin.listen", admin, asked.processes.iter().any(is_there), lang).await);
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

async fn of(key: &str, address: SocketAddr, runs: bool, lang: Lang) -> Finding {
    let what = format!("{key} = {address}");
    // Whoever could bind it lets go of it at once.
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(CHECK, what, lang.pick("free", "còn trống")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match runs {
            true => {
                let ours =
                    lang.pick("in use by a process of the hub", "một tiến trình của nền tảng đang dùng");
                Finding::ok(CHECK, what, ours)
            }
            false => taken(key, what, address.port(), lang),
        },
        Err(error) => {
            let found = lang.pick("cannot be listened on", "không lắng nghe được");
            let mend = match lang {
                Lang::En => format!("set {key} to an address of this machine"),
                Lang::Vi => format!("đặt {key} là một địa chỉ của máy này"),
            };
            Finding::wrong(CHECK, what, format!("{found}: {error}")).mend(mend)
        }
    }
}

fn taken(key: &str, what: String, port: u16, lang: Lang) -> Finding {
    let found = lang.pick(
        "in use, and by no process of the hub that is known here",
        "đang bị chiếm, mà không phải bởi tiến trình nào của nền tảng được biết ở đây",
    );
    Finding::warning(CHECK, what, found).mend(match lang {
        Lang::En => format!("see who listens: ss -ltnp 'sport = :{port}'; stop it, or set {key}"),
        Lang::Vi => format!("xem ai đang lắng nghe: ss -ltnp 'sport = :{port}'; dừng nó, hoặc đặt {key}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[tokio::test]
    async fn an_address_is_free_ours_or_somebody_elses() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = taken.local_addr().expect("bound");
        assert_eq!(of("gateway.listen", address, true, Lang::En).await.verdict, Verdict::Ok);
        assert_eq!(of("gateway.listen", address, false, Lang::En).await.verdict, Verdict::Warning);
        drop(taken);
        assert_eq!(of("gateway.listen", address, false, Lang::En).await.found, "free");
        let foreign = "192.0.2.1:1".parse().expect("an address of documents");
        assert_eq!(of("gateway.listen", foreign, false, Lang::En).await.verdict, Verdict::Wrong);
    }
}
