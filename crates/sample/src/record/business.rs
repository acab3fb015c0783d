use lgsp_identifiers::{EnterpriseCode, OldIdentityCard, PartialDate, PersonalNumber};
use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};
use lgsp_proto::record::v1::Sex;

use super::PostalAddress;

/// An enterprise, or a branch of one. Its name says that it is made up.
#[derive(Clone, Debug)]
pub struct Enterprise {
    /// From 1, without gaps.
    pub id: i64,
    /// Unique; of a business household the personal number of its owner.
    pub code: EnterpriseCode,
    /// Of a branch: the enterprise that it belongs to.
    pub parent: Option<EnterpriseCode>,
    /// Name in Vietnamese.
    pub name: String,
    /// Name in English.
    pub foreign_name: Option<String>,
    /// Short name.
    pub short_name: Option<String>,
    /// Legal form.
    pub legal_form: LegalForm,
    /// Whether it operates.
    pub status: EnterpriseStatus,
    /// First registration.
    pub registered_on: PartialDate,
    /// Last registered change.
    pub changed_on: Option<PartialDate>,
    /// Number of registered changes.
    pub change_count: u32,
    /// When it ended.
    pub dissolved_on: Option<PartialDate>,
    /// The head office.
    pub address: PostalAddress,
    /// E.164.
    pub phone_number: Option<String>,
    /// Under `example`, which no mail reaches.
    pub email: Option<String>,
    /// Under `example`, which is nobody's.
    pub website: Option<String>,
    /// Charter capital in đồng.
    pub charter_capital_vnd: Option<i64>,
    /// Tax office in charge.
    pub tax_office: &'static str,
    /// Registered number of employees.
    pub employee_count: Option<u32>,
    /// Office that registered it.
    pub registration_office: &'static str,
    /// Names that it had before.
    pub former_names: Vec<FormerName>,
    /// Head offices that it had before.
    pub former_addresses: Vec<FormerAddress>,
    /// Registered lines of business, the main one first.
    pub business_lines: Vec<BusinessLine>,
    /// Who represents it by law, and who did before.
    pub representatives: Vec<Representative>,
    /// Members or founding shareholders.
    pub members: Vec<Member>,
    /// Last change, Unix microseconds.
    pub updated_us: i64,
    /// Last confirmation, Unix microseconds.
    pub as_of_us: i64,
}

/// A name that an enterprise had before.
#[derive(Clone, Debug)]
pub struct FormerName {
    /// The name.
    pub name: String,
    /// The last day it was in use.
    pub valid_to: PartialDate,
}

/// A head office that an enterprise had before.
#[derive(Clone, Debug)]
pub struct FormerAddress {
    /// Where it was.
    pub address: PostalAddress,
    /// The last day it was in use.
    pub valid_to: PartialDate,
}

/// A registered line of business.
#[derive(Clone, Copy, Debug)]
pub struct BusinessLine {
    /// Code in the Vietnam Standard Industrial Classification.
    pub code: &'static str,
    /// Its name.
    pub title_vi: &'static str,
    /// The main line.
    pub main: bool,
}

/// A legal representative.
#[derive(Clone, Debug)]
pub struct Representative {
    /// Former ones are known by name only.
    pub personal_number: Option<PersonalNumber>,
    /// As older registrations have it.
    pub old_identity: Option<OldIdentityCard>,
    /// Full name.
    pub full_name: String,
    /// Position in the enterprise.
    pub position: &'static str,
    /// Month and day may be unknown.
    pub date_of_birth: Option<PartialDate>,
    /// Male, female, or not known.
    pub sex: Sex,
    /// Contact address.
    pub address: Option<PostalAddress>,
    /// Since when.
    pub since: PartialDate,
    /// `None`: now.
    pub until: Option<PartialDate>,
}

/// A member or founding shareholder: a person or an enterprise.
#[derive(Clone, Debug)]
pub struct Member {
    /// Of a person.
    pub personal_number: Option<PersonalNumber>,
    /// Of an enterprise.
    pub enterprise: Option<EnterpriseCode>,
    /// Name.
    pub name: String,
    /// Contribution in đồng.
    pub contribution_vnd: i64,
    /// Share of the capital in percent.
    pub contribution_percent: f64,
}
