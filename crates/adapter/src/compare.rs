//! Compares claims with records. What comes out is a [`Match`] and nothing of the record.

use lgsp_identifiers::{PartialDate, PersonKey, WardCode, names, units};
use lgsp_proto::record::v1::{self, Match, Sex};

use crate::records;

/// Compares a claim with what the record holds.
pub fn equal<T: PartialEq>(claim: Option<T>, record: Option<T>) -> Match {
    judged(claim, record, |claim, record| claim == record)
}

/// Compares a claim with what the record holds, by a rule of its own.
pub fn judged<C, R>(claim: Option<C>, record: Option<R>, same: impl FnOnce(C, R) -> bool) -> Match {
    match (claim, record) {
        (None, _) => Match::NotClaimed,
        (Some(_), None) => Match::Unknown,
        (Some(claim), Some(record)) => told(same(claim, record)),
    }
}

/// The text of a record's field; an empty one is not known.
pub fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Compares names without regard to case, Unicode form, spacing and the placement of tone marks.
pub fn name(claim: Option<&str>, record: &str) -> Match {
    judged(claim, known(record), names::same_name)
}

/// Compares what is printed as letters and digits, such as a serial number, without regard to case and white space.
pub fn code(claim: Option<&str>, record: &str) -> Match {
    let key = |code: &str| code.split_whitespace().collect::<String>().to_uppercase();
    equal(claim.map(key), known(record).map(key))
}

/// Compares a person with the numbers of the one on record. A number of the kind that the record does not hold can be
/// neither confirmed nor denied.
pub fn person(claim: Option<&PersonKey>, personal_number: &str, old_identity_number: &str) -> Match {
    let record = match claim {
        None | Some(PersonKey::Number(_)) => personal_number,
        Some(PersonKey::OldCard(_)) => old_identity_number,
    };
    equal(claim.map(PersonKey::as_str), known(record.trim()))
}

/// A claim that says more than the record knows cannot be confirmed; one that contradicts what it knows is wrong.
pub fn date(claim: Option<PartialDate>, record: Option<&v1::PartialDate>) -> Match {
    let Some(claim) = claim else { return Match::NotClaimed };
    let Some(record) = record.and_then(records::claimed_date) else { return Match::Unknown };
    let record_knows_as_much = (record.month().is_some() || claim.month().is_none())
        && (record.day().is_some() || claim.day().is_none());
    match (claim.agrees_with(record), record_knows_as_much) {
        (false, _) => Match::No,
        (true, true) => Match::Yes,
        (true, false) => Match::Unknown,
    }
}

/// Compares sexes; an unknown one on record can be neither confirmed nor denied.
pub fn sex(claim: Option<Sex>, record: Sex) -> Match {
    equal(claim, Some(record).filter(|sex| *sex != Sex::Unknown))
}

/// A ward matches by the code in use, by the code that the record was written under, and by any former code of which
/// the ward in use took a part. A code that was reused means both the former and the present ward.
pub fn ward(claim: Option<WardCode>, record: Option<&v1::Ward>) -> Match {
    let Some(claim) = claim else { return Match::NotClaimed };
    let Some(record) = record else { return Match::Unknown };
    let Ok(current) = WardCode::parse(&record.code) else { return Match::Unknown };
    let became = |code| units::successors(code).iter().any(|succession| succession.current == current);
    told(claim == current || record.former_code == claim.as_str() || became(claim))
}

fn told(same: bool) -> Match {
    if same { Match::Yes } else { Match::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial(text: &str) -> PartialDate {
        PartialDate::parse(text).unwrap()
    }

    #[test]
    fn a_date_is_confirmed_only_as_far_as_the_record_knows_it() {
        let check = |claim, record| date(Some(partial(claim)), records::date(Some(record)).as_ref());
        assert_eq!(check("1958-07-21", "1958-07-21"), Match::Yes);
        assert_eq!(check("1958", "1958-07-21"), Match::Yes);
        assert_eq!(check("1958-07-21", "1958"), Match::Unknown);
        assert_eq!(check("1958-07-21", "1958-08"), Match::No);
        assert_eq!(check("1958-07-21", "1959"), Match::No);
        assert_eq!(date(Some(partial("1958")), None), Match::Unknown);
        assert_eq!(date(None, records::date(Some("1958")).as_ref()), Match::NotClaimed);
    }

    #[test]
    fn a_ward_matches_under_its_old_codes_and_no_other() {
        // An Hòa (31120) and Cái Khế (31117) became Cái Khế, which has the code 31120 now.
        let record = records::ward("31120", Some("31117"));
        let check = |claim| ward(Some(WardCode::parse(claim).unwrap()), Some(&record));
        assert_eq!(check("31120"), Match::Yes);
        assert_eq!(check("31117"), Match::Yes);
        assert_eq!(check("31135"), Match::No);
        assert_eq!(check("00001"), Match::No);
        assert_eq!(ward(Some(WardCode::parse("31120").unwrap()), None), Match::Unknown);
    }

    #[test]
    fn a_name_matches_without_regard_to_case_form_and_tone_mark_placement() {
        for claim in ["nguyễn thị thúy", "NGUYỄN  THỊ THUÝ", "Nguye\u{302}\u{303}n Thị Thúy"] {
            assert_eq!(name(Some(claim), "Nguyễn Thị Thuý"), Match::Yes, "{claim}");
        }
        assert_eq!(name(Some("Nguyễn Thị Thuỷ"), "Nguyễn Thị Thuý"), Match::No);
        assert_eq!(name(Some("Nguyễn Thị Thuỷ"), ""), Match::Unknown);
        assert_eq!(name(None, "Nguyễn Thị Thuý"), Match::NotClaimed);
    }

    #[test]
    fn a_person_is_compared_by_the_kind_of_number_that_is_claimed() {
        let check = |claim, number, old| person(Some(&PersonKey::parse(claim).unwrap()), number, old);
        assert_eq!(check("092058000001", "092058000001", ""), Match::Yes);
        assert_eq!(check("092058000001", "092058000002", ""), Match::No);
        assert_eq!(check("092058000001", "", "361000001"), Match::Unknown);
        assert_eq!(check("361000001", "092058000002", "361000001"), Match::Yes);
        assert_eq!(check("361000001", "092058000002", ""), Match::Unknown);
        assert_eq!(person(None, "092058000001", ""), Match::NotClaimed);
    }

    #[test]
    fn a_printed_code_matches_without_regard_to_case_and_spaces() {
        assert_eq!(code(Some("b 123 4567"), "B1234567"), Match::Yes);
        assert_eq!(code(Some("B1234568"), "B1234567"), Match::No);
        assert_eq!(code(Some("B1234568"), ""), Match::Unknown);
    }

    #[test]
    fn an_unknown_sex_on_record_is_neither_confirmed_nor_denied() {
        assert_eq!(sex(Some(Sex::Female), Sex::Unknown), Match::Unknown);
        assert_eq!(sex(Some(Sex::Female), Sex::Male), Match::No);
        assert_eq!(sex(None, Sex::Male), Match::NotClaimed);
    }
}
