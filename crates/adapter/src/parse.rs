//! Parses fields that more than one domain is asked by. Names the field in what is wrong, and never repeats the value.

use lgsp_core::check::{CONTROL_CHARACTERS, has_control_characters};
use lgsp_core::{Fault, Reason};
use lgsp_identifiers::{PartialDate, PersonKey, WardCode, units};
use lgsp_proto::record::v1;

use crate::{invalid, records};

/// Parses a personal number or an old identity card.
///
/// # Errors
/// It is neither.
pub fn person_key(field: &str, text: &str) -> Result<PersonKey, Fault> {
    PersonKey::parse(text).map_err(|error| invalid(field, error))
}

/// Parses a personal number or an old identity card that may be left out.
///
/// # Errors
/// It is neither.
pub fn maybe_person_key(field: &str, text: &str) -> Result<Option<PersonKey>, Fault> {
    given(field, text)?.map(|text| person_key(field, text)).transpose()
}

/// Parses a ward's code that may be left out.
///
/// # Errors
/// It is none.
pub fn maybe_ward(field: &str, text: &str) -> Result<Option<WardCode>, Fault> {
    given(field, text)?.map(WardCode::parse).transpose().map_err(|error| invalid(field, error))
}

/// Reads the number of an enumeration.
///
/// # Errors
/// The contract has no such number.
pub fn enumeration<E: TryFrom<i32>>(field: &str, number: i32) -> Result<E, Fault> {
    E::try_from(number).map_err(|_| invalid(field, "is not a value of the enumeration"))
}

/// The wards in use that a code stands for, whichever time the code is of: one, or two for a former ward that was
/// divided, so that nobody is lost. A code in use now is read as such.
///
/// # Errors
/// It is no ward code, or the city neither has nor had such a ward.
pub fn wards_in_use(field: &str, text: &str) -> Result<Vec<WardCode>, Fault> {
    let code = WardCode::parse(text).map_err(|error| invalid(field, error))?;
    if code.is_current() {
        return Ok(vec![code]);
    }
    let wards: Vec<WardCode> = units::successors(code).iter().map(|succession| succession.current).collect();
    if wards.is_empty() {
        return Err(Fault::new(Reason::NotFound).saying("the city neither has nor had a ward of this code"));
    }
    Ok(wards)
}

/// The text of a field that may be left out; blank is left out.
///
/// # Errors
/// It has control characters. Not every source takes them for a text, NUL least of all.
pub fn given<'a>(field: &str, text: &'a str) -> Result<Option<&'a str>, Fault> {
    if has_control_characters(text) {
        return Err(invalid(field, CONTROL_CHARACTERS));
    }
    Ok(Some(text.trim()).filter(|text| !text.is_empty()))
}

/// A text that may be left out, of at most so many characters.
///
/// # Errors
/// It is longer, or has control characters.
pub fn short(field: &str, text: &str, most: usize) -> Result<Option<String>, Fault> {
    match given(field, text)? {
        Some(text) if text.chars().count() > most => Err(invalid(field, format!("is longer than {most}"))),
        text => Ok(text.map(str::to_owned)),
    }
}

/// Which of two fields that exclude each other is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneOf<'a> {
    /// The first.
    First(&'a str),
    /// The second.
    Second(&'a str),
}

/// Reads two fields, each with its name, of which exactly one must be given.
///
/// # Errors
/// None is given, or both are; or one has control characters.
pub fn one_of<'a>(first: (&str, &'a str), second: (&str, &'a str)) -> Result<OneOf<'a>, Fault> {
    match (given(first.0, first.1)?, given(second.0, second.1)?) {
        (Some(text), None) => Ok(OneOf::First(text)),
        (None, Some(text)) => Ok(OneOf::Second(text)),
        (None, None) => Err(invalid(first.0, format!("one of {}, {} is required", first.0, second.0))),
        (Some(_), Some(_)) => {
            Err(invalid(first.0, format!("only one of {}, {} may be set", first.0, second.0)))
        }
    }
}

/// Parses a date that may be left out and of which parts may be unknown.
///
/// # Errors
/// The calendar has no such date.
pub fn partial_date(field: &str, date: Option<&v1::PartialDate>) -> Result<Option<PartialDate>, Fault> {
    let Some(date) = date else { return Ok(None) };
    records::claimed_date(date).map(Some).ok_or_else(|| invalid(field, "is not a date"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_ward_code_stands_for_the_wards_that_it_became() {
        let wards = |text| {
            wards_in_use("ward_code", text).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(wards("31120"), ["31120"], "a code in use is read as such");
        assert_eq!(wards("31117"), ["31120"]);
        let divided = units::former_wards().iter().find(|ward| units::successors(ward.code).len() > 1);
        let divided = divided.expect("some wards were divided").code;
        let expected = if divided.is_current() { 1 } else { 2 };
        assert_eq!(wards(divided.as_str()).len(), expected);
    }

    #[test]
    fn a_ward_of_elsewhere_is_not_found_and_a_malformed_code_is_invalid() {
        assert_eq!(wards_in_use("ward_code", "00001").unwrap_err().reason(), Reason::NotFound);
        assert_eq!(wards_in_use("ward_code", "3112").unwrap_err().violations()[0].field, "ward_code");
    }

    #[test]
    fn exactly_one_of_two_fields_is_read() {
        let read = |first, second| one_of(("card_number", first), ("personal_number", second));
        assert_eq!(read(" 1 ", " ").unwrap(), OneOf::First("1"));
        assert_eq!(read("", "2").unwrap(), OneOf::Second("2"));
        for (first, second) in [("", ""), ("1", "2")] {
            assert_eq!(read(first, second).unwrap_err().violations()[0].field, "card_number");
        }
    }

    #[test]
    fn a_text_with_control_characters_is_refused_by_its_field() {
        for text in ["H\0", "\u{1b}[1m", "a\u{7f}b"] {
            for refusal in [
                short("full_name", text, 100).unwrap_err(),
                one_of(("full_name", text), ("personal_number", "")).unwrap_err(),
            ] {
                assert_eq!(refusal.violations()[0].field, "full_name");
                assert_eq!(refusal.reason(), Reason::InvalidField);
            }
        }
        assert_eq!(short("full_name", "Nguyễn\tVăn Hoà\n", 100).unwrap().unwrap(), "Nguyễn\tVăn Hoà");
    }

    #[test]
    fn what_is_wrong_with_a_number_does_not_repeat_it() {
        let refusal = person_key("personal_number", "09209900003").unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("0920"));
    }
}
