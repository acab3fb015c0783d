use super::{Ids, Rows, Table, Value, next};
use crate::record::{Citizen, Home, Household, RelatedPerson};

static HOUSEHOLD: Table = Table {
    name: "household",
    columns: &[
        "household_id",
        "number",
        "head_id",
        "line",
        "ward_code",
        "former_ward_code",
        "registered_on",
        "as_of_us",
    ],
};

static CITIZEN: Table = Table {
    name: "citizen",
    columns: &[
        "citizen_id",
        "personal_number",
        "old_identity_number",
        "full_name",
        "other_name",
        "date_of_birth",
        "sex",
        "ethnicity",
        "religion",
        "nationality_code",
        "marital_status",
        "household_id",
        "relation_to_head",
        "father_number",
        "father_name",
        "mother_number",
        "mother_name",
        "spouse_number",
        "spouse_name",
        "blood_type",
        "occupation",
        "phone_number",
        "life_status",
        "date_of_death",
        "card_issued_on",
        "card_expires_on",
        "card_issuer",
        "updated_us",
        "as_of_us",
    ],
};

static ADDRESS: Table = Table {
    name: "address",
    columns: &["address_id", "citizen_id", "kind", "line", "ward_code", "former_ward_code", "text", "since"],
};

/// Households, their people, and these people's addresses.
pub(crate) fn rows<'a>(homes: &'a [Home], ids: &mut Ids) -> Vec<Rows<'a>> {
    let (mut households, mut citizens) = (Rows::of(&HOUSEHOLD), Rows::of(&CITIZEN));
    let mut addresses = Rows::of(&ADDRESS);
    let id = ids.of(&ADDRESS);
    for home in homes {
        households.push(household(&home.household));
        for one in &home.citizens {
            citizens.push(citizen(one));
            for address in &one.addresses {
                addresses.push([
                    next(id),
                    one.id.into(),
                    (address.kind as i32).into(),
                    (&address.line).into(),
                    address.ward.into(),
                    address.former_ward.into(),
                    (&address.text).into(),
                    address.since.into(),
                ]);
            }
        }
    }
    vec![households, citizens, addresses]
}

fn household(household: &Household) -> [Value<'_>; 8] {
    [
        household.id.into(),
        (&household.number).into(),
        household.head.into(),
        (&household.line).into(),
        household.ward.into(),
        household.former_ward.into(),
        household.registered_on.into(),
        household.as_of_us.into(),
    ]
}

fn citizen(citizen: &Citizen) -> [Value<'_>; 29] {
    let card = citizen.card.as_ref();
    let [father, mother, spouse] = [&citizen.father, &citizen.mother, &citizen.spouse].map(related);
    [
        citizen.id.into(),
        (&citizen.personal_number).into(),
        (&citizen.old_identity).into(),
        (&citizen.full_name).into(),
        (&citizen.other_name).into(),
        citizen.date_of_birth.into(),
        (citizen.sex as i32).into(),
        citizen.ethnicity.into(),
        citizen.religion.into(),
        citizen.nationality_code.into(),
        (citizen.marital_status as i32).into(),
        citizen.household.into(),
        (citizen.relation as i32).into(),
        father.0,
        father.1,
        mother.0,
        mother.1,
        spouse.0,
        spouse.1,
        citizen.blood_type.into(),
        citizen.occupation.into(),
        (&citizen.phone_number).into(),
        (citizen.life_status as i32).into(),
        citizen.date_of_death.into(),
        card.map(|card| card.issued_on).into(),
        card.and_then(|card| card.expires_on).into(),
        card.map(|card| card.issuer).into(),
        citizen.updated_us.into(),
        citizen.as_of_us.into(),
    ]
}

/// Number and name of a parent or spouse.
fn related(person: &Option<RelatedPerson>) -> (Value<'_>, Value<'_>) {
    let number = person.as_ref().and_then(|person| person.personal_number.as_ref());
    (number.into(), person.as_ref().map(|person| &person.full_name).into())
}
