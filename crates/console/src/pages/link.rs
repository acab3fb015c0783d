//! One link: how it is now, how it was, what of what was asked failed, and who answers for it.

mod now;

use askama::Template;
use lgsp_core::time::micros;
use lgsp_core::{Hop, Outcome};
use lgsp_proto::ledger::v1::Exchange;
use lgsp_proto::monitor::v1::{GetLinkResponse, Maintenance};
use lgsp_proto::registry::v1::{AgreementRecord, CredentialRecord, credential_record};

use super::frame::Frame;
use super::{Part, plain, words};
use crate::board::{Past, Picture};
use crate::draw::Band;
use crate::hub::Refusal;
use crate::text::Say;

pub(crate) use now::parts;

const DAY_US: i64 = 24 * 3_600_000_000;
/// Most changes that the page lists.
const MOST_CHANGES: usize = 40;
/// Credentials that end sooner are marked.
const ENDS_SOON_DAYS: i32 = 30;

/// How far back the page looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Day,
    Week,
    Month,
}

impl Window {
    pub(crate) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    pub(crate) fn us(self) -> i64 {
        match self {
            Self::Day => DAY_US,
            Self::Week => 7 * DAY_US,
            Self::Month => 30 * DAY_US,
        }
    }

    pub(crate) fn from_query(query: &str) -> Self {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let named = pairs.find(|(key, _)| key == "window").map(|(_, value)| value.into_owned());
        Self::ALL.into_iter().find(|window| Some(window.name()) == named.as_deref()).unwrap_or(Self::Week)
    }

    fn text(self, say: Say) -> String {
        say.of(match self {
            Self::Day => "window-day",
            Self::Week => "window-week",
            Self::Month => "window-month",
        })
    }
}

/// The page.
#[derive(Template)]
#[template(path = "link.html")]
pub(crate) struct Page<'a> {
    pub(crate) frame: Frame,
    pub(crate) parts: &'a [Part],
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) past: Past30,
    pub(crate) failures: Listed<Failure>,
    pub(crate) credentials: Option<Listed<Credential>>,
    pub(crate) quotas: Option<Listed<Quota>>,
    pub(crate) maintenance: Listed<Announced>,
    /// What came of what somebody has just sent.
    pub(crate) notice: Option<Notice>,
    pub(crate) entered: Entered,
}

impl Page<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|part| part.name == name).map_or("", |part| &part.html)
    }

    fn here(&self) -> String {
        words::href(&self.id)
    }
}

/// What came of a decision.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) is_good: bool,
    pub(crate) text: String,
    pub(crate) lines: Vec<String>,
}

/// What somebody had entered, when it has to be mended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entered {
    pub(crate) from: String,
    pub(crate) hours: String,
    pub(crate) reason: String,
}

/// A list, or why there is none.
pub(crate) struct Listed<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) missing: String,
}

impl<T> Listed<T> {
    pub(crate) fn of<S>(say: Say, told: Result<Vec<S>, Refusal>, row: impl Fn(S) -> T) -> Self {
        match told {
            Ok(told) => Self { rows: told.into_iter().map(row).collect(), missing: String::new() },
            Err(refusal) => Self { rows: Vec::new(), missing: plain::missing(say, &refusal) },
        }
    }
}

/// How the link was.
#[derive(Default)]
pub(crate) struct Past30 {
    pub(crate) windows: Vec<(String, &'static str, bool)>,
    pub(crate) band: Band,
    pub(crate) begins: String,
    pub(crate) ends: String,
    pub(crate) downtime: Vec<(String, String)>,
    pub(crate) changes: Vec<Changed>,
    pub(crate) is_cut: bool,
    pub(crate) missing: String,
}

pub(crate) struct Changed {
    pub(crate) at: String,
    pub(crate) state: &'static str,
    pub(crate) word: String,
    pub(crate) lasted: String,
    pub(crate) cause: String,
    pub(crate) evidence: String,
}

impl Past30 {
    pub(crate) fn of(say: Say, told: Result<GetLinkResponse, Refusal>, window: Window, now_us: i64) -> Self {
        let windows = Window::ALL.map(|it| (it.text(say), it.name(), it == window)).to_vec();
        let told = match told {
            Ok(told) => told,
            Err(refusal) => {
                return Self { windows, missing: plain::missing(say, &refusal), ..Self::default() };
            }
        };
        let since_us = now_us - window.us();
        let link = told.link.unwrap_or_default();
        let past = Past::of(told.changes);
        let lasts = |ms: u64| say.lasts(i64::try_from(ms).unwrap_or(0) * 1_000);
        let downtime = [
            ("downtime-unannounced", told.unannounced_down_ms),
            ("downtime-announced", told.announced_down_ms),
            ("downtime-unobserved", told.unobserved_ms),
        ];
        let downtime = downtime.into_iter().map(|(id, ms)| (say.known(id).unwrap_or_default(), lasts(ms)));
        let mut until_us = now_us;
        let changes = past.changes.iter().take(MOST_CHANGES).map(|change| {
            let at_us = change.at.as_ref().map_or(0, micros);
            let lasted = say.lasts(until_us - at_us);
            until_us = at_us;
            let evidence = change.evidence.iter().flat_map(|it| words::signs(say, it, now_us));
            Changed {
                at: say.moment(at_us),
                state: words::class(change.to()),
                word: words::word(say, change.to()),
                lasted,
                cause: words::cause(say, &change.cause),
                evidence: evidence.collect::<Vec<_>>().join("; "),
            }
        });
        Self {
            windows,
            changes: changes.collect(),
            band: words::day(say, &link, Some(&past), (since_us, now_us)),
            begins: say.at(since_us, now_us),
            ends: say.minute(now_us),
            downtime: downtime.collect(),
            is_cut: told.is_cut,
            missing: String::new(),
        }
    }
}

/// An exchange that failed.
pub(crate) struct Failure {
    pub(crate) at: String,
    pub(crate) application: String,
    pub(crate) method: String,
    pub(crate) hop: String,
    pub(crate) reason: String,
    pub(crate) took: String,
    pub(crate) id: String,
}

impl Failure {
    pub(crate) fn of(say: Say, exchange: Exchange, now_us: i64) -> Self {
        let hop = match exchange.failed_hop() {
            Hop::Unspecified => String::new(),
            hop => words::hop(say, hop.as_str_name().trim_start_matches("HOP_")),
        };
        let service = exchange.service.rsplit('.').next().unwrap_or_default();
        Self {
            at: exchange.admitted.as_ref().map(|at| say.at(micros(at), now_us)).unwrap_or_default(),
            method: format!("{service}/{}", exchange.method),
            hop,
            reason: match exchange.reason.as_str() {
                "" if exchange.outcome() == Outcome::TimedOut => "DEADLINE_EXCEEDED".to_owned(),
                reason => reason.to_owned(),
            },
            took: say.latency(exchange.duration_us as f64 / 1e6),
            application: exchange.application,
            id: exchange.exchange_id,
        }
    }
}

/// A key or a certificate of an application.
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) ends: String,
    pub(crate) left: String,
    pub(crate) ends_soon: bool,
}

impl Credential {
    pub(crate) fn of(say: Say, record: CredentialRecord) -> Self {
        let (kind, not_after) = match &record.held {
            Some(credential_record::Held::Certificate(it)) => ("credential-certificate", it.not_after),
            Some(credential_record::Held::Credential(it)) => ("credential-key", it.not_after),
            None => ("credential-key", None),
        };
        let ends = words::us(not_after.as_ref()).map(|us| say.moment(us)).unwrap_or_default();
        let is_open = ends.is_empty();
        Self {
            id: record.id,
            kind: say.known(kind).unwrap_or_default(),
            left: if is_open {
                say.of("credential-open")
            } else {
                say.with("days-left", "n", &record.days_left.to_string())
            },
            ends,
            ends_soon: !is_open && record.days_left < ENDS_SOON_DAYS,
        }
    }
}

/// An agreement in force, with its quota.
pub(crate) struct Quota {
    pub(crate) agreement: String,
    pub(crate) application: String,
    pub(crate) service: String,
    pub(crate) quota: String,
    pub(crate) until: String,
}

impl Quota {
    pub(crate) fn of(say: Say, record: AgreementRecord) -> Self {
        let agreement = record.agreement.unwrap_or_default();
        let quota = agreement.quota.unwrap_or_default();
        let number = |number: u64| say.number(number as f64, 0);
        let bounds = [
            (quota.per_second > 0).then(|| say.with("quota-second", "n", &number(quota.per_second.into()))),
            (quota.per_day > 0).then(|| say.with("quota-day", "n", &number(quota.per_day))),
        ];
        let bounds: Vec<String> = bounds.into_iter().flatten().collect();
        Self {
            agreement: agreement.id,
            application: agreement.application,
            service: agreement.service,
            quota: if bounds.is_empty() { say.of("quota-none") } else { bounds.join(" · ") },
            until: words::us(agreement.valid_to.as_ref()).map(|us| say.moment(us)).unwrap_or_default(),
        }
    }
}

/// An announced maintenance of the link.
pub(crate) struct Announced {
    pub(crate) id: String,
    pub(crate) when: String,
    pub(crate) phase: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) links: String,
    pub(crate) can_be_cancelled: bool,
}

impl Announced {
    pub(crate) fn of(say: Say, it: Maintenance, now_us: i64) -> Self {
        let us = |at: &Option<_>| words::us(at.as_ref()).unwrap_or(0);
        let (from_us, until_us) = (us(&it.from), us(&it.until));
        let (phase, can_be_cancelled) = match it.cancelled.is_some() {
            true => ("maintenance-cancelled", false),
            false if now_us < from_us => ("maintenance-to-come", true),
            false if now_us < until_us => ("maintenance-runs", true),
            false => ("maintenance-over", false),
        };
        let gaps = [("from", say.at(from_us, now_us)), ("until", say.at(until_us, now_us))];
        let gaps = gaps.each_ref().map(|(name, value)| (*name, value.as_str()));
        Self {
            id: it.id,
            when: say.all("from-until", &gaps),
            phase: say.known(phase).unwrap_or_default(),
            reason: it.reason,
            by: it.announced_by,
            links: it.links.join(", "),
            can_be_cancelled,
        }
    }
}

/// Whether an announcement is about a link: that of a provider covers its sources, that of the broker everything.
pub(crate) fn covers(announced: &Maintenance, id: &str) -> bool {
    let provider = id.strip_prefix("source/").map(|rest| format!("provider/{}", words::split(rest).0));
    announced.links.iter().any(|link| link == id || link == "broker/kafka" || Some(link) == provider.as_ref())
}

/// Who answers for a link, and what else is known of it: a name and a value each.
pub(crate) fn facts(say: Say, picture: &Picture, id: &str) -> Vec<(String, String)> {
    let mut facts = vec![(say.of("fact-id"), id.to_owned())];
    let (kind, name) = words::split(id);
    let domain = match kind {
        "provider" => name,
        "source" => words::split(name).0,
        _ => "",
    };
    if let Some(it) = picture.application(name).filter(|_| kind == "application") {
        facts.push((say.of("fact-owner"), format!("{} ({})", it.agency_name, it.agency_code)));
        facts.push((say.of("fact-services"), it.services.join(", ")));
    }
    let services: Vec<_> = picture.services_of(domain).filter(|_| !domain.is_empty()).collect();
    if let Some(first) = services.first() {
        facts.push((
            say.of("fact-owner"),
            format!("{} ({})", first.owner_agency_name, first.owner_agency_code),
        ));
        let titles: Vec<&str> = services.iter().map(|it| say.0.pick(&it.title_vi, &it.title_en)).collect();
        facts.push((say.of("fact-services"), titles.join(", ")));
    }
    facts
}
