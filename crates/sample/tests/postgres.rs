//! The city in PostgreSQL: whole or not at all, the same as in SQLite, and read only for its readers.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lgsp_sample::{
    BUSINESS_DATABASE, Config, EDUCATION_DATABASE, Error, HEALTH_DATABASE, LAND_DATABASE,
    POPULATION_DATABASE, READER, load, load_postgres, persons,
};
use lgsp_store::testing::Database;
use lgsp_store::{Options, Query, Store};
use tokio::time::Instant;

const CONFIG: Config = Config { seed: 5, citizens: 1_500 };

const DOMAINS: [(&str, &str); 5] = [
    ("population", POPULATION_DATABASE),
    ("land", LAND_DATABASE),
    ("health", HEALTH_DATABASE),
    ("education", EDUCATION_DATABASE),
    ("business", BUSINESS_DATABASE),
];

/// The transformation EPSG:6960, as PROJ writes it.
const VN_2000: &str = "+proj=tmerc +lat_0=0 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84 +units=m +no_defs \
     +towgs84=-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278";

async fn integer(store: &Store, sql: &str) -> i64 {
    let mut reader = store.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
    reader.optional(Query::new(sql)).await.unwrap().unwrap().integer("n").unwrap()
}

async fn texts(store: &Store, sql: &str) -> Vec<String> {
    let mut reader = store.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
    let rows = reader.all(Query::new(sql)).await.unwrap();
    rows.iter().map(|row| row.text("t").unwrap()).collect()
}

async fn opened(database: &Database) -> Store {
    Store::open_read_only(&database.options()).await.unwrap()
}

fn as_reader(database: &Database) -> Options {
    Options::of(database.url().replacen("lgsp@", &format!("{READER}@"), 1))
}

#[tokio::test]
async fn every_table_holds_the_same_rows_as_in_sqlite() {
    let Some(database) = Database::postgres().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let files = load(dir.path(), CONFIG, |_| ()).await.unwrap();
    let mut last = None;
    let loaded = load_postgres(&database.options(), CONFIG, |progress| last = Some(progress)).await.unwrap();
    assert_eq!(loaded.summary, files);
    assert_eq!(last.map(|progress| (progress.citizens, progress.of)), Some((1_500, 1_500)));

    let server = opened(&database).await;
    for (domain, file) in DOMAINS {
        let file = Options::of(format!("sqlite:{}", dir.path().join(file).display()));
        let file = Store::open_read_only(&file).await.unwrap();
        let tables =
            "SELECT name AS t FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1";
        for table in texts(&file, tables).await {
            let columns = format!("SELECT name AS t FROM pragma_table_info('{table}') ORDER BY cid");
            for column in texts(&file, &columns).await {
                let sums = format!(
                    "count(*) || ' ' || count({column}) || ' ' || coalesce(sum(length(cast({column} AS text))), 0)"
                );
                // The databases write real numbers differently, so these are compared as numbers.
                let kind =
                    format!("SELECT type AS t FROM pragma_table_info('{table}') WHERE name = '{column}'");
                let sums = match texts(&file, &kind).await[0].as_str() {
                    "REAL" => {
                        format!("count({column}) || ' ' || cast(round(coalesce(sum({column}), 0)) AS bigint)")
                    }
                    "INTEGER" => format!("count({column}) || ' ' || coalesce(sum({column} % 1000003), 0)"),
                    _ => sums,
                };
                let in_file = texts(&file, &format!("SELECT {sums} AS t FROM {table}")).await;
                let on_server = texts(&server, &format!("SELECT {sums} AS t FROM {domain}.{table}")).await;
                assert_eq!(in_file, on_server, "{domain}.{table}.{column}");
            }
        }
    }
    server.close().await;
}

#[tokio::test]
async fn the_tables_have_the_keys_and_indexes_of_the_native_schemas() {
    let Some(database) = Database::postgres().await else { return };
    let dir = tempfile::tempdir().unwrap();
    load(dir.path(), CONFIG, |_| ()).await.unwrap();
    load_postgres(&database.options(), CONFIG, |_| ()).await.unwrap();
    let server = opened(&database).await;
    for (domain, file) in DOMAINS {
        let file = Options::of(format!("sqlite:{}", dir.path().join(file).display()));
        let file = Store::open_read_only(&file).await.unwrap();
        let named = "SELECT name AS t FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
        let there = format!("SELECT indexname::text AS t FROM pg_indexes WHERE schemaname = '{domain}'");
        let there = texts(&server, &there).await;
        for index in texts(&file, named).await {
            assert!(there.contains(&index), "{domain}.{index}");
        }
    }
    let by_place =
        "SELECT count(*) AS n FROM pg_indexes WHERE indexname IN ('parcel_by_place', 'parcel_by_geom')";
    assert!(integer(&server, by_place).await >= 1);
    let keys = |kind| {
        format!(
            "SELECT count(*) AS n FROM pg_constraint c JOIN pg_namespace s ON s.oid = c.connamespace \
             WHERE s.nspname = 'health' AND c.contype = '{kind}'"
        )
    };
    assert_eq!(integer(&server, &keys('p')).await, 11);
    assert!(integer(&server, &keys('f')).await > 8);
    // Statistics are there before the first query.
    let analysed = "SELECT count(*) AS n FROM pg_stats WHERE schemaname = 'health' AND tablename = 'patient'";
    assert!(integer(&server, analysed).await > 20);
    server.close().await;
}

#[tokio::test]
async fn a_reader_reads_everything_and_changes_nothing() {
    let Some(database) = Database::postgres().await else { return };
    load_postgres(&database.options(), CONFIG, |_| ()).await.unwrap();
    let reader = Store::open(&as_reader(&database), &[]).await.unwrap();
    for (domain, _) in DOMAINS {
        assert_eq!(integer(&reader, &format!("SELECT synthetic AS n FROM {domain}.source")).await, 1);
    }
    for change in [
        "DELETE FROM population.citizen",
        "SET default_transaction_read_only = off; DELETE FROM population.citizen",
        "SET default_transaction_read_only = off; CREATE TABLE land.other (one integer)",
    ] {
        assert!(reader.run(change).await.is_err(), "{change}");
    }
    reader.close().await;
}

#[tokio::test]
async fn a_city_that_is_there_is_replaced_and_anything_else_is_not() {
    let Some(database) = Database::postgres().await else { return };
    load_postgres(&database.options(), CONFIG, |_| ()).await.unwrap();
    let smaller = Config { seed: 6, citizens: 200 };
    load_postgres(&database.options(), smaller, |_| ()).await.unwrap();
    let store = Store::open(&database.options(), &[]).await.unwrap();
    assert_eq!(integer(&store, "SELECT count(*) AS n FROM population.citizen").await, 200);

    for (spoil, schema) in [
        ("CREATE TABLE business.own (one integer)", "business"),
        ("DROP TABLE business.own; UPDATE health.source SET synthetic = 0", "health"),
        ("UPDATE health.source SET synthetic = 1; DROP TABLE land.sample", "land"),
    ] {
        store.run(spoil).await.unwrap();
        let refused = load_postgres(&database.options(), CONFIG, |_| ()).await;
        assert!(
            matches!(&refused, Err(Error::Occupied { schema: found }) if *found == schema),
            "{refused:?}"
        );
        assert_eq!(integer(&store, "SELECT count(*) AS n FROM population.citizen").await, 200);
    }
    store.close().await;
}

#[tokio::test]
async fn a_load_that_is_broken_off_leaves_nothing() {
    let Some(database) = Database::postgres().await else { return };
    let breaking = async {
        let options = database.options();
        let (sender, mut begun) = tokio::sync::mpsc::channel(1);
        let loading = load_postgres(&options, Config { seed: 5, citizens: 20_000 }, move |_| {
            let _ = sender.try_send(());
        });
        tokio::select! {
            ended = loading => panic!("it was to be broken off, and ended with {ended:?}"),
            _ = begun.recv() => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(60), breaking).await.unwrap();
    let store = opened(&database).await;
    let schemas = "SELECT count(*) AS n FROM pg_namespace WHERE nspname IN ('population', 'land', 'health')";
    assert_eq!(integer(&store, schemas).await, 0);
    store.close().await;
}

#[tokio::test]
async fn parcels_have_a_geometry_of_the_area_that_is_said_in_their_own_projection() {
    let Some(database) = Database::postgres().await else { return };
    let loaded = load_postgres(&database.options(), CONFIG, |_| ()).await.unwrap();
    let store = opened(&database).await;
    if !loaded.has_geometry {
        eprintln!("skipped: the server for tests has no PostGIS");
        return;
    }
    // The grid of VN-2000 is 0.9999 of the ground on the central meridian, and of the measured area its square.
    let wrong = "SELECT count(*) AS n FROM land.parcel \
         WHERE ST_SRID(geom) <> source_epsg OR NOT ST_IsValid(geom) \
         OR abs(ST_Area(geom) / area_m2 - 1) > 0.02 OR source_epsg NOT IN (5897, 9209)";
    assert_eq!(integer(&store, wrong).await, 0);
    // PROJ itself says where some of them are.
    let apart = format!(
        "SELECT count(*) AS n FROM (SELECT ST_HausdorffDistance(ST_SetSRID(geom, 0), ST_SetSRID(ST_Transform( \
         ST_GeomFromGeoJSON(geometry), '+proj=longlat +datum=WGS84 +no_defs', \
         '{VN_2000} +lon_0=' || CASE source_epsg WHEN 9209 THEN '105.5' ELSE '105' END), 0)) AS apart \
         FROM (SELECT *, row_number() OVER (PARTITION BY source_epsg) AS of_zone FROM land.parcel) p \
         WHERE of_zone <= 40) d WHERE apart > 0.001"
    );
    assert_eq!(integer(&store, &apart).await, 0);
    assert_eq!(integer(&store, "SELECT count(DISTINCT source_epsg) AS n FROM land.parcel").await, 2);
    let parcels = "SELECT count(geom) AS n FROM land.parcel";
    assert_eq!(integer(&store, parcels).await, i64::from(loaded.summary.parcels));
    let by_place = "EXPLAIN SELECT parcel_id FROM land.parcel WHERE status = 1 \
         AND geom && ST_MakeEnvelope(580000, 1100000, 580050, 1100050)";
    let mut reader = store.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
    let plan = reader.all(Query::new(by_place)).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.text("QUERY PLAN").unwrap()).collect();
    assert!(plan.join("\n").contains("parcel_by_geom"), "{plan:?}");
    drop(reader);
    store.close().await;
}

#[tokio::test]
async fn the_named_persons_are_found() {
    let Some(database) = Database::postgres().await else { return };
    load_postgres(&database.options(), CONFIG, |_| ()).await.unwrap();
    let store = opened(&database).await;
    for person in persons::ALL {
        let number = person.personal_number;
        for table in ["population.citizen", "land.owner", "health.insurance_card", "health.patient"] {
            let found = format!("SELECT count(*) AS n FROM {table} WHERE personal_number = '{number}'");
            assert_eq!(integer(&store, &found).await > 0, person.record.is_some(), "{table}");
        }
    }
    store.close().await;
}
