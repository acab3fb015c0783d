//! Compares claims with a record. Only matches leave this module.

use lgsp_adapter::compare;
use lgsp_identifiers::{PersonKey, WardCode, names};
use lgsp_proto::business::v1::{Enterprise, EnterpriseStatus, VerifyEnterpriseResponse};
use lgsp_proto::record::v1::Match;

/// The claims of a request, parsed. An absent one claims nothing.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) name: Option<String>,
    pub(crate) representative: Option<PersonKey>,
    pub(crate) ward_code: Option<WardCode>,
    pub(crate) status: Option<EnterpriseStatus>,
}

impl Claims {
    /// Whether anything is claimed that the service compares.
    pub(crate) fn are_any(&self) -> bool {
        self.name.is_some()
            || self.representative.is_some()
            || self.ward_code.is_some()
            || self.status.is_some()
    }
}

/// Only the name and the head office of now count, and who represents it now.
pub(crate) fn compare(
    claims: &Claims,
    represents: Match,
    enterprise: Enterprise,
) -> VerifyEnterpriseResponse {
    let ward = enterprise.head_office.as_ref().and_then(|address| address.ward.as_ref());
    let name = compare::known(&enterprise.name);
    let status = Some(enterprise.status()).filter(|status| *status != EnterpriseStatus::Unspecified);
    VerifyEnterpriseResponse {
        name: compare::judged(claims.name.as_deref(), name, names::same_enterprise).into(),
        representative_personal_number: represents.into(),
        ward_code: compare::ward(claims.ward_code, ward).into(),
        status: compare::equal(claims.status, status).into(),
        provenance: enterprise.provenance,
    }
}

/// Compares a person with representatives, of whom each has a personal number and an old card. One that fits is enough.
/// Unless all are known by the kind of number that is claimed, it cannot be denied.
pub(crate) fn represents(person: &PersonKey, representatives: &[(String, String)]) -> Match {
    let fits = |(number, old_number): &(String, String)| compare::person(Some(person), number, old_number);
    let matches: Vec<Match> = representatives.iter().map(fits).collect();
    if matches.contains(&Match::Yes) {
        return Match::Yes;
    }
    let all_known = !matches.is_empty() && matches.iter().all(|found| *found == Match::No);
    if all_known { Match::No } else { Match::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claim: &str, representatives: &[(&str, &str)]) -> Match {
        let owned = |(number, old): &(&str, &str)| ((*number).to_owned(), (*old).to_owned());
        let representatives: Vec<_> = representatives.iter().map(owned).collect();
        represents(&PersonKey::parse(claim).unwrap(), &representatives)
    }

    #[test]
    fn one_representative_that_fits_is_enough() {
        let two = [("092058000001", "361000001"), ("092160000002", "")];
        assert_eq!(check("092160000002", &two), Match::Yes);
        assert_eq!(check("361000001", &two), Match::Yes);
        assert_eq!(check("092199999999", &two), Match::No);
        assert_eq!(check("361999999", &two), Match::Unknown, "the other's old card is not on record");
        assert_eq!(check("092199999999", &[("", "361000001")]), Match::Unknown);
        assert_eq!(check("092199999999", &[]), Match::Unknown);
    }

    #[test]
    fn a_status_that_is_not_known_is_neither_confirmed_nor_denied() {
        let claims = Claims {
            name: None,
            representative: None,
            ward_code: None,
            status: Some(EnterpriseStatus::Operating),
        };
        let check = |status: EnterpriseStatus| {
            compare(&claims, Match::NotClaimed, Enterprise { status: status.into(), ..Enterprise::default() })
                .status()
        };
        assert_eq!(check(EnterpriseStatus::Operating), Match::Yes);
        assert_eq!(check(EnterpriseStatus::Dissolved), Match::No);
        assert_eq!(check(EnterpriseStatus::Unspecified), Match::Unknown);
    }
}
