//! Compares claims with a record. Only matches leave this module.

use lgsp_adapter::records;
use lgsp_identifiers::{PartialDate, WardCode, names, units};
use lgsp_proto::population::v1::{Citizen, VerifyCitizenRequest, VerifyCitizenResponse};
use lgsp_proto::record::v1::{self, Match, Sex};

/// The claims of a request, parsed. An absent one claims nothing.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) full_name: Option<String>,
    pub(crate) date_of_birth: Option<PartialDate>,
    pub(crate) sex: Option<Sex>,
    pub(crate) old_identity_number: Option<String>,
    pub(crate) ward_code: Option<WardCode>,
}

pub(crate) fn compare(claims: &Claims, citizen: Citizen) -> VerifyCitizenResponse {
    let old_number = known(&citizen.old_identity_number);
    let ward = citizen.permanent_address.as_ref().and_then(|address| address.ward.as_ref());
    let matches = VerifyCitizenResponse {
        full_name: name(claims.full_name.as_deref(), &citizen).into(),
        date_of_birth: date(claims.date_of_birth, citizen.date_of_birth.as_ref()).into(),
        sex: sex(claims.sex, citizen.sex()).into(),
        old_identity_number: equal(claims.old_identity_number.as_deref(), old_number).into(),
        ward_code: in_ward(claims.ward_code, ward).into(),
        provenance: None,
    };
    VerifyCitizenResponse { provenance: citizen.provenance, ..matches }
}

/// Whether a request claims anything that the service compares.
pub(crate) fn claims_something(request: &VerifyCitizenRequest) -> bool {
    !request.full_name.trim().is_empty()
        || request.date_of_birth.is_some()
        || request.sex() != Sex::Unknown
        || !request.old_identity_number.is_empty()
        || !request.ward_code.is_empty()
}

fn known(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

fn told(same: bool) -> Match {
    if same { Match::Yes } else { Match::No }
}

fn equal<T: PartialEq>(claim: Option<T>, record: Option<T>) -> Match {
    match (claim, record) {
        (None, _) => Match::NotClaimed,
        (Some(_), None) => Match::Unknown,
        (Some(claim), Some(record)) => told(claim == record),
    }
}

/// Another name in use is not the registered one: only the full name counts.
fn name(claim: Option<&str>, citizen: &Citizen) -> Match {
    equal(claim.map(names::key), known(&citizen.full_name).map(names::key))
}

/// A claim that says more than the record knows cannot be confirmed; one that contradicts what it knows is wrong.
fn date(claim: Option<PartialDate>, record: Option<&v1::PartialDate>) -> Match {
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

fn sex(claim: Option<Sex>, record: Sex) -> Match {
    equal(claim, Some(record).filter(|sex| *sex != Sex::Unknown))
}

/// A ward matches by the code in use, by the code that the record was written under, and by any former code of which
/// the ward in use took a part. A code that was reused means both the former and the present ward.
fn in_ward(claim: Option<WardCode>, record: Option<&v1::Ward>) -> Match {
    let Some(claim) = claim else { return Match::NotClaimed };
    let Some(record) = record else { return Match::Unknown };
    let Ok(current) = WardCode::parse(&record.code) else { return Match::Unknown };
    let became = |code| units::successors(code).iter().any(|succession| succession.current == current);
    told(claim == current || record.former_code == claim.as_str() || became(claim))
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
        let check = |claim| in_ward(Some(WardCode::parse(claim).unwrap()), Some(&record));
        assert_eq!(check("31120"), Match::Yes);
        assert_eq!(check("31117"), Match::Yes);
        assert_eq!(check("31135"), Match::No);
        assert_eq!(check("00001"), Match::No);
        assert_eq!(in_ward(Some(WardCode::parse("31120").unwrap()), None), Match::Unknown);
    }

    #[test]
    fn a_name_matches_without_regard_to_case_form_and_tone_mark_placement() {
        let citizen = Citizen { full_name: "Nguyễn Thị Thuý".to_owned(), ..Citizen::default() };
        for claim in ["nguyễn thị thúy", "NGUYỄN  THỊ THUÝ", "Nguye\u{302}\u{303}n Thị Thúy"] {
            assert_eq!(name(Some(claim), &citizen), Match::Yes, "{claim}");
        }
        assert_eq!(name(Some("Nguyễn Thị Thuỷ"), &citizen), Match::No);
    }
}
