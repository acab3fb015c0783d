//! What the console knows now of all links: one picture, which all browsers see.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use lgsp_core::indicators::Histogram;
use lgsp_core::time::micros;
use lgsp_proto::ledger::v1::TrafficCount;
use lgsp_proto::monitor::v1::{GetLinkResponse, Link, LinkChange, Maintenance};
use lgsp_proto::registry::v1::{ApplicationSummary, ServiceSummary};
use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::meter::{Meter, Reading};

/// How far back the pasts of links are kept.
pub(crate) const PAST_US: i64 = 24 * 3_600_000_000;
/// Most links that are shown.
pub(crate) const MOST_LINKS: usize = 400;
/// Most changes of one link that are kept.
const MOST_CHANGES: usize = 500;
/// How long the board is kept for somebody who has looked at it.
const LOOKED_FOR: Duration = Duration::from_secs(120);
/// How long the first page may wait for the hub. What comes later comes to the open page.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// Whom the picture comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum From {
    /// Nobody yet, or nobody any more: what is shown is of before.
    #[default]
    Nobody,
    /// The roles themselves, without a past.
    Ports,
    /// The monitor.
    Monitor,
}

/// The picture.
#[derive(Default)]
pub(crate) struct Picture {
    pub(crate) from: From,
    /// Since when it comes from there.
    pub(crate) from_since_us: i64,
    /// When it was true last.
    pub(crate) at_us: i64,
    pub(crate) links: Vec<Link>,
    pasts: HashMap<String, Past>,
    pub(crate) maintenance: Vec<Maintenance>,
    pub(crate) applications: Vec<ApplicationSummary>,
    pub(crate) services: Vec<ServiceSummary>,
    pub(crate) meter: Meter,
    /// How long exchanges of an application took today.
    today: HashMap<String, Histogram>,
}

/// The changes of a link in the last day, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) changes: VecDeque<LinkChange>,
    /// Since when the link was as it was when its past was told.
    since_us: i64,
}

impl Past {
    /// Changes, newest first.
    pub(crate) fn of(changes: Vec<LinkChange>) -> Self {
        Self { changes: changes.into(), since_us: 0 }
    }
}

impl Picture {
    pub(crate) fn link(&self, id: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }

    pub(crate) fn past(&self, id: &str) -> Option<&Past> {
        self.pasts.get(id)
    }

    pub(crate) fn application(&self, id: &str) -> Option<&ApplicationSummary> {
        self.applications.iter().find(|it| it.id == id)
    }

    /// What is offered in a domain.
    pub(crate) fn services_of(&self, domain: &str) -> impl Iterator<Item = &ServiceSummary> {
        self.services.iter().filter(move |service| service.domain == domain)
    }

    /// The time in seconds that 99 of 100 exchanges of an application did not exceed today.
    pub(crate) fn p99_today(&self, application: &str) -> Option<f64> {
        let us = self.today.get(application)?.percentile_us(99)?;
        Some(us as f64 / 1e6)
    }

    /// The domain of a method as metrics name it: `lgsp.land.v1.LandService/GetParcel`.
    pub(crate) fn domain_of(&self, method: &str) -> String {
        let service = method.split('/').next().unwrap_or_default();
        let known = self.services.iter().find(|it| it.name == service && !it.domain.is_empty());
        let named = || service.split('.').nth(1).unwrap_or("other").to_owned();
        known.map_or_else(named, |it| it.domain.clone())
    }
}

fn is_fresh(looked: &Option<Instant>) -> bool {
    looked.is_some_and(|at| at.elapsed() < LOOKED_FOR)
}

/// The picture, and when it changes. Its followers share it.
pub(crate) struct Board {
    picture: RwLock<Picture>,
    changes: watch::Sender<u64>,
    /// When somebody looked last.
    looked: watch::Sender<Option<Instant>>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { picture: RwLock::default(), changes: watch::Sender::new(0), looked: watch::Sender::default() }
    }

    /// Says that somebody looks.
    pub(crate) fn look(&self) {
        self.looked.send_replace(Some(Instant::now()));
    }

    /// The same; whoever is the first in a while waits for a picture of now, but not for long.
    pub(crate) async fn look_and_wait(&self) {
        let is_first = !self.is_looked_at();
        self.look();
        if is_first {
            let told = self.changes.subscribe();
            let _ = timeout(FIRST_LOOK, self.until_told(told)).await;
        }
    }

    async fn until_told(&self, mut changes: watch::Receiver<u64>) {
        let is_told = || self.see().from != From::Nobody;
        while !is_told() && changes.changed().await.is_ok() {}
    }

    /// Whether somebody has looked a moment ago. What is asked of the hub for nobody is in its log for ever all the same.
    pub(crate) fn is_looked_at(&self) -> bool {
        is_fresh(&self.looked.borrow())
    }

    /// Waits until somebody has.
    pub(crate) async fn until_looked_at(&self) {
        // The sender is ours.
        let _ = self.looked.subscribe().wait_for(is_fresh).await;
    }

    pub(crate) fn see(&self) -> RwLockReadGuard<'_, Picture> {
        self.picture.read()
    }

    /// Grows by one with every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut Picture)) {
        change(&mut self.picture.write());
        self.changes.send_modify(|version| *version += 1);
    }

    /// Takes what the monitor, or else the roles, tell of every link.
    pub(crate) fn take_links(&self, from: From, mut links: Vec<Link>, now_us: i64) {
        links.truncate(MOST_LINKS);
        self.change(|picture| {
            if picture.from != from {
                (picture.from, picture.from_since_us) = (from, now_us);
            }
            match from {
                From::Ports => keep_what_is_known(&mut links, &picture.links),
                // Whoever has gone from the registry would be kept for ever.
                From::Monitor | From::Nobody => {
                    let told: HashSet<&str> = links.iter().map(|link| link.id.as_str()).collect();
                    picture.pasts.retain(|id, _| told.contains(id.as_str()));
                }
            }
            picture.at_us = now_us;
            picture.links = links;
        });
    }

    /// Nobody tells anything any more.
    pub(crate) fn lose(&self, now_us: i64) {
        self.change(|picture| {
            if picture.from != From::Nobody || picture.from_since_us == 0 {
                (picture.from, picture.from_since_us) = (From::Nobody, now_us);
            }
        });
    }

    /// Takes the past of a link.
    pub(crate) fn take_past(&self, id: &str, told: GetLinkResponse) {
        let since_us = told.link.as_ref().map_or(0, since_us);
        self.change(|picture| {
            picture.pasts.insert(id.to_owned(), Past { changes: told.changes.into(), since_us });
        });
    }

    /// The links whose pasts are not known, or have gone on unheard.
    pub(crate) fn without_past(&self, links: &[Link]) -> Vec<String> {
        let picture = self.see();
        let is_behind =
            |link: &&Link| picture.past(&link.id).is_none_or(|past| past.since_us != since_us(link));
        links.iter().filter(is_behind).take(MOST_LINKS).map(|link| link.id.clone()).collect()
    }

    /// Takes a change that has just happened.
    pub(crate) fn take_change(&self, change: LinkChange) {
        self.change(|picture| {
            change.apply_to(&mut picture.links, MOST_LINKS);
            let oldest = change.at.as_ref().map_or(0, micros) - PAST_US;
            let is_known = picture.pasts.contains_key(&change.link) || picture.pasts.len() < MOST_LINKS;
            if !is_known {
                return;
            }
            let past = picture.pasts.entry(change.link.clone()).or_default();
            past.since_us = change.at.as_ref().map_or(0, micros);
            past.changes.push_front(change);
            past.changes.truncate(MOST_CHANGES);
            // The last one of before tells how it was when the day began.
            while past.changes.len() > 1
                && past.changes[past.changes.len() - 2].at.as_ref().map_or(0, micros) < oldest
            {
                past.changes.pop_back();
            }
        });
    }

    pub(crate) fn take_maintenance(&self, maintenance: Vec<Maintenance>) {
        self.change(|picture| picture.maintenance = maintenance);
    }

    pub(crate) fn take_names(&self, applications: Vec<ApplicationSummary>, services: Vec<ServiceSummary>) {
        self.change(|picture| {
            (picture.applications, picture.services) = (applications, services);
            picture.applications.truncate(MOST_LINKS);
        });
    }

    pub(crate) fn take_metrics(&self, readings: Vec<(String, Reading)>, now_us: i64) {
        self.change(|picture| picture.meter.take(readings, now_us));
    }

    pub(crate) fn take_today(&self, counts: &[TrafficCount]) {
        let mut today: HashMap<String, Histogram> = HashMap::new();
        for count in counts.iter().filter(|count| !count.platform) {
            if today.len() < MOST_LINKS || today.contains_key(&count.application) {
                let histogram = today.entry(count.application.clone()).or_default();
                let buckets = count.buckets.iter().zip(&count.in_buckets);
                buckets.for_each(|(bucket, number)| histogram.add(*bucket, *number));
            }
        }
        self.change(|picture| picture.today = today);
    }
}

fn since_us(link: &Link) -> i64 {
    link.since.as_ref().map_or(0, micros)
}

/// Roles tell nothing of the past: since when a state holds stays as it was told while the state does, and a link of which they say
/// nothing keeps its state as not known any more.
fn keep_what_is_known(links: &mut Vec<Link>, before: &[Link]) {
    for known in before {
        match links.iter_mut().find(|link| link.id == known.id) {
            Some(link) if link.state == known.state => link.since = known.since,
            Some(_) => {}
            None => {
                let unknown_since = known.unknown_since.or(known.since);
                links.push(Link { unknown_since, ..known.clone() });
            }
        }
    }
    links.truncate(MOST_LINKS);
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::monitor::v1::LinkState;

    use super::*;

    const SECOND_US: i64 = 1_000_000;
    const NOW_US: i64 = 1_795_855_445 * SECOND_US;

    #[tokio::test(start_paused = true)]
    async fn the_board_is_kept_for_whoever_has_looked_a_moment_ago() {
        let board = Board::new();
        assert!(!board.is_looked_at(), "nobody has");
        let waits = tokio::time::timeout(LOOKED_FOR, board.until_looked_at());
        assert!(waits.await.is_err());
        let began = Instant::now();
        board.look_and_wait().await;
        assert_eq!(began.elapsed(), FIRST_LOOK, "nobody told anything");
        board.look_and_wait().await;
        assert_eq!(began.elapsed(), FIRST_LOOK, "one page waits, and no other");
        board.until_looked_at().await;
        tokio::time::advance(LOOKED_FOR - Duration::from_secs(1)).await;
        assert!(board.is_looked_at());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!board.is_looked_at());
    }

    fn link(id: &str, state: LinkState) -> Link {
        Link { id: id.to_owned(), state: state.into(), since: Some(timestamp(NOW_US)), ..Link::default() }
    }

    fn change(to: LinkState, at_us: i64) -> LinkChange {
        LinkChange {
            link: "provider/land".to_owned(),
            to: to.into(),
            measured: to.into(),
            cause: "instance-not-heard".to_owned(),
            at: Some(timestamp(at_us)),
            ..LinkChange::default()
        }
    }

    #[test]
    fn a_change_is_shown_at_once_and_pasts_are_bounded() {
        let board = Board::new();
        let mut changes = board.changes();
        board.take_links(From::Monitor, vec![link("provider/land", LinkState::Working)], NOW_US);
        board.take_past("provider/land", GetLinkResponse::default());
        changes.mark_unchanged();
        board.take_change(change(LinkState::Down, NOW_US));
        assert!(changes.has_changed().expect("the board lives"));
        assert_eq!(board.see().link("provider/land").expect("known").state(), LinkState::Down);
        for second in 0..2_000 {
            board.take_change(change(LinkState::Working, NOW_US + second * SECOND_US));
        }
        assert_eq!(board.see().past("provider/land").expect("known").changes.len(), MOST_CHANGES);
        board.take_change(change(LinkState::Down, NOW_US + 2 * PAST_US));
        board.take_change(change(LinkState::Working, NOW_US + 2 * PAST_US + 1));
        assert_eq!(board.see().past("provider/land").expect("known").changes.len(), 3);
    }

    #[test]
    fn a_past_is_asked_for_once_and_again_when_it_has_gone_on_unheard() {
        let board = Board::new();
        let known = [link("provider/land", LinkState::Working)];
        assert_eq!(board.without_past(&known), ["provider/land"]);
        let told = GetLinkResponse { link: Some(known[0].clone()), ..GetLinkResponse::default() };
        board.take_past("provider/land", told);
        assert!(board.without_past(&known).is_empty());
        board.take_change(change(LinkState::Down, NOW_US + SECOND_US));
        let heard = Link { since: Some(timestamp(NOW_US + SECOND_US)), ..known[0].clone() };
        assert!(board.without_past(&[heard]).is_empty());
        let unheard = Link { since: Some(timestamp(NOW_US + 2 * SECOND_US)), ..known[0].clone() };
        assert_eq!(board.without_past(&[unheard]), ["provider/land"]);
        board.take_links(From::Monitor, vec![link("provider/justice", LinkState::Working)], NOW_US);
        assert!(
            board.see().past("provider/land").is_none(),
            "no link is known for longer than it is told of"
        );
    }

    #[test]
    fn without_a_monitor_what_the_roles_say_is_laid_over_what_was_known() {
        let board = Board::new();
        let known =
            vec![link("provider/land", LinkState::Working), link("source/land/a", LinkState::Working)];
        board.take_links(From::Monitor, known, NOW_US);
        let told = Link { since: None, ..link("provider/land", LinkState::Working) };
        board.take_links(From::Ports, vec![told], NOW_US + SECOND_US);
        let picture = board.see();
        assert_eq!((picture.from, picture.from_since_us), (From::Ports, NOW_US + SECOND_US));
        assert!(picture.link("provider/land").expect("told").since.is_some());
        assert!(picture.link("source/land/a").expect("kept").unknown_since.is_some());
        drop(picture);
        board.lose(NOW_US + 2 * SECOND_US);
        board.lose(NOW_US + 3 * SECOND_US);
        let picture = board.see();
        assert_eq!((picture.from, picture.from_since_us), (From::Nobody, NOW_US + 2 * SECOND_US));
        assert_eq!(picture.at_us, NOW_US + SECOND_US, "what is shown is of then");
    }
}
