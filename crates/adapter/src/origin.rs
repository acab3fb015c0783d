use lgsp_proto::record::v1::Provenance;
use lgsp_store::{Query, Store};
use tokio::time::Instant;

use crate::{OpenError, records};

/// Who answers for the records of a source, as the source itself says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source as its owner names it.
    pub source: String,
    /// The agency that answers for it.
    pub agency_code: String,
    /// All its records are made up.
    pub synthetic: bool,
}

impl Origin {
    /// Reads the origin from the table `source`, which every native SQL source has, and checks the version of the schema.
    ///
    /// # Errors
    /// The source does not answer before the deadline, or has another schema.
    pub async fn read(store: &Store, expected: i64, deadline: Instant) -> Result<Self, OpenError> {
        let select = Query::new("SELECT name, agency_code, synthetic, schema_version FROM source");
        let row = store.reader(deadline).await?.optional(select).await?;
        let Some(row) = row else { return Err(OpenError::NoOrigin) };
        let found = row.integer("schema_version")?;
        if found != expected {
            return Err(OpenError::SchemaVersion { found, expected });
        }
        Ok(Self {
            source: row.text("name")?,
            agency_code: row.text("agency_code")?,
            synthetic: row.flag("synthetic")?,
        })
    }

    /// The provenance of a record, with the moment at which the source confirmed it in Unix microseconds, if it tells.
    pub fn provenance(&self, as_of_us: impl Into<Option<i64>>) -> Option<Provenance> {
        Some(Provenance {
            source: self.source.clone(),
            agency_code: self.agency_code.clone(),
            as_of: as_of_us.into().map(records::timestamp),
            synthetic: self.synthetic,
        })
    }
}
