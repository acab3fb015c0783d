//! The look at a source's health: all that the adapter needs is asked for, and nobody's record is read.

use std::time::Duration;

use lgsp_adapter::health::Probe as _;
use lgsp_adapter::testing::Database;
use lgsp_adapter::{Dialect, Options, SourceError, Tables};
use tokio::time::Instant;

use crate::{RELATIONS, SCHEMA, mapped};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Makes of a table with a person a view, in which that person's name cannot be read: whoever reads the record is told so.
fn unreadable(dialect: Dialect, view: &str) -> String {
    let name = match dialect {
        Dialect::Sqlite => "json(name)",
        Dialect::Postgres => "CAST(CAST(name AS json) AS text)",
    };
    format!(
        "INSERT INTO person (person_id, number, name) VALUES (1, '092058000019', 'Synthetic');
         ALTER TABLE person RENAME TO kept;
         CREATE VIEW {view} AS SELECT person_id, number, {name} AS name, sex, born, employed, height, children, home_id,
                                      as_of_us FROM kept;"
    )
}

/// Whether the first person of the source is read without an error.
async fn reads(tables: &Tables) -> Result<(), SourceError> {
    let statement = tables.statement("SELECT name FROM person LIMIT 1");
    tables.reader(soon()).await?.all(statement.query()).await?;
    Ok(())
}

async fn is_probed_unread(tables: &Tables) {
    assert!(reads(tables).await.is_err(), "a record that is read is told of");
    tables.probe(soon()).await.unwrap();
}

#[tokio::test]
async fn a_probe_reads_no_record_of_a_table_or_of_a_query() {
    let columns = "columns = { person_id = 'person_id', number = 'number', name = 'name' }";
    let home = "[mapping.home]\ntable = 'home'\ncolumns = { home_id = 'home_id' }";
    for from in ["table = 'nguoi'", "query = 'SELECT person_id, number, name FROM nguoi ORDER BY name'"] {
        for database in Database::each().await {
            let store = database.filled(SCHEMA).await;
            store.run(&unreadable(database.dialect(), "nguoi")).await.unwrap();
            let mapping = format!("{home}\n[mapping.person]\n{from}\n{columns}");
            is_probed_unread(&Tables::open(&mapped(&database, &mapping), RELATIONS, 1).await.unwrap()).await;
        }
    }
    for database in Database::each().await {
        let store = database.filled(SCHEMA).await;
        store.run(&unreadable(database.dialect(), "person")).await.unwrap();
        let options = Options::of(database.url());
        is_probed_unread(&Tables::open(&options, RELATIONS, 1).await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_probe_misses_each_column_and_each_table() {
    let columns = ["number", "name", "sex", "born", "employed", "height", "children", "home_id", "as_of_us"];
    let columns = columns.map(|column| format!("ALTER TABLE person RENAME COLUMN {column} TO away"));
    for lost in columns.iter().map(String::as_str).chain(["DROP TABLE person", "DROP TABLE home"]) {
        for database in Database::each().await {
            let store = database.filled(SCHEMA).await;
            let tables = Tables::open(&Options::of(database.url()), RELATIONS, 1).await.unwrap();
            tables.probe(soon()).await.unwrap();
            store.run(lost).await.unwrap();
            let cause = tables.probe(soon()).await.unwrap_err().cause();
            assert_eq!(cause, "unexpected", "{lost} on {database:?}");
        }
    }
}

#[tokio::test]
async fn a_probe_misses_the_right_to_a_column() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.filled(SCHEMA).await;
    // From its owner nobody takes the right to a table: somebody else reads it.
    let reader = format!("lgsp_probing_{}", std::process::id());
    store
        .run(&format!("CREATE ROLE {reader} LOGIN; GRANT SELECT ON source, person, home TO {reader}"))
        .await
        .unwrap();
    let (start, place) = database.url().split_once('@').unwrap();
    let url = format!("{}://{reader}@{place}", start.split_once("://").unwrap().0);
    let tables = Tables::open(&Options::of(url), RELATIONS, 1).await.unwrap();
    let (before, rights) = (tables.probe(soon()).await, "REVOKE SELECT ON person FROM");
    store
        .run(&format!("{rights} {reader}; GRANT SELECT (person_id, number) ON person TO {reader}"))
        .await
        .unwrap();
    let after = tables.probe(soon()).await;
    tables.close().await;
    store.run(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}")).await.unwrap();
    assert!(before.is_ok() && after.is_err(), "{before:?}, then {after:?}");
}
