//! Every text of the pages, in Vietnamese and English: `texts/*.ftl`. Templates and code have none of their own.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use time::{OffsetDateTime, UtcOffset};
use unic_langid::{LanguageIdentifier, langid};

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;
/// Asia/Ho_Chi_Minh, which has no summer time.
const AHEAD_HOURS: i8 = 7;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Lang {
    #[default]
    Vi,
    En,
}

impl Lang {
    pub(crate) const ALL: [Self; 2] = [Self::Vi, Self::En];

    /// As `lang` attributes and the cookie have it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// The one that is one click away.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Vi => Self::En,
            Self::En => Self::Vi,
        }
    }

    /// The one of two names in this language; the other where it is empty.
    pub(crate) fn pick<'a>(self, vi: &'a str, en: &'a str) -> &'a str {
        let (first, second) = match self {
            Self::Vi => (vi, en),
            Self::En => (en, vi),
        };
        if first.is_empty() { second } else { first }
    }
}

type Texts = FluentBundle<FluentResource>;

static VI: LazyLock<Texts> = LazyLock::new(|| texts(langid!("vi"), include_str!("../texts/vi.ftl")));
static EN: LazyLock<Texts> = LazyLock::new(|| texts(langid!("en"), include_str!("../texts/en.ftl")));

fn texts(language: LanguageIdentifier, source: &str) -> Texts {
    // What does not parse is missing, and a test names what is missing.
    let resource = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) => resource,
        Err((resource, _)) => resource,
    };
    let mut texts = Texts::new_concurrent(vec![language]);
    // Marks around what is put in would be in the way of who copies it.
    texts.set_use_isolating(false);
    texts.add_resource_overriding(resource);
    texts
}

/// The texts in one language, and how moments and numbers are written in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Say(pub(crate) Lang);

impl Say {
    fn texts(self) -> &'static Texts {
        match self.0 {
            Lang::Vi => &VI,
            Lang::En => &EN,
        }
    }

    /// A text without gaps.
    pub(crate) fn of(&self, id: &str) -> String {
        self.filled(id, None).unwrap_or_else(|| id.to_owned())
    }

    /// A text, if there is one of this name: names of causes and reasons come from outside.
    pub(crate) fn known(&self, id: &str) -> Option<String> {
        self.filled(id, None)
    }

    /// A text with one gap.
    pub(crate) fn with(&self, id: &str, name: &str, value: &str) -> String {
        self.all(id, &[(name, value)])
    }

    /// A text with gaps.
    pub(crate) fn all(&self, id: &str, gaps: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in gaps {
            args.set(Cow::Owned((*name).to_owned()), FluentValue::from((*value).to_owned()));
        }
        self.filled(id, Some(&args)).unwrap_or_else(|| id.to_owned())
    }

    fn filled(self, id: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let texts = self.texts();
        let pattern = texts.get_message(id)?.value()?;
        let mut errors = Vec::new();
        Some(texts.format_pattern(pattern, args, &mut errors).into_owned())
    }

    /// The word of a class of states.
    pub(crate) fn of_state(&self, class: &str) -> String {
        self.known(&format!("state-{class}")).unwrap_or_else(|| class.to_owned())
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.0.code()
    }

    /// `15:04:05`.
    pub(crate) fn clock(&self, us: i64) -> String {
        let at = local(us);
        format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
    }

    /// `15:04`.
    pub(crate) fn minute(&self, us: i64) -> String {
        let at = local(us);
        format!("{:02}:{:02}", at.hour(), at.minute())
    }

    /// `28/11`, or `28 Nov` in English, where the other order would be taken for it.
    pub(crate) fn date(&self, us: i64) -> String {
        let at = local(us);
        match self.0 {
            Lang::Vi => format!("{:02}/{:02}", at.day(), u8::from(at.month())),
            Lang::En => format!("{} {}", at.day(), at.month().to_string().get(..3).unwrap_or_default()),
        }
    }

    /// Day, year and time to the second.
    pub(crate) fn moment(&self, us: i64) -> String {
        let year = local(us).year();
        let separator = if self.0 == Lang::Vi { "/" } else { " " };
        format!("{}{separator}{year} {}", self.date(us), self.clock(us))
    }

    /// The clock of today, and the day before it of any other.
    pub(crate) fn at(&self, us: i64, now_us: i64) -> String {
        if local(us).date() == local(now_us).date() {
            return self.clock(us);
        }
        format!("{} {}", self.date(us), self.minute(us))
    }

    /// How long something lasts, in its two largest units.
    pub(crate) fn lasts(&self, us: i64) -> String {
        let us = us.max(0);
        let (days, hours) = (us / DAY_US, us % DAY_US / HOUR_US);
        let (minutes, seconds) = (us % HOUR_US / MINUTE_US, us % MINUTE_US / SECOND_US);
        let part = |id: &str, number: i64| self.with(id, "n", &number.to_string());
        let two = |first: String, rest: Option<String>| match rest {
            Some(rest) => format!("{first} {rest}"),
            None => first,
        };
        let some = |id: &str, number: i64| (number > 0).then(|| part(id, number));
        match (days, hours, minutes) {
            (0, 0, 0) => part("lasts-seconds", seconds),
            (0, 0, _) => part("lasts-minutes", minutes),
            (0, _, _) => two(part("lasts-hours", hours), some("lasts-minutes", minutes)),
            _ => two(part("lasts-days", days), some("lasts-hours", hours)),
        }
    }

    /// A number with so many decimals, grouped by thousands.
    pub(crate) fn number(&self, value: f64, decimals: usize) -> String {
        let (group, point) = match self.0 {
            Lang::Vi => ('.', ','),
            Lang::En => (',', '.'),
        };
        let written = format!("{value:.decimals$}");
        let (whole, rest) = written.split_once('.').unwrap_or((&written, ""));
        let mut text = String::new();
        for (place, digit) in whole.chars().enumerate() {
            let left = whole.len() - place;
            if place > 0 && left.is_multiple_of(3) && !text.ends_with('-') {
                text.push(group);
            }
            text.push(digit);
        }
        if !rest.is_empty() {
            text.push(point);
            text.push_str(rest);
        }
        text
    }

    /// A latency.
    pub(crate) fn latency(&self, seconds: f64) -> String {
        let millis = seconds * 1_000.0;
        match millis {
            _ if (millis - millis.round()).abs() < 0.05 && millis < 999.5 => {
                self.with("unit-ms", "n", &self.number(millis, 0))
            }
            _ if millis < 9.95 => self.with("unit-ms", "n", &self.number(millis, 1)),
            _ if millis < 999.5 => self.with("unit-ms", "n", &self.number(millis, 0)),
            _ => self.with("unit-s", "n", &self.number(seconds, 1)),
        }
    }

    /// Exchanges a minute.
    pub(crate) fn rate(&self, per_minute: f64) -> String {
        let decimals = usize::from(per_minute > 0.0 && per_minute < 9.95);
        self.with("unit-per-minute", "n", &self.number(per_minute, decimals))
    }

    /// A part of a whole.
    pub(crate) fn percent(&self, part: f64) -> String {
        let percent = part * 100.0;
        let decimals = usize::from(percent > 0.0 && percent < 9.95);
        self.with("unit-percent", "n", &self.number(percent, decimals))
    }
}

fn local(us: i64) -> OffsetDateTime {
    let utc = OffsetDateTime::from_unix_timestamp_nanos(i128::from(us) * 1_000);
    let ahead = UtcOffset::from_hms(AHEAD_HOURS, 0, 0).unwrap_or(UtcOffset::UTC);
    utc.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(ahead)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use fluent_syntax::{ast, parser};

    use super::*;

    const SOURCES: [(Lang, &str); 2] =
        [(Lang::Vi, include_str!("../texts/vi.ftl")), (Lang::En, include_str!("../texts/en.ftl"))];

    /// The names of all texts, each with the gaps that it has.
    fn names(source: &str) -> BTreeSet<(String, BTreeSet<String>)> {
        let resource = parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
        let mut names = BTreeSet::new();
        for entry in resource.body {
            let ast::Entry::Message(message) = entry else { continue };
            let value = message.value.unwrap_or_else(|| panic!("{} says nothing", message.id.name));
            let mut gaps = BTreeSet::new();
            for element in &value.elements {
                if let ast::PatternElement::Placeable { expression } = element {
                    let told = format!("{expression:?}");
                    let named = told.split("VariableReference { id: Identifier { name: \"").nth(1);
                    gaps.extend(named.and_then(|rest| rest.split('"').next()).map(str::to_owned));
                }
            }
            assert!(names.insert((message.id.name.to_owned(), gaps)), "{} is there twice", message.id.name);
        }
        names
    }

    fn files(below: &str) -> Vec<(PathBuf, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
        let mut found = Vec::new();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("a file").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(&path).expect("a text");
                    found.push((path, text));
                }
            }
        }
        found
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_gaps() {
        let [vi, en] = SOURCES.map(|(_, source)| names(source));
        let apart: Vec<_> = vi.symmetric_difference(&en).collect();
        assert!(apart.is_empty(), "{apart:?}");
    }

    #[test]
    fn every_text_that_is_asked_for_is_there() {
        let known: BTreeSet<String> = names(SOURCES[0].1).into_iter().map(|(name, _)| name).collect();
        for (path, text) in files("templates").into_iter().chain(files("src")) {
            for opening in [".of(\"", ".with(\"", ".all(\""] {
                for rest in text.split(opening).skip(1) {
                    let id = rest.split('"').next().expect("a first part");
                    assert!(known.contains(id), "{}: {id}", path.display());
                }
            }
        }
    }

    /// What a reader would see of a template: without its tags, comments, expressions and statements.
    fn seen(template: &str) -> String {
        let mut rest = template;
        let mut seen = String::new();
        let pairs = [("{#", "#}"), ("{{", "}}"), ("{%", "%}"), ("<", ">")];
        while let Some((at, (open, close))) =
            pairs.iter().filter_map(|pair| Some((rest.find(pair.0)?, *pair))).min_by_key(|(at, _)| *at)
        {
            seen.push_str(&rest[..at]);
            let after = &rest[at + open.len()..];
            // An expression in a tag may hold the sign that ends the tag.
            let mut inside = 0;
            let mut end = None;
            let bytes = after.as_bytes();
            for place in 0..bytes.len() {
                if open == "<" && (after[place..].starts_with("{{") || after[place..].starts_with("{%")) {
                    inside += 1;
                }
                if open == "<"
                    && place > 0
                    && (&bytes[place - 1..=place] == b"}}" || &bytes[place - 1..=place] == b"%}")
                {
                    inside -= 1;
                }
                if inside == 0 && after.is_char_boundary(place) && after[place..].starts_with(close) {
                    end = Some(place);
                    break;
                }
            }
            let end = end.unwrap_or_else(|| panic!("{open} is not closed"));
            rest = &after[end + close.len()..];
        }
        seen.push_str(rest);
        seen
    }

    #[test]
    fn no_template_has_a_text_of_its_own() {
        let words = ["<p title=\"{% if a > b %}x{% endif %}\">{{ x }}", "Xin chào"].concat();
        assert_eq!(seen(&words), "Xin chào");
        for (path, template) in files("templates") {
            let seen = seen(&template).replace("&nbsp;", "").replace("&middot;", "");
            let letters: String = seen.chars().filter(|c| c.is_alphabetic()).collect();
            assert!(letters.is_empty(), "{}: {letters}", path.display());
            for attribute in ["title=\"", "alt=\"", "aria-label=\"", "placeholder=\""] {
                for rest in template.split(attribute).skip(1) {
                    assert!(
                        rest.starts_with("{{") || rest.starts_with('"'),
                        "{}: {attribute}",
                        path.display()
                    );
                }
            }
        }
    }

    #[test]
    fn moments_and_numbers_are_written_as_their_readers_write_them() {
        let (vi, en) = (Say(Lang::Vi), Say(Lang::En));
        let us = 1_795_855_445 * SECOND_US;
        assert_eq!(vi.moment(us), "28/11/2026 15:44:05");
        assert_eq!(en.moment(us), "28 Nov 2026 15:44:05");
        assert_eq!(vi.at(us, us + HOUR_US), "15:44:05");
        assert_eq!(vi.at(us - DAY_US, us), "27/11 15:44");
        assert_eq!(vi.number(-1_234_567.25, 1), "-1.234.567,2");
        assert_eq!(en.number(999.0, 0), "999");
        assert_eq!(en.number(100_000.0, 0), "100,000");
        assert_eq!(en.lasts(26 * HOUR_US), "1 d 2 h");
        assert_eq!(en.lasts(61 * SECOND_US), "1 min");
    }
}
