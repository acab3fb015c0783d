use lgsp_store::testing::Database;
use lgsp_store::{Query, Row, Store, Value};

use crate::soon;

const THINGS: &str = "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT, size DOUBLE PRECISION, flag INTEGER);
    INSERT INTO thing VALUES (9007199254740993, 'Nguyễn Thị Ánh', 0.1, 1), (2, NULL, NULL, NULL), (3, '', 12, 0);";

async fn rows(store: &Store, query: Query<'_>) -> Vec<Row> {
    store.reader(soon()).await.unwrap().all(query).await.unwrap()
}

async fn row(store: &Store, sql: &str) -> Row {
    store.reader(soon()).await.unwrap().optional(Query::new(sql)).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_portable_type_is_read_as_it_was_written() {
    for database in Database::each().await {
        let store = database.filled(THINGS).await;
        let found = rows(&store, Query::new("SELECT * FROM thing ORDER BY id")).await;
        let [nothing, empty, full] = found.as_slice() else { panic!("{database:?}: {found:?}") };

        assert_eq!(full.integer("id").unwrap(), 9_007_199_254_740_993, "{database:?}");
        assert_eq!(full.text("name").unwrap(), "Nguyễn Thị Ánh");
        assert_eq!(full.maybe_real("size").unwrap().map(f64::to_bits), Some(0.1_f64.to_bits()));
        assert!(full.flag("flag").unwrap());

        assert_eq!(
            (nothing.text("name").unwrap(), nothing.maybe_text("name").unwrap()),
            (String::new(), None)
        );
        assert_eq!(
            (nothing.maybe_real("size").unwrap(), nothing.maybe_integer("flag").unwrap()),
            (None, None)
        );

        assert_eq!(empty.maybe_text("name").unwrap().as_deref(), Some(""));
        assert_eq!(empty.maybe_real("size").unwrap(), Some(12.0));
        assert_eq!((empty.flag("flag").unwrap(), empty.maybe_integer("flag").unwrap()), (false, Some(0)));
    }
}

#[tokio::test]
async fn what_is_missing_null_or_of_another_type_is_named_by_its_column_and_not_by_its_value() {
    for database in Database::each().await {
        let store = database.filled(THINGS).await;
        let full = row(&store, "SELECT id, name, size, 7 AS seven FROM thing WHERE size = 0.1").await;
        let null = row(&store, "SELECT id, name, size, flag FROM thing WHERE id = 2").await;
        let schema = "the store's tables are not the expected ones";
        let cases = [
            (full.text("id").err(), "column id holds a value that cannot be read"),
            (full.maybe_integer("name").err(), "column name holds a value that cannot be read"),
            (full.integer("size").err(), "column size holds a value that cannot be read"),
            (full.maybe_real("name").err(), "column name holds a value that cannot be read"),
            (full.flag("name").err(), "column name holds a value that cannot be read"),
            (full.flag("seven").err(), "column seven holds a value that cannot be read"),
            (full.text("nowhere").err(), &format!("{schema} (column nowhere is missing)")),
            (null.integer("flag").err(), &format!("{schema} (column flag is null)")),
            (null.flag("flag").err(), &format!("{schema} (column flag is null)")),
        ];
        for (refusal, problem) in cases {
            assert_eq!(refusal.unwrap().to_string(), problem, "{database:?}");
        }
        assert!(!format!("{full:?}").contains("Nguyễn"));
    }
}

#[tokio::test]
async fn placeholders_take_values_by_number() {
    for database in Database::each().await {
        let store = database.filled(THINGS).await;
        let sql = "SELECT id AS n FROM thing
            WHERE ($3 IS NULL OR size < $3) AND id >= $1 - 5 AND (name = $2 OR name IS NULL OR $2 = name) ORDER BY id";
        let found = rows(&store, Query::new(sql).bind(6_i64).bind("Nguyễn Thị Ánh").bind(None::<f64>)).await;
        let ids: Vec<i64> = found.iter().map(|row| row.integer("n").unwrap()).collect();
        assert_eq!(ids, [2, 9_007_199_254_740_993], "{database:?}");
        let found = rows(&store, Query::new(sql).bind(6_i64).bind("Nguyễn Thị Ánh").bind(0.5)).await;
        assert_eq!(found.len(), 1, "{database:?}");
        // A number as great as a moment in microseconds must not make an expression overflow.
        let found = rows(&store, Query::new(sql).bind(1_763_000_000_000_000_i64).bind("x").bind(0.5)).await;
        assert!(found.is_empty(), "{database:?}");
        let flagged = Query::new("SELECT id FROM thing WHERE flag = $1").bind(true);
        assert_eq!(rows(&store, flagged).await.len(), 1, "{database:?}");
    }
}

#[tokio::test]
async fn numbers_that_are_counted_together_are_still_numbers() {
    for database in Database::each().await {
        let store = database.filled(THINGS).await;
        let found = row(
            &store,
            "SELECT sum(flag) AS flags, sum(id) AS ids, avg(size) AS size, count(*) AS n FROM thing",
        )
        .await;
        assert_eq!(found.integer("flags").unwrap(), 1, "{database:?}");
        assert_eq!(found.integer("ids").unwrap(), 9_007_199_254_740_998, "{database:?}");
        assert_eq!(found.maybe_real("size").unwrap(), Some(6.05), "{database:?}");
        assert_eq!(found.integer("n").unwrap(), 3, "{database:?}");
    }
}

#[tokio::test]
async fn an_agencys_own_types_of_postgresql_are_read() {
    let Some(database) = Database::postgres().await else { return };
    let store = database
        .filled("CREATE TYPE gioi_tinh AS ENUM ('Nam', 'Nữ'); CREATE DOMAIN so_dinh_danh AS varchar(12)")
        .await;
    let found = row(
        &store,
        "SELECT 'a'::varchar(9) AS varchar, 'a'::char(9) AS char, 'Nữ'::gioi_tinh AS enum, '001'::so_dinh_danh AS domain,
            '2024-02-29'::date::text AS date, true AS yes, 1::smallint AS small, 2::int AS int, 1.5::real AS single,
            12.50::numeric(8,2) AS exact, -120000::numeric AS whole, 10000::numeric AS round, 0::numeric AS zero,
            -0.00012::numeric AS tiny, 9223372036854775807::numeric AS greatest, -9223372036854775808::numeric AS least,
            9223372036854775808::numeric AS greater, 'NaN'::numeric AS nan, '\\x00'::bytea AS bytes, now() AS moment",
    )
    .await;
    for (column, text) in
        [("varchar", "a"), ("char", "a"), ("enum", "Nữ"), ("domain", "001"), ("date", "2024-02-29")]
    {
        assert_eq!(found.text(column).unwrap(), text, "{column}");
    }
    for (column, integer) in [
        ("small", 1),
        ("int", 2),
        ("whole", -120_000),
        ("round", 10_000),
        ("zero", 0),
        ("greatest", i64::MAX),
        ("least", i64::MIN),
    ] {
        assert_eq!(found.integer(column).unwrap(), integer, "{column}");
    }
    for (column, real) in
        [("single", 1.5), ("exact", 12.5), ("tiny", -0.00012), ("greater", 9.223_372_036_854_776e18)]
    {
        assert_eq!(found.maybe_real(column).unwrap(), Some(real), "{column}");
    }
    assert!(found.flag("yes").unwrap());
    for column in ["nan", "bytes", "moment"] {
        assert_eq!(found.text(column).unwrap_err().cause(), "value", "{column}");
        assert_eq!(found.maybe_real(column).unwrap_err().cause(), "value", "{column}");
    }
}

#[tokio::test]
async fn a_text_may_be_compared_with_columns_of_several_types_and_be_missing() {
    let Some(database) = Database::postgres().await else { return };
    let store = database
        .filled("CREATE TABLE person (a varchar(12), b char(12), c text); INSERT INTO person VALUES ('x', 'x', 'x')")
        .await;
    let sql = "SELECT a FROM person WHERE $1 IS NULL OR (a = $1 AND b = $1 AND c = $1)";
    for _ in 0..2 {
        for (value, found) in [(Some("x"), 1), (Some("y"), 0), (None, 1)] {
            assert_eq!(rows(&store, Query::new(sql).bind(value)).await.len(), found, "{value:?}");
        }
    }
}

#[tokio::test]
async fn an_index_on_any_type_of_column_is_used() {
    let Some(database) = Database::postgres().await else { return };
    let store = database
        .filled(
            "CREATE TABLE person (a varchar(12), b char(12), c text, d int, e numeric(12), f bigint, g smallint);
            INSERT INTO person SELECT n, n, n, n, n, n, n % 30000 FROM generate_series(1, 50000) AS n;
            CREATE INDEX ON person (a); CREATE INDEX ON person (b); CREATE INDEX ON person (c); CREATE INDEX ON person (d);
            CREATE INDEX ON person (e); CREATE INDEX ON person (f); CREATE INDEX ON person (g); ANALYZE person",
        )
        .await;
    let cases: [(&str, Value<'_>); 7] = [
        ("a", "4711".into()),
        ("b", "4711".into()),
        ("c", "4711".into()),
        ("d", 4711_i64.into()),
        ("e", 4711_i64.into()),
        ("f", 4711_i64.into()),
        ("g", 4711_i64.into()),
    ];
    for (column, value) in cases {
        let explain = format!("EXPLAIN SELECT a FROM person WHERE {column} = $1");
        let plan: Vec<String> = rows(&store, Query::new(&explain).bind(value.clone()))
            .await
            .iter()
            .map(|row| row.text("QUERY PLAN").unwrap())
            .collect();
        assert!(plan.iter().any(|line| line.contains("Index")), "{column}: {plan:?}");
        let select = format!("SELECT a FROM person WHERE {column} = $1");
        assert!(!rows(&store, Query::new(&select).bind(value)).await.is_empty(), "{column}");
    }
}

#[test]
fn values_are_never_shown() {
    let query = Query::new("SELECT $1").bind("092099000034");
    assert!(!format!("{query:?} {:?}", Value::from("092099000034")).contains("092"));
}

#[tokio::test]
async fn several_queries_are_answered_in_their_order() {
    for database in Database::each().await {
        let store = database.filled(THINGS).await;
        let mut reader = store.reader(soon()).await.unwrap();
        let by_id = "SELECT id AS n FROM thing WHERE id = $1";
        let queries = [
            Query::new(by_id).bind(3_i64),
            Query::new(by_id).bind(4_i64),
            Query::new("SELECT id AS n FROM thing WHERE id <> $1 ORDER BY id").bind(3_i64),
            Query::new(by_id).bind(2_i64),
        ];
        let answers = reader.all_of(&queries).await.unwrap();
        let numbers = |rows: &Vec<Row>| rows.iter().map(|row| row.integer("n").unwrap()).collect::<Vec<_>>();
        let expected = [vec![3], vec![], vec![2, 9_007_199_254_740_993], vec![2]];
        assert_eq!(answers.iter().map(numbers).collect::<Vec<_>>(), expected, "{database:?}");
        assert!(reader.all_of(&[]).await.unwrap().is_empty(), "{database:?}");
    }
}

#[tokio::test]
async fn of_several_queries_the_first_that_fails_is_told_and_the_reader_goes_on() {
    for database in Database::each().await {
        let store = database.filled(THINGS).await;
        let mut reader = store.reader(soon()).await.unwrap();
        let count = "SELECT count(*) AS n FROM thing";
        for wrong in ["SELECT n FROM nowhere", "SELECT abs(-9223372036854775807 - 1) AS n"] {
            let refusal = reader.all_of(&[count, wrong, count].map(Query::new)).await.unwrap_err();
            assert_ne!(refusal.to_string(), "the store failed (code 25P02)", "{database:?}");
            let counted = reader.optional(Query::new(count)).await.unwrap().unwrap();
            assert_eq!(counted.integer("n").unwrap(), 3, "{database:?}: {wrong}");
        }
    }
}
