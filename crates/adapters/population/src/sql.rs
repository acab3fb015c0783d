//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use async_trait::async_trait;
use lgsp_adapter::health::Probe;
use lgsp_adapter::{NotUnderstood, OpenError, Options, Query, SourceError, Tables};
use lgsp_identifiers::{PersonKey, WardCode};
use lgsp_proto::population::v1::{Citizen, Household, ResidenceKind, Resident};
use tokio::time::Instant;

use crate::relations::{RELATIONS, SCHEMA_VERSION};
use crate::{HouseholdKey, Source};

mod read;
mod statements;

use statements::Statements;

/// A population register on a database. Read only.
#[derive(Clone, Debug)]
pub struct Register {
    tables: Tables,
    statements: Statements,
}

impl Register {
    /// Opens the register.
    ///
    /// # Errors
    /// It is missing, does not answer, or is not what the adapter reads.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let tables = Tables::open(options, RELATIONS, SCHEMA_VERSION).await?;
        let statements = Statements::new(&tables);
        Ok(Self { tables, statements })
    }

    /// The source as its owner names it.
    pub fn name(&self) -> &str {
        self.tables.name()
    }

    /// The queries that look for a citizen and a household by what they are asked for by.
    fn citizen_by<'a>(&'a self, key: &'a PersonKey) -> Query<'a> {
        let statement = match key {
            PersonKey::Number(_) => &self.statements.citizen_by_number,
            PersonKey::OldCard(_) => &self.statements.citizen_by_old_card,
        };
        statement.query().bind(key.as_str())
    }

    fn household_by<'a>(&'a self, key: &'a HouseholdKey) -> Query<'a> {
        match key {
            HouseholdKey::Number(number) => self.statements.household_by_number.query().bind(number),
            HouseholdKey::Member(key @ PersonKey::Number(_)) => {
                self.statements.household_by_member.query().bind(key.as_str())
            }
            HouseholdKey::Member(key @ PersonKey::OldCard(_)) => {
                self.statements.household_by_old_card.query().bind(key.as_str())
            }
        }
    }
}

#[async_trait]
impl Probe for Register {
    async fn probe(&self, deadline: Instant) -> Result<(), SourceError> {
        self.tables.probe(deadline).await
    }

    fn not_understood(&self) -> Vec<NotUnderstood> {
        self.tables.not_understood()
    }
}

#[async_trait]
impl Source for Register {
    async fn citizen(&self, key: &PersonKey, deadline: Instant) -> Result<Option<Citizen>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.citizen_by(key)).await?;
        let Some(row) = found else { return Ok(None) };
        let mut citizen = read::citizen(&self.tables, &row)?;
        let addresses = self.statements.addresses.query().bind(&citizen.personal_number);
        let addresses = reader.all(addresses).await?;
        read::put_addresses(&self.tables, &addresses, &mut citizen)?;
        Ok(Some(citizen))
    }

    async fn household(
        &self,
        key: &HouseholdKey,
        deadline: Instant,
    ) -> Result<Option<Household>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.household_by(key)).await?;
        let Some(row) = found else { return Ok(None) };
        let household = read::household(&self.tables, &row)?;
        let members = self.statements.members.query().bind(&household.household_number);
        let members = reader.all(members).await?;
        let members: Vec<_> =
            members.iter().map(|row| read::member(&self.tables, row)).collect::<Result<_, _>>()?;
        let member_count = i32::try_from(members.len()).unwrap_or(i32::MAX);
        Ok(Some(Household { members, member_count, ..household }))
    }

    async fn residents(
        &self,
        wards: &[WardCode],
        kind: ResidenceKind,
        after: i64,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(i64, Resident)>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let residents = self.statements.residents.query();
        let residents = residents
            .bind(wards.first().map(WardCode::as_str))
            .bind(wards.get(1).map(WardCode::as_str))
            .bind(i32::from(kind))
            .bind(after)
            .bind(limit as i64);
        let rows = reader.all(residents).await?;
        rows.iter().map(|row| read::resident(&self.tables, row)).collect()
    }
}
