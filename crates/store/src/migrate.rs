use sqlx::{Connection, SqliteConnection};

use crate::Error;

/// One step of a store's schema. Steps are run once, in the order of their versions, each in a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// From 1, without gaps.
    pub version: i64,
    /// A few words, kept in the store for its readers.
    pub name: &'static str,
    /// Statements, separated by semicolons.
    pub sql: &'static str,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS lgsp_migration (
    version    INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    applied_us INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER))
) STRICT";

/// Runs the migrations that the store has not seen. Two processes that start at once wait for each other.
pub(crate) async fn run(connection: &mut SqliteConnection, migrations: &[Migration]) -> Result<(), Error> {
    debug_assert!(migrations.iter().zip(1..).all(|(migration, version)| migration.version == version));
    // Immediate: the lock is taken before the version is read.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(TABLE).execute(&mut *transaction).await?;
    let (found,): (i64,) = sqlx::query_as("SELECT coalesce(max(version), 0) FROM lgsp_migration")
        .fetch_one(&mut *transaction)
        .await?;
    let known = migrations.last().map_or(0, |last| last.version);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for migration in migrations.iter().filter(|migration| migration.version > found) {
        sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO lgsp_migration (version, name) VALUES (?, ?)")
            .bind(migration.version)
            .bind(migration.name)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
