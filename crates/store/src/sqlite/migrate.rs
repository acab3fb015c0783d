use sqlx::{Connection, SqliteConnection};

use crate::Error;
use crate::migrate::{APPLIED, FOUND, Migration, missing};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS lgsp_migration (
    version    INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_us INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER))
) STRICT";

/// Runs the migrations that the store has not seen. Two processes that start at once wait for each other.
pub(super) async fn run(connection: &mut SqliteConnection, migrations: &[Migration]) -> Result<(), Error> {
    if migrations.is_empty() {
        return Ok(());
    }
    // Immediate: the lock is taken before the version is read.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(TABLE).execute(&mut *transaction).await?;
    let (found,): (i64,) = sqlx::query_as(FOUND).fetch_one(&mut *transaction).await?;
    for migration in missing(found, migrations)? {
        sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
        sqlx::query(APPLIED).bind(migration.version).bind(migration.name).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
