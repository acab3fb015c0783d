//! From rows to the domain's language.

use std::collections::BTreeMap;

use lgsp_adapter::{Record, Row, SourceError, Tables};
use lgsp_proto::population::v1::{
    Citizen, Household, HouseholdMember, IdentityCard, RelatedPerson, Resident,
};
use lgsp_proto::record::v1::{Address, PartialDate};

use crate::relations::{ADDRESS, CITIZEN, HOUSEHOLD};

/// The citizen without addresses.
pub(super) fn citizen(tables: &Tables, row: &Row) -> Result<Citizen, SourceError> {
    let (of, household) = (tables.record(&CITIZEN, row), tables.record(&HOUSEHOLD, row));
    Ok(Citizen {
        personal_number: of.text("personal_number")?,
        old_identity_number: of.text("old_identity_number")?,
        full_name: of.name("full_name")?,
        other_name: of.name("other_name")?,
        date_of_birth: of.date("date_of_birth")?,
        sex: of.code("sex")?,
        ethnicity: of.text("ethnicity")?,
        religion: of.text("religion")?,
        nationality_code: of.text("nationality_code")?,
        marital_status: of.code("marital_status")?,
        household_number: household.text_as("number", "household_number")?,
        relation_to_head: of.code("relation_to_head")?,
        father: related(of, "father_number", "father_name")?,
        mother: related(of, "mother_number", "mother_name")?,
        spouse: related(of, "spouse_number", "spouse_name")?,
        blood_type: of.text("blood_type")?,
        occupation: of.text("occupation")?,
        phone_number: of.text("phone_number")?,
        life_status: of.code("life_status")?,
        date_of_death: of.date("date_of_death")?,
        identity_card: identity_card(of)?,
        updated: of.moment("updated_us")?,
        provenance: of.provenance()?,
        ..Citizen::default()
    })
}

fn related(
    of: Record<'_>,
    number: &'static str,
    name: &'static str,
) -> Result<Option<RelatedPerson>, SourceError> {
    let person = RelatedPerson { personal_number: of.text(number)?, full_name: of.name(name)? };
    let is_known = !person.personal_number.is_empty() || !person.full_name.is_empty();
    Ok(is_known.then_some(person))
}

fn identity_card(of: Record<'_>) -> Result<Option<IdentityCard>, SourceError> {
    let Some(issued_on) = of.date("card_issued_on")? else { return Ok(None) };
    Ok(Some(IdentityCard {
        issued_on: Some(issued_on),
        expires_on: of.date("card_expires_on")?,
        issuer: of.text("card_issuer")?,
    }))
}

/// Gives a citizen their addresses. Of two different ones of a kind neither is told: which is right is not known.
pub(super) fn put_addresses(tables: &Tables, rows: &[Row], citizen: &mut Citizen) -> Result<(), SourceError> {
    let mut by_kind: BTreeMap<i32, (Option<Address>, Option<PartialDate>)> = BTreeMap::new();
    for row in rows {
        let of = tables.record(&ADDRESS, row);
        let (kind, found) = (of.code("kind")?, (of.address()?, of.date("since")?));
        match by_kind.get_mut(&kind) {
            Some(known) if known.0 != found.0 => {
                of.not_understood("kind");
                *known = (None, None);
            }
            Some(_) => {}
            None => drop(by_kind.insert(kind, found)),
        }
    }
    for (kind, (address, since)) in by_kind {
        match kind {
            1 => (citizen.permanent_address, citizen.moved_in_on) = (address, since),
            2 => citizen.temporary_address = address,
            3 => citizen.current_address = address,
            4 => citizen.birth_registration_place = address,
            5 => citizen.hometown = address,
            // A kind that the mapping does not know was counted as such.
            _ => {}
        }
    }
    Ok(())
}

/// The household without members.
pub(super) fn household(tables: &Tables, row: &Row) -> Result<Household, SourceError> {
    let (of, head) = (tables.record(&HOUSEHOLD, row), tables.record(&CITIZEN, row));
    Ok(Household {
        household_number: of.number("number")?,
        head_personal_number: head.text_as("personal_number", "head_number")?,
        head_full_name: head.name_as("full_name", "head_name")?,
        address: of.address()?,
        registered_on: of.date("registered_on")?,
        provenance: of.provenance()?,
        ..Household::default()
    })
}

/// The household with its members. A member lives in it by the address that is the household's own.
pub(super) fn with_members(
    tables: &Tables,
    household: Household,
    members: &[Row],
    addresses: &[Row],
) -> Result<Household, SourceError> {
    let mut registered: BTreeMap<String, (i32, Option<PartialDate>)> = BTreeMap::new();
    for row in addresses {
        let at = tables.record(&ADDRESS, row);
        if is_same_place(at.address()?.as_ref(), household.address.as_ref()) {
            let by = (at.code("kind")?, at.date("since")?);
            // Whose it is, is not told of one without a number. The permanent address comes first.
            if let Some(member) = tables.record(&CITIZEN, row).maybe_text("personal_number")? {
                registered.entry(member).or_insert(by);
            }
        }
    }
    let mut household = household;
    for row in members {
        let mut member = member(tables, row)?;
        if let Some((kind, since)) = registered.get(&member.personal_number) {
            (member.residence_kind, member.moved_in_on) = (*kind, *since);
        }
        household.members.push(member);
    }
    // Each row tells it: not all members may be among them.
    if let Some(row) = members.first() {
        household.member_count = i32::try_from(row.integer("member_count")?).unwrap_or(i32::MAX);
    }
    Ok(household)
}

fn is_same_place(one: Option<&Address>, other: Option<&Address>) -> bool {
    let place = |address: Option<&Address>| {
        let ward = address?.ward.as_ref()?;
        Some((address?.line.clone(), ward.code.clone()))
    };
    place(one).is_some_and(|one| Some(one) == place(other))
}

fn member(tables: &Tables, row: &Row) -> Result<HouseholdMember, SourceError> {
    let of = tables.record(&CITIZEN, row);
    Ok(HouseholdMember {
        personal_number: of.text("personal_number")?,
        full_name: of.name("full_name")?,
        date_of_birth: of.date("date_of_birth")?,
        sex: of.code("sex")?,
        relation_to_head: of.code("relation_to_head")?,
        provenance: of.provenance()?,
        ..HouseholdMember::default()
    })
}

/// A resident, with the number in the order of the list.
pub(super) fn resident(tables: &Tables, row: &Row) -> Result<(i64, Resident), SourceError> {
    let (of, at) = (tables.record(&CITIZEN, row), tables.record(&ADDRESS, row));
    let household = tables.record(&HOUSEHOLD, row);
    let resident = Resident {
        personal_number: of.text("personal_number")?,
        full_name: of.name("full_name")?,
        date_of_birth: of.date("date_of_birth")?,
        sex: of.code("sex")?,
        residence_kind: at.code("kind")?,
        address: at.address()?,
        household_number: household.text_as("number", "household_number")?,
        relation_to_head: of.code("relation_to_head")?,
        moved_in_on: at.date("since")?,
        provenance: of.provenance()?,
    };
    Ok((at.integer("address_id")?, resident))
}
