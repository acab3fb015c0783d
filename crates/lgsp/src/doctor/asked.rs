//! Whom everything is asked of: processes on their admin ports, and Kafka.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use lgsp_bus::Bus;
use lgsp_core::time::unix_micros;
use lgsp_monitor::ports;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::timeout;

use crate::admin_ports;
use crate::client::Lang;
use crate::config::Config;
use crate::overheard::{self, Listened};

/// How long Kafka may take to bring the heartbeats of a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that answers on its admin port.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) instance: String,
    pub(super) version: String,
    /// What it says at `/status`.
    pub(super) status: Value,
    /// How far its clock is ahead of ours, in whole seconds; `None`: it does not tell.
    pub(super) ahead: Option<i64>,
}

/// All that was answered.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) processes: Vec<(SocketAddr, Process)>,
    /// Ports that do not answer, and why.
    pub(super) silent: Vec<(SocketAddr, String)>,
    /// The bus; `None`: there is no Kafka to ask, or it cannot be opened.
    pub(super) bus: Option<Bus>,
    /// Heartbeats; `None`: there is no Kafka to ask. An error is told without the parts of the configuration.
    pub(super) heard: Option<Result<Listened, String>>,
}

impl Asked {
    /// Asks the ports that are named, or else those that are known, and Kafka.
    pub(super) async fn ask(named: &[SocketAddr], config: &Config, lang: Lang) -> Self {
        let mut asked = Self::default();
        let mut ports = admin_ports::named_or_found(named, &config.data);
        if named.is_empty() {
            ports.extend(&config.monitor.admin_ports);
        }
        ports.sort_unstable();
        ports.dedup();
        for (port, read) in ports.iter().zip(join_all(ports.iter().map(|port| process(*port, lang))).await) {
            match read {
                Ok(process) => asked.processes.push((*port, process)),
                Err(why) => asked.silent.push((*port, why)),
            }
        }
        if config.kafka.brokers.is_some() {
            asked.listen(config, lang).await;
        }
        asked
    }

    async fn listen(&mut self, config: &Config, lang: Lang) {
        let bus = match Bus::open(config.kafka.clone()) {
            Ok(bus) => bus,
            Err(error) => {
                self.heard = Some(Err(error.to_string()));
                return;
            }
        };
        let keys = overheard::keys(&config.keys.mac);
        let heard = timeout(PATIENCE, overheard::listen(&bus, &keys)).await;
        self.heard = Some(match heard {
            Ok(heard) => heard.map_err(|error| error.to_string()),
            Err(_) => Err(lang.pick("Kafka does not answer in time", "Kafka không trả lời kịp").to_owned()),
        });
        self.bus = Some(bus);
    }
}

async fn process(port: SocketAddr, lang: Lang) -> Result<Process, String> {
    let page = ports::get(port, "/status").await.map_err(|error| error.to_string())?;
    let now_us = unix_micros(SystemTime::now());
    let is_none = || {
        lang.pick("it is no admin port of the hub", "đó không phải địa chỉ quản trị của nền tảng").to_owned()
    };
    let status: Value = serde_json::from_slice(&page.body).map_err(|_| is_none())?;
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    let ahead = page.date.as_deref().and_then(|date| ahead(date, now_us));
    Ok(Process { instance: text("instance"), version: text("version"), ahead, status })
}

/// How far a moment of HTTP is ahead of now. It is cut to the second.
fn ahead(date: &str, now_us: i64) -> Option<i64> {
    let told = OffsetDateTime::parse(date, &Rfc2822).ok()?.unix_timestamp();
    Some(told - now_us.div_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_read_as_a_clock() {
        // 2026-11-28 02:30:05 UTC.
        let now_us = 1_795_833_005_900_000;
        assert_eq!(ahead("Sat, 28 Nov 2026 02:30:05 GMT", now_us), Some(0));
        assert_eq!(ahead("Sat, 28 Nov 2026 02:29:05 GMT", now_us), Some(-60));
        assert_eq!(ahead("soon", now_us), None);
    }
}
