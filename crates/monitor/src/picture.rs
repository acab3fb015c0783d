//! All signals as they are known now, from heartbeats, entries and what roles tell. Bounded, and without I/O.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::traffic::{Ended, Traffic};
use lgsp_proto::monitor::v1::Heartbeat;

use crate::alerts::{Known, Signals, Way};
use crate::assess::{self, BrokerSays, Hearing, Instance, OffClock, SourceSays};
use crate::link::{Cause, Evidence, Id, Kind, Level, Reading};
use crate::tell::{Fact, Measure, Telling, Told};

const SECOND_US: i64 = 1_000_000;
/// How long an instance is remembered that is not heard any more.
const REMEMBERED_US: i64 = 600 * SECOND_US;
/// What was told on an admin port is believed for so long.
const TOLD_US: i64 = 4 * SECOND_US;
/// Most instances.
const MOST_INSTANCES: usize = 1_024;
/// Most processes that tell of their links.
const MOST_TELLERS: usize = 256;

/// The signals.
#[derive(Debug, Default)]
pub struct Picture {
    /// By instance.
    heard: BTreeMap<String, Heard>,
    /// By instance: those that nobody believes, because of their time.
    off: BTreeMap<String, Off>,
    hearing: Option<Hearing>,
    /// By the process that told it, with the moment.
    told: BTreeMap<String, (i64, Vec<Told>)>,
    traffic: Traffic,
    /// What else alerts are made of.
    signals: Signals,
}

#[derive(Debug)]
struct Heard {
    at_us: i64,
    heartbeat: Heartbeat,
}

#[derive(Debug)]
struct Off {
    at_us: i64,
    domain: String,
    sent_us: i64,
}

impl Picture {
    /// Notes that Kafka has brought something, whatever it says.
    pub fn hear_something(&mut self, now_us: i64) {
        // After a gap nobody is missed before each could be heard again.
        let hearing = self.hearing.filter(|hearing| hearing.hears_well(now_us));
        let since_us = hearing.map_or(now_us, |hearing| hearing.since_us);
        self.hearing = Some(Hearing { since_us, last_us: now_us });
    }

    /// Hears a heartbeat that is believed. One that is no later than what was heard of its instance is a repeat.
    pub fn hear(&mut self, heartbeat: Heartbeat, now_us: i64) {
        self.heard.retain(|_, heard| now_us - heard.at_us < REMEMBERED_US);
        match self.heard.get(&heartbeat.instance) {
            Some(heard) if heartbeat.sent_us <= heard.heartbeat.sent_us => return,
            None if self.heard.len() >= MOST_INSTANCES => return,
            Some(_) | None => {}
        }
        self.off.remove(&heartbeat.instance);
        self.signals.clock(Way::Heartbeats, &heartbeat.instance, (heartbeat.sent_us, now_us));
        // What quotas are about is no link.
        let heartbeat = Heartbeat { demands: Vec::new(), ..heartbeat };
        self.heard.insert(heartbeat.instance.clone(), Heard { at_us: now_us, heartbeat });
    }

    /// Hears a heartbeat that is signed and of another time. It says that a clock is wrong, and nothing else: a repeat of an old one
    /// looks the same, and whoever is heard as it should be is not doubted for it.
    pub fn hear_another_time(&mut self, heartbeat: &Heartbeat, now_us: i64) {
        self.off.retain(|_, off| now_us - off.at_us < REMEMBERED_US);
        let is_live = |heard: &Heard| now_us - heard.at_us < assess::LIVES_US;
        if heartbeat.leaving || self.heard.get(&heartbeat.instance).is_some_and(is_live) {
            return;
        }
        match self.off.get(&heartbeat.instance) {
            Some(off) if heartbeat.sent_us <= off.sent_us => return,
            None if self.off.len() >= MOST_INSTANCES => return,
            Some(_) | None => {}
        }
        let off = Off { at_us: now_us, domain: heartbeat.domain.clone(), sent_us: heartbeat.sent_us };
        self.off.insert(heartbeat.instance.clone(), off);
    }

    /// Counts an exchange that was entered.
    pub fn note(&mut self, ended: &Ended<'_>) {
        self.traffic.note(ended);
    }

    /// Takes what a process tells of its links.
    pub fn take(&mut self, telling: Telling, now_us: i64) {
        self.signals.take(&telling.instance, telling.facts, now_us);
        self.told.retain(|_, (at_us, _)| now_us - *at_us < TOLD_US);
        if self.told.len() < MOST_TELLERS || self.told.contains_key(&telling.instance) {
            self.told.insert(telling.instance, (now_us, telling.links));
        }
    }

    /// Compares the clock of a process with the others: it was asked for it at a moment of ours.
    pub(crate) fn compare_clock(&mut self, telling: &Telling, asked_us: i64) {
        if telling.at_us != 0 {
            self.signals.clock(Way::AdminPort, &telling.instance, (telling.at_us, asked_us));
        }
    }

    /// What alerts are made of, besides the links.
    pub(crate) fn known(&self, now_us: i64) -> Known {
        let mut known = self.signals.known(now_us);
        known.facts.extend(self.traffic.slowest(now_us).map(|(domain, slowest)| {
            let subject = Id::new(Kind::Provider, domain).to_string();
            ("monitor".to_owned(), Fact::new(Measure::Slowest, subject, slowest.seconds))
        }));
        known
    }

    /// What the signals say of every link now: of those that they name, and of those that are known from before.
    pub fn readings<'a>(
        &self,
        known: impl Iterator<Item = &'a Id>,
        silent_after_us: i64,
        now_us: i64,
    ) -> BTreeMap<Id, Option<Reading>> {
        let mut ids: BTreeSet<Id> = known.cloned().collect();
        ids.extend(self.named(now_us));
        let reading = |id: Id| {
            let reading = match id.kind {
                Kind::Application => self.application(&id.name, silent_after_us, now_us),
                Kind::Broker => self.broker(now_us),
                Kind::Provider => self.provider(&id.name, now_us),
                Kind::Source => self.source(&id, now_us),
                Kind::Witness => self.witness(&id.name, now_us),
            };
            (id, reading)
        };
        ids.into_iter().map(reading).collect()
    }

    fn named(&self, now_us: i64) -> BTreeSet<Id> {
        let mut ids: BTreeSet<Id> =
            self.said(now_us).map(|told| Id::new(told.kind, told.name.as_str())).collect();
        ids.insert(Id::broker());
        let skewed = self.off.values().filter(|off| !off.domain.is_empty());
        ids.extend(skewed.map(|off| Id::new(Kind::Provider, off.domain.as_str())));
        ids.extend(self.traffic.applications().map(|name| Id::new(Kind::Application, name)));
        for Heard { heartbeat, .. } in self.heard.values().filter(|heard| !heard.heartbeat.domain.is_empty())
        {
            ids.insert(Id::new(Kind::Provider, heartbeat.domain.as_str()));
            let of = |source: &str| Id::new(Kind::Source, format!("{}/{source}", heartbeat.domain));
            ids.extend(heartbeat.sources.iter().map(|source| of(&source.name)));
        }
        ids
    }

    fn said(&self, now_us: i64) -> impl Iterator<Item = &Told> {
        let fresh = self.told.values().filter(move |(at_us, _)| now_us - at_us < TOLD_US);
        fresh.flat_map(|(_, told)| told)
    }

    fn said_of(&self, kind: Kind, name: &str, now_us: i64) -> impl Iterator<Item = &Told> {
        self.said(now_us).filter(move |told| told.kind == kind && told.name == name)
    }

    fn instances<'a>(&'a self, is_one: impl Fn(&Heartbeat) -> bool) -> Vec<Instance<'a>> {
        let ours = self.heard.values().filter(|heard| is_one(&heard.heartbeat));
        let instance = |Heard { at_us, heartbeat }: &'a Heard| Instance {
            name: &heartbeat.instance,
            heard_us: *at_us,
            owns: !heartbeat.partitions.is_empty(),
            leaving: heartbeat.leaving,
        };
        ours.map(instance).collect()
    }

    fn off_clock(&self, domain: &str) -> Vec<OffClock<'_>> {
        let ours = self.off.iter().filter(|(_, off)| off.domain == domain);
        let off = ours.map(|(name, off)| OffClock {
            name,
            heard_us: off.at_us,
            ahead_us: off.sent_us.saturating_sub(off.at_us),
        });
        off.collect()
    }

    fn application(&self, name: &str, silent_after_us: i64, now_us: i64) -> Option<Reading> {
        let said: Vec<&Told> = self.said_of(Kind::Application, name, now_us).collect();
        let counted = Evidence::counted(&self.traffic.of_application(name, now_us));
        let hears = self.hearing.is_some_and(|hearing| hearing.hears(now_us));
        if said.is_empty() && !hears {
            return None;
        }
        // Gateways that tell have counted all that they entered.
        let evidence = if said.is_empty() { counted } else { sum(said.iter().map(|told| &told.evidence)) };
        Some(assess::application(&evidence, silent_after_us, now_us))
    }

    fn broker(&self, now_us: i64) -> Option<Reading> {
        let said = self.said_of(Kind::Broker, "kafka", now_us).map(|told| BrokerSays {
            instance: &told.instance,
            is_heard: told.state != Level::Down,
            since_us: told.since_us,
        });
        let says: Vec<_> = said.collect();
        let gateways = self.instances(|heartbeat| heartbeat.domain.is_empty());
        assess::broker(&says, (&gateways, &self.off_clock("")), self.hearing, now_us)
    }

    fn provider(&self, domain: &str, now_us: i64) -> Option<Reading> {
        let said = || self.said_of(Kind::Provider, domain, now_us);
        let mut traffic = self.traffic.of_domain(domain, now_us);
        // What gateways tell of, they have entered: who has counted more of the same knows more.
        let told = sum(said().map(|told| &told.evidence));
        if told.of > traffic.of {
            (traffic.of, traffic.failed) = (told.of, told.failed);
        }
        let instances = self.instances(|heartbeat| heartbeat.domain == domain);
        if self.hearing.is_none() {
            // Whoever asks does not listen: what gateways hear must do.
            let told = said().max_by_key(|told| told.state)?;
            return Some(Reading { level: told.state, cause: told.cause, evidence: told.evidence.clone() });
        }
        let off = self.off_clock(domain);
        let mut reading = assess::provider(&instances, &off, &traffic, self.hearing, now_us)?;
        if let Some(failed) = said().find(|told| told.evidence.failed > 0) {
            reading.evidence.reason.clone_from(&failed.evidence.reason);
            reading.evidence.hop.clone_from(&failed.evidence.hop);
        }
        Some(reading)
    }

    fn source(&self, id: &Id, now_us: i64) -> Option<Reading> {
        let (domain, name) = id.name.split_once('/')?;
        let mut says: BTreeMap<&str, SourceSays<'_>> = BTreeMap::new();
        for (instance, Heard { at_us, heartbeat }) in &self.heard {
            let is_live = now_us - at_us < assess::LIVES_US && !heartbeat.leaving;
            let source = heartbeat.sources.iter().find(|source| source.name == name);
            let Some(source) = source.filter(|_| is_live && heartbeat.domain == domain) else { continue };
            let failed = if source.healthy { None } else { source_cause(&source.cause) };
            if source.healthy || failed.is_some() {
                says.insert(instance, SourceSays { instance, failed, at_us: *at_us });
            }
        }
        // What an adapter says on its own port is newer than its last heartbeat.
        for told in self.said_of(Kind::Source, &id.name, now_us) {
            let (instance, failed) = (told.instance.as_str(), told.cause);
            says.insert(instance, SourceSays { instance, failed, at_us: now_us });
        }
        assess::source(&says.into_values().collect::<Vec<_>>())
    }

    fn witness(&self, name: &str, now_us: i64) -> Option<Reading> {
        let told = self.said_of(Kind::Witness, name, now_us).max_by_key(|told| told.state)?;
        Some(Reading { level: told.state, cause: told.cause, evidence: told.evidence.clone() })
    }
}

/// The cause of a source's health, as adapters name it; `None` before the first look.
pub fn source_cause(told: &str) -> Option<Cause> {
    match told {
        "starting" | "" => None,
        "timed-out" => Some(Cause::SourceTimedOut),
        "unavailable" => Some(Cause::SourceUnavailable),
        "contradictory" => Some(Cause::SourceContradictory),
        "store-failed" => Some(Cause::StoreFailed),
        "disk-full" => Some(Cause::DiskFull),
        // Adapters of others may name what they like.
        _ => Some(Cause::SourceUnexpected),
    }
}

fn sum<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Evidence {
    evidence.fold(Evidence::default(), |mut all, one| {
        all.failed = all.failed.saturating_add(one.failed);
        all.of = all.of.saturating_add(one.of);
        if one.last_sign_us >= all.last_sign_us {
            all.last_sign_us = one.last_sign_us;
        }
        if !one.reason.is_empty() {
            all.reason.clone_from(&one.reason);
            all.hop.clone_from(&one.hop);
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use lgsp_core::{Hop, Outcome};
    use lgsp_proto::monitor::v1::SourceHealth;

    use super::*;
    use crate::board::Board;

    const NOW: i64 = 1_800_000_000_000_000;
    const SILENT_AFTER: i64 = 900 * SECOND_US;

    fn heartbeat(domain: &str, cause: &str) -> Heartbeat {
        let source =
            SourceHealth { name: "office".to_owned(), healthy: cause.is_empty(), cause: cause.into() };
        Heartbeat {
            instance: format!("adapter-{domain}-1"),
            domain: domain.to_owned(),
            sent_us: NOW,
            partitions: vec![0],
            sources: vec![source],
            ..Heartbeat::default()
        }
    }

    /// A picture that has listened for ten seconds, and hears still.
    fn listening() -> Picture {
        let mut picture = Picture::default();
        (0..=10).for_each(|second| picture.hear_something(NOW - (10 - second) * SECOND_US));
        picture
    }

    fn levels(picture: &Picture, now_us: i64) -> Vec<(String, Option<Level>)> {
        let readings = picture.readings([].into_iter(), SILENT_AFTER, now_us);
        readings
            .into_iter()
            .map(|(id, reading)| (id.to_string(), reading.map(|reading| reading.level)))
            .collect()
    }

    fn of(picture: &Picture, id: &str, now_us: i64) -> Option<Level> {
        levels(picture, now_us).into_iter().find(|(known, _)| known == id).and_then(|(_, level)| level)
    }

    #[test]
    fn a_dead_adapter_takes_its_provider_down_and_nothing_is_known_of_its_source() {
        let mut picture = listening();
        picture.hear(heartbeat("land", ""), NOW);
        picture.hear(heartbeat("health", ""), NOW);
        assert_eq!(of(&picture, "provider/land", NOW), Some(Level::Working));
        assert_eq!(of(&picture, "source/land/office", NOW), Some(Level::Working));
        let later = NOW + 3 * SECOND_US;
        (1..=3).for_each(|second| picture.hear_something(NOW + second * SECOND_US));
        picture.hear(Heartbeat { sent_us: later, ..heartbeat("health", "") }, later);
        assert_eq!(of(&picture, "provider/land", later), Some(Level::Down));
        assert_eq!(of(&picture, "source/land/office", later), None);
        assert_eq!(of(&picture, "provider/health", later), Some(Level::Working));
    }

    #[test]
    fn a_repeated_heartbeat_keeps_nobody_alive() {
        let mut picture = listening();
        picture.hear(heartbeat("land", ""), NOW);
        let later = NOW + 3 * SECOND_US;
        (1..=3).for_each(|second| picture.hear_something(NOW + second * SECOND_US));
        picture.hear(heartbeat("land", ""), later);
        assert_eq!(of(&picture, "provider/land", later), Some(Level::Down));
    }

    #[test]
    fn a_clock_that_is_off_is_told_while_it_is_heard_and_a_good_heartbeat_ends_it() {
        let mut picture = listening();
        let of = |picture: &Picture, now_us| {
            let readings = picture.readings([].into_iter(), SILENT_AFTER, now_us);
            let reading = readings.get(&Id::new(Kind::Provider, "land")).cloned().flatten();
            reading.map(|it| (it.level, it.cause, it.evidence.clock_us))
        };
        let skewed = |at_us| Heartbeat { sent_us: at_us + 3_600 * SECOND_US, ..heartbeat("land", "") };
        picture.hear_another_time(&skewed(NOW), NOW);
        let down = Some((Level::Down, Some(Cause::ClockSkew), 3_600 * SECOND_US));
        assert_eq!(of(&picture, NOW), down);
        let later = NOW + 3 * SECOND_US;
        (1..=3).for_each(|second| picture.hear_something(NOW + second * SECOND_US));
        picture.hear_another_time(&skewed(NOW), later);
        let silent = Some((Level::Down, Some(Cause::InstanceNotHeard), 0));
        assert_eq!(of(&picture, later), silent, "a repeat tells of no clock");
        picture.hear_another_time(&skewed(later), later);
        assert_eq!(of(&picture, later), down);
        picture.hear(Heartbeat { sent_us: later, ..heartbeat("land", "") }, later);
        let working = Some((Level::Working, None, 0));
        assert_eq!(of(&picture, later), working);
        // Kafka brings what waited at a sender while it was lost, beside what is new.
        picture.hear_another_time(&Heartbeat { sent_us: NOW, ..heartbeat("land", "") }, later);
        assert_eq!(of(&picture, later), working);
        picture.hear_another_time(&Heartbeat { leaving: true, ..skewed(later) }, later + 3 * SECOND_US);
        (1..=6).for_each(|second| picture.hear_something(later + second * SECOND_US));
        assert_eq!(of(&picture, later + 6 * SECOND_US), silent);
    }

    #[test]
    fn a_lost_broker_takes_no_provider_down_and_sources_are_told_all_the_same() {
        let mut picture = listening();
        picture.hear(heartbeat("land", ""), NOW);
        let later = NOW + 9 * SECOND_US;
        let told = |kind, name: &str, state, cause| Told {
            kind,
            name: name.to_owned(),
            instance: "adapter-land-1".to_owned(),
            state,
            cause,
            since_us: later,
            evidence: Evidence::default(),
        };
        let links = vec![
            told(Kind::Broker, "kafka", Level::Down, Some(Cause::BrokerNotHeard)),
            told(Kind::Source, "land/office", Level::Down, Some(Cause::SourceTimedOut)),
        ];
        picture.take(Telling { instance: "hub-1".to_owned(), links, ..Telling::default() }, later);
        assert_eq!(of(&picture, "broker/kafka", later), Some(Level::Down));
        assert_eq!(of(&picture, "provider/land", later), None);
        assert_eq!(of(&picture, "source/land/office", later), Some(Level::Down));
    }

    #[test]
    fn an_adapter_that_flaps_is_told_a_few_times_and_then_down_until_it_is_steady() {
        const STEP_US: i64 = SECOND_US / 2;
        let (mut picture, mut board) = (listening(), Board::default());
        let mut changes = Vec::new();
        let mut look = |now_us: i64, lives: bool| {
            picture.hear_something(now_us);
            if lives {
                picture.hear(Heartbeat { sent_us: now_us, ..heartbeat("land", "") }, now_us);
            }
            let readings = picture.readings([].into_iter(), SILENT_AFTER, now_us);
            let told = board.take(readings, now_us);
            let of_land = told.into_iter().filter(|it| it.link == Id::new(Kind::Provider, "land"));
            changes.extend(of_land.map(|it| ((it.at_us - NOW) / SECOND_US, it.measured)));
        };
        // It lives for ten seconds, and is dead for ten, over five minutes; and then it stays.
        (0..600).for_each(|step| look(NOW + step * STEP_US, step / 20 % 2 == 0));
        (600..800).for_each(|step| look(NOW + step * STEP_US, true));
        let levels: Vec<Level> = changes.iter().map(|(_, level)| *level).collect();
        let (down, up) = (Level::Down, Level::Working);
        assert_eq!(levels, [up, down, up, down, up, down, up, down, up], "{changes:?}");
        let (last, before) = (changes[changes.len() - 1].0, changes[changes.len() - 2].0);
        assert!(before < 90, "told no more while it flaps: {changes:?}");
        assert!((360..365).contains(&last), "better only when it was steady for a minute: {changes:?}");
    }

    #[test]
    fn an_exchange_counts_once_that_its_entry_and_its_gateway_tell_of() {
        let mut picture = listening();
        picture.hear(heartbeat("land", ""), NOW);
        let ended = Ended {
            application: "tthc",
            domain: Some("land"),
            outcome: Outcome::Failed,
            hop: Hop::Source,
            reason: None,
            at_us: NOW,
            took_us: None,
        };
        (0..9).for_each(|_| picture.note(&ended));
        let mut tell = |instance: &str, of| {
            let evidence = Evidence { failed: of, of, ..Evidence::default() };
            let (kind, name, state) = (Kind::Provider, "land".to_owned(), Level::Working);
            let instance = instance.to_owned();
            let told =
                Told { kind, name, instance: instance.clone(), state, cause: None, since_us: 0, evidence };
            picture.take(Telling { instance, links: vec![told], ..Telling::default() }, NOW);
            let readings = picture.readings([].into_iter(), SILENT_AFTER, NOW);
            readings[&Id::new(Kind::Provider, "land")].clone().unwrap().evidence
        };
        let counted = |evidence: Evidence| (evidence.failed, evidence.of);
        assert_eq!(counted(tell("gateway-1", 9)), (9, 9), "nine are too few to say that it fails");
        assert_eq!(counted(tell("gateway-2", 5)), (14, 14), "entries are read a moment later");
    }

    #[test]
    fn before_the_first_look_nothing_is_claimed_of_a_source() {
        let mut picture = listening();
        picture.hear(heartbeat("land", "starting"), NOW);
        assert_eq!(of(&picture, "source/land/office", NOW), None);
    }

    #[test]
    fn instances_are_bounded() {
        let mut picture = listening();
        for number in 0..2 * MOST_INSTANCES {
            let instance = format!("adapter-{number}");
            picture.hear(Heartbeat { instance, ..heartbeat("land", "") }, NOW);
        }
        assert_eq!(picture.heard.len(), MOST_INSTANCES);
    }
}
