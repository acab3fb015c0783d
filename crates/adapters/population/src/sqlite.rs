//! The source on an SQLite database; its schema is `crates/sample/schema/population.sql`.

use std::time::Duration;

use async_trait::async_trait;
use lgsp_adapter::health::Probe;
use lgsp_adapter::records::{self, AddressColumns};
use lgsp_adapter::{OpenError, Origin, SourceError, Store, until};
use lgsp_identifiers::{PersonKey, WardCode};
use lgsp_proto::population::v1::{Citizen, Household, ResidenceKind, Resident};
use tokio::time::Instant;

use crate::{HouseholdKey, Source};

mod rows;

use rows::{AddressRow, CitizenRow, HouseholdRow, MemberRow, ResidentRow};

const SCHEMA_VERSION: i64 = 1;
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);

/// A population source on SQLite. Read only.
#[derive(Clone, Debug)]
pub struct Sqlite {
    store: Store,
    origin: Origin,
}

impl Sqlite {
    /// Opens the source.
    ///
    /// # Errors
    /// It is missing, does not answer, or has another schema.
    pub async fn open(options: &lgsp_adapter::StoreOptions) -> Result<Self, OpenError> {
        let store = Store::open_read_only(options).await?;
        let origin = Origin::read(&store, SCHEMA_VERSION, Instant::now() + OPENING_TIMEOUT).await?;
        Ok(Self { store, origin })
    }

    /// The source as its owner names it.
    pub fn name(&self) -> &str {
        &self.origin.source
    }
}

#[async_trait]
impl Probe for Sqlite {
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError> {
        let mut reader = self.store.reader(deadline).await?;
        let any = sqlx::query("SELECT citizen_id FROM citizen LIMIT 1").fetch_optional(&mut *reader);
        until(deadline, any).await?;
        Ok(())
    }
}

#[async_trait]
impl Source for Sqlite {
    async fn citizen(&self, key: &PersonKey, deadline: Instant) -> Result<Option<Citizen>, SourceError> {
        let by_key = match key {
            PersonKey::Number(_) => rows::CITIZEN_BY_NUMBER,
            PersonKey::OldCard(_) => rows::CITIZEN_BY_OLD_CARD,
        };
        let mut reader = self.store.reader(deadline).await?;
        let citizen = sqlx::query_as::<_, CitizenRow>(by_key).bind(key.as_str()).fetch_optional(&mut *reader);
        let Some(citizen) = until(deadline, citizen).await? else { return Ok(None) };
        let addresses = sqlx::query_as::<_, AddressRow>(rows::ADDRESSES).bind(citizen.citizen_id);
        let addresses = until(deadline, addresses.fetch_all(&mut *reader)).await?;
        let provenance = self.origin.provenance(citizen.as_of_us);
        Ok(Some(Citizen { provenance, ..citizen.into_citizen(addresses) }))
    }

    async fn household(
        &self,
        key: &HouseholdKey,
        deadline: Instant,
    ) -> Result<Option<Household>, SourceError> {
        let (by_key, text) = match key {
            HouseholdKey::Number(number) => (rows::HOUSEHOLD_BY_NUMBER, number.as_str()),
            HouseholdKey::Member(PersonKey::Number(number)) => (rows::HOUSEHOLD_BY_MEMBER, number.as_str()),
            HouseholdKey::Member(PersonKey::OldCard(card)) => (rows::HOUSEHOLD_BY_OLD_CARD, card.as_str()),
        };
        let mut reader = self.store.reader(deadline).await?;
        let household = sqlx::query_as::<_, HouseholdRow>(by_key).bind(text).fetch_optional(&mut *reader);
        let Some(household) = until(deadline, household).await? else { return Ok(None) };
        let members = sqlx::query_as::<_, MemberRow>(rows::MEMBERS).bind(household.household_id);
        let members = until(deadline, members.fetch_all(&mut *reader)).await?;
        Ok(Some(household.into_household(members, &self.origin)))
    }

    async fn residents(
        &self,
        wards: &[WardCode],
        kind: ResidenceKind,
        after: i64,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(i64, Resident)>, SourceError> {
        let mut reader = self.store.reader(deadline).await?;
        let residents = sqlx::query_as::<_, ResidentRow>(rows::RESIDENTS)
            .bind(wards.first().map(WardCode::as_str))
            .bind(wards.get(1).map(WardCode::as_str))
            .bind(i32::from(kind))
            .bind(after)
            .bind(limit as i64);
        let residents = until(deadline, residents.fetch_all(&mut *reader)).await?;
        Ok(residents.into_iter().map(|row| (row.address_id, row.into_resident(&self.origin))).collect())
    }
}

/// An address as every table of this source has it.
fn address(
    line: Option<&str>,
    ward_code: Option<&str>,
    former_ward_code: Option<&str>,
    text: Option<&str>,
) -> lgsp_proto::record::v1::Address {
    records::address(AddressColumns { line, ward_code, former_ward_code, text })
}
