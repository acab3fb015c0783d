//! From the columns of a source to the shapes that every domain speaks.

use std::time::SystemTime;

use lgsp_identifiers::{PartialDate, WardCode, units};
use lgsp_proto::record::v1;

/// The city's province code.
const CITY: &str = "92";

/// Reads a partial date as sources write it: `1958`, `1958-07`, `1958-07-21`; an unknown end may also be zeros, as in
/// `1958-00-00`. What is no date is not known.
pub fn date(text: Option<&str>) -> Option<v1::PartialDate> {
    let date = PartialDate::parse(without_zeros(text?.trim())).ok()?;
    let part = |part: Option<u8>| part.map_or(0, i32::from);
    Some(v1::PartialDate { year: date.year().into(), month: part(date.month()), day: part(date.day()) })
}

fn without_zeros(text: &str) -> &str {
    let text = text.strip_suffix("-00").unwrap_or(text);
    text.strip_suffix("-00").unwrap_or(text)
}

/// Reads a moment in Unix microseconds.
pub fn timestamp(us: i64) -> prost_types::Timestamp {
    lgsp_core::time::timestamp(us)
}

/// Reads a claimed date; `None` if the calendar has no such date.
pub fn claimed_date(date: &v1::PartialDate) -> Option<PartialDate> {
    let year = u16::try_from(date.year).ok()?;
    match (u8::try_from(date.month).ok()?, u8::try_from(date.day).ok()?) {
        (0, 0) => PartialDate::year_only(year),
        (month, 0) => PartialDate::year_month(year, month),
        (month, day) => PartialDate::full(year, month, day),
    }
}

/// The day in Viet Nam now.
pub fn today() -> PartialDate {
    let day = lgsp_core::time::day(lgsp_core::time::unix_micros(SystemTime::now()));
    PartialDate::parse_full(&day).expect("the hub's clock is within the calendar of its dates")
}

/// Names a ward of the city by its code in use, with the code that the record was written under.
pub fn ward(code: &str, former_code: Option<&str>) -> v1::Ward {
    let known = WardCode::parse(code).ok().and_then(units::current);
    v1::Ward {
        code: code.to_owned(),
        name: known.map(|ward| ward.name.to_owned()).unwrap_or_default(),
        province_code: if known.is_some() { CITY.to_owned() } else { String::new() },
        former_code: former_code.unwrap_or_default().to_owned(),
    }
}

/// The columns of an address.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddressColumns<'a> {
    /// House number and street, hamlet or area.
    pub line: Option<&'a str>,
    /// Code of the ward in use now.
    pub ward_code: Option<&'a str>,
    /// The code that the record was written under, when it is an older one.
    pub former_ward_code: Option<&'a str>,
    /// The whole address, when it does not follow from the others.
    pub text: Option<&'a str>,
}

/// Builds an address; its text is made of line and ward unless the source has one.
pub fn address(columns: AddressColumns<'_>) -> v1::Address {
    let ward = columns.ward_code.map(|code| ward(code, columns.former_ward_code));
    let line = columns.line.unwrap_or_default().to_owned();
    let text = columns.text.map_or_else(|| on_one_line(&line, ward.as_ref()), str::to_owned);
    v1::Address { line, ward, text }
}

fn on_one_line(line: &str, ward: Option<&v1::Ward>) -> String {
    let ward_name = ward.map(|ward| ward.name.as_str()).unwrap_or_default();
    let city = if ward_name.is_empty() { "" } else { "Thành phố Cần Thơ" };
    [line, ward_name, city].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_end_of_a_date_are_not_known_and_no_date_is_invented() {
        let read = |text| date(Some(text)).map(|date| (date.year, date.month, date.day));
        for text in ["1958", "1958-00", "1958-00-00", " 1958 "] {
            assert_eq!(read(text), Some((1958, 0, 0)), "{text}");
        }
        assert_eq!(read("1958-07-00"), Some((1958, 7, 0)));
        for text in ["", "0000", "1958-00-21", "1958-02-30", "?", "-00", "58"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
