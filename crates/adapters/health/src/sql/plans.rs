//! Every statement stays fast as the database grows: no plan reads a whole table. `docs/queries.md` tells the plans.

use std::path::Path;

use lgsp_adapter::testing::{Asked, Database, assert_no_scans, mapped, native};
use lgsp_adapter::{Options, Value};

use super::Records;

const SCHEMA: &str = include_str!("../../../../sample/schema/health.sql");
const AGENCY_SCHEMA: &str = include_str!("../../tests/records/agency.sql");
const AGENCY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/records/agency.toml");

/// 10,000 patients, with what hangs on every one of them, in 5,000 facilities.
const PATIENTS: &str = "
    INSERT INTO source VALUES (1, 'x', 'H13.06', 1, 1);
    INSERT INTO facility
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT 'F' || i, 'x' FROM n;
    INSERT INTO vaccine (vaccine_id, vaccine_code, name)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT i, 'V' || i, 'x' FROM n;
    INSERT INTO patient (patient_id, patient_number, personal_number, old_identity_number, insurance_card_number,
                         social_insurance_number, full_name, facility_code, updated_us, as_of_us)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT i, 'BN' || i, CAST(92000000000 + i AS TEXT) || '0', CAST(360000000 + i AS TEXT),
           'HS401' || CAST(1000000000 + i AS TEXT), CAST(1000000000 + i AS TEXT), 'x', 'F' || (i % 5000), 0, 0 FROM n;
    INSERT INTO insurance_card (card_id, card_number, social_insurance_number, personal_number, old_identity_number,
                                full_name, valid_from, valid_to, facility_code, as_of_us)
    SELECT patient_id, insurance_card_number, social_insurance_number, personal_number, old_identity_number,
           'x', '2026', '2026', facility_code, 0 FROM patient;
    INSERT INTO allergy (allergy_id, patient_id, substance) SELECT patient_id, patient_id, 'x' FROM patient;
    INSERT INTO condition (condition_id, patient_id, title_vi) SELECT patient_id, patient_id, 'x' FROM patient;
    INSERT INTO medication (medication_id, patient_id, name) SELECT patient_id, patient_id, 'x' FROM patient;
    INSERT INTO encounter (encounter_id, patient_id, on_date, facility_code)
    SELECT p.patient_id * 100 + v.vaccine_id, p.patient_id, '2025-01-01', p.facility_code
    FROM patient p JOIN vaccine v ON v.vaccine_id < 5;
    INSERT INTO immunization (immunization_id, patient_id, vaccine_id, on_date, facility_code, as_of_us)
    SELECT p.patient_id * 100 + v.vaccine_id, p.patient_id, (p.patient_id * 7 + v.vaccine_id) % 5000, '2025-01-01',
           p.facility_code, 0
    FROM patient p JOIN vaccine v ON v.vaccine_id < 10;
    ANALYZE;";

/// The same in the agency's tables.
const AGENCY_PATIENTS: &str = "
    INSERT INTO co_so
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT 'F' || i, 'x' FROM n;
    INSERT INTO vac_xin (ma_vx, ten)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) SELECT 'V' || i, 'x' FROM n;
    INSERT INTO benh_nhan (ma_bn, so_dinh_danh, so_cmnd, so_the, so_bhxh, ho_dem, ten, ma_cs)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    SELECT 'BN' || i, CAST(92000000000 + i AS TEXT) || '0', CAST(360000000 + i AS TEXT),
           'HS401' || CAST(1000000000 + i AS TEXT), CAST(1000000000 + i AS TEXT), 'x', 'y', 'F' || (i % 5000) FROM n;
    INSERT INTO the_bhyt (so_the, so_bhxh, so_dinh_danh, so_cmnd, ho_dem, ten, tu_ngay, den_ngay, ma_cs)
    SELECT so_the, so_bhxh, so_dinh_danh, so_cmnd, ho_dem, ten, '01/01/2026', '31/12/2026', ma_cs FROM benh_nhan;
    INSERT INTO di_ung (ma_bn, chat) SELECT ma_bn, 'x' FROM benh_nhan;
    INSERT INTO benh_ly (ma_bn, ten) SELECT ma_bn, 'x' FROM benh_nhan;
    INSERT INTO thuoc (ma_bn, ten) SELECT ma_bn, 'x' FROM benh_nhan;
    INSERT INTO luot_kham (so_luot, ma_bn, ngay, ma_cs)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49999)
    SELECT i, 'BN' || (i / 5), '01/01/2025', 'F' || (i % 5000) FROM n;
    INSERT INTO mui_tiem (so_mui, ma_bn, ma_vx, ngay, ma_cs)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
    SELECT i, 'BN' || (i / 10), 'V' || (i % 5000), '01/01/2025', 'F' || (i % 5000) FROM n;
    ANALYZE;";

fn statements(records: &Records) -> [Asked<'_>; 14] {
    let of = &records.statements;
    let [cards, cards_by_old_card] = of.cards.both();
    let [patient, patient_by_old_card] = of.patient.both();
    let [patient_number, patient_number_by_old_card] = of.patient_number.both();
    let text = |text: &'static str| vec![Value::from(text)];
    let card = vec!["1000000777".into(), "HS4011000000777".into()];
    let first = vec!["BN777".into(), 51_i64.into()];
    let next = vec!["BN777".into(), 77_705_i64.into(), 51_i64.into()];
    [
        ("cards by personal number", cards, text("920000007770")),
        ("cards by old card", cards_by_old_card, text("360000777")),
        ("cards by social-insurance number", &of.cards_by_social_insurance, text("1000000777")),
        ("patient by personal number", patient, text("920000007770")),
        ("patient by old card", patient_by_old_card, text("360000777")),
        ("patient by insurance card", &of.patient_by_card, card),
        ("allergies", &of.allergies, text("BN777")),
        ("conditions", &of.conditions, text("BN777")),
        ("medications", &of.medications, vec!["BN777".into(), "2026-01-01".into()]),
        ("encounters", &of.encounters, text("BN777")),
        ("patient's own number by personal number", patient_number, text("920000007770")),
        ("patient's own number by old card", patient_number_by_old_card, text("360000777")),
        ("first immunizations", &of.first_immunizations, first),
        ("next immunizations", &of.next_immunizations, next),
    ]
}

async fn assert_stays_fast(options: &Options) {
    let records = Records::open(options).await.unwrap();
    assert_no_scans(&records.tables, &statements(&records)).await;
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    for database in Database::each().await {
        let schema = native(database.dialect(), SCHEMA);
        database.filled(&format!("{schema}\n{PATIENTS}")).await.close().await;
        assert_stays_fast(&Options::of(database.url())).await;
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_of_an_agency() {
    for database in Database::each().await {
        database.filled(&format!("{AGENCY_SCHEMA}\n{AGENCY_PATIENTS}")).await.close().await;
        assert_stays_fast(&mapped(Path::new(AGENCY), &database)).await;
    }
}
