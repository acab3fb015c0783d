/// Longest code of a procedure.
const LONGEST: usize = 40;
/// Most digits in a row: more could be the number of a person.
const MOST_DIGITS: usize = 8;

/// Tells whether a text has the form of an administrative procedure's code, such as `1.004227` or `1.001193.000.00.00.H13`:
/// letters, digits, `.`, `-`, `_` and `/`. It is sealed for ever, so that nothing may stand in it that names a person.
pub fn is_procedure(text: &str) -> bool {
    let code = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/');
    let longest_number = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(code) && longest_number <= MOST_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_procedure_is_a_code_and_no_person() {
        for code in ["1.004227", "2.000635", "1.001193.000.00.00.H13", "TTHC-12_a/b"] {
            assert!(is_procedure(code), "{code}");
        }
        for text in ["", "1.004227-092000000000", "092 000 000 000", "Nguyen Van Mau", "đất", &"1".repeat(41)]
        {
            assert!(!is_procedure(text), "{text}");
        }
    }
}
