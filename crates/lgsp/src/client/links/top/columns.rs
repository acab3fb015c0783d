//! What stands in the rows, for a terminal and for a pipe alike.

use lgsp_core::time::{micros, timestamp};
use lgsp_proto::monitor::v1::{Link, LinkChange, LinkKind};

use super::super::{ask, words};
use super::figures::{Figures, Rate};
use super::told::{Origin, Told};
use crate::client::output::Tone;
use crate::client::table::Cell;
use crate::client::{Lang, words as moments};

/// Over how long the signals of a link count its exchanges, in seconds.
const EVIDENCE_SECONDS: f64 = 300.0;

/// A link with what passes through it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) link: &'a Link,
    pub(super) rate: Option<Rate>,
    /// Requests that wait on Kafka.
    pub(super) waiting: Option<i64>,
}

impl<'a> Row<'a> {
    pub(super) fn of(link: &'a Link, figures: &Figures) -> Self {
        let name = link.id.split_once('/').map_or("", |(_, name)| name);
        let (known, waiting) = match link.kind() {
            LinkKind::Application => (Some(&figures.applications), None),
            LinkKind::Provider => (Some(&figures.domains), figures.lags.get(name).copied()),
            LinkKind::Broker | LinkKind::Source | LinkKind::Witness | LinkKind::Unspecified => (None, None),
        };
        let rate = known.and_then(|known| match figures.whole {
            Some(_) => Some(known.get(name).copied().unwrap_or_default()),
            None => by_evidence(link),
        });
        Self { link, rate, waiting }
    }

    pub(super) fn per_second(&self) -> f64 {
        self.rate.map_or(0.0, |rate| rate.per_second)
    }

    pub(super) fn slowest(&self) -> f64 {
        self.rate.and_then(|rate| rate.p99).unwrap_or(0.0)
    }

    pub(super) fn place(&self) -> (usize, u8, &'a str) {
        let state = ask::WORST_FIRST.iter().position(|state| *state == self.link.state());
        (state.unwrap_or(usize::MAX), ask::group(self.link.kind()), self.link.id.as_str())
    }

    pub(super) fn rate_text(&self) -> String {
        self.rate.map_or_else(|| "-".to_owned(), |rate| per_second(rate.per_second))
    }

    pub(super) fn failed_text(&self) -> Cell {
        match self.rate {
            Some(rate) if rate.failed > 0.0 => Cell::new(percent(rate.failed), Tone::Bad),
            Some(rate) if rate.per_second > 0.0 => "0 %".into(),
            Some(_) | None => "-".into(),
        }
    }

    pub(super) fn p50_text(&self) -> String {
        duration(self.rate.and_then(|rate| rate.p50))
    }

    pub(super) fn p99_text(&self) -> String {
        duration(self.rate.and_then(|rate| rate.p99))
    }

    pub(super) fn waiting_text(&self) -> String {
        self.waiting.map_or_else(|| "-".to_owned(), |waiting| waiting.to_string())
    }

    /// Why, and by which signals.
    pub(super) fn why(&self, lang: Lang) -> String {
        let told = [words::cause(&self.link.cause, lang), words::signs(self.link, lang)];
        told.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn age(&self, now_us: i64) -> String {
        self.link.since.as_ref().map_or_else(|| "-".to_owned(), |since| age(now_us - micros(since)))
    }
}

/// Without admin ports: what the monitor has counted in the last five minutes, and no times.
fn by_evidence(link: &Link) -> Option<Rate> {
    let evidence = link.evidence.as_ref()?;
    let (of, failed) = (f64::from(evidence.of), f64::from(evidence.failed));
    let failed = if of > 0.0 { failed / of } else { 0.0 };
    Some(Rate { per_second: of / EVIDENCE_SECONDS, failed, p50: None, p99: None })
}

/// What is to be known of all below it: that it is old, or not of the monitor.
pub(super) fn note(told: &Told, lang: Lang) -> Option<(String, Tone)> {
    let second = |us| moments::second(Some(&timestamp(us)));
    if let Some(since_us) = told.stale_since_us {
        let nobody = lang.pick("nobody answers since", "không nơi nào trả lời từ");
        let mut text = format!("{nobody} {}", second(since_us));
        if told.at_us != 0 {
            let of = lang.pick("what is shown is of", "số liệu dưới đây là của lúc");
            text.push_str(&format!(": {of} {}", second(told.at_us)));
        }
        return Some((text, Tone::Bad));
    }
    let (since_us, why) = told.without_monitor.as_ref()?;
    let text = match told.origin {
        Origin::AdminPorts => ask::without_monitor(lang),
        Origin::Nobody | Origin::Monitor => lang.pick(
            "the monitor does not answer; admin ports are asked",
            "hệ thống giám sát không trả lời; đang hỏi các cổng quản trị",
        ),
    };
    let since = lang.pick("since", "từ");
    Some((format!("{text} ({since} {}: {why})", second(*since_us)), Tone::Warning))
}

/// A number of the whole hub.
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Whether it stands on a narrow terminal, too.
    pub(super) is_narrow: bool,
}

/// The numbers of the whole hub.
pub(super) fn numbers(figures: &Figures, lang: Lang) -> Vec<Number> {
    let unknown = || "-".to_owned();
    let rate = |of: &dyn Fn(Rate) -> String| figures.whole.map_or_else(unknown, of);
    let in_flight =
        figures.in_flight.map_or_else(unknown, |(interactive, bulk)| format!("{interactive}+{bulk}"));
    let number = |name, value, is_narrow| Number { name, value, is_narrow };
    vec![
        number(lang.pick("rate", "lưu lượng"), rate(&|it| format!("{}/s", per_second(it.per_second))), true),
        number(lang.pick("failed", "lỗi"), rate(&|it| percent(it.failed)), true),
        number("p50", rate(&|it| duration(it.p50)), false),
        number("p99", rate(&|it| duration(it.p99)), true),
        number(lang.pick("in flight", "đang xử lý"), in_flight, true),
        number(
            lang.pick("unsealed", "chưa niêm phong"),
            figures.unsealed.map_or_else(unknown, |it| it.to_string()),
            true,
        ),
        number(
            lang.pick("ports", "cổng quản trị"),
            format!("{}/{}", figures.answering, figures.asked),
            false,
        ),
    ]
}

/// A change in one line: when, which, from what to what, and why.
pub(super) fn change(change: &LinkChange, lang: Lang) -> (String, Cell, String) {
    let at = moments::time_of_day(change.at.as_ref());
    let from = words::state(change.from(), lang).text;
    (
        format!("{at} {}", change.link),
        words::state(change.to(), lang),
        format!("({from}) {}", words::cause(&change.cause, lang)),
    )
}

pub(super) fn per_second(rate: f64) -> String {
    match rate {
        rate if rate >= 100.0 => format!("{rate:.0}"),
        rate if rate >= 0.05 => format!("{rate:.1}"),
        rate if rate > 0.0 => format!("{rate:.2}"),
        _ => "0".to_owned(),
    }
}

pub(super) fn percent(part: f64) -> String {
    match part * 100.0 {
        percent if percent >= 10.0 => format!("{percent:.0} %"),
        percent if percent > 0.0 => format!("{percent:.1} %"),
        _ => "0 %".to_owned(),
    }
}

/// Seconds, as a time that is read at a glance.
pub(super) fn duration(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds >= 1.0 => format!("{seconds:.1} s"),
        Some(seconds) if seconds >= 0.01 => format!("{:.0} ms", seconds * 1_000.0),
        Some(seconds) => format!("{:.1} ms", seconds * 1_000.0),
    }
}

pub(super) fn age(us: i64) -> String {
    let seconds = us.max(0) / 1_000_000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_at_every_size() {
        assert_eq!([0.0, 0.02, 3.25, 250.4].map(per_second), ["0", "0.02", "3.2", "250"]);
        assert_eq!([0.0, 0.004, 0.125, 1.0].map(percent), ["0 %", "0.4 %", "12 %", "100 %"]);
        assert_eq!([0.0024, 0.0471, 3.21].map(|it| duration(Some(it))), ["2.4 ms", "47 ms", "3.2 s"]);
        assert_eq!([5, 300, 9_000, 200_000].map(|it| age(it * 1_000_000)), ["5s", "5m", "2h", "2d"]);
    }
}
