//! Asks a person before something is done that cannot be taken back.

use std::io::{IsTerminal as _, stdin};

use super::{Error, output};

/// Whether a person at a terminal says yes; a script is not asked, and has not said it.
pub(super) fn confirmed(question: &str) -> Result<bool, Error> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    output::note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "c" | "có")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert!([" Y\n", "yes", "c", "Có"].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "không", "yess"].into_iter().any(is_yes));
    }
}
