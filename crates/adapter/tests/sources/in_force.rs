//! What `{in force on …}` is true of: an end may be empty, to come, known in part only, or not understood.

use std::time::Duration;

use lgsp_adapter::testing::Database;
use lgsp_adapter::{Options, Tables};
use tokio::time::Instant;

use crate::{RELATIONS, SCHEMA, mapped};

const DAY: &str = "2026-03-15";

/// An end as the native schema writes it, and whether what ends so is in force on the day.
const ENDS: &[(&str, bool)] = &[
    ("2999-12-31", true),
    ("2999-12", true),
    ("2999", true),
    ("2026-03-15", true),
    ("2026-03", true),
    ("2026-03-00", true),
    ("2026", true),
    ("2026-00-00", true),
    ("2026-03-14", false),
    ("2026-02", false),
    ("2026-02-00", false),
    ("2025", false),
    ("2025-00-00", false),
    ("", true),
    (" ", true),
    ("khi hết", true),
    ("02/2019", true),
    ("31.12.2019", true),
];

/// The same as an agency writes it, of which the mapping knows two forms.
const MAPPED_ENDS: &[(&str, bool)] = &[
    ("31/12/2999", true),
    ("15/03/2026", true),
    ("03/2026", true),
    ("14/03/2026", false),
    ("02/2026", false),
    ("", true),
    ("khi hết", true),
    ("31.12.2019", true),
];

const MAPPING: &str = "
    [mapping.person]
    table = 'nguoi'
    [mapping.person.columns]
    person_id = 'ma'
    number = 'so'
    born = { column = 'den', format = ['dd/mm/yyyy', 'mm/yyyy'] }";

/// A row for each end, whose key and number are its place among them.
fn rows(ends: &[(&str, bool)]) -> String {
    let rows = ends.iter().enumerate().map(|(place, (until, _))| format!("({place}, '{place}', '{until}')"));
    rows.collect::<Vec<_>>().join(", ")
}

async fn assert_in_force(options: &Options, ends: &[(&str, bool)]) {
    let tables = Tables::open(options, RELATIONS, 1).await.unwrap();
    let statement = tables.statement(
        "SELECT number FROM (SELECT number, born AS until FROM person) ending WHERE {in force on $1}",
    );
    let mut reader = tables.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
    let found = reader.all(statement.query().bind(DAY)).await.unwrap();
    let found: Vec<String> = found.iter().map(|row| row.text("number").unwrap()).collect();
    for (place, (until, is_in_force)) in ends.iter().enumerate() {
        assert_eq!(found.contains(&place.to_string()), *is_in_force, "{until:?} on {:?}", tables.dialect());
    }
}

#[tokio::test]
async fn what_ends_in_a_month_or_year_is_in_force_to_its_end_and_what_has_no_known_end_is_too() {
    for database in Database::each().await {
        let ends = format!("INSERT INTO person (person_id, number, born) VALUES {};", rows(ENDS));
        database.filled(&format!("{SCHEMA}\n{ends}")).await;
        assert_in_force(&Options::of(database.url()), ENDS).await;
    }
}

#[tokio::test]
async fn of_an_agencys_own_dates_the_same_holds() {
    for database in Database::each().await {
        let ends = format!("INSERT INTO nguoi VALUES {};", rows(MAPPED_ENDS));
        database.filled(&format!("CREATE TABLE nguoi (ma BIGINT, so TEXT, den TEXT); {ends}")).await;
        assert_in_force(&mapped(&database, MAPPING), MAPPED_ENDS).await;
    }
}
