use crate::Error;

/// One step of a store's schema. Steps are run once, in the order of their versions, all in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// From 1, without gaps.
    pub version: i64,
    /// A few words, kept in the store for its readers.
    pub name: &'static str,
    /// Statements, separated by semicolons, for the database that is migrated.
    pub sql: &'static str,
}

pub(crate) const FOUND: &str = "SELECT coalesce(max(version), 0) AS version FROM lgsp_migration";
pub(crate) const APPLIED: &str = "INSERT INTO lgsp_migration (version, name) VALUES ($1, $2)";

/// The steps that a store has not seen.
///
/// # Errors
/// The store has seen a later one than we know.
pub(crate) fn missing(
    found: i64,
    migrations: &[Migration],
) -> Result<impl Iterator<Item = &Migration>, Error> {
    debug_assert!(migrations.iter().zip(1..).all(|(migration, version)| migration.version == version));
    let known = migrations.last().map_or(0, |last| last.version);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    Ok(migrations.iter().filter(move |migration| migration.version > found))
}
