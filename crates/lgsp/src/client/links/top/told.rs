use std::collections::{BTreeMap, VecDeque};

use lgsp_core::time::timestamp;
use lgsp_proto::monitor::v1::{Link, LinkChange, LinkState};

use super::figures::Figures;

/// Most links that are kept.
const MOST_LINKS: usize = 10_000;
/// Most changes that are kept.
const MOST_CHANGES: usize = 200;

/// Who says what is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody yet.
    #[default]
    Nobody,
    /// The monitor, through a gateway.
    Monitor,
    /// The roles, on their admin ports.
    AdminPorts,
}

/// All that is known now.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Who says it.
    pub origin: Origin,
    /// The gateway that is asked.
    pub gateway: String,
    /// When the links were last told, Unix µs; 0: never.
    pub at_us: i64,
    /// The links.
    pub links: Vec<Link>,
    /// Changes since the beginning, the newest first.
    pub changes: VecDeque<LinkChange>,
    /// The numbers.
    pub figures: Figures,
    /// Since when the monitor does not answer, and why.
    pub without_monitor: Option<(i64, String)>,
    /// Since when nobody answers at all: what is shown is of then.
    pub stale_since_us: Option<i64>,
}

impl Told {
    /// Takes the links as the monitor has them.
    pub(super) fn hear_monitor(&mut self, links: Vec<Link>, now_us: i64) {
        (self.origin, self.at_us, self.links) = (Origin::Monitor, now_us, links);
        (self.without_monitor, self.stale_since_us) = (None, None);
    }

    /// Takes a change that the monitor tells.
    pub(super) fn hear_change(&mut self, change: LinkChange, now_us: i64) {
        self.at_us = now_us;
        change.apply_to(&mut self.links, MOST_LINKS);
        self.remember(change);
    }

    /// The monitor does not answer.
    pub(super) fn lose_monitor(&mut self, why: String, now_us: i64) {
        let since_us = self.without_monitor.as_ref().map_or(now_us, |(since_us, _)| *since_us);
        self.without_monitor = Some((since_us, why));
    }

    /// Takes the links as the roles tell them, while no monitor does. What differs from before is a change.
    pub(super) fn hear_ports(&mut self, links: Vec<Link>, now_us: i64) {
        let before: BTreeMap<&str, &Link> = self.links.iter().map(|link| (link.id.as_str(), link)).collect();
        let changed = links.iter().filter_map(|link| {
            let known = before.get(link.id.as_str())?;
            (known.state() != link.state() || known.cause != link.cause).then(|| LinkChange {
                link: link.id.clone(),
                from: known.state,
                to: link.state,
                measured: link.measured,
                cause: link.cause.clone(),
                at: Some(timestamp(now_us)),
                evidence: link.evidence.clone(),
            })
        });
        let changed: Vec<LinkChange> = changed.collect();
        let is_told = |id: &str| links.iter().any(|link| link.id == id);
        // Of what the roles do not tell, nothing is known from now on.
        let untold = self.links.iter().filter(|known| !is_told(&known.id)).map(|known| Link {
            unknown_since: known.unknown_since.or(Some(timestamp(now_us))),
            ..known.clone()
        });
        let untold: Vec<Link> = untold.collect();
        let mut links = links;
        for link in &mut links {
            let known = before.get(link.id.as_str()).filter(|it| it.state() == link.state());
            link.since = known.map_or(Some(timestamp(now_us)), |known| known.since);
            if before.is_empty() {
                link.since = None;
            }
        }
        links.extend(untold);
        changed.into_iter().for_each(|change| self.remember(change));
        (self.origin, self.at_us, self.links) = (Origin::AdminPorts, now_us, links);
        self.stale_since_us = None;
    }

    /// Nobody answers.
    pub(super) fn lose_all(&mut self, now_us: i64) {
        self.stale_since_us.get_or_insert(now_us);
    }

    fn remember(&mut self, change: LinkChange) {
        // That somebody is heard of for the first time, and works, is no news.
        if change.from() == LinkState::Unspecified && change.to() == LinkState::Working {
            return;
        }
        self.changes.push_front(change);
        self.changes.truncate(MOST_CHANGES);
    }
}
