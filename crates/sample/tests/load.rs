//! The loader writes whole databases, or none.

use std::path::Path;

use lgsp_sample::{
    BUSINESS_DATABASE, Config, EDUCATION_DATABASE, HEALTH_DATABASE, LAND_DATABASE, POPULATION_DATABASE,
    existing, load, persons,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

const CONFIG: Config = Config { seed: 3, citizens: 1_000 };

const DATABASES: [&str; 5] =
    [BUSINESS_DATABASE, EDUCATION_DATABASE, HEALTH_DATABASE, LAND_DATABASE, POPULATION_DATABASE];

async fn open(dir: &Path, name: &str) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(dir.join(name))
        .read_only(true)
        .connect()
        .await
        .expect("the database opens")
}

async fn count(connection: &mut SqliteConnection, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(connection).await.expect("the query is right")
}

#[tokio::test]
async fn the_databases_are_complete_marked_synthetic_and_consistent() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = None;
    let summary = load(dir.path(), CONFIG, |progress| last = Some(progress)).await.unwrap();
    assert_eq!(last.map(|progress| (progress.citizens, progress.of)), Some((1_000, 1_000)));
    assert_eq!(existing(dir.path()).await.unwrap(), Some(summary));

    let mut population = open(dir.path(), POPULATION_DATABASE).await;
    assert_eq!(count(&mut population, "SELECT count(*) FROM citizen").await, 1_000);
    assert_eq!(count(&mut population, "SELECT count(*) FROM household").await, i64::from(summary.households));
    let headless = "SELECT count(*) FROM household h LEFT JOIN citizen c ON c.citizen_id = h.head_id \
                    WHERE c.household_id IS NOT h.household_id";
    assert_eq!(count(&mut population, headless).await, 0);

    let mut land = open(dir.path(), LAND_DATABASE).await;
    assert_eq!(count(&mut land, "SELECT count(*) FROM parcel").await, i64::from(summary.parcels));
    assert_eq!(count(&mut land, "SELECT count(*) FROM parcel WHERE json_valid(geometry) = 0").await, 0);

    for name in DATABASES {
        let mut database = open(dir.path(), name).await;
        assert_eq!(count(&mut database, "SELECT synthetic FROM source").await, 1, "{name}");
        let broken = sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut database).await.unwrap();
        assert!(broken.is_none(), "{name}");
        let integrity: String =
            sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
        assert_eq!(integrity, "ok", "{name}");
    }
}

#[tokio::test]
async fn the_named_persons_and_their_parcels_are_found() {
    let dir = tempfile::tempdir().unwrap();
    load(dir.path(), CONFIG, |_| ()).await.unwrap();
    let mut population = open(dir.path(), POPULATION_DATABASE).await;
    let mut land = open(dir.path(), LAND_DATABASE).await;
    let mut education = open(dir.path(), EDUCATION_DATABASE).await;
    for person in persons::ALL {
        let by_number = "SELECT full_name FROM citizen WHERE personal_number = ?";
        let name: Option<String> = sqlx::query_scalar(by_number)
            .bind(person.personal_number)
            .fetch_optional(&mut population)
            .await
            .unwrap();
        assert_eq!(name.as_deref(), person.record.map(|record| record.full_name));
        let by_owner = "SELECT count(*) FROM owner WHERE personal_number = ? AND until IS NULL";
        let parcels: i64 =
            sqlx::query_scalar(by_owner).bind(person.personal_number).fetch_one(&mut land).await.unwrap();
        assert_eq!(parcels > 0, person.record.is_some());
        for (name, query) in [
            (HEALTH_DATABASE, "SELECT count(*) FROM insurance_card WHERE personal_number = ?"),
            (HEALTH_DATABASE, "SELECT count(*) FROM patient WHERE personal_number = ?"),
            (
                BUSINESS_DATABASE,
                "SELECT count(*) FROM representative WHERE personal_number = ? AND until IS NULL",
            ),
        ] {
            let mut database = open(dir.path(), name).await;
            let records: i64 = sqlx::query_scalar(query)
                .bind(person.personal_number)
                .fetch_one(&mut database)
                .await
                .unwrap();
            assert_eq!(records > 0, person.record.is_some(), "{query}");
        }
        let Some(record) = person.record else { continue };
        let by_serial = "SELECT count(*) FROM diploma WHERE serial_number = ?";
        let diplomas: i64 = sqlx::query_scalar(by_serial)
            .bind(record.diploma_serial)
            .fetch_one(&mut education)
            .await
            .unwrap();
        assert_eq!(diplomas, 1);
    }
    let old_key =
        "SELECT count(*) FROM former_key WHERE ward_code = '31318' AND map_sheet = 1 AND parcel_number = 1";
    assert_eq!(count(&mut land, old_key).await, 1);
}

#[tokio::test]
async fn a_second_load_replaces_the_first_and_leaves_no_drafts() {
    let dir = tempfile::tempdir().unwrap();
    load(dir.path(), CONFIG, |_| ()).await.unwrap();
    let other = Config { seed: 4, citizens: 300 };
    load(dir.path(), other, |_| ()).await.unwrap();
    assert_eq!(existing(dir.path()).await.unwrap().map(|summary| summary.config), Some(other));
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, DATABASES);
}

#[tokio::test]
async fn databases_of_different_makings_count_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    assert_eq!(existing(dir.path()).await.unwrap(), None);
    load(dir.path(), CONFIG, |_| ()).await.unwrap();
    load(other.path(), Config { seed: 4, ..CONFIG }, |_| ()).await.unwrap();
    std::fs::copy(other.path().join(LAND_DATABASE), dir.path().join(LAND_DATABASE)).unwrap();
    assert_eq!(existing(dir.path()).await.unwrap(), None);
    load(dir.path(), CONFIG, |_| ()).await.unwrap();
    std::fs::remove_file(dir.path().join(BUSINESS_DATABASE)).unwrap();
    assert_eq!(existing(dir.path()).await.unwrap(), None);
}

#[tokio::test]
async fn databases_of_another_generation_count_as_none() {
    let dir = tempfile::tempdir().unwrap();
    let made = load(dir.path(), CONFIG, |_| ()).await.unwrap();
    assert_eq!(existing(dir.path()).await.unwrap(), Some(made));
    for name in DATABASES {
        let options = SqliteConnectOptions::new().filename(dir.path().join(name));
        let mut database = options.connect().await.unwrap();
        sqlx::query("UPDATE sample SET generation = generation - 1").execute(&mut database).await.unwrap();
    }
    assert_eq!(existing(dir.path()).await.unwrap(), None);
}

#[tokio::test]
async fn a_city_of_a_size_that_is_not_accepted_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("sources");
    assert!(load(&missing, Config { seed: 1, citizens: 1 }, |_| ()).await.is_err());
    assert!(!missing.exists());
}
