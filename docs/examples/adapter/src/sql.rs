//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use async_trait::async_trait;
use lgsp_adapter::{OpenError, Options, Row, SourceError, Statement, Tables};
use lgsp_identifiers::PersonalNumber;
use tokio::time::Instant;

use crate::relations::{RELATIONS, SCHEMA_VERSION, VEHICLE};
use crate::v1::Vehicle;
use crate::{Plate, Source};

/// Looks for two, so that a contradiction is noticed.
const OF_PLATE: &str = "
    SELECT v.plate, v.kind, v.make, v.registered_on, v.owner_number, v.owner_name, v.as_of_us
    FROM vehicle v WHERE v.plate = $1 LIMIT 2";

const OF_OWNER: &str = "
    SELECT v.plate, v.kind, v.make, v.registered_on, v.owner_number, v.owner_name, v.as_of_us
    FROM vehicle v WHERE v.owner_number = $1 ORDER BY v.plate LIMIT $2";

/// A vehicle register on a database. Read only.
#[derive(Clone, Debug)]
pub struct Register {
    tables: Tables,
    of_plate: Statement,
    of_owner: Statement,
}

impl Register {
    /// Opens the register.
    ///
    /// # Errors
    /// It is missing, does not answer, or is not what the adapter reads.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let tables = Tables::open(options, RELATIONS, SCHEMA_VERSION).await?;
        let (of_plate, of_owner) = (tables.statement(OF_PLATE), tables.statement(OF_OWNER));
        Ok(Self { tables, of_plate, of_owner })
    }

    /// Its tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }
}

#[async_trait]
impl Source for Register {
    async fn of_plate(&self, plate: &Plate, deadline: Instant) -> Result<Option<Vehicle>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.of_plate.query().bind(plate.as_str())).await?;
        found.map(|row| vehicle(&self.tables, &row)).transpose()
    }

    async fn of_owner(
        &self,
        owner: &PersonalNumber,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<Vehicle>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let query = self.of_owner.query().bind(owner.as_str()).bind(limit as i64);
        self.tables.all(&mut reader, query, vehicle).await
    }
}

/// Codes and dates that nobody understands are counted and left out.
fn vehicle(tables: &Tables, row: &Row) -> Result<Vehicle, SourceError> {
    let of = tables.record(&VEHICLE, row);
    Ok(Vehicle {
        plate: of.text("plate")?,
        kind: of.code("kind")?,
        make: of.text("make")?,
        registered_on: of.date("registered_on")?,
        owner_personal_number: of.text("owner_number")?,
        owner_name: of.name("owner_name")?,
        provenance: of.provenance()?,
    })
}
