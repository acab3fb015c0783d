use serde_json::{Value, json};

use crate::client::output::{Surface, Tone, line};
use crate::client::table::{Cell, Table};
use crate::client::{Lang, Listing};

/// What a check says of what it looked at. From good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It could not be asked.
    Unknown,
    /// Somebody should look at it.
    Warning,
    /// It is wrong.
    Wrong,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }

    fn text(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::En, _) => self.name(),
            (Lang::Vi, Self::Ok) => "tốt",
            (Lang::Vi, Self::Unknown) => "không rõ",
            (Lang::Vi, Self::Warning) => "cần xem lại",
            (Lang::Vi, Self::Wrong) => "hỏng",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Unknown => Tone::Dim,
            Self::Warning => Tone::Warning,
            Self::Wrong => Tone::Bad,
        }
    }

    fn exit(self) -> u8 {
        match self {
            Self::Ok | Self::Unknown => 0,
            Self::Warning => 1,
            Self::Wrong => 2,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check: a word of docs/operations.md.
    pub check: &'static str,
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// The command, or the setting, that mends it.
    pub mend: String,
}

impl Finding {
    pub(super) fn ok(check: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check, what: what.into(), verdict: Verdict::Ok, found: found.into(), mend: String::new() }
    }

    pub(super) fn unknown(check: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, ..Self::ok(check, what, found) }
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::ok(check, what, found) }
    }

    pub(super) fn wrong(check: &'static str, what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wrong, ..Self::ok(check, what, found) }
    }

    /// What mends it.
    #[must_use]
    pub(super) fn mend(self, mend: impl Into<String>) -> Self {
        Self { mend: mend.into(), ..self }
    }

    fn document(&self) -> Value {
        json!({
            "check": self.check,
            "what": self.what,
            "verdict": self.verdict.name(),
            "found": self.found,
            "mend": if self.mend.is_empty() { Value::Null } else { self.mend.as_str().into() },
        })
    }
}

/// The exit code of the worst finding.
pub(super) fn worst(findings: &[Finding]) -> u8 {
    findings.iter().map(|finding| finding.verdict.exit()).max().unwrap_or(0)
}

pub(super) fn print(
    findings: &[Finding],
    listing: Listing,
    surface: &Surface,
    lang: Lang,
) -> anyhow::Result<()> {
    if listing == Listing::Json {
        for finding in findings {
            line(&finding.document().to_string())?;
        }
        return Ok(());
    }
    let header = match lang {
        Lang::En => ["CHECK", "WHAT", "VERDICT", "FOUND", "WHAT MENDS IT"],
        Lang::Vi => ["MỤC", "XEM GÌ", "TÌNH TRẠNG", "THẤY GÌ", "SỬA THẾ NÀO"],
    };
    let [_, what, _, found, mends] = header;
    let mut table = Table::new(header.to_vec()).wrapping(vec![what, found, mends]);
    for finding in findings {
        table.row(vec![
            finding.check.into(),
            finding.what.as_str().into(),
            Cell::new(finding.verdict.text(lang), finding.verdict.tone()),
            finding.found.as_str().into(),
            finding.mend.as_str().into(),
        ]);
    }
    table.write(listing, surface)?;
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let [wrong, warning, unknown, ok] =
        [Verdict::Wrong, Verdict::Warning, Verdict::Unknown, Verdict::Ok].map(count);
    line(&match lang {
        Lang::En => format!("{wrong} wrong, {warning} warnings, {unknown} unknown, {ok} ok"),
        Lang::Vi => format!("{wrong} hỏng, {warning} cần xem lại, {unknown} không rõ, {ok} tốt"),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_what_is_unknown_is_no_trouble() {
        let ok = || Finding::ok("a", "b", "c");
        assert_eq!(worst(&[]), 0);
        assert_eq!(worst(&[ok(), Finding::unknown("a", "b", "c")]), 0);
        assert_eq!(worst(&[Finding::warning("a", "b", "c"), ok()]), 1);
        assert_eq!(worst(&[Finding::wrong("a", "b", "c"), Finding::warning("a", "b", "c")]), 2);
    }
}
