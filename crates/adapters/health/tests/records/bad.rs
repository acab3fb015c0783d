//! Bad records of an agency: unknown codes, what is no date.

use lgsp_adapter::testing::Database;
use lgsp_proto::health::v1::{
    GetPatientSummaryRequest, ListImmunizationsRequest, Severity, VerifyInsuranceRequest,
};
use lgsp_proto::record::v1::{PartialDate, Sex};
use tonic::Code;

use crate::database::{Form, HOLDER, HOLDERS_OLD_CARD, Records, SUSPENDED};

const ODD: &str = "093180000006";

/// A person of whom the agency holds what nobody understands.
const ODD_RECORDS: &str = "
    INSERT INTO the_bhyt (so_the, so_bhxh, so_dinh_danh, ho_dem, ten, ngay_sinh, tu_ngay, den_ngay, du_5_nam)
    VALUES ('DN4920000000006', '0000000006', '093180000006', 'Trần  Văn', 'Lạ', '31/02/1980', '2020', '31.12.2020', '1/1/2025');
    INSERT INTO benh_nhan (ma_bn, so_dinh_danh, ho_dem, ten, ngay_sinh, gioi_tinh, thai_ky)
    VALUES ('BN0006', '093180000006', 'Trần  Văn', 'Lạ', '00/07/1980', 'nam', '?');
    INSERT INTO di_ung VALUES ('BN0006', 'Penicillin', NULL, 'rất nặng', '99/99/9999');
    INSERT INTO benh_ly VALUES ('BN0006', 'I10', 'Tăng huyết áp', 'X', '2015-01', NULL);
    INSERT INTO thuoc VALUES ('BN0006', 'amlodipine', NULL, NULL, 'năm ngoái', 'khi hết');
    INSERT INTO luot_kham VALUES (6, 'BN0006', '1/9/2024', NULL, 'I10', 'cấp cứu');
    INSERT INTO mui_tiem VALUES (60, 'BN0006', 'VX01', 'L1', 1, '2024/01/02', NULL, 'sau Tết', NULL, NULL);";

#[tokio::test]
async fn unknown_codes_and_false_dates_of_a_patient_are_passed_on_as_unknown_and_counted() {
    for mut records in Records::each_of(Form::Mapped, ODD_RECORDS).await {
        let asked = |number: &str| GetPatientSummaryRequest {
            personal_number: number.to_owned(),
            ..Default::default()
        };
        let summary = records.summary(asked(ODD)).await.unwrap();
        assert_eq!((summary.full_name.as_str(), summary.sex()), ("Trần Văn Lạ", Sex::Unknown));
        assert_eq!(summary.date_of_birth, Some(PartialDate { year: 1980, month: 7, day: 0 }));
        assert!(!summary.pregnant);
        let allergy = &summary.allergies[0];
        assert_eq!((allergy.severity(), allergy.recorded_on), (Severity::Unspecified, None));
        assert_eq!((summary.conditions[0].chronic, summary.conditions[0].since), (false, None));
        assert_eq!(summary.medications[0].since, None, "in use, as far as anybody knows");
        assert_eq!((summary.encounters[0].on_date, summary.encounters[0].inpatient), (None, false));
        let expected = [
            ("patient", "sex", 1),
            ("patient", "pregnant", 1),
            ("patient", "date_of_birth", 0),
            ("allergy", "severity", 1),
            ("allergy", "recorded_on", 1),
            ("condition", "chronic", 1),
            ("condition", "since", 1),
            ("medication", "since", 1),
            ("medication", "until", 1),
            ("encounter", "on_date", 1),
            ("encounter", "inpatient", 1),
        ];
        for (relation, column, count) in expected {
            assert_eq!(records.not_understood(relation, column), count, "{relation}.{column}");
        }

        records.summary(asked(HOLDER)).await.unwrap();
        assert_eq!(records.not_understood("patient", "sex"), 1, "what is not known is not misunderstood");
    }
}

#[tokio::test]
async fn false_dates_of_cards_and_doses_are_passed_on_as_unknown_and_counted() {
    for mut records in Records::each_of(Form::Mapped, ODD_RECORDS).await {
        let asked = VerifyInsuranceRequest {
            personal_number: ODD.to_owned(),
            on_date: "2020-06-01".to_owned(),
            ..Default::default()
        };
        let card = records.verify(asked).await.unwrap().card.unwrap();
        assert_eq!((card.date_of_birth, card.valid_to, card.five_years_from), (None, None, None));
        for column in ["date_of_birth", "valid_to", "five_years_from"] {
            assert_eq!(records.not_understood("insurance_card", column), 1, "{column}");
        }

        let asked = ListImmunizationsRequest { personal_number: ODD.to_owned(), ..Default::default() };
        let doses = records.immunizations(asked).await.unwrap().immunizations;
        assert_eq!(
            (doses.len(), doses[0].on_date, doses[0].next_due_on),
            (1, None, None),
            "told all the same"
        );
        for column in ["on_date", "next_due_on"] {
            assert_eq!(records.not_understood("immunization", column), 1, "{column}");
        }
    }
}

/// Vietnamese collations sort a question mark, which stands for what is no date, before every digit.
#[tokio::test]
async fn a_medicine_whose_end_nobody_understands_is_told_whatever_the_collation() {
    let Some(database) = Database::postgres().await else { return };
    let odd = r#"
        ALTER TABLE thuoc ALTER den_ngay TYPE VARCHAR(10) COLLATE "vi-x-icu";
        INSERT INTO thuoc (ma_bn, ten, den_ngay) VALUES ('BN0002', 'Thuốc uống', 'khi hết');
        INSERT INTO thuoc (ma_bn, ten, den_ngay) VALUES ('BN0002', 'Thuốc đã ngừng', '02/2019');"#;
    let mut records = Records::of(database, Form::Mapped, odd).await;
    let asked = GetPatientSummaryRequest { personal_number: SUSPENDED.to_owned(), ..Default::default() };
    let summary = records.summary(asked).await.unwrap();
    let medications: Vec<_> = summary.medications.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(medications, ["Thuốc uống"]);
}

/// PostgreSQL holds no text that is none.
#[tokio::test]
async fn a_broken_text_of_a_joined_record_is_not_known_and_fails_nothing() {
    let broken = "UPDATE facility SET name = CAST(x'ff41' AS TEXT) WHERE facility_code = '92002';
                  UPDATE patient SET personal_number = CAST(x'ff' AS TEXT) || '01234567890' WHERE patient_id = 1;";
    let mut records = Records::of(Database::sqlite(), Form::Native, broken).await;
    let asked = VerifyInsuranceRequest {
        personal_number: HOLDER.to_owned(),
        on_date: "2026-06-01".to_owned(),
        ..Default::default()
    };
    let card = records.verify(asked).await.unwrap().card.unwrap();
    assert_eq!((card.facility_code.as_str(), card.facility_name.as_str()), ("92002", ""));
    let asked = GetPatientSummaryRequest { card_number: "0123456781".to_owned(), ..Default::default() };
    let encounters = records.summary(asked).await.unwrap().encounters;
    assert_eq!((encounters.len(), encounters[0].facility_name.as_str()), (2, ""));
    let asked =
        ListImmunizationsRequest { personal_number: HOLDERS_OLD_CARD.to_owned(), ..Default::default() };
    let doses = records.immunizations(asked).await.unwrap().immunizations;
    assert_eq!((doses.len(), doses[0].personal_number.as_str()), (5, ""));
    assert_eq!(records.not_understood("patient", "personal_number"), 1 + 5);
    assert_eq!(records.not_understood("facility", "name"), 2 + 1 + 3);
}

#[tokio::test]
async fn of_a_patient_without_a_number_of_the_source_nothing_is_told() {
    let without = "UPDATE benh_nhan SET ma_bn = ' ' WHERE ma_bn = 'BN0002';
                   UPDATE di_ung SET ma_bn = '' WHERE chat = 'Hải sản';";
    for mut records in Records::each_of(Form::Mapped, without).await {
        let asked = GetPatientSummaryRequest { personal_number: SUSPENDED.to_owned(), ..Default::default() };
        assert_eq!(records.summary(asked).await.unwrap_err().code(), Code::Internal);
        let asked = ListImmunizationsRequest { personal_number: SUSPENDED.to_owned(), ..Default::default() };
        assert_eq!(records.immunizations(asked).await.unwrap_err().code(), Code::Internal);
    }
}
