use lgsp_proto::record::v1::Provenance;
use lgsp_store::Store;
use tokio::time::Instant;

use crate::{OpenError, records, until};

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
    /// Reads the origin from the table `source`, which every SQL source has, and checks the version of the schema.
    ///
    /// # Errors
    /// The store does not answer before the deadline, or has another schema.
    pub async fn read(store: &Store, expected: i64, deadline: Instant) -> Result<Self, OpenError> {
        let mut reader = store.reader(deadline).await?;
        let row = sqlx::query_as("SELECT name, agency_code, synthetic, schema_version FROM source");
        let row: (String, String, bool, i64) = until(deadline, row.fetch_one(&mut *reader)).await?;
        let (source, agency_code, synthetic, found) = row;
        if found != expected {
            return Err(OpenError::SchemaVersion { found, expected });
        }
        Ok(Self { source, agency_code, synthetic })
    }

    /// The provenance of a record that the source confirmed at a moment, in Unix microseconds.
    pub fn provenance(&self, as_of_us: i64) -> Option<Provenance> {
        Some(Provenance {
            source: self.source.clone(),
            agency_code: self.agency_code.clone(),
            as_of: Some(records::timestamp(as_of_us)),
            synthetic: self.synthetic,
        })
    }
}
