//! The adapter's SQL, over its relations. `docs/queries.md` keeps the plans.
//!
//! Keys that join relations stay inside: an agency's may be of any type. What is looked for as the only one is looked for
//! twice, so that a contradiction is noticed; what hangs on it is read only after that, and by a number that is its alone.

use lgsp_adapter::{ByPerson, Numbered, Statement, Tables};

/// Every statement of the adapter.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) citizen: ByPerson,
    pub(super) addresses: ByPerson,
    pub(super) household_by_number: Statement,
    pub(super) household_by_member: ByPerson,
    pub(super) members: Statement,
    pub(super) member_addresses: Statement,
    pub(super) residents: Statement,
}

impl Statements {
    pub(super) fn new(tables: &Tables) -> Self {
        Self {
            citizen: tables.by_person(CITIZEN),
            addresses: tables.by_person(ADDRESSES),
            household_by_number: tables.statement(&NUMBERED.only(HOUSEHOLD, "o.number = $1")),
            household_by_member: tables.by_person(&NUMBERED.only(HOUSEHOLD, OF_MEMBER)),
            members: tables.statement(MEMBERS),
            member_addresses: tables.statement(MEMBER_ADDRESSES),
            residents: tables.statement(RESIDENTS),
        }
    }
}

const CITIZEN: &str = "
    SELECT c.personal_number, c.old_identity_number, c.full_name, c.other_name, c.date_of_birth, c.sex, c.ethnicity,
           c.religion, c.nationality_code, c.marital_status, c.relation_to_head, c.father_number, c.father_name,
           c.mother_number, c.mother_name, c.spouse_number, c.spouse_name, c.blood_type, c.occupation, c.phone_number,
           c.life_status, c.date_of_death, c.card_issued_on, c.card_expires_on, c.card_issuer, c.updated_us, c.as_of_us,
           h.number AS household_number
    FROM citizen c LEFT JOIN household h ON h.household_id = c.household_id
    WHERE c.{person} = $1
    LIMIT 2";

/// Of the person who was found by this number alone. Their other number may be somebody else's too, or none.
const ADDRESSES: &str = "
    SELECT kind, line, ward_code, former_ward_code, text, since FROM address
    WHERE citizen_id {any of} SELECT citizen_id FROM citizen WHERE {person} = $1 {end}";

/// Members are found by the household's number. So that must be no other's.
const NUMBERED: Numbered = Numbered { relation: "household", number: "number" };

const HOUSEHOLD: &str = "
    SELECT this.number, this.line, this.ward_code, this.former_ward_code, this.registered_on, this.as_of_us,
           head.personal_number AS head_number, head.full_name AS head_name
    FROM household this LEFT JOIN citizen head ON head.citizen_id = this.head_id";

const OF_MEMBER: &str = "o.household_id IN (SELECT household_id FROM citizen WHERE {person} = $1)";

/// Living members: how many there are, and as many as the contract tells.
const MEMBERS: &str = "
    SELECT c.personal_number, c.full_name, c.date_of_birth, c.sex, c.relation_to_head, c.as_of_us,
           count(*) OVER () AS member_count
    FROM household h JOIN citizen c ON c.household_id = h.household_id
    WHERE h.number = $1 AND c.life_status IS DISTINCT FROM 2
    ORDER BY CASE WHEN c.relation_to_head = 1 THEN 0 ELSE 1 END, c.citizen_id
    LIMIT 200";

/// Where the members are registered, each named by their number. A join in the statement of the members would have SQLite
/// read the whole of a mapped union.
const MEMBER_ADDRESSES: &str = "
    SELECT (SELECT c.personal_number FROM citizen c WHERE c.citizen_id = a.citizen_id LIMIT 1) AS personal_number,
           a.kind, a.line, a.ward_code, a.former_ward_code, a.text, a.since
    FROM address a
    WHERE a.kind IN (1, 2) AND a.citizen_id {any of}
        SELECT c.citizen_id FROM household h JOIN citizen c ON c.household_id = h.household_id
        WHERE h.number = $1 {end}
    ORDER BY a.kind
    LIMIT 1000";

/// The residents of one ward, in the order of its index and no further than the limit. A union of two wards would lose
/// that order on PostgreSQL.
const RESIDENTS: &str = "
    SELECT a.address_id, a.kind, a.line, a.ward_code, a.former_ward_code, a.text, a.since,
           c.personal_number, c.full_name, c.date_of_birth, c.sex, c.relation_to_head, c.as_of_us,
           h.number AS household_number
    FROM address a
    JOIN citizen c ON c.citizen_id = a.citizen_id AND c.life_status IS DISTINCT FROM 2
    LEFT JOIN household h ON h.household_id = c.household_id
    WHERE a.ward_code = $1 AND a.kind IN (1, 2) AND $2 IN (0, a.kind) AND a.address_id > $3
    ORDER BY a.address_id
    LIMIT $4";
