//! Attempts without a valid credential: counted, not entered one by one, so that a flood cannot fill the log.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use lgsp_core::Reason;
use lgsp_proto::ledger::v1::AttemptCount;
use parking_lot::Mutex;

use super::{Book, Numbered};

/// Counts that are kept at most; what comes beyond them is counted under no network.
const MOST_COUNTS: usize = 1_024;
const MINUTE: i64 = 60_000_000;
const OTHER: &str = "other";

/// The counts since they were last entered.
#[derive(Default)]
pub(crate) struct Attempts {
    counts: Mutex<HashMap<Attempt, u64>>,
}

/// What attempts are counted by.
#[derive(PartialEq, Eq, Hash)]
struct Attempt {
    reason: Reason,
    network: Option<Network>,
    method: Option<Arc<str>>,
    minute: i64,
}

/// /24 of IPv4, /48 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    V4([u8; 3]),
    V6([u16; 3]),
}

impl Attempts {
    /// Counts an attempt at a moment (Unix µs). `path` is that of a method of the rules, if the call named one.
    pub(crate) fn count(&self, reason: Reason, peer: IpAddr, path: Option<&Arc<str>>, now: i64) {
        let minute = now.div_euclid(MINUTE) * MINUTE;
        let attempt = Attempt { reason, network: Some(network_of(peer)), method: path.cloned(), minute };
        let mut counts = self.counts.lock();
        if counts.len() >= MOST_COUNTS && !counts.contains_key(&attempt) {
            // One row per reason and minute at most.
            *counts.entry(Attempt { network: None, method: None, ..attempt }).or_default() += 1;
            return;
        }
        *counts.entry(attempt).or_default() += 1;
    }

    /// Takes all counts out, as entries.
    pub(crate) fn take(&self, book: &Book) -> Vec<Numbered> {
        let counts = std::mem::take(&mut *self.counts.lock());
        counts.into_iter().map(|(attempt, count)| book.attempts(attempt.counted(count))).collect()
    }
}

impl Attempt {
    fn counted(self, count: u64) -> AttemptCount {
        let method = self.method.as_deref().map_or(OTHER, |path| path.trim_start_matches('/'));
        AttemptCount {
            reason: self.reason.name().to_owned(),
            network: self.network.map_or_else(|| OTHER.to_owned(), Network::text),
            method: method.to_owned(),
            minute_us: self.minute,
            count,
        }
    }
}

/// The network of an address, which names no machine.
pub(crate) fn network_of(peer: IpAddr) -> Network {
    match peer.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Network::V4([a, b, c])
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Network::V6([a, b, c])
        }
    }
}

impl Network {
    pub(crate) fn text(self) -> String {
        match self {
            Self::V4([a, b, c]) => format!("{a}.{b}.{c}.0/24"),
            Self::V6([a, b, c]) => format!("{a:x}:{b:x}:{c:x}::/48"),
        }
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::entry::SubjectKeys;
    use lgsp_proto::ledger::v1::{Entry, Phase, Sealed};
    use prost::Message;

    use super::*;

    fn taken(attempts: &Attempts) -> Vec<Sealed> {
        let book = Book::new("gateway-1", SubjectKeys::new(Default::default()));
        let entries = attempts.take(&book).into_iter().map(|entry| Entry::decode(entry.value).unwrap());
        entries.map(|entry| Sealed::decode(entry.sealed).unwrap()).collect()
    }

    #[test]
    fn a_thousand_attempts_from_one_network_are_one_entry() {
        let attempts = Attempts::default();
        let path: Arc<str> = "/lgsp.population.v1.PopulationService/GetCitizen".into();
        for host in 0..1_000_u32 {
            let peer = IpAddr::from([10, 1, 2, (host % 256) as u8]);
            attempts.count(Reason::TokenInvalid, peer, Some(&path), 61_000_000);
        }
        let entries = taken(&attempts);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].phase(), Phase::Attempts);
        let count = entries[0].attempts.clone().unwrap();
        assert_eq!((count.reason.as_str(), count.network.as_str()), ("TOKEN_INVALID", "10.1.2.0/24"));
        assert_eq!(count.method, "lgsp.population.v1.PopulationService/GetCitizen");
        assert_eq!((count.minute_us, count.count), (60_000_000, 1_000));
        assert!(taken(&attempts).is_empty(), "they were taken out");
    }

    #[test]
    fn a_count_is_signed_like_every_other_entry() {
        let key = lgsp_bus::MacKey::new([7; 32]);
        let book = Book::new("gateway-1", SubjectKeys::new(Default::default())).signing(Some(key.clone()));
        let attempts = Attempts::default();
        attempts.count(Reason::TokenMissing, IpAddr::from([10, 1, 2, 3]), None, 0);
        let [entry] = &attempts.take(&book)[..] else { panic!("one count") };
        let entry = Entry::decode(entry.value.clone()).unwrap();
        assert!(lgsp_bus::entry::is_signed(&key, &entry.sealed));
    }

    #[test]
    fn a_flood_from_everywhere_stays_bounded_and_every_attempt_counts() {
        let attempts = Attempts::default();
        for host in 0..10_000_u32 {
            let [_, a, b, c] = host.to_be_bytes();
            attempts.count(Reason::TokenMissing, IpAddr::from([a, b, c, 1]), None, 0);
        }
        let entries = taken(&attempts);
        assert_eq!(entries.len(), MOST_COUNTS + 1);
        let total: u64 =
            entries.iter().filter_map(|entry| entry.attempts.as_ref()).map(|count| count.count).sum();
        assert_eq!(total, 10_000);
    }

    #[test]
    fn networks_are_cut_to_what_names_no_machine() {
        let text = |address: &str| network_of(address.parse().unwrap()).text();
        assert_eq!(text("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(text("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(text("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
    }
}
