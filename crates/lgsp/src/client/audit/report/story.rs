//! A report before it is written: who received what, by agency.

use std::collections::BTreeMap;

use lgsp_proto::ledger::v1::{Disclosure, Exchange, Outcome, SubjectKey};
use prost_reflect::prost_types::Timestamp;

use super::Names;
use crate::client::audit::archived_periods;
use crate::client::audit::titles::Titles;
use crate::client::report::clean;
use crate::client::{Lang, words};

/// A report.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub subject: String,
    pub period: String,
    pub made_at: String,
    /// It tells what the subject is not to be told of yet.
    pub with_withheld: bool,
    /// Those that received most first.
    pub agencies: Vec<Agency>,
    /// In which nothing can be found any more.
    pub unlinked_months: Vec<String>,
    /// What is archived, and was not looked at.
    pub archived: Vec<String>,
}

/// One agency with its exchanges, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Agency {
    pub name: String,
    pub received: usize,
    pub asked_in_vain: usize,
    pub times: Vec<Time>,
}

/// One exchange.
#[derive(Debug, Default)]
pub(super) struct Time {
    pub at: String,
    pub application: String,
    pub what: String,
    pub purpose: String,
    pub basis: String,
    pub fields: Vec<String>,
    pub how: String,
    /// Only in a report with what is withheld.
    pub not_before: Option<String>,
}

impl Story {
    pub(super) fn new(disclosures: &[Disclosure], names: &Names, titles: &Titles, lang: Lang) -> Self {
        let mut agencies: BTreeMap<String, Agency> = BTreeMap::new();
        let mut story = Self::default();
        for disclosure in disclosures {
            story.unlinked_months.extend(disclosure.unlinked_months.iter().cloned());
            story.archived.extend(archived_periods(&disclosure.archived));
            let Some(exchange) = &disclosure.exchange else { continue };
            let agency = agencies.entry(exchange.agency_code.clone()).or_default();
            match has_received(exchange) {
                true => agency.received += 1,
                false => agency.asked_in_vain += 1,
            }
            agency.times.push(time(disclosure, exchange, names, titles, lang));
        }
        for (code, agency) in &mut agencies {
            agency.name = clean(&match names.agencies.get(code) {
                Some(name) => format!("{name} ({code})"),
                None => code.clone(),
            });
        }
        story.agencies = agencies.into_values().collect();
        story.agencies.sort_by_key(|agency| std::cmp::Reverse((agency.received, agency.asked_in_vain)));
        story
    }

    /// What the report does not tell, one sentence each.
    pub(super) fn not_covered(&self, lang: Lang) -> Vec<String> {
        let mut told = Vec::new();
        if !self.unlinked_months.is_empty() {
            let months = self.unlinked_months.join(", ");
            told.push(format!(
                "{} {months}.",
                lang.pick(
                    "Months whose key is not there (any more), so that nobody can find a person in them:",
                    "Các tháng không có (hoặc không còn) khoá, nên không ai tìm được chủ thể trong đó:",
                )
            ));
        }
        if !self.archived.is_empty() {
            let periods = self.archived.join("; ");
            told.push(format!(
                "{} {periods}.",
                lang.pick(
                    "What is archived and was not looked at:",
                    "Phần nhật ký đã lưu trữ, không được tra cứu:",
                )
            ));
        }
        let always = [
            lang.pick(
                "What was read beside this platform: the agency that owns the data can tell that.",
                "Dữ liệu được đọc ngoài nền tảng này: cơ quan chủ quản dữ liệu trả lời về việc đó.",
            ),
            lang.pick(
                "What an agency did with the data after it had received it.",
                "Việc cơ quan nhận đã làm với dữ liệu sau khi nhận.",
            ),
            lang.pick(
                "Exchanges in which the subject was found by a name alone: the log knows subjects by their numbers.",
                "Lượt trao đổi chỉ tìm theo họ tên: nhật ký nhận biết chủ thể theo số định danh.",
            ),
            lang.pick("What was erased by law.", "Phần đã được xoá theo quy định của pháp luật."),
            lang.pick(
                "What the platform's own staff looked at in running and auditing it.",
                "Việc tra cứu của người vận hành và kiểm tra nền tảng.",
            ),
        ];
        told.extend(always.map(str::to_owned));
        told
    }

    pub(super) fn received(&self) -> usize {
        self.agencies.iter().map(|agency| agency.received).sum()
    }
}

fn has_received(exchange: &Exchange) -> bool {
    exchange.outcome() == Outcome::Served || exchange.record_count > 0
}

fn time(disclosure: &Disclosure, exchange: &Exchange, names: &Names, titles: &Titles, lang: Lang) -> Time {
    let sealed = exchange.sealed.clone().unwrap_or_default();
    let (service, method) = (&*exchange.service, &*exchange.method);
    let purpose = names.purposes.get(&exchange.purpose).unwrap_or(&exchange.purpose);
    let procedure = match sealed.procedure.as_str() {
        "" => String::new(),
        code => format!(", {} {code}", lang.pick("procedure", "thủ tục")),
    };
    let agreement = match exchange.agreement.as_str() {
        "" => String::new(),
        id => format!(
            "{} {id}, {} {}",
            lang.pick("agreement", "thoả thuận"),
            lang.pick("version", "phiên bản"),
            sealed.agreement_version
        ),
    };
    let basis = [sealed.legal_basis.as_str(), &agreement];
    let basis: Vec<&str> = basis.into_iter().filter(|text| !text.is_empty()).collect();
    let fields = sealed.fields_released.iter().map(|path| clean(&titles.field(service, method, path)));
    Time {
        at: words::minute(exchange.admitted.as_ref()),
        application: clean(names.applications.get(&exchange.application).unwrap_or(&exchange.application)),
        what: clean(&titles.method(service, method)),
        purpose: clean(&format!("{purpose}{procedure}")),
        basis: clean(&basis.join("; ")),
        fields: if has_received(exchange) { fields.collect() } else { Vec::new() },
        how: how(disclosure.asked, exchange, lang),
        not_before: disclosure.disclose_after.as_ref().map(|at| words::minute(Some(at))),
    }
}

fn how(asked: bool, exchange: &Exchange, lang: Lang) -> String {
    match (asked, has_received(exchange)) {
        (true, true) => lang.pick("asked, and received the data", "hỏi và đã nhận dữ liệu").to_owned(),
        (false, _) => {
            let along = lang.pick(
                "the data was part of an answer about something else",
                "dữ liệu nằm trong câu trả lời về việc khác",
            );
            along.to_owned()
        }
        (true, false) => {
            let outcome = words::outcome(exchange.outcome(), lang).text;
            let in_vain = lang.pick("asked, and received nothing", "hỏi nhưng không nhận được gì");
            format!("{in_vain} ({outcome})")
        }
    }
}

/// Whom or what a report is about, as it was asked for.
pub(super) fn subject(subject: &SubjectKey, lang: Lang) -> String {
    let all = [
        (lang.pick("the person", "người có số định danh"), &subject.person),
        (lang.pick("the parcel", "thửa đất"), &subject.parcel),
        (lang.pick("the enterprise", "doanh nghiệp"), &subject.enterprise),
    ];
    let set = all.into_iter().find(|(_, value)| !value.is_empty());
    set.map(|(kind, value)| clean(&format!("{kind} {value}"))).unwrap_or_default()
}

/// From when until when.
pub(super) fn period(since: Option<&Timestamp>, until: &Timestamp, lang: Lang) -> String {
    let until = words::minute(Some(until));
    match since {
        Some(since) => format!("{} – {until} (+07:00)", words::minute(Some(since))),
        None => format!(
            "{} {until} (+07:00)",
            lang.pick("from the beginning of the log until", "từ đầu nhật ký đến")
        ),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::ledger::v1::{ArchivedPeriod, Sealed};

    use super::*;

    const POPULATION: &str = "lgsp.population.v1.PopulationService";

    fn disclosure(agency: &str, outcome: Outcome, asked: bool) -> Disclosure {
        let sealed = Sealed {
            legal_basis: "Nghị định <278>".to_owned(),
            fields_released: vec!["citizen.full_name".to_owned()],
            agreement_version: 2,
            ..Sealed::default()
        };
        let exchange = Exchange {
            admitted: Some(timestamp(1_780_246_800_000_000)),
            agency_code: agency.to_owned(),
            application: "tthc".to_owned(),
            service: POPULATION.to_owned(),
            method: "GetCitizen".to_owned(),
            purpose: "verify".to_owned(),
            agreement: "tt-1".to_owned(),
            outcome: outcome.into(),
            sealed: Some(sealed),
            ..Exchange::default()
        };
        Disclosure { exchange: Some(exchange), asked, ..Disclosure::default() }
    }

    pub(in super::super) fn story(lang: Lang) -> Story {
        let archive = ArchivedPeriod {
            name: "2025-11.000000000001".to_owned(),
            since: Some(timestamp(1_762_000_000_000_000)),
            until: Some(timestamp(1_763_000_000_000_000)),
            ..ArchivedPeriod::default()
        };
        let months = Disclosure {
            unlinked_months: vec!["2026-01".to_owned()],
            archived: vec![archive],
            ..Disclosure::default()
        };
        let disclosures = [
            months,
            disclosure("H13.01", Outcome::Denied, true),
            disclosure("H13.02", Outcome::Served, true),
            disclosure("H13.02", Outcome::Served, false),
        ];
        let mut titles = Titles::new(lang);
        titles.learn_built_in(POPULATION, "GetCitizen");
        let names = Names {
            agencies: [("H13.02".to_owned(), "<script>alert(1)</script> & \"Sở\"".to_owned())].into(),
            applications: [("tthc".to_owned(), "Giải quyết thủ tục".to_owned())].into(),
            purposes: [("verify".to_owned(), "Xác minh".to_owned())].into(),
        };
        Story::new(&disclosures, &names, &titles, lang)
    }

    #[test]
    fn who_received_most_comes_first_and_who_got_nothing_is_told_without_fields() {
        let story = story(Lang::Vi);
        let counts: Vec<_> = story.agencies.iter().map(|it| (it.received, it.asked_in_vain)).collect();
        assert_eq!(counts, [(2, 0), (0, 1)]);
        assert_eq!(story.received(), 2);
        let [received, ..] = &*story.agencies[0].times else { panic!("two") };
        assert_eq!(received.fields, ["Công dân › Họ và tên"]);
        assert_eq!((&*received.purpose, &*received.what), ("Xác minh", "Tra cứu công dân"));
        assert_eq!(received.basis, "Nghị định <278>; thoả thuận tt-1, phiên bản 2");
        assert!(story.agencies[1].times[0].fields.is_empty());
        assert_eq!(received.application, "Giải quyết thủ tục", "by its name");
        assert!(story.not_covered(Lang::Vi)[0].ends_with("2026-01."));
        assert!(story.not_covered(Lang::En)[1].contains("2025-11.000000000001, 2025-11-01 – 2025-11-13"));
    }

    #[test]
    fn nothing_speaks_of_what_is_withheld_unless_it_was_asked_for() {
        for (lang, word) in [(Lang::En, "withh"), (Lang::Vi, "hoãn")] {
            let mut story = story(lang);
            let pages = |story: &Story| {
                [super::super::text::page(story, lang), super::super::html::page(story, lang)]
            };
            assert!(pages(&story).iter().all(|page| !page.to_lowercase().contains(word)));
            story.with_withheld = true;
            assert!(pages(&story).iter().all(|page| page.to_lowercase().contains(word)));
        }
    }
}
