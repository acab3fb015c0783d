//! The rules, one day at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use lgsp_core::indicators::day_begin_us;
use lgsp_core::time::timestamp;
use lgsp_proto::ledger::v1::{
    Anomaly, AnomalyCount, AnomalyMeasure, AnomalyOption, AnomalyRule, AuditFilter, KeyedSubject,
};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::options::Anomalies;
use crate::audit;
use crate::index::{Finding, FindingId, Index, Least, Look, Order, Stretch};
use crate::seek::{SUBJECTS, Seek, Text};

/// Longest that one count may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Windows of a day that are looked at, the fullest first.
const MOST_WINDOWS: usize = 10_000;
/// Exchanges that a finding names.
const MOST_EXCHANGES: usize = 10;
const SECOND: i64 = 1_000_000;

/// A day that is looked at.
pub(super) struct Day<'a> {
    pub index: &'a Index,
    pub options: &'a Anomalies,
    pub day: i64,
    /// Only then its shares and sums are told: they may go either way until then.
    pub is_over: bool,
}

/// What a rule has found.
pub(super) struct Draft {
    pub rule: AnomalyRule,
    pub measure: AnomalyMeasure,
    pub of: Look,
    pub value: u64,
    pub threshold: u64,
    pub counts: Vec<(&'static str, u64)>,
    pub options: Vec<(&'static str, String)>,
    pub filters: Vec<AuditFilter>,
}

pub(super) type Drafts = Result<Vec<Draft>, lgsp_store::Error>;

pub(super) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

impl Day<'_> {
    /// What all rules find.
    pub(super) async fn evaluate(&self) -> Result<Vec<Finding>, lgsp_store::Error> {
        let mut drafts = self.mass_lookups().await?;
        drafts.extend(self.off_hours().await?);
        drafts.extend(self.no_dossier().await?);
        drafts.extend(self.many_subjects().await?);
        drafts.extend(self.sought_person().await?);
        drafts.extend(self.change().await?);
        let mut findings = Vec::with_capacity(drafts.len());
        for draft in drafts {
            findings.push(self.finding(draft).await?);
        }
        Ok(findings)
    }

    pub(super) fn stretch(&self) -> Stretch {
        day_begin_us(self.day)..day_begin_us(self.day + 1)
    }

    fn least(&self, count: u32) -> Least {
        Least { count, most: self.options.most_findings }
    }

    async fn mass_lookups(&self) -> Drafts {
        let rule = &self.options.mass_lookups;
        if !rule.enabled {
            return Ok(Vec::new());
        }
        let day = self.stretch();
        let window = i64::try_from(rule.window.as_micros()).unwrap_or(i64::MAX).max(1);
        let least = |count| Least { count, most: MOST_WINDOWS };
        let officers = self.index.of_officers_in_windows(&day, window, least(rule.officer), soon()).await?;
        let applications =
            self.index.of_applications_in_windows(&day, window, least(rule.application), soon()).await?;
        let mut drafts = Vec::new();
        for (looks, threshold, option) in [
            (officers, rule.officer, "ledger.anomalies.mass-lookups.officer"),
            (applications, rule.application, "ledger.anomalies.mass-lookups.application"),
        ] {
            for (fullest, windows) in by_whom(looks).into_iter().take(self.options.most_findings) {
                let since = day.start + fullest.slot * window;
                drafts.push(Draft {
                    rule: AnomalyRule::MassLookups,
                    measure: AnomalyMeasure::Exchanges,
                    value: fullest.count,
                    threshold: threshold.into(),
                    counts: vec![("windows", windows)],
                    options: vec![
                        (option, threshold.to_string()),
                        ("ledger.anomalies.mass-lookups.window", format!("{}s", window / SECOND)),
                    ],
                    filters: vec![filter(&fullest, since..since + window)],
                    of: fullest,
                });
            }
        }
        Ok(drafts)
    }

    async fn off_hours(&self) -> Drafts {
        let rule = &self.options.off_hours;
        let closed = self.options.hours.closed(self.day);
        if !rule.enabled || closed.is_empty() {
            return Ok(Vec::new());
        }
        let officers = self.index.of_officers(&closed, self.least(rule.officer), soon()).await?;
        let applications = match &*rule.applications {
            [] => Vec::new(),
            named => self.index.of_applications(named, &closed, self.least(rule.application), soon()).await?,
        };
        let hours = &self.options.hours;
        let holiday = u64::from(hours.is_holiday(self.day));
        let mut drafts = Vec::new();
        for (looks, threshold, option) in [
            (officers, rule.officer, "ledger.anomalies.off-hours.officer"),
            (applications, rule.application, "ledger.anomalies.off-hours.application"),
        ] {
            drafts.extend(looks.into_iter().map(|of| Draft {
                rule: AnomalyRule::OffHours,
                measure: AnomalyMeasure::Exchanges,
                value: of.count,
                threshold: threshold.into(),
                counts: vec![("holiday", holiday)],
                options: vec![
                    (option, threshold.to_string()),
                    ("ledger.anomalies.hours.opens", hours.opens.to_string()),
                    ("ledger.anomalies.hours.closes", hours.closes.to_string()),
                ],
                filters: closed.iter().map(|stretch| filter(&of, stretch.clone())).collect(),
                of,
            }));
        }
        Ok(drafts)
    }

    async fn no_dossier(&self) -> Drafts {
        let rule = &self.options.no_dossier;
        if !rule.enabled || rule.purposes.is_empty() {
            return Ok(Vec::new());
        }
        let day = self.stretch();
        let mut drafts = Vec::new();
        if self.is_over {
            let share = (rule.per_mille, rule.least);
            let looks =
                self.index.without_dossier(&rule.purposes, &day, share, self.least(1), soon()).await?;
            drafts.extend(looks.into_iter().map(|of| Draft {
                rule: AnomalyRule::NoDossier,
                measure: AnomalyMeasure::PerMille,
                value: of.count * 1_000 / of.of.max(1),
                threshold: rule.per_mille.into(),
                counts: vec![("without-dossier", of.count), ("exchanges", of.of)],
                options: vec![
                    ("ledger.anomalies.no-dossier.per-mille", rule.per_mille.to_string()),
                    ("ledger.anomalies.no-dossier.least", rule.least.to_string()),
                ],
                filters: vec![AuditFilter { without_dossier: true, ..filter(&of, day.clone()) }],
                of,
            }));
        }
        let looks =
            self.index.runs_without_dossier(&rule.purposes, &day, self.least(rule.run), soon()).await?;
        for (longest, runs) in by_whom(looks) {
            // Whole seconds, which can be written; what else is in them has a dossier, or is of the run.
            let since = longest.first_us.div_euclid(SECOND) * SECOND;
            let until = (longest.last_us.div_euclid(SECOND) + 1) * SECOND;
            let of_purpose = |purpose: &String| AuditFilter {
                purpose: purpose.clone(),
                without_dossier: true,
                ..filter(&longest, since..until)
            };
            drafts.push(Draft {
                rule: AnomalyRule::NoDossier,
                measure: AnomalyMeasure::Run,
                value: longest.count,
                threshold: rule.run.into(),
                counts: vec![("runs", runs)],
                options: vec![("ledger.anomalies.no-dossier.run", rule.run.to_string())],
                filters: rule.purposes.iter().map(of_purpose).collect(),
                of: longest,
            });
        }
        Ok(drafts)
    }

    async fn many_subjects(&self) -> Drafts {
        let rule = &self.options.many_subjects;
        if !rule.enabled {
            return Ok(Vec::new());
        }
        let day = self.stretch();
        let looks = self.index.subjects_of_officers(&day, self.least(rule.officer), soon()).await?;
        let draft = |of: Look| Draft {
            rule: AnomalyRule::ManySubjects,
            measure: AnomalyMeasure::Subjects,
            value: of.count,
            threshold: rule.officer.into(),
            counts: Vec::new(),
            options: vec![("ledger.anomalies.many-subjects.officer", rule.officer.to_string())],
            filters: vec![filter(&of, day.clone())],
            of,
        };
        Ok(looks.into_iter().map(draft).collect())
    }

    async fn sought_person(&self) -> Drafts {
        let rule = &self.options.sought_person;
        if !rule.enabled {
            return Ok(Vec::new());
        }
        let day = self.stretch();
        let officers = self.index.officers_about_persons(&day, self.least(rule.officers), soon()).await?;
        let applications =
            self.index.applications_about_persons(&day, self.least(rule.applications), soon()).await?;
        let mut drafts = Vec::new();
        for (looks, measure, threshold, option) in [
            (officers, AnomalyMeasure::Officers, rule.officers, "ledger.anomalies.sought-person.officers"),
            (
                applications,
                AnomalyMeasure::Applications,
                rule.applications,
                "ledger.anomalies.sought-person.applications",
            ),
        ] {
            drafts.extend(looks.into_iter().map(|of| Draft {
                rule: AnomalyRule::SoughtPerson,
                measure,
                value: of.count,
                threshold: threshold.into(),
                counts: Vec::new(),
                options: vec![(option, threshold.to_string())],
                filters: vec![filter(&of, day.clone())],
                of,
            }));
        }
        Ok(drafts)
    }

    async fn finding(&self, draft: Draft) -> Result<Finding, lgsp_store::Error> {
        let day = self.stretch();
        let whom = whom(&draft.of);
        let id = id(&draft, self.day);
        let exchange_ids = match draft.filters.first() {
            Some(first) => self.exchanges(first, whom).await?,
            None => Vec::new(),
        };
        let count = |(name, value): (&str, u64)| AnomalyCount { name: name.to_owned(), value };
        let option = |(name, value): (&str, String)| AnomalyOption { name: name.to_owned(), value };
        let Look { environment, application, agency, service, purpose, kind, .. } = draft.of;
        let anomaly = Anomaly {
            id: lgsp_core::ExchangeId::from_bytes(&id).map(|id| id.to_string()).unwrap_or_default(),
            rule: draft.rule.into(),
            since: Some(timestamp(day.start)),
            until: Some(timestamp(day.end)),
            environment: environment.clone(),
            application: application.clone(),
            agency_code: agency,
            service,
            purpose,
            is_of_officer: kind == Text::Officer as i64,
            subject: draft.filters.first().and_then(|filter| filter.keyed_subject.clone()),
            measure: draft.measure.into(),
            value: draft.value,
            threshold: draft.threshold,
            counts: draft.counts.into_iter().map(count).collect(),
            options: draft.options.into_iter().map(option).collect(),
            filters: draft.filters,
            exchange_ids,
            ..Anomaly::default()
        };
        let body = anomaly.encode_to_vec();
        Ok(Finding { id, rule: draft.rule.into(), environment, application, whom, body })
    }

    /// The first exchanges that a filter finds, of an officer if it is about one.
    async fn exchanges(
        &self,
        filter: &AuditFilter,
        whom: Option<Seek>,
    ) -> Result<Vec<String>, lgsp_store::Error> {
        // It was made here, and asks for no subject by its number.
        let Ok(mut search) = audit::search_of(&self.index.key, filter) else { return Ok(Vec::new()) };
        search.seeks.extend(whom.filter(|whom| whom.kind == Text::Officer as i64));
        (search.order, search.limit) = (Order::OldestFirst, MOST_EXCHANGES);
        let found = self.index.search(&search, soon()).await?;
        Ok(found.into_iter().map(|found| found.key.exchange.to_string()).collect())
    }
}

/// The highest count of each, and how many there are; in the order of the highest counts.
fn by_whom(looks: Vec<Look>) -> Vec<(Look, u64)> {
    let mut places: BTreeMap<(String, String, String, Vec<u8>), usize> = BTreeMap::new();
    let mut all: Vec<(Look, u64)> = Vec::new();
    for look in looks {
        let key =
            (look.environment.clone(), look.agency.clone(), look.application.clone(), look.value.clone());
        match places.get(&key) {
            Some(place) => all[*place].1 += 1,
            None => {
                places.insert(key, all.len());
                all.push((look, 1));
            }
        }
    }
    all
}

/// What finds the exchanges of a stretch that were counted; whoever reads it adds the officer.
pub(super) fn filter(of: &Look, stretch: Stretch) -> AuditFilter {
    let keyed_subject = (of.kind >= SUBJECTS).then(|| KeyedSubject {
        kind: i32::try_from(of.kind - SUBJECTS).unwrap_or_default(),
        hash: of.value.clone().into(),
    });
    AuditFilter {
        since: Some(timestamp(stretch.start)),
        until: Some(timestamp(stretch.end)),
        environment: of.environment.clone(),
        application: of.application.clone(),
        agency_code: of.agency.clone(),
        service: of.service.clone(),
        purpose: of.purpose.clone(),
        keyed_subject,
        ..AuditFilter::default()
    }
}

fn whom(of: &Look) -> Option<Seek> {
    let value = of.value.as_slice().try_into().ok()?;
    Some(Seek { kind: of.kind, value })
}

/// The same for the same rule, the same whom and the same day, whatever was counted.
fn id(draft: &Draft, day: i64) -> FindingId {
    let Look { environment, agency, application, service, purpose, kind, value, .. } = &draft.of;
    let (rule, measure) = ((draft.rule as i32).to_be_bytes(), (draft.measure as i32).to_be_bytes());
    let (kind, day) = (kind.to_be_bytes(), day.to_be_bytes());
    let texts = [environment, agency, application, service, purpose].map(|text| text.as_bytes());
    let mut hash = Sha256::new_with_prefix(b"lgsp anomaly 1");
    for part in texts.into_iter().chain([&rule[..], &measure, &kind, value, &day]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = FindingId::default();
    id.copy_from_slice(&hash.finalize()[..16]);
    // A UUID of version 8 (RFC 9562).
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    id
}
