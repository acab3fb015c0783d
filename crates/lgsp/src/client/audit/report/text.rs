//! A report as plain text.

use std::fmt::Write as _;

use super::story::{Story, Time};
use crate::client::Lang;

pub(super) fn page(story: &Story, lang: Lang) -> String {
    let mut page = String::new();
    let _ = writeln!(page, "{} {}", title(lang), story.subject);
    let _ = writeln!(page, "{}: {}", lang.pick("Period", "Kỳ"), story.period);
    let _ = writeln!(page, "{}: {} (+07:00)", lang.pick("Made at", "Lập lúc"), story.made_at);
    if story.with_withheld {
        let _ = writeln!(page, "\n{}", for_auditors(lang));
    }
    let _ = writeln!(page, "\n{}", summary(story, lang));
    for agency in &story.agencies {
        let _ = writeln!(page, "  {}: {}", agency.name, counts(agency.received, agency.asked_in_vain, lang));
    }
    for agency in &story.agencies {
        let _ = writeln!(page, "\n{}", agency.name);
        for time in &agency.times {
            let _ = writeln!(page, "  {}  {} ({})", time.at, time.what, time.how);
            for (label, text) in rows(time, lang) {
                let _ = writeln!(page, "      {label}: {text}");
            }
        }
    }
    let _ = writeln!(page, "\n{}", not_covered(lang));
    for line in story.not_covered(lang) {
        let _ = writeln!(page, "  - {line}");
    }
    page
}

/// What is told of one exchange, with its labels.
pub(super) fn rows(time: &Time, lang: Lang) -> Vec<(&'static str, String)> {
    let rows = [
        (lang.pick("by the application", "bằng ứng dụng"), time.application.clone()),
        (lang.pick("what for", "để làm gì"), time.purpose.clone()),
        (lang.pick("on the basis of", "căn cứ"), time.basis.clone()),
        (lang.pick("which data", "dữ liệu gì"), time.fields.join("; ")),
        (lang.pick("withheld until", "hoãn công bố đến"), time.not_before.clone().unwrap_or_default()),
    ];
    rows.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

pub(super) fn title(lang: Lang) -> &'static str {
    lang.pick("Who received data about", "Ai đã nhận dữ liệu về")
}

pub(super) fn not_covered(lang: Lang) -> &'static str {
    lang.pick("What this report does not tell", "Những gì báo cáo này không nêu")
}

pub(super) fn for_auditors(lang: Lang) -> &'static str {
    lang.pick(
        "FOR AUDITORS ONLY: with what is withheld. Not to be handed to the subject.",
        "CHỈ DÙNG CHO KIỂM TRA: có lượt đang hoãn công bố. Không giao cho chủ thể.",
    )
}

pub(super) fn summary(story: &Story, lang: Lang) -> String {
    if story.agencies.is_empty() {
        return lang
            .pick("Nobody asked or received anything.", "Không có ai hỏi hoặc nhận dữ liệu.")
            .to_owned();
    }
    let received = story.received();
    match lang {
        Lang::En => format!("Data was received {received} times, by agency:"),
        Lang::Vi => format!("Dữ liệu đã được nhận {received} lần, theo từng cơ quan:"),
    }
}

pub(super) fn counts(received: usize, in_vain: usize, lang: Lang) -> String {
    let told = match lang {
        Lang::En => format!("received {received} times"),
        Lang::Vi => format!("đã nhận {received} lần"),
    };
    match (in_vain, lang) {
        (0, _) => told,
        (_, Lang::En) => format!("{told}, asked and received nothing {in_vain} times"),
        (_, Lang::Vi) => format!("{told}, hỏi nhưng không nhận được gì {in_vain} lần"),
    }
}
