//! Every statement stays fast as the register grows: no plan reads a whole table. `docs/queries.md` tells the plans.

use std::path::Path;

use lgsp_adapter::testing::{Asked, Database, assert_no_scans, mapped, native};
use lgsp_adapter::{Options, Value};

use super::Register;

const SCHEMA: &str = include_str!("../../../../sample/schema/population.sql");
const AGENCY_SCHEMA: &str = include_str!("../../tests/population/agency.sql");
const AGENCY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/population/agency.toml");

/// 10,000 households of four, in a hundred wards.
const PEOPLE: &str = "
    INSERT INTO source VALUES (1, 'x', 'G01.92', 1, 1);
    INSERT INTO household (household_id, number, head_id, line, ward_code, as_of_us)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT i, 'H' || i, i * 4, i || ' Nguyễn Trãi', CAST(31000 + i % 100 AS TEXT), 0 FROM n;
    INSERT INTO citizen (citizen_id, personal_number, old_identity_number, full_name, sex, household_id, updated_us, as_of_us)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999)
    SELECT i, CAST(92000000000 + i AS TEXT) || '0', CAST(360000000 + i AS TEXT), 'x', 1, i / 4, 0, 0 FROM n;
    INSERT INTO address (address_id, citizen_id, kind, line, ward_code)
    SELECT c.citizen_id, c.citizen_id, 1, h.line, h.ward_code FROM citizen c JOIN household h USING (household_id);
    ANALYZE;";

/// The same in the agency's tables.
const AGENCY_PEOPLE: &str = "
    INSERT INTO ho_gia_dinh (so_ho, so_dinh_danh_chu_ho, dia_chi, ma_xa)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT 'H' || i, CAST(92000000000 + i * 4 AS TEXT) || '0', i || ' Nguyễn Trãi', CAST(31000 + i % 100 AS TEXT) FROM n;
    INSERT INTO cong_dan (id, so_dinh_danh, so_cmnd, ho_va_ten_dem, ten, gioi_tinh, so_ho, con_song, thuong_tru, thuong_tru_xa)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999)
    SELECT i, CAST(92000000000 + i AS TEXT) || '0', CAST(360000000 + i AS TEXT), 'x', 'y', 'Nam', 'H' || (i / 4), 'C',
           (i / 4) || ' Nguyễn Trãi', CAST(31000 + (i / 4) % 100 AS TEXT) FROM n;
    ANALYZE;";

fn statements(register: &Register) -> [Asked<'_>; 10] {
    let of = &register.statements;
    let [by_number, by_old_card] = of.citizen.both();
    let [addresses, addresses_by_old_card] = of.addresses.both();
    let [by_member, by_members_old_card] = of.household_by_member.both();
    let text = |text: &'static str| vec![Value::from(text)];
    let page = vec!["31001".into(), 0_i64.into(), 5_i64.into(), 201_i64.into()];
    [
        ("citizen by personal number", by_number, text("920000007770")),
        ("citizen by old card", by_old_card, text("360000777")),
        ("addresses of a citizen", addresses, text("920000007770")),
        ("addresses by old card", addresses_by_old_card, text("360000777")),
        ("household by number", &of.household_by_number, text("H777")),
        ("household by a member", by_member, text("920000007770")),
        ("household by a member's old card", by_members_old_card, text("360000777")),
        ("members of a household", &of.members, text("H777")),
        ("addresses of members", &of.member_addresses, text("H777")),
        ("residents of a ward", &of.residents, page),
    ]
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    for database in Database::each().await {
        let schema = native(database.dialect(), SCHEMA);
        database.filled(&format!("{schema}\n{PEOPLE}")).await.close().await;
        let register = Register::open(&Options::of(database.url())).await.unwrap();
        assert_no_scans(&register.tables, &statements(&register)).await;
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_of_an_agency() {
    for database in Database::each().await {
        database.filled(&format!("{AGENCY_SCHEMA}\n{AGENCY_PEOPLE}")).await.close().await;
        let register = Register::open(&mapped(Path::new(AGENCY), &database)).await.unwrap();
        assert_no_scans(&register.tables, &statements(&register)).await;
    }
}
