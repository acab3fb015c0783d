//! A deliberately dirty source.

use std::time::Duration;

use lgsp_adapter::check::{self, Finding, Report};
use lgsp_adapter::testing::Database;
use lgsp_adapter::{Options, Tables};

use crate::{RELATIONS, SCHEMA, mapped};

const AGENCY: &str = "
    CREATE TABLE nha (ma TEXT, xa TEXT);
    CREATE TABLE nguoi (ma BIGINT, so TEXT, ten TEXT, gioi TEXT, ngay TEXT, nha TEXT);
    INSERT INTO nha VALUES ('n1', '31120'), ('n2', '3112'), ('n2', '31135');
    INSERT INTO nguoi VALUES
        (1, '092058000001', 'Nguyễn Văn Hoà', 'Nam', '21/07/1958', 'n1'),
        (2, '092058000001', 'Nguyễn Văn Hoà', 'Nam', '1958', 'n2'),
        (3, '09205800000', 'Lê Thị Thuý', 'Nữ', '31/02/1958', 'n1'),
        (4, '092058000004 ', 'Lê Thị Thuý', 'nu', '1958-07-21', 'n9'),
        (5, '', 'Trần Thị Bé', 'nu', '', 'n1'),
        (NULL, '092160000006', 'Trần Thị Bé', 'X', '00/00/1960', NULL);";

const MAPPING: &str = "
    [mapping.home]
    table = 'nha'
    columns = { home_id = 'ma', ward_code = 'xa' }
    [mapping.person]
    table = 'nguoi'
    [mapping.person.columns]
    person_id = 'ma'
    number = 'so'
    name = 'ten'
    sex = { column = 'gioi', codes = { Nam = 'male', 'Nữ' = 'female' } }
    born = { column = 'ngay', format = ['dd/mm/yyyy', 'yyyy'] }
    home_id = 'nha'";

async fn checked(options: &Options) -> Report {
    let tables = Tables::open(options, RELATIONS, 1).await.unwrap();
    let mut told = 0;
    let report = check::check(&tables, Duration::from_secs(60), |progress| {
        assert_eq!(progress.done, told);
        told += 1;
        assert!(progress.done < progress.of);
    });
    report.await.unwrap()
}

/// `relation.columns: what is wrong, how often; samples`.
fn line(finding: &Finding) -> String {
    let samples: Vec<_> =
        finding.samples.iter().map(|sample| format!("{}×{}", sample.text, sample.count)).collect();
    let (relation, columns) = (finding.relation, &finding.columns);
    format!("{relation}.{columns}: {}, {}; {}", finding.wrong.text(), finding.count, samples.join(" "))
}

#[tokio::test]
async fn everything_wrong_with_a_dirty_source_is_counted_and_nothing_personal_told() {
    for database in Database::each().await {
        database.filled(AGENCY).await;
        let report = checked(&mapped(&database, MAPPING)).await;
        assert_eq!(report.records, [("person", 6), ("home", 3)]);
        let mut lines: Vec<String> = report.findings.iter().map(line).collect();
        lines.sort();
        let expected = [
            "home.home_id: key of several records, 2; ",
            "home.ward_code: not such an identifier, 1; 9999×1",
            "person.born: date not understood, 2; 99/99/9999×1 9999-99-99×1",
            "person.home_id: a person of two homes, 1; ",
            "person.home_id: refers to nothing, 1; ",
            "person.number: empty, and required, 1; ",
            "person.number: key of several records, 2; ",
            "person.number: not such an identifier, 2; 99999999999×1 999999999999␠×1",
            "person.person_id: empty, and required, 1; ",
            "person.sex: code not understood, 3; aa×2 a×1",
        ];
        assert_eq!(lines, expected);
        let told = format!("{report:?}");
        for personal in ["0920", "Hoà", "Thuý", "Bé", "1958", "31120"] {
            assert!(!told.contains(personal), "{personal} in {told}");
        }
    }
}

#[tokio::test]
async fn a_clean_source_has_no_findings_and_many_values_are_read_to_the_last() {
    let people = "
        INSERT INTO home VALUES (1, '31120');
        INSERT INTO person (person_id, number, sex, born, home_id)
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
        SELECT i, '092058' || substr(CAST(1000000 + i AS TEXT), 2), 1, '1958', 1 FROM n;";
    for database in Database::each().await {
        let store = database.filled(&format!("{SCHEMA}{people}")).await;
        let report = checked(&Options::of(database.url())).await;
        assert_eq!((report.records[0], report.findings), (("person", 25_001), vec![]));

        // The last in the order of the values, three pages on.
        store.run("UPDATE person SET number = 'z', sex = 9 WHERE person_id = 7").await.unwrap();
        let findings = checked(&Options::of(database.url())).await.findings;
        let lines: Vec<String> = findings.iter().map(line).collect();
        assert_eq!(
            lines,
            ["person.sex: code not understood, 1; 9×1", "person.number: not such an identifier, 1; a×1"]
        );
    }
}

#[tokio::test]
async fn a_column_mapped_by_mistake_shows_no_names() {
    let mapping = MAPPING.replace("column = 'gioi'", "column = 'ten'");
    for database in Database::each().await {
        database.filled(AGENCY).await;
        let store = lgsp_adapter::Store::open(&database.options(), &[]).await.unwrap();
        let more =
            "INSERT INTO nguoi (ma, ten) VALUES (10, 'An'), (11, 'Ba'), (12, 'Tư'), (13, 'Lê'), (14, 'Hà');";
        store.run(more).await.unwrap();
        let report = checked(&mapped(&database, &mapping)).await;
        let sex = report.findings.iter().find(|finding| finding.columns == "sex").unwrap();
        assert_eq!(sex.count, 11);
        assert!(
            sex.samples.iter().all(|sample| sample.text.chars().all(|c| c == 'a' || c == ' ')),
            "{sex:?}"
        );
    }
}

#[tokio::test]
async fn values_that_cannot_be_read_are_found() {
    let database = Database::sqlite();
    let schema = SCHEMA.replace("born TEXT", "born");
    let bad = "
        INSERT INTO person (person_id, number, born) VALUES (1, CAST(x'30ff' AS TEXT), '1958'), (2, '092058000001', 1958);";
    database.filled(&format!("{schema}{bad}")).await;
    let lines: Vec<String> = checked(&Options::of(database.url())).await.findings.iter().map(line).collect();
    assert_eq!(lines, ["person.number: cannot be read, 1; ", "person.born: cannot be read, 1; "]);
}
