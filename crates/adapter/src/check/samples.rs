//! What may be shown of a value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// More different codes than these are no code list.
pub(super) const MOST_CODES: usize = 50;
/// So few may stand in the smallest source.
const FEW_CODES: usize = 5;
/// In a code list each code stands in this many records on average, at least.
const RECORDS_A_CODE: u64 = 1_000;
/// No code is longer, in characters.
const LONGEST_CODE: usize = 30;
/// No code has so many digits in a row; numbers of persons have.
const MOST_DIGITS: usize = 5;
/// So many different samples are shown of a finding.
const MOST_SAMPLES: usize = 5;
/// A shape ends here, in characters.
const LONGEST_SHAPE: usize = 24;

/// What some of the values look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// A code, or a shape.
    pub text: String,
    /// In how many records.
    pub count: u64,
}

/// The codes themselves if they look like a code list, and otherwise their shapes: a column that was mapped by mistake may hold
/// names.
pub(super) fn of_codes(codes: Vec<(String, u64)>, records: u64) -> Vec<Sample> {
    let most = usize::try_from(records / RECORDS_A_CODE).unwrap_or(MOST_CODES).clamp(FEW_CODES, MOST_CODES);
    let is_list = codes.len() <= most && codes.iter().all(|(code, _)| looks_like_a_code(code));
    if is_list {
        return codes.into_iter().map(|(text, count)| Sample { text, count }).collect();
    }
    let mut shapes = Shapes::default();
    for (code, count) in codes {
        shapes.add(&code, count);
    }
    shapes.into_samples()
}

fn looks_like_a_code(text: &str) -> bool {
    let mut digits = 0;
    let has_many_digits = text.chars().any(|letter| {
        digits = if letter.is_ascii_digit() { digits + 1 } else { 0 };
        digits > MOST_DIGITS
    });
    !has_many_digits && text.chars().count() <= LONGEST_CODE && !text.chars().any(char::is_control)
}

/// Collects shapes with their counts; no more of them than anybody reads.
#[derive(Debug, Default)]
pub(super) struct Shapes(BTreeMap<String, u64>);

impl Shapes {
    const MOST: usize = 100;

    pub(super) fn add(&mut self, value: &str, count: u64) {
        let (known, shape) = (self.0.len(), shape(value));
        match self.0.entry(shape) {
            Entry::Occupied(mut entry) => *entry.get_mut() += count,
            Entry::Vacant(entry) if known < Self::MOST => drop(entry.insert(count)),
            Entry::Vacant(_) => {}
        }
    }

    pub(super) fn into_samples(self) -> Vec<Sample> {
        let mut samples: Vec<Sample> =
            self.0.into_iter().map(|(text, count)| Sample { text, count }).collect();
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.count));
        samples.truncate(MOST_SAMPLES);
        samples
    }
}

/// What a value looks like: `092099000034 ` is `999999999999␠`, `Trần Thị Bé` is `aaaa aaa aa`.
fn shape(value: &str) -> String {
    let letter = |letter: char| match letter {
        _ if letter.is_numeric() => '9',
        _ if letter.is_alphabetic() => 'a',
        ' ' | '-' | '/' | '.' | ',' | ':' => letter,
        _ if letter.is_whitespace() => '␠',
        _ => '?',
    };
    let mut shape: String = value.chars().map(letter).take(LONGEST_SHAPE).collect();
    // White space at an end is what nobody sees.
    if shape.starts_with(' ') {
        shape.replace_range(..1, "␠");
    }
    if shape.ends_with(' ') {
        shape.pop();
        shape.push('␠');
    }
    if value.chars().count() > LONGEST_SHAPE {
        shape.push('…');
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(texts: &[&str], records: u64) -> Vec<String> {
        let codes = texts.iter().map(|text| ((*text).to_owned(), 1)).collect();
        of_codes(codes, records).into_iter().map(|sample| sample.text).collect()
    }

    #[test]
    fn a_shape_tells_no_digit_and_no_letter() {
        assert_eq!(shape("092099000034 "), "999999999999␠");
        assert_eq!(shape(" 31/02/1990"), "␠99/99/9999");
        assert_eq!(shape("Trần Thị Bé"), "aaaa aaa aa");
        assert_eq!(shape("A1_\t\u{0}"), "a9?␠?");
        assert_eq!(shape(&"1".repeat(30)), format!("{}…", "9".repeat(24)));
    }

    #[test]
    fn codes_are_shown_and_names_and_numbers_are_not() {
        assert_eq!(codes(&["Nam ", "X"], 20), ["Nam ", "X"]);
        assert_eq!(codes(&["092099000034"], 1_000_000), ["999999999999"]);
        let names = ["Bé", "Ba", "Tư", "An", "Lê", "Hà"];
        assert_eq!(codes(&names, 20), ["aa"], "too many for so few records");
        assert_eq!(codes(&names, 10_000), names);
    }
}
