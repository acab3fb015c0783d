//! How alerts are written for people.

use lgsp_proto::monitor::v1::{Alert, AlertSeverity, AlertState};

use crate::client::Lang;
use crate::client::links::{cause, evidence};
use crate::client::output::Tone;
use crate::client::table::Cell;

pub(super) fn state(state: AlertState, lang: Lang) -> Cell {
    let (text, tone) = match state {
        AlertState::Unspecified => (lang.pick("unknown", "không rõ"), Tone::Dim),
        AlertState::Pending => (lang.pick("pending", "đang chờ"), Tone::Notice),
        AlertState::Firing => (lang.pick("firing", "đang cảnh báo"), Tone::Bad),
        AlertState::Acknowledged => (lang.pick("acknowledged", "đã xác nhận"), Tone::Warning),
        AlertState::Silenced => (lang.pick("silenced", "tạm tắt"), Tone::Dim),
        AlertState::Resolved => (lang.pick("resolved", "đã hết"), Tone::Good),
    };
    Cell::new(text, tone)
}

pub(super) fn severity(severity: AlertSeverity, lang: Lang) -> Cell {
    let (text, tone) = match severity {
        AlertSeverity::Unspecified => ("", Tone::Dim),
        AlertSeverity::Warning => (lang.pick("warning", "cảnh báo"), Tone::Warning),
        AlertSeverity::Critical => (lang.pick("critical", "nghiêm trọng"), Tone::Bad),
    };
    Cell::new(text, tone)
}

/// What was measured, the cause, and by which signs.
pub(super) fn why(alert: &Alert, lang: Lang) -> String {
    let mut told = Vec::new();
    if !alert.unit.is_empty() {
        let limit = lang.pick("limit", "ngưỡng");
        told.push(format!("{} ({limit} {})", number(alert, alert.value), number(alert, alert.limit)));
    }
    told.push(cause(&alert.cause, lang));
    told.extend(alert.evidence.as_ref().map(|it| evidence(it, lang)));
    told.retain(|text| !text.is_empty());
    told.join("; ")
}

fn number(alert: &Alert, value: f64) -> String {
    match alert.unit.as_str() {
        "1" => format!("{:.1} %", value * 100.0),
        "s" => format!("{value:.2} s"),
        "d" => format!("{value:.0} d"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_is_what_was_measured_or_the_cause_of_a_link() {
        let disk = Alert { unit: "1".to_owned(), value: 0.042, limit: 0.05, ..Alert::default() };
        assert_eq!(why(&disk, Lang::En), "4.2 % (limit 5.0 %)");
        let link = Alert { cause: "instance-not-heard".to_owned(), ..Alert::default() };
        assert_eq!(why(&link, Lang::Vi), "mất tín hiệu của bên cung cấp");
    }
}
