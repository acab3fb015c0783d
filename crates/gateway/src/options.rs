mod oidc;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lgsp_bus::{CallerOptions, LONGEST_APPEND};
use lgsp_runtime::config::{self, Problems, Row, row, section, units};
use serde::{Deserialize, Serialize};

pub use oidc::Oidc;
pub use tls::{ClientCertificates, Tls};

/// How a gateway listens, and what it bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// Where gRPC and its JSON face are served.
    pub listen: SocketAddr,
    /// The gateway's certificate, without which it serves loopback addresses only, and those of its callers.
    /// On the heap, because options are moved about and few have one.
    pub tls: Option<Box<Tls>>,
    /// Who the tokens are made for.
    pub audience: String,
    /// The issuer whose tokens sign persons in.
    pub oidc: Option<Box<Oidc>>,
    /// Origins whose pages may call from a browser.
    pub origins: Vec<String>,
    /// Bounds of connections.
    pub connections: Connections,
    /// Bounds of exchanges.
    pub exchanges: Exchanges,
    /// Bounds of entries.
    pub entries: Entries,
}

/// Bounds of connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connections {
    /// Most connections at a time; more are closed at once.
    pub most: usize,
    /// Most calls at a time on one connection.
    pub streams: u32,
    /// Largest list of headers of one call.
    #[serde(with = "units::size")]
    pub headers: usize,
    /// A connection without its first call by then is closed.
    #[serde(with = "units::duration")]
    pub first_call: Duration,
    /// A connection without a call for so long is closed.
    #[serde(with = "units::duration")]
    pub idle: Duration,
    /// How often a silent peer is asked whether it is still there.
    #[serde(with = "units::duration")]
    pub ping: Duration,
    /// How long it may take to answer; then its connection is closed.
    #[serde(with = "units::duration")]
    pub pong: Duration,
    /// Most bytes of answers that one connection's callers have not read yet.
    #[serde(with = "units::size")]
    pub unread: usize,
    /// Most calls of health and reflection at a time; more are refused at once.
    pub surface_calls: u32,
}

/// Bounds of exchanges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exchanges {
    /// Most exchanges in flight.
    pub in_flight: usize,
    /// Most exchanges in flight of one application whose registration names no other number.
    pub in_flight_per_application: usize,
    /// The part of these, and of what a domain's providers work on at once, that agreements for bulk may fill, in hundredths.
    pub bulk_percent: usize,
    /// Largest request, after decompression.
    #[serde(with = "units::size")]
    pub request: usize,
    /// Largest answer, and largest message of a streamed one.
    #[serde(with = "units::size")]
    pub answer: usize,
    /// How long a caller may take to send its request.
    #[serde(with = "units::duration")]
    pub request_patience: Duration,
    /// Most bytes of answers that one application has not read yet.
    #[serde(with = "units::size")]
    pub unread_per_application: usize,
    /// Most bytes of one answer that have come from its provider and wait here; an answer that comes faster is failed.
    #[serde(with = "units::size")]
    pub reply_buffer: usize,
    /// Most bytes of all answers together that have come from their providers and wait here; what comes beyond that fails
    /// its own exchange.
    #[serde(with = "units::size")]
    pub reply_memory: usize,
    /// Most verified tokens that are remembered.
    pub tokens: u64,
}

/// Bounds of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entries {
    /// How long an entry may take to become durable before the exchange fails closed.
    #[serde(with = "units::duration")]
    pub patience: Duration,
    /// Most entries of refusals that wait in memory.
    pub buffer: usize,
    /// The folder of the spool, which keeps entries of refusals while the broker is away.
    pub spool: PathBuf,
    /// Largest spool.
    #[serde(with = "units::size")]
    pub spool_size: usize,
    /// How often counts of attempts are entered.
    #[serde(with = "units::duration")]
    pub attempts: Duration,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The largest answer on the embedded broker, which silently forgets what exceeds its partitions.
pub(crate) const LARGEST_EMBEDDED_ANSWER: usize = MIB;

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50051)),
            tls: None,
            audience: "lgsp".to_owned(),
            oidc: None,
            origins: Vec::new(),
            connections: Connections::default(),
            exchanges: Exchanges::default(),
            entries: Entries::default(),
        }
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            most: 1_024,
            streams: 256,
            headers: 16 * KIB,
            first_call: Duration::from_secs(5),
            idle: Duration::from_secs(300),
            ping: Duration::from_secs(20),
            pong: Duration::from_secs(10),
            unread: 16 * MIB,
            surface_calls: 1_024,
        }
    }
}

impl Exchanges {
    /// The bounds of the side of the bus that calls.
    pub(crate) fn of_the_caller(&self) -> CallerOptions {
        CallerOptions {
            max_in_flight: self.in_flight,
            reply_buffer: self.reply_buffer,
            reply_memory: self.reply_memory,
        }
    }
}

impl Default for Exchanges {
    fn default() -> Self {
        let CallerOptions { max_in_flight: _, reply_buffer, reply_memory } = CallerOptions::default();
        Self {
            in_flight: 4_096,
            in_flight_per_application: 512,
            bulk_percent: 25,
            request: 900 * KIB,
            answer: 4 * MIB,
            request_patience: Duration::from_secs(10),
            unread_per_application: 64 * MIB,
            reply_buffer,
            reply_memory,
            tokens: 10_000,
        }
    }
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(3),
            buffer: 10_000,
            spool: PathBuf::from("spool"),
            spool_size: 64 * MIB,
            attempts: Duration::from_secs(60),
        }
    }
}

impl config::Options for Options {
    fn reference() -> Vec<Row> {
        let mut rows = vec![
            row(
                "listen",
                "address:port; port 0 takes a free one",
                "Where gRPC and its JSON face are served.",
            ),
            row("tls", "a table with certificate and key, and what else is named above", tls::DOC),
            row("audience", "a text", "The audience that tokens which callers sign themselves must name."),
            row("oidc", "a table with issuer and audience, and what else is named above", oidc::DOC),
            row(
                "origins",
                "a list of origins, such as [\"https://portal.example.vn\"]",
                "Origins whose pages may call from a browser (CORS), exactly as browsers name them. None: no page may.",
            ),
        ];
        rows.extend(section::<Connections>("connections"));
        rows.extend(section::<Exchanges>("exchanges"));
        rows.extend(section::<Entries>("entries"));
        rows
    }

    fn check(&self, problems: &mut Problems) {
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            problems.add("listen", format!("{} is no loopback address, and there is no tls", self.listen));
        }
        if let Some(tls) = &self.tls {
            problems.within("tls", |problems| tls.check(problems));
        }
        if self.audience.is_empty() {
            problems.add("audience", "is empty");
        }
        if let Some(oidc) = &self.oidc {
            problems.within("oidc", |problems| oidc.check(problems));
        }
        if let Err(origin) = lgsp_face::Origins::parse(&self.origins) {
            problems.add("origins", format!("`{origin}` is no origin, such as https://portal.example.vn"));
        }
        problems.section("connections", &self.connections);
        problems.section("exchanges", &self.exchanges);
        problems.section("entries", &self.entries);
    }
}

impl config::Options for Connections {
    fn reference() -> Vec<Row> {
        let (duration, size) = (units::duration::ACCEPTS, units::size::ACCEPTS);
        vec![
            row("most", "1 to 100000", "Most connections at a time; more are closed at once."),
            row("streams", "1 to 10000", "Most calls at a time on one connection."),
            row("headers", size, "Largest list of headers of one call."),
            row("first-call", duration, "A connection without its first call by then is closed."),
            row("idle", duration, "A connection without a call for so long is closed."),
            row(
                "ping",
                duration,
                "How often a silent peer is asked whether it is still there. At least 100ms.",
            ),
            row(
                "pong",
                duration,
                "How long it may take to answer; then its connection is closed. At least 100ms.",
            ),
            row("unread", size, "Most bytes of answers that one connection's callers have not read yet."),
            row(
                "surface-calls",
                "1 to 100000",
                "Most calls of health and reflection at a time, which need no credential; more are refused at once.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("most", self.most, 1..=100_000);
        problems.range("streams", self.streams, 1..=10_000);
        problems.range("headers", self.headers, KIB..=MIB);
        problems.range("unread", self.unread, 64 * KIB..=1024 * MIB);
        problems.range("surface-calls", self.surface_calls, 1..=100_000);
        for (key, patience) in [("ping", self.ping), ("pong", self.pong)] {
            if patience < Duration::from_millis(100) {
                problems.add(key, "is shorter than 100ms");
            }
        }
    }
}

impl config::Options for Exchanges {
    fn reference() -> Vec<Row> {
        let (duration, size) = (units::duration::ACCEPTS, units::size::ACCEPTS);
        vec![
            row("in-flight", "1 to 100000", "Most exchanges in flight; more are refused at once."),
            row(
                "in-flight-per-application",
                "1 to 100000",
                "Most exchanges in flight of one application whose registration names no other number.",
            ),
            row(
                "bulk-percent",
                "1 to 100",
                "The part of these, and of what a domain's providers work on at once, that agreements for bulk may fill, in hundredths.",
            ),
            row("request", size, "Largest request, after decompression: at most 900KiB."),
            row(
                "answer",
                size,
                "Largest answer: at most 4MiB, and never more than 1MiB on the embedded broker.",
            ),
            row("request-patience", duration, "How long a caller may take to send its request."),
            row(
                "unread-per-application",
                size,
                "Most bytes of answers that one application has not read yet.",
            ),
            row(
                "reply-buffer",
                size,
                "Most bytes of one answer that wait unread, from 4MiB to 1GiB; an answer that comes faster is failed.",
            ),
            row(
                "reply-memory",
                size,
                "Most bytes of all answers together that wait unread: at least 4MiB. What comes beyond fails its own exchange.",
            ),
            row("tokens", "0 to 1000000", "Most verified tokens that are remembered."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("in-flight", self.in_flight, 1..=100_000);
        problems.range("in-flight-per-application", self.in_flight_per_application, 1..=100_000);
        problems.range("bulk-percent", self.bulk_percent, 1..=100);
        problems.range("request", self.request, 1..=900 * KIB);
        problems.range("answer", self.answer, 1..=4 * MIB);
        problems.range("unread-per-application", self.unread_per_application, 64 * KIB..=4096 * MIB);
        problems.range("reply-buffer", self.reply_buffer, 4 * MIB..=1 << 30);
        problems.range("reply-memory", self.reply_memory, 4 * MIB..=1 << 40);
        problems.range("tokens", self.tokens, 0..=1_000_000);
    }
}

impl config::Options for Entries {
    fn reference() -> Vec<Row> {
        let (duration, size) = (units::duration::ACCEPTS, units::size::ACCEPTS);
        vec![
            row(
                "patience",
                duration,
                "How long an entry may take to become durable before the exchange fails closed. At most 60s.",
            ),
            row("buffer", "1 to 1000000", "Most entries of refusals that wait in memory."),
            row(
                "spool",
                "a folder",
                "Keeps the entries of refusals while the broker is away. One gateway per folder.",
            ),
            row("spool-size", size, "Largest spool; entries beyond it are lost, and counted."),
            row("attempts", duration, "How often counts of attempts without a valid credential are entered."),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        problems.range("buffer", self.buffer, 1..=1_000_000);
        if self.patience > LONGEST_APPEND {
            problems.add("patience", "is longer than 60s, after which the ledger gives a lost entry up");
        }
        if self.attempts.is_zero() {
            problems.add("attempts", "is zero");
        }
        problems.range("spool-size", self.spool_size, 64 * KIB..=1024 * MIB);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_reference_configuration() {
        assert_eq!(config::drift::<Options>(), Vec::<String>::new());
    }

    #[test]
    fn no_entry_is_waited_for_longer_than_the_ledger_waits_with_a_gap() {
        let told = |patience| {
            let mut problems = Problems::default();
            config::Options::check(&Entries { patience, ..Entries::default() }, &mut problems);
            format!("{problems:?}")
        };
        assert!(!told(LONGEST_APPEND).contains("patience"));
        assert!(told(LONGEST_APPEND + Duration::from_millis(1)).contains("patience"));
    }

    #[test]
    fn the_bounds_of_replies_are_those_of_the_configuration() {
        let exchanges =
            Exchanges { in_flight: 7, reply_buffer: 8 * MIB, reply_memory: 9 * MIB, ..Exchanges::default() };
        let expected = CallerOptions { max_in_flight: 7, reply_buffer: 8 * MIB, reply_memory: 9 * MIB };
        assert_eq!(exchanges.of_the_caller(), expected);
    }
}
