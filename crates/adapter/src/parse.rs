//! Parses fields that more than one domain is asked by. Names the field in what is wrong, and never repeats the value.

use lgsp_core::{Fault, Reason};
use lgsp_identifiers::{PersonKey, WardCode, units};

use crate::invalid;

/// Parses a personal number or an old identity card.
///
/// # Errors
/// It is neither.
pub fn person_key(field: &str, text: &str) -> Result<PersonKey, Fault> {
    PersonKey::parse(text).map_err(|error| invalid(field, error))
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
pub fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
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
    fn what_is_wrong_with_a_number_does_not_repeat_it() {
        let refusal = person_key("personal_number", "09209900003").unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("0920"));
    }
}
