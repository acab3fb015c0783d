//! What the adapter reads of a business register: the tables of the native schema, `crates/sample/schema/business.sql`.

use lgsp_adapter::{Codes, Column, Kind, Relation, SEX};
use lgsp_identifiers::Format;

/// The version of the native schema.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Every relation that the adapter reads.
pub const RELATIONS: &[Relation] =
    &[ENTERPRISE, FORMER_NAME, FORMER_ADDRESS, BUSINESS_LINE, REPRESENTATIVE, MEMBER];

const LEGAL_FORM: Codes = &[
    ("unspecified", 0),
    ("private-enterprise", 1),
    ("limited-one-member", 2),
    ("limited-two-or-more-members", 3),
    ("joint-stock", 4),
    ("partnership", 5),
    ("cooperative", 6),
    ("business-household", 7),
    ("branch", 8),
];
const STATUS: Codes = &[
    ("unspecified", 0),
    ("operating", 1),
    ("suspended", 2),
    ("dissolving", 3),
    ("dissolved", 4),
    ("bankrupt", 5),
];

/// Enterprises, and their branches as records of their own; lists are paged in the order of `enterprise_id`.
pub(crate) const ENTERPRISE: Relation = Relation::new(
    "enterprise",
    &[
        Column::new("enterprise_id", Kind::Integer).required(),
        Column::new("enterprise_code", Kind::Text).required().holding(Format::EnterpriseCode),
        Column::new("parent_enterprise_code", Kind::Text)
            .holding(Format::EnterpriseCode)
            .referring("enterprise", "enterprise_code"),
        Column::new("name", Kind::Text).required(),
        Column::new("foreign_name", Kind::Text),
        Column::new("short_name", Kind::Text),
        Column::new("legal_form", Kind::Code(LEGAL_FORM)),
        Column::new("status", Kind::Code(STATUS)),
        Column::new("registered_on", Kind::Date),
        Column::new("changed_on", Kind::Date),
        Column::new("change_count", Kind::Integer),
        Column::new("dissolved_on", Kind::Date),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("text", Kind::Text),
        Column::new("phone_number", Kind::Text),
        Column::new("email", Kind::Text),
        Column::new("website", Kind::Text),
        Column::new("charter_capital_vnd", Kind::Integer),
        Column::new("tax_office", Kind::Text),
        Column::new("employee_count", Kind::Integer),
        Column::new("registration_office", Kind::Text),
        Column::new("updated_us", Kind::Moment),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["enterprise_id"], &["enterprise_code"]]);

/// Names that enterprises had before.
pub(crate) const FORMER_NAME: Relation = Relation::new(
    "former_name",
    &[
        Column::new("enterprise_id", Kind::Integer).required().referring("enterprise", "enterprise_id"),
        Column::new("name", Kind::Text).required(),
        Column::new("valid_to", Kind::Date),
    ],
)
.optional();

/// Head offices that enterprises had before.
pub(crate) const FORMER_ADDRESS: Relation = Relation::new(
    "former_address",
    &[
        Column::new("enterprise_id", Kind::Integer).required().referring("enterprise", "enterprise_id"),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("text", Kind::Text),
        Column::new("valid_to", Kind::Date),
    ],
)
.optional();

/// Registered lines of business.
pub(crate) const BUSINESS_LINE: Relation = Relation::new(
    "business_line",
    &[
        Column::new("enterprise_id", Kind::Integer).required().referring("enterprise", "enterprise_id"),
        Column::new("code", Kind::Text).required(),
        Column::new("title_vi", Kind::Text),
        Column::new("main", Kind::Flag),
    ],
)
.optional();

/// Who represents an enterprise by law now, and who did before.
pub(crate) const REPRESENTATIVE: Relation = Relation::new(
    "representative",
    &[
        Column::new("enterprise_id", Kind::Integer).required().referring("enterprise", "enterprise_id"),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("full_name", Kind::Text).required(),
        Column::new("position", Kind::Text),
        Column::new("date_of_birth", Kind::Date),
        Column::new("sex", Kind::Code(SEX)),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("text", Kind::Text),
        Column::new("until", Kind::Date),
    ],
);

/// Members and founding shareholders: persons and enterprises.
pub(crate) const MEMBER: Relation = Relation::new(
    "member",
    &[
        Column::new("enterprise_id", Kind::Integer).required().referring("enterprise", "enterprise_id"),
        Column::new("personal_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("member_enterprise_code", Kind::Text).holding(Format::EnterpriseCode),
        Column::new("name", Kind::Text).required(),
        Column::new("contribution_vnd", Kind::Integer),
        Column::new("contribution_percent", Kind::Real),
    ],
)
.optional();

#[cfg(test)]
mod tests {
    use lgsp_adapter::testing::assert_codes;
    use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_codes(LEGAL_FORM, "LEGAL_FORM_", |n| LegalForm::try_from(n).ok().map(|v| v.as_str_name()));
        assert_codes(STATUS, "ENTERPRISE_STATUS_", |n| {
            EnterpriseStatus::try_from(n).ok().map(|v| v.as_str_name())
        });
    }
}
