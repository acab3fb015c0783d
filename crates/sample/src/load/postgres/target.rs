//! What is in a database before it is filled: nothing, an earlier synthetic city, or something that is not ours.

use std::time::Duration;

use lgsp_store::{Query, Reader, Store};
use tokio::time::Instant;

use super::super::domains::{DOMAINS, Domain, SAMPLE_SCHEMA};
use super::super::schema::twin;
use crate::error::Error;

const PATIENCE: Duration = Duration::from_secs(30);

/// Relations of a schema, except those that belong to an extension or to a table.
const RELATIONS: &str = "SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY c.relname";

const POSTGIS: &str = "SELECT 1 AS one FROM pg_available_extensions WHERE name = 'postgis'";

/// A database that may be filled.
pub(super) struct Target {
    pub(super) has_postgis: bool,
}

impl Target {
    /// Looks at the schemas of the domains.
    ///
    /// # Errors
    /// One of them holds something else than a synthetic city.
    pub(super) async fn inspect(store: &Store) -> Result<Self, Error> {
        let mut reader = store.reader(Instant::now() + PATIENCE).await?;
        for domain in &DOMAINS {
            if !is_free(&mut reader, domain).await? {
                return Err(Error::Occupied { schema: domain.name });
            }
        }
        let has_postgis = reader.optional(Query::new(POSTGIS)).await?.is_some();
        Ok(Self { has_postgis })
    }
}

/// Whether the schema of a domain is missing, empty, or filled with made-up records in our tables alone.
async fn is_free(reader: &mut Reader, domain: &Domain) -> Result<bool, Error> {
    let relations = reader.all(Query::new(RELATIONS).bind(domain.name)).await?;
    if relations.is_empty() {
        return Ok(true);
    }
    let ours = [twin(domain.schema).names, twin(SAMPLE_SCHEMA).names].concat();
    for relation in &relations {
        if !ours.contains(&relation.text("name")?) {
            return Ok(false);
        }
    }
    if relations.len() != ours.len() {
        return Ok(false);
    }
    let synthetic = format!("SELECT one FROM {}.source WHERE synthetic = 1", domain.name);
    Ok(reader.optional(Query::new(&synthetic)).await?.is_some())
}
