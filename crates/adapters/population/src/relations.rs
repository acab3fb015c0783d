//! What the adapter reads of a population register: the tables of the native schema, `crates/sample/schema/population.sql`.

use lgsp_adapter::{Codes, Column, Kind, Relation, Rule, SEX};
use lgsp_identifiers::Format;

/// The version of the native schema.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Every relation that the adapter reads.
pub const RELATIONS: &[Relation] = &[CITIZEN, HOUSEHOLD, ADDRESS];

const MARITAL_STATUS: Codes =
    &[("unspecified", 0), ("single", 1), ("married", 2), ("divorced", 3), ("widowed", 4)];
const LIFE_STATUS: Codes = &[("unspecified", 0), ("alive", 1), ("dead", 2), ("missing", 3)];
const RELATION: Codes = &[
    ("unspecified", 0),
    ("head", 1),
    ("spouse", 2),
    ("child", 3),
    ("parent", 4),
    ("sibling", 5),
    ("grandparent", 6),
    ("grandchild", 7),
    ("other-relative", 8),
    ("not-related", 9),
];
/// The kinds of address; a resident's is one of the first two.
const ADDRESS_KIND: Codes =
    &[("permanent", 1), ("temporary", 2), ("current", 3), ("birth-registration", 4), ("hometown", 5)];

/// One record a person.
pub(crate) const CITIZEN: Relation = Relation::new(
    "citizen",
    &[
        Column::new("citizen_id", Kind::Key).required(),
        Column::new("personal_number", Kind::Text).required().holding(Format::PersonalNumber),
        Column::new("old_identity_number", Kind::Text).holding(Format::OldIdentityCard),
        Column::new("full_name", Kind::Text).required(),
        Column::new("other_name", Kind::Text),
        Column::new("date_of_birth", Kind::Date),
        Column::new("sex", Kind::Code(SEX)),
        Column::new("ethnicity", Kind::Text),
        Column::new("religion", Kind::Text),
        Column::new("nationality_code", Kind::Text),
        Column::new("marital_status", Kind::Code(MARITAL_STATUS)),
        Column::new("household_id", Kind::Key).referring("household", "household_id"),
        Column::new("relation_to_head", Kind::Code(RELATION)),
        Column::new("father_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("father_name", Kind::Text),
        Column::new("mother_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("mother_name", Kind::Text),
        Column::new("spouse_number", Kind::Text).holding(Format::PersonalNumber),
        Column::new("spouse_name", Kind::Text),
        Column::new("blood_type", Kind::Text),
        Column::new("occupation", Kind::Text),
        Column::new("phone_number", Kind::Text),
        Column::new("life_status", Kind::Code(LIFE_STATUS)),
        Column::new("date_of_death", Kind::Date),
        Column::new("card_issued_on", Kind::Date),
        Column::new("card_expires_on", Kind::Date),
        Column::new("card_issuer", Kind::Text),
        Column::new("updated_us", Kind::Moment),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["citizen_id"], &["personal_number"], &["old_identity_number"]]);

/// People registered together.
pub(crate) const HOUSEHOLD: Relation = Relation::new(
    "household",
    &[
        Column::new("household_id", Kind::Key).required(),
        Column::new("number", Kind::Text).required(),
        Column::new("head_id", Kind::Key).referring("citizen", "citizen_id"),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).required().holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("registered_on", Kind::Date),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.optional()
.keyed(&[&["household_id"], &["number"]]);

/// Where people live; lists of a ward are paged in the order of `address_id`.
pub(crate) const ADDRESS: Relation = Relation::new(
    "address",
    &[
        Column::new("address_id", Kind::Integer).required(),
        Column::new("citizen_id", Kind::Key).required().referring("citizen", "citizen_id"),
        Column::new("kind", Kind::Code(ADDRESS_KIND)).required(),
        Column::new("line", Kind::Text),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("former_ward_code", Kind::Text).holding(Format::WardCode),
        Column::new("text", Kind::Text),
        Column::new("since", Kind::Date),
    ],
)
.optional()
.keyed(&[&["address_id"]])
.ruled(&[Rule { broken: "a person in two wards", key: &["citizen_id", "kind"], column: "ward_code" }]);

#[cfg(test)]
mod tests {
    use lgsp_adapter::testing::assert_codes;
    use lgsp_proto::population::v1::{LifeStatus, MaritalStatus, Relation, ResidenceKind};

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_codes(MARITAL_STATUS, "MARITAL_STATUS_", |n| {
            MaritalStatus::try_from(n).ok().map(|v| v.as_str_name())
        });
        assert_codes(LIFE_STATUS, "LIFE_STATUS_", |n| LifeStatus::try_from(n).ok().map(|v| v.as_str_name()));
        assert_codes(RELATION, "RELATION_", |n| Relation::try_from(n).ok().map(|v| v.as_str_name()));
        for (code, number) in &ADDRESS_KIND[..2] {
            let kind = ResidenceKind::try_from(i32::try_from(*number).unwrap()).unwrap();
            assert_eq!(kind.as_str_name(), format!("RESIDENCE_KIND_{}", code.to_ascii_uppercase()));
        }
    }
}
