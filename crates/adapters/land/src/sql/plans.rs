//! Every statement stays fast as the cadastre grows: no plan reads a whole table, and a place is searched by its index.
//! `docs/queries.md` tells the plans.

use lgsp_adapter::testing::{Asked, Database, Plan, assert_no_scans, mapped, native};
use lgsp_adapter::{Dialect, Fields, Options, Value};

use super::Cadastre;
use crate::Parts;

const SCHEMA: &str = include_str!("../../../../sample/schema/land.sql");
const AGENCY_SCHEMA: &str = include_str!("../../tests/land/agency.sql");
const POSTGIS: &str = include_str!("../../tests/land/postgis.sql");
const AGENCY: &str =
    concat!(include_str!("../../tests/land/agency.toml"), include_str!("../../tests/land/agency-text.toml"));
const AGENCY_POSTGIS: &str = concat!(
    include_str!("../../tests/land/agency.toml"),
    include_str!("../../tests/land/agency-postgis.toml")
);

/// 40,000 parcels of 20 metres beside each other, in a hundred wards, with what hangs on them.
const PARCELS: &str = "
    INSERT INTO source VALUES (1, 'x', 'H13.04', 1, 1);
    INSERT INTO parcel (parcel_id, uuid, ward_code, map_sheet, parcel_number, area_m2, geometry, centre_latitude,
                        centre_longitude, south, west, north, east, source_epsg, status, updated_us, as_of_us)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999)
    SELECT i, '00000000-0000-8000-8000-' || CAST(100000000000 + i AS TEXT), CAST(31000 + i % 100 AS TEXT), i / 100, i % 100, 400,
           '{}', 10, 105, 10 + (i / 200) * 0.0002, 105 + (i % 200) * 0.0002, 10 + (i / 200) * 0.0002 + 0.0002,
           105 + (i % 200) * 0.0002 + 0.0002, 5897, 1, 0, 0 FROM n;
    INSERT INTO owner (owner_id, parcel_id, kind, personal_number, old_identity_number, enterprise_code, name)
    SELECT parcel_id, parcel_id, 1, CAST(920000000000 + parcel_id AS TEXT), CAST(360000000 + parcel_id AS TEXT),
           CAST(1000000000 + parcel_id AS TEXT), 'x' FROM parcel;
    INSERT INTO former_key SELECT parcel_id, ward_code, map_sheet, parcel_number, '2025-06-30' FROM parcel;
    INSERT INTO land_use (land_use_id, parcel_id, code, title_vi, area_m2) SELECT parcel_id, parcel_id, 'CLN', 'x', 400 FROM parcel;
    INSERT INTO restriction (restriction_id, parcel_id, kind) SELECT parcel_id, parcel_id, 1 FROM parcel;
    INSERT INTO lineage SELECT uuid, 'x' || uuid FROM parcel;";

/// The same in the agency's tables, in metres.
const AGENCY_PARCELS: &str = "
    INSERT INTO thua_dat (ma_thua, dinh_danh, ma_xa, so_to, so_thua, ranh_gioi, tay, nam, dong, bac, he_toa_do, trang_thai)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39999),
                   places (i, x, y) AS (SELECT i, 580000 + (i % 200) * 20, 1105000 + (i / 200) * 20 FROM n)
    SELECT i, '00000000-0000-8000-8000-' || CAST(100000000000 + i AS TEXT), CAST(31000 + i % 100 AS TEXT), i / 100, i % 100,
           '{\"type\":\"Polygon\",\"coordinates\":[[[' || x || ',' || y || '],[' || (x + 20) || ',' || y || '],[' || (x + 20) || ','
           || (y + 20) || '],[' || x || ',' || y || ']]]}',
           x, y, x + 20, y + 20, CASE WHEN i % 2 = 0 THEN 5897 ELSE 9209 END, 'SD' FROM places;
    INSERT INTO chu_su_dung (ma_chu, ma_thua, loai, so_dinh_danh, so_cmnd, ma_so_thue, ten)
    SELECT ma_thua, ma_thua, 'CN', CAST(920000000000 + ma_thua AS VARCHAR(12)), CAST(360000000 + ma_thua AS VARCHAR(9)),
           CAST(1000000000 + ma_thua AS VARCHAR(10)), 'x' FROM thua_dat;
    INSERT INTO thua_cu SELECT ma_thua, ma_xa, so_to, so_thua, '2025' FROM thua_dat;
    INSERT INTO muc_dich_su_dung (ma_muc_dich, ma_thua, ma_loai_dat) SELECT ma_thua, ma_thua, 'CLN' FROM thua_dat;
    INSERT INTO han_che_quyen (ma_han_che, ma_thua, loai) SELECT ma_thua, ma_thua, 'Kê biên' FROM thua_dat;
    INSERT INTO bien_dong_thua SELECT dinh_danh, '1' || substr(dinh_danh, 2) FROM thua_dat;";

/// How the database runs each statement, none of which reads a whole table.
async fn plans(options: &Options) -> Vec<(&'static str, Plan)> {
    let cadastre = Cadastre::open(options).await.unwrap();
    assert_no_scans(&cadastre.tables, &statements(&cadastre)).await
}

fn statements(cadastre: &Cadastre) -> Vec<Asked<'_>> {
    let of = &cadastre.statements;
    let parcels = of.parcels(Parts::of(&Fields::default(), "parcel"));
    let [by_person, by_old_card] = parcels.by_person.both();
    let page = || match cadastre.tables.dialect() {
        Dialect::Sqlite => vec![Value::from("[1,2,777]")],
        Dialect::Postgres => vec![Value::from("{1,2,777}")],
    };
    let page_of_today = || [page(), vec!["2026-01-01".into()]].concat();
    let owner = |key: &'static str| vec![key.into(), 5_i64.into(), 51_i64.into(), "2026-01-01".into()];
    vec![
        ("by id", &parcels.by_id, vec!["00000000-0000-8000-8000-100000000777".into()]),
        ("by key", &parcels.by_key, vec!["31077".into(), 7_i64.into(), 77_i64.into()]),
        ("by person", by_person, owner("920000000777")),
        ("by old card", by_old_card, owner("360000777")),
        ("by enterprise", &parcels.by_enterprise, owner("1000000777")),
        ("by place", &of.by_place, near(cadastre)),
        ("by ward", &parcels.by_ward, vec!["31077".into(), "31078".into(), 5_i64.into(), 201_i64.into()]),
        ("former keys", of.former_keys.statement(), page()),
        ("land uses", of.land_uses.statement(), page()),
        ("owners", of.owners.statement(), page_of_today()),
        ("restrictions", of.restrictions.statement(), page_of_today()),
        ("predecessors", of.predecessors.statement(), page()),
        ("successors", of.successors.statement(), page()),
        ("borders", &of.borders, vec![5_i64.into(), 1_000_i64.into()]),
    ]
}

/// Where some parcels are.
fn near(cadastre: &Cadastre) -> Vec<Value<'static>> {
    let corner = if cadastre.dataset.is_mapped { (105.75, 10.01) } else { (105.01, 10.01) };
    let area = geo::Rect::new(corner, (corner.0 + 0.0001, corner.1 + 0.0001));
    super::places::values(&cadastre.dataset, cadastre.index, area, 5, 51).unwrap()
}

fn mapped_by(mapping: &str, database: &Database) -> Options {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), mapping).unwrap();
    mapped(file.path(), database)
}

fn assert_places_are_searched_with(index: &str, plans: &[(&str, Plan)], database: &Database) {
    for (_, plan) in plans.iter().filter(|(name, _)| *name == "by place") {
        let uses = |step: &String| step.contains(index);
        assert!(plan.steps.iter().any(uses), "{index} on {database:?}: {:#?}", plan.steps);
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_and_places_have_an_index() {
    for database in Database::each().await {
        let index = match database.dialect() {
            Dialect::Sqlite => "parcel_by_box",
            Dialect::Postgres => "parcel_by_place",
        };
        let schema = native(database.dialect(), SCHEMA);
        let store = database.filled(&format!("{schema}\n{PARCELS}")).await;
        store.run("ANALYZE").await.unwrap();
        let plans = plans(&Options::of(database.url())).await;
        assert_places_are_searched_with(index, &plans, &database);
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_of_an_agency() {
    for database in Database::each().await {
        let store = database.filled(&format!("{AGENCY_SCHEMA}\n{AGENCY_PARCELS}")).await;
        store.run("ANALYZE").await.unwrap();
        let plans = plans(&mapped_by(AGENCY, &database)).await;
        assert_places_are_searched_with("thua_dat_khung", &plans, &database);
    }
}

#[tokio::test]
async fn places_are_searched_with_the_index_of_postgis_in_every_zone() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.filled(&format!("{AGENCY_SCHEMA}\n{AGENCY_PARCELS}\n{POSTGIS}")).await;
    store.run("ANALYZE").await.unwrap();
    let plans = plans(&mapped_by(AGENCY_POSTGIS, &database)).await;
    for index in ["ranh_gioi_105_00", "ranh_gioi_105_30"] {
        assert_places_are_searched_with(index, &plans, &database);
    }
}
