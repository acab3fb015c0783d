//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.
//!
//! What is looked for as the only one is looked for twice, so that a contradiction is noticed.

use lgsp_adapter::{Statement, Tables};

/// Every statement of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) enterprise: Statement,
    pub(super) represented_by_number: Statement,
    pub(super) represented_by_old_card: Statement,
    pub(super) business_lines: Statement,
    pub(super) representatives: Statement,
    pub(super) members: Statement,
    pub(super) branches: Statement,
    pub(super) former_names: Statement,
    pub(super) former_addresses: Statement,
}

impl Statements {
    pub(super) fn new(tables: &Tables) -> Self {
        let represented = |column: &str| tables.statement(&REPRESENTED.replace("{column}", column));
        Self {
            enterprise: tables.statement(ENTERPRISE),
            represented_by_number: represented("personal_number"),
            represented_by_old_card: represented("old_identity_number"),
            business_lines: tables.part(BUSINESS_LINES),
            representatives: tables.part(REPRESENTATIVES),
            members: tables.part(MEMBERS),
            branches: tables.part(BRANCHES),
            former_names: tables.part(FORMER_NAMES),
            former_addresses: tables.part(FORMER_ADDRESSES),
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
         (SELECT r.enterprise_id FROM representative r WHERE r.until IS NULL AND r.{column} = $1)
     ORDER BY e.enterprise_id
     LIMIT $3"
);

const BUSINESS_LINES: &str = "
    SELECT enterprise_id, code, title_vi, main FROM business_line
    WHERE enterprise_id {of_page} ORDER BY enterprise_id, main DESC, code";

const REPRESENTATIVES: &str = "
    SELECT enterprise_id, personal_number, old_identity_number, full_name, position, date_of_birth, sex, line, ward_code,
           former_ward_code, text
    FROM representative
    WHERE until IS NULL AND enterprise_id {of_page} ORDER BY enterprise_id, full_name";

const MEMBERS: &str = "
    SELECT enterprise_id, personal_number, member_enterprise_code, name, contribution_vnd, contribution_percent
    FROM member
    WHERE enterprise_id {of_page} ORDER BY enterprise_id, contribution_vnd DESC, name";

const BRANCHES: &str = "
    SELECT p.enterprise_id, b.enterprise_code, b.name, b.line, b.ward_code, b.former_ward_code, b.text, b.status
    FROM enterprise p JOIN enterprise b ON b.parent_enterprise_code = p.enterprise_code
    WHERE p.enterprise_id {of_page} ORDER BY p.enterprise_id, b.enterprise_code";

const FORMER_NAMES: &str = "
    SELECT enterprise_id, name, valid_to FROM former_name
    WHERE enterprise_id {of_page} ORDER BY enterprise_id, valid_to DESC";

const FORMER_ADDRESSES: &str = "
    SELECT enterprise_id, line, ward_code, former_ward_code, text, valid_to FROM former_address
    WHERE enterprise_id {of_page} ORDER BY enterprise_id, valid_to DESC";
