//! What may be shown of a value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// More different codes than these are no code list.
pub(super) const MOST_CODES: usize = 50;
/// So few may stand in the smallest source.
const FEW_CODES: usize = 5;
/// In a code list each code stands in this many records on average, at least.
const RECORDS_A_CODE: u64 = 1_000;
/// What fewer records hold may be a name that slipped in, and tells of somebody.
const FEWEST_RECORDS: u64 = 20;
/// No code is longer, in characters.
const LONGEST_CODE: usize = 30;
/// No code has so many digits; days, years and numbers of persons have.
const MOST_DIGITS: usize = 3;
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

/// The codes themselves if they are those of a code list, and otherwise their shapes: a column that was mapped by mistake may
/// hold names, and so may single records.
pub(super) fn of_codes(codes: Vec<(String, u64)>, records: u64) -> Vec<Sample> {
    let most = usize::try_from(records / RECORDS_A_CODE).unwrap_or(MOST_CODES).clamp(FEW_CODES, MOST_CODES);
    let is_list = codes.len() <= most;
    let (mut samples, mut shapes) = (Vec::new(), Shapes::default());
    for (text, count) in codes {
        if is_list && count >= FEWEST_RECORDS && looks_like_a_code(&text) {
            samples.push(Sample { text, count });
        } else {
            shapes.add(&text, count);
        }
    }
    samples.extend(shapes.into_samples());
    samples
}

fn looks_like_a_code(text: &str) -> bool {
    let digits = text.chars().filter(|letter| letter.is_numeric()).count();
    digits <= MOST_DIGITS && text.chars().count() <= LONGEST_CODE && !text.chars().any(char::is_control)
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

    fn codes(texts: &[&str], each: u64, records: u64) -> Vec<String> {
        let codes = texts.iter().map(|text| ((*text).to_owned(), each)).collect();
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
        assert_eq!(codes(&["Nam ", "X", "H12"], 20, 100), ["Nam ", "X", "H12"]);
        for number in ["092099000034", "0920-9900-0034", "21/07/1958", "1958"] {
            assert_eq!(codes(&[number], 20, 1_000_000), [shape(number)]);
        }
        let names = ["Bé", "Ba", "Tư", "An", "Lê", "Hà"];
        assert_eq!(codes(&names, 20, 120), ["aa"], "too many for so few records");
        assert_eq!(codes(&names, 20, 10_000), names);
    }

    #[test]
    fn a_name_that_slipped_into_a_code_list_is_not_shown() {
        let held = [("nu", 30), ("Trần Thị Bé", 1), ("Nguyễn Văn Hoà", 19)];
        let codes = held.map(|(text, count)| (text.to_owned(), count)).to_vec();
        let shown: Vec<String> = of_codes(codes, 1_000_000).into_iter().map(|sample| sample.text).collect();
        assert_eq!(shown, ["nu", "aaaaaa aaa aaa", "aaaa aaa aa"]);
    }
}
