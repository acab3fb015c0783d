//! What differs is named, all at once.

use std::time::Duration;

use lgsp_adapter::testing::Database;
use lgsp_adapter::{Dialect, Mapping, Mismatch, OpenError, Options, Tables};
use lgsp_runtime::config::{self, Sources};
use tokio::time::Instant;

use crate::{RELATIONS, SCHEMA, mapped};

async fn mismatches(options: &Options) -> Vec<Mismatch> {
    match Tables::open(options, RELATIONS, 1).await {
        Err(OpenError::Mismatch(mismatches)) => mismatches,
        other => panic!("{other:?}"),
    }
}

fn places(mismatches: &[Mismatch]) -> Vec<&str> {
    mismatches.iter().map(|mismatch| mismatch.place.as_str()).collect()
}

#[tokio::test]
async fn a_native_source_says_itself_who_answers_for_it() {
    for database in Database::each().await {
        database.filled(SCHEMA).await;
        let tables = Tables::open(&Options::of(database.url()), RELATIONS, 1).await.unwrap();
        assert_eq!((tables.name(), tables.origin().agency_code.as_str()), ("nguon", "G01.92"));
        assert!(tables.origin().synthetic);
        let newer = Tables::open(&Options::of(database.url()), RELATIONS, 2).await.unwrap_err();
        assert!(matches!(newer, OpenError::SchemaVersion { found: 1, expected: 2 }), "{newer}");
    }
}

#[tokio::test]
async fn every_table_and_column_that_a_native_source_lacks_is_named() {
    for database in Database::each().await {
        let store = database.filled(SCHEMA).await;
        store.run("ALTER TABLE person DROP COLUMN born; ALTER TABLE person DROP COLUMN name").await.unwrap();
        store.run("DROP TABLE home").await.unwrap();
        let found = mismatches(&Options::of(database.url())).await;
        assert_eq!(places(&found), ["person.name", "person.born", "home"]);
        store.run("DROP TABLE source").await.unwrap();
        assert!(Tables::open(&Options::of(database.url()), RELATIONS, 1).await.is_err());
    }
}

#[tokio::test]
async fn what_a_mapping_names_and_the_database_lacks_is_named() {
    let mapping = "
        [mapping.home]
        table = 'nha'
        columns = { home_id = 'ma' }
        [mapping.person]
        table = 'nguoi'
        [mapping.person.columns]
        person_id = 'ma'
        number = 'so_dinh_danh'
        name = 'ten_goi'
        born = { sql = 'ngay || khong_co' }
        home_id = 'nha'";
    for database in Database::each().await {
        database.filled("CREATE TABLE nguoi (ma BIGINT, so_dinh_danh TEXT, nha BIGINT, ngay TEXT)").await;
        let found = mismatches(&mapped(&database, mapping)).await;
        let expected = ["mapping.person.columns.name", "mapping.person.columns.born", "mapping.home.table"];
        assert_eq!(places(&found), expected, "{found:?}");
        assert!(found[0].found.contains("ten_goi"), "a quoted name that is none is no text: {found:?}");
    }
}

#[tokio::test]
async fn a_type_that_cannot_be_read_is_named_before_it_is_met() {
    let Some(database) = Database::postgres().await else { return };
    database
        .filled("CREATE TABLE nguoi (ma BIGINT, so BIGINT, gioi TEXT, cao TEXT, lam TEXT, luc TEXT)")
        .await;
    let mapping = "
        [mapping.person]
        table = 'nguoi'
        columns = { person_id = 'ma', number = 'so', sex = 'gioi', height = 'cao', employed = 'lam', as_of_us = 'luc' }";
    let found = mismatches(&mapped(&database, mapping)).await;
    let columns = ["number", "sex", "employed", "height", "as_of_us"];
    assert_eq!(places(&found), columns.map(|column| format!("mapping.person.columns.{column}")), "{found:?}");
    assert!(found[0].found.contains("leading zeros"), "{found:?}");
}

/// The problems of a mapping, as `lgsp config check` tells them.
fn problems(mapping: &str) -> Vec<String> {
    let mapping: Mapping = toml::from_str(mapping).unwrap();
    mapping
        .problems(RELATIONS)
        .into_iter()
        .map(|problem| format!("{}: {}", problem.key, problem.found))
        .collect()
}

#[test]
fn every_mistake_of_a_mapping_is_named_without_a_database() {
    let found = problems(
        "[house]
         table = 'nha'
         [home]
         columns = { home_id = 'ma' }
         [person]
         table = 'nguoi'
         query = 'SELECT 1'
         [person.columns]
         number = { column = 'a', sql = 'b' }
         nam = 'ten'
         name = { column = 'ten', codes = { a = 'male' }, format = ['yyyy'] }
         sex = { column = 'gioi', codes = { Nam = 'male', 'Nữ' = 'femal' } }
         born = { column = 'ngay', format = ['dd/mm/yyyy', 'd/m/yyyy', 'mm/dd/yyyy'] }
         as_of_us = { column = 'luc', format = ['seconds'] }
         employed = {}",
    );
    let expected = [
        "home: needs a table or a query",
        "house: there is no such relation; accepted: person, home",
        "person: has both a table and a query; only one is read",
        "person.columns.person_id: is required and not mapped",
        "person.columns.as_of_us.format: is no unit of moments; accepted: one of unix-s, unix-ms, unix-us",
        "person.columns.born.format: \"d/m/yyyy\" is no form of dates; accepted: yyyy, mm and dd, each once, with any marks \
         between, such as dd/mm/yyyy",
        "person.columns.born.format: \"dd/mm/yyyy\" and \"mm/dd/yyyy\" cannot be told apart",
        "person.columns.employed: needs a column or sql",
        "person.columns.nam: there is no such column; accepted: person_id, number, name, sex, born, employed, height, \
         children, home_id, as_of_us",
        "person.columns.name: holds no code, so that codes have no meaning",
        "person.columns.name: holds no date, moment or geometry, so that format has no meaning",
        "person.columns.number: has both a column and sql; only one is read",
        "person.columns.sex.codes.Nữ: the contract has no code \"femal\"; accepted: unknown, male, female",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_configuration_names_the_key_of_what_it_cannot_read() {
    let bad = [
        ("mapping.person.columns.sex.code", "[mapping.person.columns.sex]\ncode = 'x'"),
        ("mapping.person.columns.sex", "[mapping.person.columns]\nsex = 3"),
        ("mapping.person.tabel", "[mapping.person]\ntabel = 'x'"),
        ("source.name", "[mapping.person]\ntable = 'x'"),
        ("source.name", "[source]\nname = 'x'"),
        ("source.url", "[source]\nurl = 'postgres://u:p@h/d'"),
    ];
    for (key, text) in bad {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let refusal = config::load::<Options>(&Sources::default().file(Some(file.path()))).unwrap_err();
        let keys: Vec<&str> = refusal.problems.iter().map(|problem| problem.key.as_str()).collect();
        assert!(keys.contains(&key), "{text}: {refusal}");
    }
}

#[test]
fn a_mapped_relations_own_name_is_no_table_without_its_schema() {
    let found = problems(
        "[home]
         query = 'SELECT ma, xa FROM nha JOIN Person ON true'
         columns = { home_id = 'ma', ward_code = { sql = '(SELECT x FROM main.home WHERE x = home.x)' } }
         [person]
         table = 'person'
         [person.columns]
         person_id = 'ma'
         number = { sql = \"(SELECT so FROM person WHERE ten = 'FROM home')\" }",
    );
    let told = "person means the mapped relation here: write the table with its schema, such as main.person or public.person";
    assert_eq!(found, [format!("home.query: {told}"), format!("person.columns.number: {told}")]);
}

#[tokio::test]
async fn a_table_that_is_named_like_a_relation_is_read_by_its_schema() {
    let tables = "CREATE TABLE home (ma TEXT, xa TEXT); INSERT INTO home VALUES ('n1', '31120');
                  CREATE TABLE person (so TEXT, nha TEXT); INSERT INTO person VALUES ('a', 'n1');";
    let mapping = "
        [mapping.home]
        query = 'SELECT * FROM SCHEMA.home WHERE ma IN (SELECT nha FROM SCHEMA.person)'
        columns = { home_id = 'ma', ward_code = 'xa' }
        [mapping.person]
        table = 'person'
        columns = { person_id = 'so', number = { sql = '(SELECT max(so) FROM SCHEMA.person)' }, home_id = 'nha' }";
    for database in Database::each().await {
        database.filled(tables).await;
        let schema = match database.dialect() {
            Dialect::Sqlite => "main",
            Dialect::Postgres => "public",
        };
        let tables =
            Tables::open(&mapped(&database, &mapping.replace("SCHEMA", schema)), RELATIONS, 1).await.unwrap();
        let both = tables
            .statement("SELECT p.number, h.ward_code FROM person p JOIN home h ON h.home_id = p.home_id");
        let mut reader = tables.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
        let rows = reader.all(both.query()).await.unwrap();
        assert_eq!((rows.len(), rows[0].text("ward_code").unwrap().as_str()), (1, "31120"));
    }
}

/// What finds tables in an agency's SQL is no parser, and need not be one.
#[tokio::test]
async fn a_name_that_means_another_relation_and_is_not_seen_to_is_found_by_the_database() {
    let (on_sqlite, on_postgres) = ("nha WHERE ma IN home", "(TABLE person) t");
    for database in Database::each().await {
        database
            .filled("CREATE TABLE nha (ma TEXT); CREATE TABLE home (ma TEXT); CREATE TABLE person (ma TEXT)")
            .await;
        let from = match database.dialect() {
            Dialect::Sqlite => on_sqlite,
            Dialect::Postgres => on_postgres,
        };
        let mapping = format!(
            "[mapping.home]
             query = 'SELECT ma FROM {from}'
             columns = {{ home_id = 'ma' }}
             [mapping.person]
             table = 'person'
             columns = {{ person_id = 'ma', number = 'ma', home_id = 'ma' }}"
        );
        let found = mismatches(&mapped(&database, &mapping)).await;
        assert_eq!(places(&found), ["mapping.home"], "{found:?}");
    }
}
