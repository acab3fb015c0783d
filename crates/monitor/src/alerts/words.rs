//! How alerts are written for people: in Vietnamese, in English, or both. No person is named.

use std::fmt::Write as _;

use time::{OffsetDateTime, UtcOffset};

use super::group::Message;
use super::options::Language;
use super::roll::View;
use super::rule::{Bad, Rule, Severity};
use crate::link::Cause;

/// Most alerts that a text lists; of the rest it says how many they are.
pub(crate) const MOST_LISTED: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lang {
    Vi,
    En,
}

impl Lang {
    fn pick<'a>(self, en: &'a str, vi: &'a str) -> &'a str {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }
}

fn languages(language: Language) -> &'static [Lang] {
    match language {
        Language::Vi => &[Lang::Vi],
        Language::En => &[Lang::En],
        Language::Both => &[Lang::Vi, Lang::En],
    }
}

/// One line about a message.
pub(crate) fn subject(message: &Message, language: Language) -> String {
    let told: Vec<String> = languages(language).iter().map(|lang| headline(message, *lang)).collect();
    told.join(" / ")
}

/// All about a message.
pub(crate) fn text(message: &Message, language: Language, help_url: &str) -> String {
    let mut text = String::new();
    for lang in languages(language) {
        if !text.is_empty() {
            text.push_str("\n----\n\n");
        }
        let _ = writeln!(text, "{}", headline(message, *lang));
        list(&mut text, lang.pick("Firing", "Đang cảnh báo"), &message.firing, *lang);
        list(&mut text, lang.pick("Resolved", "Đã hết"), &message.resolved, *lang);
        if let Some(rule) = message.group.filter(|_| !help_url.is_empty()) {
            let _ = writeln!(text, "\n{}: {help_url}{}", lang.pick("What to do", "Cách xử lý"), rule.name());
        }
        let acknowledge = lang.pick(
            "lgsp alert list shows all; lgsp alert acknowledge ID says that you look after it.",
            "Lệnh lgsp alert list cho biết tất cả; lgsp alert acknowledge MÃ để xác nhận đang xử lý.",
        );
        let _ = writeln!(text, "\n{acknowledge}");
    }
    text
}

fn list(text: &mut String, title: &str, views: &[View], lang: Lang) {
    if views.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    for view in views.iter().take(MOST_LISTED) {
        let _ = writeln!(text, "- {}\n  {}", line(view, lang), view.alert.id);
    }
    if let Some(more) = views.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        let _ = writeln!(text, "- {} {more}", lang.pick("and more:", "và số còn lại:"));
    }
}

fn headline(message: &Message, lang: Lang) -> String {
    let title = message.group.map_or(lang.pick("alerts", "cảnh báo"), |rule| title(rule, lang));
    let is_critical = message.firing.iter().any(|view| view.alert.finding.severity == Severity::Critical);
    let (firing, resolved) = (message.firing.len(), message.resolved.len());
    match (firing, lang) {
        (0, Lang::En) => format!("[LGSP] resolved: {title} ({resolved})"),
        (0, Lang::Vi) => format!("[LGSP] đã hết: {title} ({resolved})"),
        (_, lang) => {
            let severity = if is_critical { Severity::Critical } else { Severity::Warning };
            format!("[LGSP] {}: {title} ({firing})", urgency(severity, lang))
        }
    }
}

/// An alert in one line of both languages, or of one.
pub(crate) fn summary(view: &View, language: Language) -> String {
    let told: Vec<String> = languages(language).iter().map(|lang| line(view, *lang)).collect();
    told.join(" / ")
}

fn line(view: &View, lang: Lang) -> String {
    let (alert, finding) = (&view.alert, &view.alert.finding);
    let mut line = format!("{}: {}", alert.key.subject, title(alert.key.rule, lang));
    if let Some(measured) = measured(view, lang) {
        let _ = write!(line, " {measured}");
    }
    if let Some(cause) = finding.cause {
        let _ = write!(line, " ({})", cause.name());
    }
    let _ = write!(line, ", {} {}", lang.pick("since", "từ"), moment(alert.since_us));
    if alert.resolved_us != 0 {
        let _ = write!(line, " {} {}", lang.pick("until", "đến"), moment(alert.resolved_us));
    }
    if !finding.owner.is_empty() {
        let _ = write!(line, "; {} {}", lang.pick("owner", "đơn vị"), finding.owner);
    }
    if finding.cause.is_some_and(|cause| cause == Cause::ExchangesFail) || alert.key.rule == Rule::ErrorRatio
    {
        let evidence = &finding.evidence;
        let _ = write!(line, "; {}/{} {} {}", evidence.failed, evidence.of, evidence.reason, evidence.hop);
    }
    line.trim_end().to_owned()
}

fn measured(view: &View, lang: Lang) -> Option<String> {
    let (rule, finding) = (view.alert.key.rule, &view.alert.finding);
    let told = |value: f64| match rule {
        Rule::ErrorRatio | Rule::Quota | Rule::Disk => format!("{:.1}%", value * 100.0),
        Rule::Slow | Rule::Clock => format!("{value:.2} s"),
        Rule::Certificate => format!("{value:.0} {}", lang.pick("days", "ngày")),
        _ => format!("{value:.0}"),
    };
    let sign = match rule.bad() {
        Bad::Above => "≥",
        Bad::Below => "≤",
    };
    (!rule.unit().is_empty()).then(|| format!("{} ({sign} {})", told(finding.value), told(finding.limit)))
}

fn title(rule: Rule, lang: Lang) -> &'static str {
    match rule {
        Rule::LinkDown => lang.pick("link down", "mất kết nối"),
        Rule::LinkDegraded => lang.pick("link degraded", "kết nối suy giảm"),
        Rule::ErrorRatio => lang.pick("exchanges fail", "tỷ lệ lỗi cao"),
        Rule::Slow => lang.pick("exchanges are slow", "trả lời chậm"),
        Rule::SealingLag => lang.pick("sealing lags", "niêm phong nhật ký chậm"),
        Rule::ConsumerLag => lang.pick("a consumer lags", "bên nhận xử lý chậm"),
        Rule::Certificate => lang.pick("a certificate or key ends", "chứng thư hoặc khoá sắp hết hạn"),
        Rule::Quota => lang.pick("a quota of the day is used up", "hạn mức trong ngày sắp hết"),
        Rule::Disk => lang.pick("a disk is nearly full", "ổ đĩa sắp đầy"),
        Rule::Clock => lang.pick("a clock is off", "đồng hồ bị lệch"),
    }
}

fn urgency(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::Warning => lang.pick("warning", "cảnh báo"),
        Severity::Critical => lang.pick("critical", "nghiêm trọng"),
    }
}

/// A moment as the city's clocks show it.
fn moment(us: i64) -> String {
    let hanoi = UtcOffset::from_hms(7, 0, 0).unwrap_or(UtcOffset::UTC);
    let at =
        OffsetDateTime::from_unix_timestamp(us.div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let at = at.to_offset(hanoi);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}+07:00", at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use lgsp_proto::monitor::v1::AlertState;

    use super::super::alert::tests::alert;
    use super::*;

    const NOON_US: i64 = 1_800_000_000_000_000;

    fn view(rule: Rule, subject: &str) -> View {
        let mut alert = alert(rule, subject, NOON_US);
        alert.finding.owner = "so-nnmt".to_owned();
        View { alert, state: AlertState::Firing, silenced_by: String::new() }
    }

    #[test]
    fn a_message_is_told_in_the_languages_that_are_asked_for() {
        let firing = vec![view(Rule::LinkDown, "provider/land")];
        let message = Message { group: Some(Rule::LinkDown), firing, new: 1, resolved: Vec::new() };
        assert_eq!(subject(&message, Language::Vi), "[LGSP] nghiêm trọng: mất kết nối (1)");
        let both = "[LGSP] nghiêm trọng: mất kết nối (1) / [LGSP] critical: link down (1)";
        assert_eq!(subject(&message, Language::Both), both);
        let text = text(&message, Language::En, "https://help.example/#");
        let line = "- provider/land: link down (instance-not-heard), since 2027-01-15 15:00:00+07:00; owner so-nnmt\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("https://help.example/#link-down") && !text.contains("mất kết nối"), "{text}");
    }

    #[test]
    fn what_was_measured_is_told_with_its_limit() {
        let mut disk = view(Rule::Disk, "disk/hub-1/data");
        (disk.alert.finding.value, disk.alert.finding.limit, disk.alert.finding.cause) = (0.042, 0.05, None);
        let told = summary(&disk, Language::En);
        assert!(told.starts_with("disk/hub-1/data: a disk is nearly full 4.2% (≤ 5.0%), since"), "{told}");
    }

    #[test]
    fn a_text_of_a_storm_is_bounded() {
        let resolved: Vec<View> =
            (0..1_000).map(|number| view(Rule::LinkDown, &number.to_string())).collect();
        let message = Message { group: Some(Rule::LinkDown), firing: Vec::new(), new: 0, resolved };
        let text = text(&message, Language::Both, "");
        assert_eq!(text.matches("mất kết nối").count(), MOST_LISTED + 1);
        assert!(text.contains("950") && text.contains("[LGSP] resolved: link down (1000)"), "{text}");
    }
}
