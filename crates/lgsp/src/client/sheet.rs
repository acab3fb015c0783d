//! A record for people: a label and what is said of it, line by line.

use std::io::{IsTerminal as _, stderr};

use lgsp_proto::registry::v1::Step;

use super::output::{self, Surface, Tone};
use super::report::clean;
use super::{Error, Lang, words};

/// What is known of a record, in the order in which it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    lines: Vec<(&'static str, String, Tone)>,
}

impl Sheet {
    /// Adds a line, unless there is nothing to say.
    pub(crate) fn line(&mut self, label: &'static str, text: impl Into<String>) {
        self.toned(label, text, Tone::Plain);
    }

    /// The same for what has to be looked at.
    pub(crate) fn toned(&mut self, label: &'static str, text: impl Into<String>, tone: Tone) {
        let text = clean(&text.into());
        if !text.is_empty() {
            self.lines.push((label, text, tone));
        }
    }

    /// Adds a step: who took it, in whose name, when and why.
    pub(crate) fn step(&mut self, label: &'static str, step: Option<&Step>) {
        let Some(step) = step else { return };
        let by = step.by.clone().unwrap_or_default();
        let at = words::minute(step.at.as_ref());
        let told = [&*by.person, &*by.agency_code, &*at, &*step.reason, &*step.legal_basis];
        let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
        self.line(label, told.join(", "));
    }

    /// Writes it on standard output, as what was asked for.
    pub(crate) fn write(&self) -> Result<(), Error> {
        let surface = Surface::of_stdout();
        self.rendered(|tone, text| surface.paint(tone, text)).iter().try_for_each(|line| output::line(line))
    }

    /// Writes it on standard error, as what is about to be decided.
    pub(crate) fn note(&self, headline: &str) {
        let colours = stderr().is_terminal() && output::colours_are_welcome();
        output::note(headline);
        let paint = |tone: Tone, text: &str| if colours { tone.paint(text) } else { text.to_owned() };
        self.rendered(paint).iter().for_each(|line| output::note(&format!("  {line}")));
    }

    /// Its lines, without colours.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.rendered(|_, text| text.to_owned()).join("\n") + "\n"
    }

    fn rendered(&self, paint: impl Fn(Tone, &str) -> String) -> Vec<String> {
        let width = self.lines.iter().map(|(label, ..)| label.chars().count()).max().unwrap_or(0);
        let mut last = "";
        let mut lines = Vec::new();
        for (label, text, tone) in &self.lines {
            let shown = if last == *label { "" } else { label };
            lines.push(format!("{shown:<width$}  {}", paint(*tone, text)));
            last = label;
        }
        lines
    }
}

/// What is about to be decided, or would be.
pub(crate) fn headline(name: &str, dry_run: bool, lang: Lang) -> String {
    match dry_run {
        true => format!("{} {name}:", lang.pick("would", "sẽ")),
        false => format!("{name}:"),
    }
}

/// Tells what has to be looked at after a decision, and which gateways do not know it yet.
pub(crate) fn aftermath(warnings: &[String], gateways_behind: &[String], lang: Lang) {
    for warning in warnings {
        output::note(&format!("{}: {}", lang.pick("note", "lưu ý"), clean(warning)));
    }
    if !gateways_behind.is_empty() {
        let behind = lang.pick("not known yet to gateways", "các cổng chưa cập nhật");
        output::note(&format!("{behind}: {}", gateways_behind.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_in_one_column_and_once() {
        let mut sheet = Sheet::default();
        sheet.line("fields", "a");
        sheet.toned("fields", "b\u{1b}[2J", Tone::Warning);
        sheet.line("why", "");
        sheet.line("id", "x");
        let lines = sheet
            .rendered(|tone, text| if tone == Tone::Warning { format!("!{text}") } else { text.to_owned() });
        assert_eq!(lines, ["fields  a", "        !b [2J", "id      x"]);
    }
}
