//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.
//!
//! What is looked for as the only one is looked for twice, so that a contradiction is noticed.

use lgsp_adapter::{ByPerson, Part, Statement, Tables};

/// Every statement of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) enterprise: Statement,
    pub(super) represented: ByPerson,
    pub(super) claimed: ByPerson,
    pub(super) business_lines: Part,
    pub(super) representatives: Part,
    pub(super) members: Part,
    pub(super) branches: Part,
    pub(super) former_names: Part,
    pub(super) former_addresses: Part,
}

impl Statements {
    pub(super) fn new(tables: &Tables) -> Self {
        let part = |sql, order, most| tables.part("enterprise_id", sql, order, most);
        Self {
            enterprise: tables.statement(ENTERPRISE),
            represented: tables.by_person(REPRESENTED),
            claimed: tables.by_person(CLAIMED),
            business_lines: part(BUSINESS_LINES, "main DESC NULLS LAST, code", MOST_BUSINESS_LINES),
            representatives: part(REPRESENTATIVES, "full_name", MOST_REPRESENTATIVES),
            members: part(MEMBERS, "contribution_vnd DESC NULLS LAST, name", MOST_MEMBERS),
            branches: part(BRANCHES, "enterprise_code", MOST_BRANCHES),
            former_names: part(FORMER_NAMES, "valid_to DESC NULLS LAST", MOST_FORMER),
            former_addresses: part(FORMER_ADDRESSES, "valid_to DESC NULLS LAST", MOST_FORMER),
        }
    }
}

macro_rules! enterprises {
    ($where:literal) => {
        concat!(
            "SELECT e.enterprise_id, e.enterprise_code, e.parent_enterprise_code, e.name, e.foreign_name, e.short_name,
                    e.legal_form, e.status, e.registered_on, e.changed_on, e.change_count, e.dissolved_on, e.line,
                    e.ward_code, e.former_ward_code, e.text, e.phone_number, e.email, e.website, e.charter_capital_vnd,
                    e.tax_office, e.employee_count, e.registration_office, e.updated_us, e.as_of_us
             FROM enterprise e
             WHERE ",
            $where
        )
    };
}

const ENTERPRISE: &str = enterprises!("e.enterprise_code = $1 LIMIT 2");

/// Who represents an enterprise in two positions represents it once.
const REPRESENTED: &str = enterprises!(
    "e.enterprise_id > $2 AND e.enterprise_id IN
         (SELECT r.enterprise_id FROM representative r WHERE r.{person} = $1 AND {in force on $4})
     ORDER BY e.enterprise_id
     LIMIT $3"
);

/// Whom a claim is compared with: first who has the number, then whose number is not known. Either decides, however many
/// represent the enterprise.
const CLAIMED: &str = "
    SELECT r.personal_number, r.old_identity_number
    FROM representative r
    WHERE r.enterprise_id IN (SELECT e.enterprise_id FROM enterprise e WHERE e.enterprise_code = $2) AND {in force on $3}
    ORDER BY CASE WHEN TRIM(r.{person}) = $1 THEN 0 WHEN r.{person} IS NULL OR TRIM(r.{person}) = '' THEN 1 ELSE 2 END
    LIMIT 2";

/// As many as the contract tells of each part of an enterprise.
const MOST_BUSINESS_LINES: usize = 300;
const MOST_REPRESENTATIVES: usize = 20;
const MOST_MEMBERS: usize = 100;
const MOST_BRANCHES: usize = 500;
const MOST_FORMER: usize = 50;

const BUSINESS_LINES: &str = "
    SELECT enterprise_id, code, title_vi, main FROM business_line WHERE enterprise_id {of_page}";

const REPRESENTATIVES: &str = "
    SELECT enterprise_id, personal_number, old_identity_number, full_name, position, date_of_birth, sex, line, ward_code,
           former_ward_code, text, until
    FROM representative WHERE enterprise_id {of_page} AND {in force}";

const MEMBERS: &str = "
    SELECT enterprise_id, personal_number, member_enterprise_code, name, contribution_vnd, contribution_percent
    FROM member WHERE enterprise_id {of_page}";

/// The codes of the page are looked up first. A join would have PostgreSQL, once it plans for any page, read all branches.
const BRANCHES: &str = "
    SELECT (SELECT p.enterprise_id FROM enterprise p WHERE p.enterprise_code = b.parent_enterprise_code LIMIT 1)
               AS enterprise_id,
           b.enterprise_code, b.name, b.line, b.ward_code, b.former_ward_code, b.text, b.status
    FROM enterprise b
    WHERE b.parent_enterprise_code {any of} SELECT p.enterprise_code FROM enterprise p WHERE p.enterprise_id {of_page} {end}";

const FORMER_NAMES: &str = "
    SELECT enterprise_id, name, valid_to FROM former_name WHERE enterprise_id {of_page}";

const FORMER_ADDRESSES: &str = "
    SELECT enterprise_id, line, ward_code, former_ward_code, text, valid_to FROM former_address
    WHERE enterprise_id {of_page}";
