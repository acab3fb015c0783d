//! What a mapping makes of an agency's values, types and names.

use std::time::Duration;

use lgsp_adapter::testing::Database;
use lgsp_adapter::{Dialect, Options, Row, Tables};
use lgsp_proto::record::v1::PartialDate;
use tokio::time::Instant;

use crate::{HOME, PERSON, RELATIONS, mapped};

const ALL: &str = "
    SELECT p.number, p.name, p.sex, p.born, p.employed, p.height, p.children, p.as_of_us, h.ward_code
    FROM person p LEFT JOIN home h ON h.home_id = p.home_id ORDER BY p.number";

async fn rows(tables: &Tables) -> Vec<Row> {
    let statement = tables.statement(ALL);
    let mut reader = tables.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
    reader.all(statement.query()).await.unwrap()
}

async fn open(options: &Options) -> Tables {
    Tables::open(options, RELATIONS, 1).await.unwrap()
}

fn day(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

#[tokio::test]
async fn codes_dates_and_names_are_brought_to_ours() {
    // Tables and columns have the names of relations, upper case, quotes and letters of Vietnamese.
    let tables = r#"
        CREATE TABLE home ("Mã" TEXT, "Xã" TEXT);
        CREATE TABLE person ("Mã" BIGINT, "số""định danh" TEXT, ten TEXT, gioi TEXT, ngay TEXT, "Mã nhà" TEXT, lam TEXT);
        INSERT INTO home VALUES ('n1', '31120');
        INSERT INTO person VALUES (1, 'a', 'Trần  Thị Bé', 'Nữ', '21/07/1960', 'n1', 'C'),
                                  (2, 'b', '', '', '07/1960', 'n1', 'K'), (3, 'c', NULL, NULL, '1960', 'n2', NULL),
                                  (4, 'd', 'x', 'O''X', '1960-07-21', NULL, '1'), (5, 'e', 'x', 'nam', '00/00/1960', NULL, ''),
                                  (6, 'f', 'x', 'Nam', '', NULL, NULL);"#;
    let mapping = r#"
        [mapping.home]
        table = "home"
        columns = { home_id = "Mã", ward_code = "Xã" }
        [mapping.person]
        table = "person"
        [mapping.person.columns]
        person_id = "Mã"
        number = 'số"định danh'
        name = "ten"
        sex = { column = "gioi", codes = { Nam = "male", "Nữ" = "female", "" = "unknown", "O'X" = "unknown" } }
        born = { column = "ngay", format = ["dd/mm/yyyy", "mm/yyyy", "yyyy"] }
        employed = { column = "lam", codes = { C = "yes", K = "no" } }
        home_id = "Mã nhà""#;
    for database in Database::each().await {
        database.filled(tables).await;
        let tables = open(&mapped(&database, mapping)).await;
        let rows = rows(&tables).await;
        let people: Vec<_> = rows.iter().map(|row| tables.record(&PERSON, row)).collect();
        let sexes: Vec<i32> = people.iter().map(|of| of.code("sex").unwrap()).collect();
        assert_eq!(sexes, [2, 0, 0, 0, 0, 1]);
        let dates: Vec<_> = people.iter().map(|of| of.date("born").unwrap()).collect();
        assert_eq!(dates, [day(1960, 7, 21), day(1960, 7, 0), day(1960, 0, 0), None, day(1960, 0, 0), None]);
        let employed: Vec<bool> = people.iter().map(|of| of.flag("employed").unwrap()).collect();
        assert_eq!(employed, [true, false, false, false, false, false]);
        assert_eq!(people[0].name("name").unwrap(), "Trần Thị Bé");
        assert_eq!(people[0].maybe_real("height").unwrap(), None, "what is not mapped is not known");
        assert_eq!(people[0].provenance().unwrap().unwrap().as_of, None);
        let wards: Vec<String> =
            rows.iter().map(|row| tables.record(&HOME, row).text("ward_code").unwrap()).collect();
        assert_eq!(wards[..3], ["31120", "31120", ""]);

        let counts = lgsp_adapter::health::Probe::not_understood(&tables);
        let counts: Vec<_> = counts.iter().map(|count| (count.column, count.count)).collect();
        assert_eq!(counts, [("born", 1), ("employed", 2), ("sex", 1)]);
    }
}

#[tokio::test]
async fn an_empty_date_is_none_with_and_without_a_form() {
    let tables = "CREATE TABLE nguoi (so TEXT, ngay TEXT, lan BIGINT);
                  INSERT INTO nguoi VALUES ('a', '', 1), ('b', '  ', 2), ('c', NULL, 3), ('d', '1960-07', 4);";
    for form in ["", ", format = ['yyyy-mm', 'yyyy']"] {
        let mapping = format!(
            "[mapping.person]\ntable = 'nguoi'\n[mapping.person.columns]\nperson_id = 'so'\nnumber = 'so'
             born = {{ column = 'ngay'{form} }}"
        );
        for database in Database::each().await {
            database.filled(tables).await;
            let tables = open(&mapped(&database, &mapping)).await;
            let known = tables.statement("SELECT number FROM person WHERE born IS NOT NULL");
            let mut reader = tables.reader(Instant::now() + Duration::from_secs(20)).await.unwrap();
            let known = reader.all(known.query()).await.unwrap();
            let known: Vec<String> = known.iter().map(|row| row.text("number").unwrap()).collect();
            assert_eq!(known, ["d"], "{form} on {database:?}");
        }
    }
}

#[tokio::test]
async fn a_relation_that_a_mapped_source_lacks_is_empty() {
    let mapping = "
        [mapping.person]
        table = 'nguoi'
        columns = { person_id = 'so', number = 'so', home_id = 'nha', as_of_us = { column = 'luc', format = ['unix-s'] } }";
    for database in Database::each().await {
        // The key of a home is no number here, and nothing says what it is.
        database.filled("CREATE TABLE nguoi (so TEXT, nha TEXT, luc BIGINT); INSERT INTO nguoi VALUES ('a', 'n', 1780000000)").await;
        let tables = open(&mapped(&database, mapping)).await;
        let rows = rows(&tables).await;
        assert_eq!((rows.len(), rows[0].maybe_text("ward_code").unwrap()), (1, None));
        let as_of = tables.record(&PERSON, &rows[0]).moment("as_of_us").unwrap();
        assert_eq!(as_of.unwrap().seconds, 1_780_000_000);
    }
}

#[tokio::test]
async fn a_query_stands_for_a_relation_comments_and_all() {
    let mapping = r#"
        [mapping.person]
        query = """
        SELECT so AS so, 'x' AS ten FROM nguoi -- everybody
        """
        columns = { person_id = "so", number = "so", name = "ten", home_id = { sql = "NULL" } }"#;
    for database in Database::each().await {
        database.filled("CREATE TABLE nguoi (so TEXT); INSERT INTO nguoi VALUES ('a'), ('b')").await;
        assert_eq!(rows(&open(&mapped(&database, mapping)).await).await.len(), 2);
    }
}

#[tokio::test]
async fn types_of_postgres_are_brought_to_ours() {
    let Some(database) = Database::postgres().await else { return };
    let tables = "
        CREATE SCHEMA dancu;
        CREATE TYPE dancu.gioi AS ENUM ('Nam', 'Nữ');
        CREATE TABLE dancu.nguoi (ma UUID, so CHAR(12), ten VARCHAR(40), gioi dancu.gioi, ngay DATE, lam BOOLEAN, cao NUMERIC(5,2),
                                  con SMALLINT, nha INTEGER, luc TIMESTAMPTZ);
        INSERT INTO dancu.nguoi VALUES ('018f3f6e-0000-7000-8000-0123456789ab', '092058000', 'x', 'Nữ', '1960-07-21', TRUE,
                                        1.58, 2, 1, '2026-05-29 03:26:40+07');";
    database.filled(tables).await;
    let mapping = r#"
        [mapping.person]
        table = "dancu.nguoi"
        [mapping.person.columns]
        person_id = "ma"
        number = "so"
        name = "ma"
        sex = { column = "gioi", codes = { Nam = "male", "Nữ" = "female" } }
        born = { column = "ngay", format = ["dd/mm/yyyy"] }
        employed = "lam"
        height = "cao"
        children = "con"
        home_id = "nha"
        as_of_us = "luc""#;
    let tables = open(&mapped(&database, mapping)).await;
    assert_eq!(tables.dialect(), Dialect::Postgres);
    let rows = rows(&tables).await;
    let of = tables.record(&PERSON, &rows[0]);
    assert_eq!(of.text("number").unwrap(), "092058000", "padding means nothing");
    assert_eq!(of.text("name").unwrap(), "018f3f6e-0000-7000-8000-0123456789ab");
    assert_eq!((of.code("sex").unwrap(), of.flag("employed").unwrap()), (2, true));
    assert_eq!((of.date("born").unwrap(), of.small("children").unwrap()), (day(1960, 7, 21), 2));
    assert_eq!(of.maybe_real("height").unwrap(), Some(1.58));
    assert_eq!(of.moment("as_of_us").unwrap().unwrap().seconds, 1_780_000_000);
}

#[tokio::test]
async fn moments_and_numbers_that_are_none_are_counted_and_fail_no_page() {
    let Some(database) = Database::postgres().await else { return };
    let tables = "
        CREATE TABLE nguoi (so TEXT, luc TIMESTAMPTZ, con NUMERIC);
        INSERT INTO nguoi VALUES ('a', 'infinity', 2), ('b', '-infinity', 2.5), ('c', '200000-01-01', 'NaN'), ('d', NULL, NULL),
                                 ('e', '2026-05-29 03:26:40+07', 1e30), ('f', '0044-03-15 BC', 0);";
    database.filled(tables).await;
    let mapping = "
        [mapping.person]
        table = 'nguoi'
        columns = { person_id = 'so', number = 'so', as_of_us = 'luc', children = 'con', home_id = { sql = 'NULL' } }";
    let tables = open(&mapped(&database, mapping)).await;
    let rows = rows(&tables).await;
    let people: Vec<_> = rows.iter().map(|row| tables.record(&PERSON, row)).collect();
    let moments: Vec<_> =
        people.iter().map(|of| of.moment("as_of_us").unwrap().map(|at| at.seconds)).collect();
    assert_eq!(moments, [None, None, None, None, Some(1_780_000_000), None]);
    let children: Vec<_> = people.iter().map(|of| of.maybe_integer("children").unwrap()).collect();
    assert_eq!(children, [Some(2), None, None, None, None, Some(0)], "none is rounded");
    assert_eq!(people[1].integer("children").unwrap_err().cause(), "unexpected");

    let counts = lgsp_adapter::health::Probe::not_understood(&tables);
    let counts: Vec<_> = counts.iter().map(|count| (count.column, count.count)).collect();
    assert_eq!(counts, [("as_of_us", 4), ("children", 4)]);
}

#[tokio::test]
async fn a_moment_in_another_unit_that_is_too_large_is_counted_and_fails_no_page() {
    let tables = "CREATE TABLE nguoi (so TEXT, luc BIGINT, som INTEGER);
                  INSERT INTO nguoi VALUES ('a', 9223372036854775807, 1780000000), ('b', 1780000000, -9), ('c', NULL, NULL);";
    for (column, expected, wrong) in
        [("luc", [None, Some(1_780_000_000), None], 1), ("som", [Some(1_780_000_000), Some(-9), None], 0)]
    {
        let mapping = format!(
            "[mapping.person]\ntable = 'nguoi'\n[mapping.person.columns]\nperson_id = 'so'\nnumber = 'so'
             home_id = {{ sql = 'NULL' }}\nas_of_us = {{ column = '{column}', format = ['unix-s'] }}"
        );
        for database in Database::each().await {
            database.filled(tables).await;
            let tables = open(&mapped(&database, &mapping)).await;
            let rows = rows(&tables).await;
            let moment = |row| tables.record(&PERSON, row).moment("as_of_us").unwrap().map(|at| at.seconds);
            assert_eq!(rows.iter().map(moment).collect::<Vec<_>>(), expected, "{column} on {database:?}");
            let counts = lgsp_adapter::health::Probe::not_understood(&tables);
            assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), wrong);
        }
    }
}

#[tokio::test]
async fn values_that_cannot_be_read_are_counted_and_left_out() {
    let database = Database::sqlite();
    // A text that is no UTF-8, a text among numbers, a number among texts.
    let schema = crate::SCHEMA.replace("name TEXT, sex", "name, sex").replace("sex BIGINT", "sex");
    let bad = "INSERT INTO person (person_id, number, name, sex, height) VALUES (1, 'a', CAST(x'ff41' AS TEXT), 'Nam', 1.5);
               INSERT INTO person (person_id, number, name, sex) VALUES (2, 'b', 7, 1);";
    database.filled(&format!("{schema}\n{bad}")).await;
    let tables = open(&Options::of(database.url())).await;
    let rows = rows(&tables).await;
    let of = tables.record(&PERSON, &rows[0]);
    assert_eq!((of.text("name").unwrap().as_str(), of.code("sex").unwrap()), ("", 0));
    assert_eq!(of.maybe_real("height").unwrap(), Some(1.5), "the rest of the record is told");
    assert_eq!(tables.record(&PERSON, &rows[1]).text("name").unwrap(), "");
    let counts = lgsp_adapter::health::Probe::not_understood(&tables);
    let counts: Vec<_> = counts.iter().map(|count| (count.column, count.count)).collect();
    assert_eq!(counts, [("name", 2), ("sex", 1)]);
}
