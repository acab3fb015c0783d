use super::{Ids, Rows, Table, Value, address, next};
use crate::record::{Enterprise, Home, PostalAddress, Representative};

static ENTERPRISE: Table = Table {
    name: "enterprise",
    columns: &[
        "enterprise_id",
        "enterprise_code",
        "parent_enterprise_code",
        "name",
        "foreign_name",
        "short_name",
        "legal_form",
        "status",
        "registered_on",
        "changed_on",
        "change_count",
        "dissolved_on",
        "line",
        "ward_code",
        "former_ward_code",
        "text",
        "phone_number",
        "email",
        "website",
        "charter_capital_vnd",
        "tax_office",
        "employee_count",
        "registration_office",
        "updated_us",
        "as_of_us",
    ],
};

static FORMER_NAME: Table =
    Table { name: "former_name", columns: &["former_name_id", "enterprise_id", "name", "valid_to"] };

static FORMER_ADDRESS: Table = Table {
    name: "former_address",
    columns: &[
        "former_address_id",
        "enterprise_id",
        "line",
        "ward_code",
        "former_ward_code",
        "text",
        "valid_to",
    ],
};

static BUSINESS_LINE: Table = Table {
    name: "business_line",
    columns: &["business_line_id", "enterprise_id", "code", "title_vi", "main"],
};

static REPRESENTATIVE: Table = Table {
    name: "representative",
    columns: &[
        "representative_id",
        "enterprise_id",
        "personal_number",
        "old_identity_number",
        "full_name",
        "position",
        "date_of_birth",
        "sex",
        "line",
        "ward_code",
        "former_ward_code",
        "text",
        "since",
        "until",
    ],
};

static MEMBER: Table = Table {
    name: "member",
    columns: &[
        "member_id",
        "enterprise_id",
        "personal_number",
        "member_enterprise_code",
        "name",
        "contribution_vnd",
        "contribution_percent",
    ],
};

/// Enterprises and all that hangs on them.
pub(crate) fn rows<'a>(homes: &'a [Home], ids: &mut Ids) -> Vec<Rows<'a>> {
    let enterprises = || homes.iter().flat_map(|home| &home.enterprises);
    let mut records = Rows::of(&ENTERPRISE);
    enterprises().for_each(|record| records.push(enterprise(record)));
    vec![
        records,
        former_names(enterprises(), ids),
        former_addresses(enterprises(), ids),
        business_lines(enterprises(), ids),
        representatives(enterprises(), ids),
        members(enterprises(), ids),
    ]
}

fn enterprise(enterprise: &Enterprise) -> [Value<'_>; 25] {
    let [line, ward, former_ward, text] = address(&enterprise.address);
    [
        enterprise.id.into(),
        (&enterprise.code).into(),
        (&enterprise.parent).into(),
        (&enterprise.name).into(),
        (&enterprise.foreign_name).into(),
        (&enterprise.short_name).into(),
        (enterprise.legal_form as i32).into(),
        (enterprise.status as i32).into(),
        enterprise.registered_on.into(),
        enterprise.changed_on.into(),
        enterprise.change_count.into(),
        enterprise.dissolved_on.into(),
        line,
        ward,
        former_ward,
        text,
        (&enterprise.phone_number).into(),
        (&enterprise.email).into(),
        (&enterprise.website).into(),
        enterprise.charter_capital_vnd.into(),
        enterprise.tax_office.into(),
        enterprise.employee_count.into(),
        enterprise.registration_office.into(),
        enterprise.updated_us.into(),
        enterprise.as_of_us.into(),
    ]
}

fn former_names<'a>(enterprises: impl Iterator<Item = &'a Enterprise>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&FORMER_NAME);
    let mut rows = Rows::of(&FORMER_NAME);
    for enterprise in enterprises {
        for former in &enterprise.former_names {
            rows.push([next(id), enterprise.id.into(), (&former.name).into(), former.valid_to.into()]);
        }
    }
    rows
}

fn former_addresses<'a>(enterprises: impl Iterator<Item = &'a Enterprise>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&FORMER_ADDRESS);
    let mut rows = Rows::of(&FORMER_ADDRESS);
    for enterprise in enterprises {
        for former in &enterprise.former_addresses {
            let [line, ward, former_ward, text] = address(&former.address);
            rows.push([
                next(id),
                enterprise.id.into(),
                line,
                ward,
                former_ward,
                text,
                former.valid_to.into(),
            ]);
        }
    }
    rows
}

fn business_lines<'a>(enterprises: impl Iterator<Item = &'a Enterprise>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&BUSINESS_LINE);
    let mut rows = Rows::of(&BUSINESS_LINE);
    for enterprise in enterprises {
        for line in &enterprise.business_lines {
            rows.push([
                next(id),
                enterprise.id.into(),
                line.code.into(),
                line.title_vi.into(),
                line.main.into(),
            ]);
        }
    }
    rows
}

fn representatives<'a>(enterprises: impl Iterator<Item = &'a Enterprise>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&REPRESENTATIVE);
    let mut rows = Rows::of(&REPRESENTATIVE);
    for enterprise in enterprises {
        for person in &enterprise.representatives {
            rows.push(representative(next(id), enterprise, person));
        }
    }
    rows
}

fn representative<'a>(id: Value<'a>, enterprise: &Enterprise, person: &'a Representative) -> [Value<'a>; 14] {
    let unknown = [Value::Null, Value::Null, Value::Null, Value::Null];
    let of = |known: &'a PostalAddress| address(known);
    let [line, ward, former_ward, text] = person.address.as_ref().map_or(unknown, of);
    [
        id,
        enterprise.id.into(),
        (&person.personal_number).into(),
        (&person.old_identity).into(),
        (&person.full_name).into(),
        person.position.into(),
        person.date_of_birth.into(),
        (person.sex as i32).into(),
        line,
        ward,
        former_ward,
        text,
        person.since.into(),
        person.until.into(),
    ]
}

fn members<'a>(enterprises: impl Iterator<Item = &'a Enterprise>, ids: &mut Ids) -> Rows<'a> {
    let id = ids.of(&MEMBER);
    let mut rows = Rows::of(&MEMBER);
    for enterprise in enterprises {
        for member in &enterprise.members {
            rows.push([
                next(id),
                enterprise.id.into(),
                (&member.personal_number).into(),
                (&member.enterprise).into(),
                (&member.name).into(),
                member.contribution_vnd.into(),
                member.contribution_percent.into(),
            ]);
        }
    }
    rows
}
