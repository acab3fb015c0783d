//! How differences are written for people.

use super::fields::Changed;
use crate::client::output::{self, Surface, Tone};
use crate::client::{Error, Lang};

/// Longest value that is told whole.
const LONGEST: usize = 300;

/// The sign of what is new, changed or gone.
pub(crate) fn sign(before: bool, after: bool) -> (&'static str, Tone) {
    match (before, after) {
        (false, _) => ("+", Tone::Good),
        (true, true) => ("~", Tone::Warning),
        (true, false) => ("-", Tone::Bad),
    }
}

/// `path: before → after`.
pub(crate) fn field(changed: &Changed, surface: &Surface) -> String {
    let shown = |text: &str, tone| match text {
        "" => "–".to_owned(),
        text if text.chars().count() > LONGEST => {
            surface.paint(tone, &format!("{}…", text.chars().take(LONGEST).collect::<String>()))
        }
        text => surface.paint(tone, text),
    };
    let Changed { path, before, after } = changed;
    if before.is_empty() {
        return format!("{path}: {}", shown(after, Tone::Good));
    }
    format!("{path}: {} → {}", shown(before, Tone::Bad), shown(after, Tone::Good))
}

/// That there is more than was told.
pub(crate) fn more(all: usize, told: usize, indent: &str, lang: Lang) -> Result<(), Error> {
    if all <= told {
        return Ok(());
    }
    output::line(&format!("{indent}… {} {}", all - told, lang.pick("more", "mục nữa")))
}
