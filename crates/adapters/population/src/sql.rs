//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use async_trait::async_trait;
use lgsp_adapter::{OpenError, Options, Query, SourceError, Tables};
use lgsp_identifiers::{PersonKey, WardCode};
use lgsp_proto::population::v1::{Citizen, Household, ResidenceKind, Resident};
use tokio::time::Instant;

use crate::relations::{RELATIONS, SCHEMA_VERSION};
use crate::{HouseholdKey, Source};

#[cfg(test)]
mod plans;
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

    /// Its tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    fn household_by<'a>(&'a self, key: &'a HouseholdKey) -> Query<'a> {
        match key {
            HouseholdKey::Number(number) => self.statements.household_by_number.query().bind(number),
            HouseholdKey::Member(person) => self.statements.household_by_member.query(person),
        }
    }
}

#[async_trait]
impl Source for Register {
    async fn citizen(&self, key: &PersonKey, deadline: Instant) -> Result<Option<Citizen>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.statements.citizen.query(key)).await?;
        let Some(row) = found else { return Ok(None) };
        let mut citizen = read::citizen(&self.tables, &row)?;
        let addresses = reader.all(self.statements.addresses.query(key)).await?;
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
        let number = &household.household_number;
        let members = reader.all(self.statements.members.query().bind(number)).await?;
        let addresses = reader.all(self.statements.member_addresses.query().bind(number)).await?;
        Ok(Some(read::with_members(&self.tables, household, &members, &addresses)?))
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
        let mut found = Vec::new();
        for ward in wards {
            let of_ward = self.statements.residents.query().bind(ward.as_str());
            let of_ward = of_ward.bind(i32::from(kind)).bind(after).bind(limit as i64);
            let rows = reader.all(of_ward).await?;
            for row in &rows {
                found.push(read::resident(&self.tables, row)?);
            }
        }
        // Each ward gave its first ones, so that the first of all are among them.
        found.sort_by_key(|(number, _)| *number);
        found.truncate(limit);
        Ok(found)
    }
}
