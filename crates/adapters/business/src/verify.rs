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

/// Only the name, the head office and the representatives of now count.
pub(crate) fn compare(claims: &Claims, enterprise: Enterprise) -> VerifyEnterpriseResponse {
    let ward = enterprise.head_office.as_ref().and_then(|address| address.ward.as_ref());
    let name = compare::known(&enterprise.name);
    let status = Some(enterprise.status()).filter(|status| *status != EnterpriseStatus::Unspecified);
    VerifyEnterpriseResponse {
        name: compare::judged(claims.name.as_deref(), name, names::same_enterprise).into(),
        representative_personal_number: representative(claims, &enterprise).into(),
        ward_code: compare::ward(claims.ward_code, ward).into(),
        status: compare::equal(claims.status, status).into(),
        provenance: enterprise.provenance,
    }
}

/// One that fits is enough. Unless all are known by the kind of number that is claimed, it cannot be denied.
fn representative(claims: &Claims, enterprise: &Enterprise) -> Match {
    let claim = claims.representative.as_ref();
    if claim.is_none() {
        return Match::NotClaimed;
    }
    let matches: Vec<Match> = enterprise
        .representatives
        .iter()
        .map(|one| compare::person(claim, &one.personal_number, &one.old_identity_number))
        .collect();
    if matches.contains(&Match::Yes) {
        return Match::Yes;
    }
    let all_known = !matches.is_empty() && matches.iter().all(|found| *found == Match::No);
    if all_known { Match::No } else { Match::Unknown }
}

#[cfg(test)]
mod tests {
    use lgsp_proto::business::v1::Representative;

    use super::*;

    fn check(claim: &str, representatives: &[(&str, &str)]) -> Match {
        let representatives = representatives.iter().map(|(number, old_number)| Representative {
            personal_number: (*number).to_owned(),
            old_identity_number: (*old_number).to_owned(),
            ..Representative::default()
        });
        let enterprise = Enterprise { representatives: representatives.collect(), ..Enterprise::default() };
        let representative = PersonKey::parse(claim).ok();
        let claims = Claims { name: None, representative, ward_code: None, status: None };
        representative_of(&claims, &enterprise)
    }

    fn representative_of(claims: &Claims, enterprise: &Enterprise) -> Match {
        compare(claims, enterprise.clone()).representative_personal_number()
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
        assert_eq!(check("", &two), Match::NotClaimed);
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
            compare(&claims, Enterprise { status: status.into(), ..Enterprise::default() }).status()
        };
        assert_eq!(check(EnterpriseStatus::Operating), Match::Yes);
        assert_eq!(check(EnterpriseStatus::Dissolved), Match::No);
        assert_eq!(check(EnterpriseStatus::Unspecified), Match::Unknown);
    }
}
