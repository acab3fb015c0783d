//! Queries, their rows, and what the rows mean in the domain's language.

use lgsp_adapter::Origin;
use lgsp_adapter::records::{date, timestamp};
use lgsp_proto::population::v1::{
    Citizen, Household, HouseholdMember, IdentityCard, RelatedPerson, ResidenceKind, Resident,
};
use lgsp_proto::record::v1::Address;
use sqlx::FromRow;

use super::address;

macro_rules! citizen_where {
    ($condition:literal) => {
        concat!(
            "SELECT c.*, h.number AS household_number FROM citizen c LEFT JOIN household h USING (household_id) WHERE ",
            $condition
        )
    };
}

pub(super) const CITIZEN_BY_NUMBER: &str = citizen_where!("c.personal_number = ?");
pub(super) const CITIZEN_BY_OLD_CARD: &str = citizen_where!("c.old_identity_number = ?");

pub(super) const ADDRESSES: &str =
    "SELECT kind, line, ward_code, former_ward_code, text, since FROM address WHERE citizen_id = ?";

macro_rules! household_where {
    ($condition:literal) => {
        concat!(
            "SELECT h.*, head.personal_number AS head_number, head.full_name AS head_name
             FROM household h LEFT JOIN citizen head ON head.citizen_id = h.head_id WHERE ",
            $condition
        )
    };
}

pub(super) const HOUSEHOLD_BY_NUMBER: &str = household_where!("h.number = ?");
pub(super) const HOUSEHOLD_BY_MEMBER: &str =
    household_where!("h.household_id = (SELECT household_id FROM citizen WHERE personal_number = ?)");
pub(super) const HOUSEHOLD_BY_OLD_CARD: &str =
    household_where!("h.household_id = (SELECT household_id FROM citizen WHERE old_identity_number = ?)");

/// A member lives in the household by the address that is the household's own. The bound is the contract's.
pub(super) const MEMBERS: &str = "
    SELECT c.personal_number, c.full_name, c.date_of_birth, c.sex, c.relation_to_head, c.as_of_us, a.kind, a.since
    FROM citizen c JOIN household h USING (household_id)
    LEFT JOIN address a ON a.address_id = (
        SELECT address_id FROM address
        WHERE citizen_id = c.citizen_id AND kind IN (1, 2) AND ward_code = h.ward_code AND line IS h.line
        ORDER BY kind LIMIT 1)
    WHERE c.household_id = ? AND c.life_status <> 2
    ORDER BY c.relation_to_head <> 1, c.citizen_id
    LIMIT 200";

/// One arm per ward, so that each is read in the order of its index, and no further than the limit.
pub(super) const RESIDENTS: &str = "
    SELECT a.address_id, a.kind, a.line, a.ward_code, a.former_ward_code, a.text, a.since,
           c.personal_number, c.full_name, c.date_of_birth, c.sex, c.relation_to_head, c.as_of_us,
           h.number AS household_number
    FROM (SELECT * FROM address WHERE ward_code = ?1 AND kind IN (1, 2) AND address_id > ?4
          UNION ALL
          SELECT * FROM address WHERE ward_code = ?2 AND kind IN (1, 2) AND address_id > ?4) a
    JOIN citizen c ON c.citizen_id = a.citizen_id AND c.life_status <> 2
    LEFT JOIN household h ON h.household_id = c.household_id
    WHERE ?3 IN (0, a.kind)
    ORDER BY a.address_id
    LIMIT ?5";

#[derive(FromRow)]
pub(super) struct CitizenRow {
    pub(super) citizen_id: i64,
    personal_number: String,
    old_identity_number: Option<String>,
    full_name: String,
    other_name: Option<String>,
    date_of_birth: Option<String>,
    sex: i32,
    ethnicity: Option<String>,
    religion: Option<String>,
    nationality_code: String,
    marital_status: i32,
    household_number: Option<String>,
    relation_to_head: i32,
    father_number: Option<String>,
    father_name: Option<String>,
    mother_number: Option<String>,
    mother_name: Option<String>,
    spouse_number: Option<String>,
    spouse_name: Option<String>,
    blood_type: Option<String>,
    occupation: Option<String>,
    phone_number: Option<String>,
    life_status: i32,
    date_of_death: Option<String>,
    card_issued_on: Option<String>,
    card_expires_on: Option<String>,
    card_issuer: Option<String>,
    updated_us: i64,
    pub(super) as_of_us: i64,
}

impl CitizenRow {
    pub(super) fn into_citizen(self, addresses: Vec<AddressRow>) -> Citizen {
        let identity_card = self.card_issued_on.as_deref().map(|issued_on| IdentityCard {
            issued_on: date(Some(issued_on)),
            expires_on: date(self.card_expires_on.as_deref()),
            issuer: self.card_issuer.unwrap_or_default(),
        });
        let mut citizen = Citizen {
            personal_number: self.personal_number,
            old_identity_number: self.old_identity_number.unwrap_or_default(),
            full_name: self.full_name,
            other_name: self.other_name.unwrap_or_default(),
            date_of_birth: date(self.date_of_birth.as_deref()),
            sex: self.sex,
            ethnicity: self.ethnicity.unwrap_or_default(),
            religion: self.religion.unwrap_or_default(),
            nationality_code: self.nationality_code,
            marital_status: self.marital_status,
            household_number: self.household_number.unwrap_or_default(),
            relation_to_head: self.relation_to_head,
            father: related(self.father_number, self.father_name),
            mother: related(self.mother_number, self.mother_name),
            spouse: related(self.spouse_number, self.spouse_name),
            blood_type: self.blood_type.unwrap_or_default(),
            occupation: self.occupation.unwrap_or_default(),
            phone_number: self.phone_number.unwrap_or_default(),
            life_status: self.life_status,
            date_of_death: date(self.date_of_death.as_deref()),
            identity_card,
            updated: Some(timestamp(self.updated_us)),
            ..Citizen::default()
        };
        addresses.into_iter().for_each(|row| row.put_into(&mut citizen));
        citizen
    }
}

fn related(number: Option<String>, name: Option<String>) -> Option<RelatedPerson> {
    if number.is_none() && name.is_none() {
        return None;
    }
    Some(RelatedPerson { personal_number: number.unwrap_or_default(), full_name: name.unwrap_or_default() })
}

#[derive(FromRow)]
pub(super) struct AddressRow {
    kind: i64,
    line: Option<String>,
    ward_code: Option<String>,
    former_ward_code: Option<String>,
    text: Option<String>,
    since: Option<String>,
}

impl AddressRow {
    fn put_into(self, citizen: &mut Citizen) {
        let address = Some(self.address());
        match self.kind {
            1 => {
                citizen.permanent_address = address;
                citizen.moved_in_on = date(self.since.as_deref());
            }
            2 => citizen.temporary_address = address,
            3 => citizen.current_address = address,
            4 => citizen.birth_registration_place = address,
            5 => citizen.hometown = address,
            // The schema has no other kind.
            _ => {}
        }
    }

    fn address(&self) -> Address {
        address(
            self.line.as_deref(),
            self.ward_code.as_deref(),
            self.former_ward_code.as_deref(),
            self.text.as_deref(),
        )
    }
}

#[derive(FromRow)]
pub(super) struct HouseholdRow {
    pub(super) household_id: i64,
    number: String,
    head_number: Option<String>,
    head_name: Option<String>,
    line: Option<String>,
    ward_code: String,
    former_ward_code: Option<String>,
    registered_on: Option<String>,
    as_of_us: i64,
}

impl HouseholdRow {
    pub(super) fn into_household(self, members: Vec<MemberRow>, origin: &Origin) -> Household {
        let members: Vec<HouseholdMember> = members.into_iter().map(|row| row.into_member(origin)).collect();
        let address =
            address(self.line.as_deref(), Some(&self.ward_code), self.former_ward_code.as_deref(), None);
        Household {
            household_number: self.number,
            head_personal_number: self.head_number.unwrap_or_default(),
            head_full_name: self.head_name.unwrap_or_default(),
            address: Some(address),
            registered_on: date(self.registered_on.as_deref()),
            member_count: i32::try_from(members.len()).unwrap_or(i32::MAX),
            members,
            provenance: origin.provenance(self.as_of_us),
        }
    }
}

#[derive(FromRow)]
pub(super) struct MemberRow {
    personal_number: String,
    full_name: String,
    date_of_birth: Option<String>,
    sex: i32,
    relation_to_head: i32,
    as_of_us: i64,
    kind: Option<i32>,
    since: Option<String>,
}

impl MemberRow {
    fn into_member(self, origin: &Origin) -> HouseholdMember {
        HouseholdMember {
            personal_number: self.personal_number,
            full_name: self.full_name,
            date_of_birth: date(self.date_of_birth.as_deref()),
            sex: self.sex,
            relation_to_head: self.relation_to_head,
            residence_kind: self.kind.unwrap_or(ResidenceKind::Unspecified.into()),
            moved_in_on: date(self.since.as_deref()),
            provenance: origin.provenance(self.as_of_us),
        }
    }
}

#[derive(FromRow)]
pub(super) struct ResidentRow {
    pub(super) address_id: i64,
    kind: i32,
    line: Option<String>,
    ward_code: String,
    former_ward_code: Option<String>,
    text: Option<String>,
    since: Option<String>,
    personal_number: String,
    full_name: String,
    date_of_birth: Option<String>,
    sex: i32,
    relation_to_head: i32,
    as_of_us: i64,
    household_number: Option<String>,
}

impl ResidentRow {
    pub(super) fn into_resident(self, origin: &Origin) -> Resident {
        let address = address(
            self.line.as_deref(),
            Some(&self.ward_code),
            self.former_ward_code.as_deref(),
            self.text.as_deref(),
        );
        Resident {
            personal_number: self.personal_number,
            full_name: self.full_name,
            date_of_birth: date(self.date_of_birth.as_deref()),
            sex: self.sex,
            residence_kind: self.kind,
            address: Some(address),
            household_number: self.household_number.unwrap_or_default(),
            relation_to_head: self.relation_to_head,
            moved_in_on: date(self.since.as_deref()),
            provenance: origin.provenance(self.as_of_us),
        }
    }
}
