use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::error::Error;
use crate::record::{Address, Citizen, Home, Household, RelatedPerson};

/// Rows of one statement: far below SQLite's 32,766 values.
const ROWS: usize = 250;

/// Writes the households and citizens of a batch.
pub(super) async fn write(connection: &mut SqliteConnection, homes: &[Home]) -> Result<(), Error> {
    let households: Vec<&Household> = homes.iter().map(|home| &home.household).collect();
    for rows in households.chunks(ROWS) {
        insert_households(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    let citizens: Vec<&Citizen> = homes.iter().flat_map(|home| &home.citizens).collect();
    for rows in citizens.chunks(ROWS) {
        insert_citizens(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    let of_citizen = |citizen: &&'_ Citizen| citizen.id;
    let addresses: Vec<(i64, &Address)> = citizens
        .iter()
        .flat_map(|citizen| citizen.addresses.iter().map(move |address| (of_citizen(citizen), address)))
        .collect();
    for rows in addresses.chunks(ROWS) {
        insert_addresses(rows).build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

fn insert_households(rows: &[&Household]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO household (household_id, number, head_id, line, ward_code, former_ward_code, registered_on, as_of_us) ",
    );
    query.push_values(rows, |mut row, household| {
        row.push_bind(household.id)
            .push_bind(household.number.clone())
            .push_bind(household.head)
            .push_bind(household.line.clone())
            .push_bind(household.ward.to_string())
            .push_bind(household.former_ward.map(|ward| ward.to_string()))
            .push_bind(household.registered_on.to_string())
            .push_bind(household.as_of_us);
    });
    query
}

fn insert_citizens(rows: &[&Citizen]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO citizen (citizen_id, personal_number, old_identity_number, full_name, other_name, date_of_birth, sex, \
         ethnicity, religion, nationality_code, marital_status, household_id, relation_to_head, father_number, father_name, \
         mother_number, mother_name, spouse_number, spouse_name, blood_type, occupation, phone_number, life_status, \
         date_of_death, card_issued_on, card_expires_on, card_issuer, updated_us, as_of_us) ",
    );
    query.push_values(rows, |mut row, citizen| {
        let card = citizen.card.as_ref();
        row.push_bind(citizen.id)
            .push_bind(citizen.personal_number.as_str().to_owned())
            .push_bind(citizen.old_identity.as_ref().map(|old| old.as_str().to_owned()))
            .push_bind(citizen.full_name.clone())
            .push_bind(citizen.other_name.clone())
            .push_bind(citizen.date_of_birth.to_string())
            .push_bind(citizen.sex as i32)
            .push_bind(citizen.ethnicity)
            .push_bind(citizen.religion)
            .push_bind(citizen.nationality_code)
            .push_bind(citizen.marital_status as i32)
            .push_bind(citizen.household)
            .push_bind(citizen.relation as i32)
            .push_bind(number(citizen.father.as_ref()))
            .push_bind(name(citizen.father.as_ref()))
            .push_bind(number(citizen.mother.as_ref()))
            .push_bind(name(citizen.mother.as_ref()))
            .push_bind(number(citizen.spouse.as_ref()))
            .push_bind(name(citizen.spouse.as_ref()))
            .push_bind(citizen.blood_type)
            .push_bind(citizen.occupation)
            .push_bind(citizen.phone_number.clone())
            .push_bind(citizen.life_status as i32)
            .push_bind(citizen.date_of_death.map(|date| date.to_string()))
            .push_bind(card.map(|card| card.issued_on.to_string()))
            .push_bind(card.and_then(|card| card.expires_on).map(|date| date.to_string()))
            .push_bind(card.map(|card| card.issuer))
            .push_bind(citizen.updated_us)
            .push_bind(citizen.as_of_us);
    });
    query
}

fn number(person: Option<&RelatedPerson>) -> Option<String> {
    person.and_then(|person| person.personal_number.as_ref()).map(|number| number.as_str().to_owned())
}

fn name(person: Option<&RelatedPerson>) -> Option<String> {
    person.map(|person| person.full_name.clone())
}

fn insert_addresses(rows: &[(i64, &Address)]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO address (citizen_id, kind, line, ward_code, former_ward_code, text, since) ",
    );
    query.push_values(rows, |mut row, (citizen, address)| {
        row.push_bind(*citizen)
            .push_bind(address.kind as i32)
            .push_bind(address.line.clone())
            .push_bind(address.ward.map(|ward| ward.to_string()))
            .push_bind(address.former_ward.map(|ward| ward.to_string()))
            .push_bind(address.text.clone())
            .push_bind(address.since.map(|date| date.to_string()));
    });
    query
}
