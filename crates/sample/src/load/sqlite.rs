//! Five files, each written under another name and renamed when it is complete and on disk.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite, SqliteConnection};

use super::domains::{DOMAINS, Domain, SAMPLE_SCHEMA, last_rows};
use super::rows::{Rows, Value};
use super::tables::{Rowwise, Tables};
use super::{Progress, Stage, Summary, fill, schema};
use crate::GENERATION;
use crate::city::{City, Config};
use crate::error::Error;

/// Most rows of one statement. No table has so many columns that SQLite's 32,766 values are reached.
const ROWS: usize = 250;

/// Makes the databases of all domains in a directory, which is made if need be, and replaces those that are there.
///
/// # Errors
/// The size is not accepted, or a database cannot be written; then those that are there stay as they are.
pub async fn load(dir: &Path, config: Config, mut progress: impl FnMut(Progress)) -> Result<Summary, Error> {
    // Before anything is made.
    City::new(config)?;
    tokio::fs::create_dir_all(dir).await?;
    let mut drafts = Drafts(Vec::new());
    for domain in &DOMAINS {
        drafts.0.push(Draft::begin(dir, domain).await?);
    }
    let mut filling = Rowwise::begin(drafts).await?;
    let summary = fill(&mut filling, config, &mut progress).await?;
    let mut complete = Vec::new();
    for (draft, domain) in filling.tables.0.into_iter().zip(&DOMAINS) {
        let stage = Stage::Indexes(domain.name);
        progress(Progress { citizens: config.citizens, of: config.citizens, stage });
        complete.push(draft.finish(domain, &summary).await?);
    }
    for database in complete {
        database.publish().await?;
    }
    Ok(summary)
}

/// What the databases of a directory hold; `None` unless all are there, complete, of one making, and of the present
/// [`GENERATION`].
///
/// # Errors
/// A file cannot be read, or is no database.
pub async fn existing(dir: &Path) -> Result<Option<Summary>, Error> {
    let mut common: Option<Summary> = None;
    for domain in &DOMAINS {
        let Some(summary) = summary_of(&dir.join(domain.file)).await? else { return Ok(None) };
        if summary.generation != GENERATION || common.is_some_and(|other| other != summary) {
            return Ok(None);
        }
        common = Some(summary);
    }
    Ok(common)
}

async fn summary_of(path: &Path) -> Result<Option<Summary>, Error> {
    if !tokio::fs::try_exists(path).await? {
        return Ok(None);
    }
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let columns = "SELECT seed, citizens, households, parcels, generation FROM sample";
    let row: Option<(String, u32, u32, u32, u32)> =
        sqlx::query_as(columns).fetch_optional(&mut connection).await?;
    connection.close().await?;
    let summary = row.and_then(|(seed, citizens, households, parcels, generation)| {
        let config = Config { seed: seed.parse().ok()?, citizens };
        Some(Summary { config, households, parcels, generation })
    });
    Ok(summary)
}

/// The databases of all domains, in their order.
struct Drafts(Vec<Draft>);

impl Tables for Drafts {
    async fn write(&mut self, domain: &'static Domain, rows: &Rows<'_>) -> Result<(), Error> {
        let position = DOMAINS.iter().position(|other| other.name == domain.name).unwrap_or_default();
        self.0[position].write(rows).await
    }
}

/// A database under another name, until it is complete.
struct Draft {
    connection: SqliteConnection,
    draft: PathBuf,
    path: PathBuf,
}

impl Draft {
    async fn begin(dir: &Path, domain: &'static Domain) -> Result<Self, Error> {
        let (path, draft) = (dir.join(domain.file), dir.join(format!("{}.draft", domain.file)));
        remove(&draft).await?;
        // Without a journal: a draft that fails is thrown away as a whole.
        let options = SqliteConnectOptions::new()
            .filename(&draft)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(false);
        let mut connection = options.connect().await?;
        sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
        for table in schema::tables(domain.schema).iter().chain(&schema::tables(SAMPLE_SCHEMA)) {
            sqlx::query(sqlx::AssertSqlSafe(table.as_str())).execute(&mut connection).await?;
        }
        Ok(Self { connection, draft, path })
    }

    async fn write(&mut self, rows: &Rows<'_>) -> Result<(), Error> {
        let all: Vec<&[Value<'_>]> = rows.iter().collect();
        for some in all.chunks(ROWS) {
            insert(rows, some).build().persistent(false).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn finish(mut self, domain: &'static Domain, summary: &Summary) -> Result<Complete, Error> {
        for index in schema::indexes(domain.schema) {
            sqlx::query(sqlx::AssertSqlSafe(index)).execute(&mut self.connection).await?;
        }
        self.write(&last_rows(summary)).await?;
        sqlx::raw_sql("COMMIT; ANALYZE;").execute(&mut self.connection).await?;
        self.connection.close().await?;
        tokio::fs::File::open(&self.draft).await?.sync_all().await?;
        Ok(Complete { draft: self.draft, path: self.path })
    }
}

/// A complete database that still has its other name.
struct Complete {
    draft: PathBuf,
    path: PathBuf,
}

impl Complete {
    async fn publish(self) -> Result<(), Error> {
        // What an earlier database left behind would be taken for this one's journal.
        for suffix in ["-wal", "-shm", "-journal"] {
            let mut leftover = self.path.clone().into_os_string();
            leftover.push(suffix);
            remove(Path::new(&leftover)).await?;
        }
        tokio::fs::rename(&self.draft, &self.path).await?;
        Ok(())
    }
}

fn insert(rows: &Rows<'_>, some: &[&[Value<'_>]]) -> QueryBuilder<Sqlite> {
    let columns = rows.table.columns.join(", ");
    let mut query = QueryBuilder::new(format!("INSERT INTO {} ({columns}) ", rows.table.name));
    query.push_values(some, |mut row, values| {
        for value in *values {
            match value {
                Value::Null => row.push_bind(None::<i64>),
                Value::Integer(number) => row.push_bind(*number),
                Value::Real(number) => row.push_bind(*number),
                Value::Text(text) => row.push_bind(text.clone().into_owned()),
            };
        }
    });
    query
}

async fn remove(path: &Path) -> Result<(), Error> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
