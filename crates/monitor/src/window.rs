//! Announced maintenance. Pure.

use crate::link::{Id, Kind};

/// The longest maintenance that can be announced.
pub(crate) const LONGEST_US: i64 = 7 * 24 * 3_600 * 1_000_000;
/// Most announcements that run or are to come.
pub(crate) const MOST: usize = 200;

/// An announced maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub id: String,
    pub links: Vec<Id>,
    pub from_us: i64,
    /// Exclusive.
    pub until_us: i64,
    pub reason: String,
    pub announced_by: String,
    pub announced_us: i64,
    /// 0: it was not.
    pub cancelled_us: i64,
    pub cancelled_by: String,
}

impl Window {
    /// When it is over: a cancelled one no later than that.
    pub fn end_us(&self) -> i64 {
        if self.cancelled_us == 0 { self.until_us } else { self.until_us.min(self.cancelled_us) }
    }

    pub fn runs(&self, now_us: i64) -> bool {
        (self.from_us..self.end_us()).contains(&now_us)
    }

    /// Whether it is about a link: a provider's covers the provider's sources, and the broker's everything.
    pub fn covers(&self, id: &Id) -> bool {
        self.links.iter().any(|named| match named.kind {
            Kind::Broker => true,
            Kind::Provider => id.domain() == Some(&named.name),
            Kind::Application | Kind::Source | Kind::Witness => named == id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(link: &str) -> Window {
        Window {
            id: String::new(),
            links: vec![Id::parse(link).unwrap()],
            from_us: 10,
            until_us: 20,
            reason: String::new(),
            announced_by: String::new(),
            announced_us: 0,
            cancelled_us: 0,
            cancelled_by: String::new(),
        }
    }

    #[test]
    fn maintenance_covers_what_stands_behind_the_link_that_it_names() {
        let check = |named: &str, link: &str, expected| {
            assert_eq!(window(named).covers(&Id::parse(link).unwrap()), expected, "{named} {link}");
        };
        check("provider/land", "provider/land", true);
        check("provider/land", "source/land/office", true);
        check("provider/land", "provider/health", false);
        check("source/land/office", "source/land/office", true);
        check("source/land/office", "provider/land", false);
        check("broker/kafka", "provider/land", true);
        check("broker/kafka", "application/tthc", true);
        check("application/tthc", "application/tthc-2", false);
    }

    #[test]
    fn maintenance_runs_from_its_beginning_until_its_end_or_its_cancelling() {
        let runs = |window: &Window| (0..30).filter(|now| window.runs(*now)).collect::<Vec<_>>();
        assert_eq!(runs(&window("broker/kafka")), (10..20).collect::<Vec<_>>());
        let cancelled = |cancelled_us| Window { cancelled_us, ..window("broker/kafka") };
        assert_eq!(runs(&cancelled(15)), (10..15).collect::<Vec<_>>());
        assert_eq!(runs(&cancelled(5)), Vec::<i64>::new());
        assert_eq!(runs(&cancelled(25)), (10..20).collect::<Vec<_>>());
    }
}
