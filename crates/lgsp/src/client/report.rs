use super::Lang;

/// What went wrong, in lines: what happened, where, whether a repeat helps, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    lang: Lang,
    headline: String,
    lines: Vec<(Label, String)>,
}

/// What a line of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Reason,
    Hop,
    Retry,
    Fields,
    Exchange,
    Advice,
}

impl Label {
    fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::Reason => lang.pick("reason", "lý do"),
            Self::Hop => lang.pick("where", "nơi lỗi"),
            Self::Retry => lang.pick("retry", "thử lại"),
            Self::Fields => lang.pick("fields", "trường"),
            Self::Exchange => lang.pick("exchange", "mã lượt"),
            Self::Advice => lang.pick("what to do", "cần làm"),
        }
    }
}

/// Widest label of all languages.
const LABEL_WIDTH: usize = 10;

impl Report {
    pub(crate) fn new(lang: Lang, headline: impl Into<String>) -> Self {
        Self { lang, headline: headline.into(), lines: Vec::new() }
    }

    /// Adds a line, unless there is nothing to say.
    #[must_use]
    pub(crate) fn line(mut self, label: Label, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.lines.push((label, text));
        }
        self
    }

    /// What happened, in one line.
    pub(crate) fn headline(&self) -> &str {
        &self.headline
    }

    /// The text for standard error; `highlight` dresses its first word.
    pub(crate) fn render(&self, highlight: impl Fn(&str) -> String) -> String {
        let mut text = format!("{} {}\n", highlight(self.lang.pick("error:", "lỗi:")), clean(&self.headline));
        let mut last = None;
        for (label, line) in &self.lines {
            let shown = if last == Some(*label) { "" } else { label.text(self.lang) };
            text.push_str(&format!("  {shown:<LABEL_WIDTH$}  {}\n", clean(line)));
            last = Some(*label);
        }
        text
    }
}

/// Keeps whoever wrote the text from steering the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_one_label_stand_under_it() {
        let report = Report::new(Lang::En, "bad")
            .line(Label::Fields, "a  required")
            .line(Label::Fields, "b  too long")
            .line(Label::Exchange, "")
            .line(Label::Advice, "mend them");
        let expected =
            "error: bad\n  fields      a  required\n              b  too long\n  what to do  mend them\n";
        assert_eq!(report.render(str::to_owned), expected);
    }

    #[test]
    fn a_foreign_text_does_not_steer_the_terminal() {
        let text = Report::new(Lang::Vi, "\u{1b}[2Jgone\nhidden").render(str::to_owned);
        assert_eq!(text, "lỗi:  [2Jgone hidden\n");
    }
}
