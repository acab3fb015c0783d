//! Every statement stays fast as the register grows: no plan reads a whole table. `docs/queries.md` tells the plans.

use lgsp_adapter::testing::{Asked, Database, assert_no_scans, native};
use lgsp_adapter::{Dialect, Options, Value};

use super::Register;

const SCHEMA: &str = include_str!("../../../../sample/schema/business.sql");

/// 10,000 enterprises, each with what can hang on one; one in ten is a branch of another.
const ENTERPRISES: &str = "
    INSERT INTO source VALUES (1, 'x', 'H13.05', 1, 1);
    INSERT INTO enterprise (enterprise_id, enterprise_code, parent_enterprise_code, name, updated_us, as_of_us)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT i, CAST(1800000000 + i AS TEXT), CASE WHEN i % 10 = 9 THEN CAST(1800000000 + i - 2 AS TEXT) END, 'x', 0, 0
    FROM n;
    INSERT INTO former_name (former_name_id, enterprise_id, name) SELECT enterprise_id, enterprise_id, 'x' FROM enterprise;
    INSERT INTO former_address (former_address_id, enterprise_id) SELECT enterprise_id, enterprise_id FROM enterprise;
    INSERT INTO business_line (business_line_id, enterprise_id, code, title_vi)
    SELECT enterprise_id, enterprise_id, '0111', 'x' FROM enterprise;
    INSERT INTO representative (representative_id, enterprise_id, personal_number, old_identity_number, full_name)
    SELECT enterprise_id, enterprise_id, CAST(92000000000 + enterprise_id AS TEXT) || '0',
           CAST(360000000 + enterprise_id AS TEXT), 'x'
    FROM enterprise;
    INSERT INTO member (member_id, enterprise_id, name) SELECT enterprise_id, enterprise_id, 'x' FROM enterprise;
    ANALYZE;";

fn statements(register: &Register) -> [Asked<'_>; 11] {
    let of = &register.statements;
    let today = || Value::from("2026-01-01");
    let page = |key: &'static str| vec![key.into(), 5_i64.into(), 51_i64.into(), today()];
    let claim = |key: &'static str| vec![key.into(), "1800000777".into(), today()];
    let [represented, represented_by_old_card] = of.represented.both();
    let [claimed, claimed_by_old_card] = of.claimed.both();
    let part = vec![Value::from(match register.tables.dialect() {
        Dialect::Sqlite => "[777,888]",
        Dialect::Postgres => "{777,888}",
    })];
    [
        ("enterprise by code", &of.enterprise, vec!["1800000777".into()]),
        ("enterprises by representative", represented, page("920000007770")),
        ("enterprises by representative's old card", represented_by_old_card, page("360000777")),
        ("whom a claim is compared with", claimed, claim("920000007770")),
        ("the same by old card", claimed_by_old_card, claim("360000777")),
        ("business lines of a page", of.business_lines.statement(), part.clone()),
        ("representatives of a page", of.representatives.statement(), [part.clone(), vec![today()]].concat()),
        ("members of a page", of.members.statement(), part.clone()),
        ("branches of a page", of.branches.statement(), part.clone()),
        ("former names of a page", of.former_names.statement(), part.clone()),
        ("former addresses of a page", of.former_addresses.statement(), part),
    ]
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    for database in Database::each().await {
        let schema = native(database.dialect(), SCHEMA);
        database.filled(&format!("{schema}\n{ENTERPRISES}")).await.close().await;
        let register = Register::open(&Options::of(database.url())).await.unwrap();
        assert_no_scans(&register.tables, &statements(&register)).await;
    }
}
