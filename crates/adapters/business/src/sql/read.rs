//! From rows to the domain's language.

use lgsp_adapter::{Row, SourceError, Tables};
use lgsp_proto::business::v1::{
    Branch, BusinessLine, Enterprise, FormerAddress, FormerName, Member, Representative,
};

use crate::relations::{BUSINESS_LINE, ENTERPRISE, FORMER_ADDRESS, FORMER_NAME, MEMBER, REPRESENTATIVE};

/// The enterprise without what hangs on it, with its number in the order of lists.
pub(super) fn enterprise(tables: &Tables, row: &Row) -> Result<(i64, Enterprise), SourceError> {
    let of = tables.record(&ENTERPRISE, row);
    let enterprise = Enterprise {
        enterprise_code: of.text("enterprise_code")?,
        name: of.name("name")?,
        foreign_name: of.name("foreign_name")?,
        short_name: of.name("short_name")?,
        legal_form: of.code("legal_form")?,
        status: of.code("status")?,
        registered_on: of.date("registered_on")?,
        changed_on: of.date("changed_on")?,
        change_count: of.small("change_count")?,
        dissolved_on: of.date("dissolved_on")?,
        head_office: of.address()?,
        phone_number: of.text("phone_number")?,
        email: of.text("email")?,
        website: of.text("website")?,
        charter_capital_vnd: of.maybe_integer("charter_capital_vnd")?.unwrap_or_default(),
        tax_office: of.text("tax_office")?,
        employee_count: of.small("employee_count")?,
        parent_enterprise_code: of.text("parent_enterprise_code")?,
        registration_office: of.text("registration_office")?,
        updated: of.moment("updated_us")?,
        provenance: of.provenance()?,
        ..Enterprise::default()
    };
    Ok((of.integer("enterprise_id")?, enterprise))
}

pub(super) fn business_line(tables: &Tables, row: &Row, of: &mut Enterprise) -> Result<(), SourceError> {
    let line = tables.record(&BUSINESS_LINE, row);
    let line =
        BusinessLine { code: line.text("code")?, title_vi: line.text("title_vi")?, main: line.flag("main")? };
    of.business_lines.push(line);
    Ok(())
}

pub(super) fn representative(tables: &Tables, row: &Row, of: &mut Enterprise) -> Result<(), SourceError> {
    let person = tables.record(&REPRESENTATIVE, row);
    // Whose term ends on a day that nobody understands is told, and the day counted.
    person.date("until")?;
    let person = Representative {
        personal_number: person.text("personal_number")?,
        full_name: person.name("full_name")?,
        position: person.text("position")?,
        date_of_birth: person.date("date_of_birth")?,
        sex: person.code("sex")?,
        address: person.address()?,
        old_identity_number: person.text("old_identity_number")?,
    };
    of.representatives.push(person);
    Ok(())
}

pub(super) fn member(tables: &Tables, row: &Row, of: &mut Enterprise) -> Result<(), SourceError> {
    let member = tables.record(&MEMBER, row);
    let member = Member {
        personal_number: member.text("personal_number")?,
        enterprise_code: member.text("member_enterprise_code")?,
        name: member.name("name")?,
        contribution_vnd: member.maybe_integer("contribution_vnd")?.unwrap_or_default(),
        contribution_percent: member.maybe_real("contribution_percent")?.unwrap_or_default(),
    };
    of.members.push(member);
    Ok(())
}

pub(super) fn branch(tables: &Tables, row: &Row, of: &mut Enterprise) -> Result<(), SourceError> {
    let branch = tables.record(&ENTERPRISE, row);
    let branch = Branch {
        enterprise_code: branch.text("enterprise_code")?,
        name: branch.name("name")?,
        address: branch.address()?,
        status: branch.code("status")?,
    };
    of.branches.push(branch);
    Ok(())
}

pub(super) fn former_name(tables: &Tables, row: &Row, of: &mut Enterprise) -> Result<(), SourceError> {
    let former = tables.record(&FORMER_NAME, row);
    let former = FormerName { name: former.name("name")?, valid_to: former.date("valid_to")? };
    of.former_names.push(former);
    Ok(())
}

pub(super) fn former_address(tables: &Tables, row: &Row, of: &mut Enterprise) -> Result<(), SourceError> {
    let former = tables.record(&FORMER_ADDRESS, row);
    let former = FormerAddress { address: former.address()?, valid_to: former.date("valid_to")? };
    of.former_addresses.push(former);
    Ok(())
}

/// The personal number and the old card of a representative.
pub(super) fn numbers(tables: &Tables, row: &Row) -> Result<(String, String), SourceError> {
    let person = tables.record(&REPRESENTATIVE, row);
    Ok((person.text("personal_number")?, person.text("old_identity_number")?))
}
