//! Compares claims with a record. Only matches leave this module.

use lgsp_adapter::compare;
use lgsp_identifiers::{PartialDate, WardCode};
use lgsp_proto::population::v1::{Citizen, VerifyCitizenResponse};
use lgsp_proto::record::v1::Sex;

/// The claims of a request, parsed. An absent one claims nothing.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) full_name: Option<String>,
    pub(crate) date_of_birth: Option<PartialDate>,
    pub(crate) sex: Option<Sex>,
    pub(crate) old_identity_number: Option<String>,
    pub(crate) ward_code: Option<WardCode>,
}

impl Claims {
    /// Whether anything is claimed that the service compares.
    pub(crate) fn are_any(&self) -> bool {
        self.full_name.is_some()
            || self.date_of_birth.is_some()
            || self.sex.is_some()
            || self.old_identity_number.is_some()
            || self.ward_code.is_some()
    }
}

/// Another name in use is not the registered one: only the full name counts.
pub(crate) fn compare(claims: &Claims, citizen: Citizen) -> VerifyCitizenResponse {
    let old_number = compare::known(&citizen.old_identity_number);
    let ward = citizen.permanent_address.as_ref().and_then(|address| address.ward.as_ref());
    VerifyCitizenResponse {
        full_name: compare::name(claims.full_name.as_deref(), &citizen.full_name).into(),
        date_of_birth: compare::date(claims.date_of_birth, citizen.date_of_birth.as_ref()).into(),
        sex: compare::sex(claims.sex, citizen.sex()).into(),
        old_identity_number: compare::equal(claims.old_identity_number.as_deref(), old_number).into(),
        ward_code: compare::ward(claims.ward_code, ward).into(),
        provenance: citizen.provenance,
    }
}
