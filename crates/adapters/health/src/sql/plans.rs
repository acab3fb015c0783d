//! Every statement stays fast as the database grows: no plan reads a whole table. `docs/queries.md` tells the plans.

use lgsp_adapter::testing::{Database, Plan, native, plan};
use lgsp_adapter::{Options, Statement, Value};

use super::Records;

const SCHEMA: &str = include_str!("../../../../sample/schema/health.sql");

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

fn statements(records: &Records) -> [(&'static str, &Statement, Vec<Value<'static>>); 14] {
    let of = &records.statements;
    let text = |text: &'static str| vec![Value::from(text)];
    let first = |key: &'static str| vec![key.into(), 51_i64.into()];
    let next = |key: &'static str| vec![key.into(), 77_705_i64.into(), 51_i64.into()];
    let card = vec!["1000000777".into(), "HS4011000000777".into()];
    [
        ("cards by personal number", &of.cards_by_number, text("920000007770")),
        ("cards by old card", &of.cards_by_old_card, text("360000777")),
        ("cards by social-insurance number", &of.cards_by_social_insurance, text("1000000777")),
        ("patient by personal number", &of.patient_by_number, text("920000007770")),
        ("patient by old card", &of.patient_by_old_card, text("360000777")),
        ("patient by insurance card", &of.patient_by_card, card),
        ("allergies", &of.allergies, text("BN777")),
        ("conditions", &of.conditions, text("BN777")),
        ("medications", &of.medications, vec!["BN777".into(), "2026-01-01".into()]),
        ("encounters", &of.encounters, text("BN777")),
        ("first immunizations", &of.immunizations_by_number.first, first("920000007770")),
        ("next immunizations", &of.immunizations_by_number.next, next("920000007770")),
        ("first immunizations by old card", &of.immunizations_by_old_card.first, first("360000777")),
        ("next immunizations by old card", &of.immunizations_by_old_card.next, next("360000777")),
    ]
}

async fn plans(options: &Options) -> Vec<(&'static str, Plan)> {
    let records = Records::open(options).await.unwrap();
    let mut plans = Vec::new();
    for (name, statement, values) in statements(&records) {
        plans.push((name, plan(&records.tables, statement, &values).await));
    }
    plans
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    for database in Database::each().await {
        let schema = native(database.dialect(), SCHEMA);
        database.filled(&format!("{schema}\n{PATIENTS}")).await.close().await;
        for (name, plan) in plans(&Options::of(database.url())).await {
            println!("-- {name}\n{}", plan.steps.join("\n"));
            assert_eq!(plan.scans(), Vec::<&str>::new(), "{name} on {database:?}: {:#?}", plan.steps);
        }
    }
}
