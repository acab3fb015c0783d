use deadpool_postgres::Object;

use crate::Error;
use crate::migrate::{APPLIED, FOUND, Migration, missing};

/// Taken while a store is migrated; the letters "lgsp". Whoever waits longer than the time-out says so.
const LOCK: &str = "SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = '30s';
    SELECT pg_advisory_xact_lock(1818718064)";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS lgsp_migration (
    version    BIGINT PRIMARY KEY,
    name       TEXT   NOT NULL,
    applied_us BIGINT NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT
)";

/// Makes a schema unless it is there: whoever made it beforehand need not give our user the right to.
pub(super) async fn make_schema(client: &mut Object, schema: &str) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK).await?;
    let found = transaction.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?;
    if found.is_none() {
        transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs the migrations that the store has not seen. Two processes that start at once wait for each other.
pub(super) async fn run(client: &mut Object, migrations: &[Migration]) -> Result<(), Error> {
    if migrations.is_empty() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK).await?;
    transaction.batch_execute(TABLE).await?;
    let found: i64 = transaction.query_one(FOUND, &[]).await?.try_get(0)?;
    for migration in missing(found, migrations)? {
        transaction.batch_execute(migration.sql).await?;
        transaction.execute(APPLIED, &[&migration.version, &migration.name]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
