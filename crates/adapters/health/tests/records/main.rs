//! The adapter on a small database, called as the bus calls it: through its tonic service. Every test runs on every
//! database at hand, and unless it changes what one form alone has, on both forms of tables.
#![allow(clippy::unwrap_used)]

mod bad;
mod database;
mod immunizations;
mod insurance;
mod interruption;
mod medications;

use lgsp_adapter::Fields;
use lgsp_adapter_health::{Parts, PatientKey, Source};
use lgsp_identifiers::PersonKey;
use lgsp_proto::health::v1::{GetPatientSummaryRequest, PatientSummary, Severity};
use lgsp_proto::record::v1::{PartialDate, Sex};
use tokio::time::{Duration, Instant};
use tonic::Code;

use database::{Form, HOLDER, HOLDERS_OLD_CARD, Records, SUSPENDED};

fn of_person(number: &str) -> GetPatientSummaryRequest {
    GetPatientSummaryRequest { personal_number: number.to_owned(), ..Default::default() }
}

fn of_card(number: &str) -> GetPatientSummaryRequest {
    GetPatientSummaryRequest { card_number: number.to_owned(), ..Default::default() }
}

fn year(year: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month: 0, day: 0 })
}

#[tokio::test]
async fn a_patient_is_found_by_person_by_old_card_and_by_every_insurance_card() {
    for mut records in Records::each().await {
        let summary = records.summary(of_person(HOLDER)).await.unwrap();
        assert_eq!(summary, records.summary(of_person(HOLDERS_OLD_CARD)).await.unwrap());
        for card in ["GD4920123456781", "gd 4 92 0123456781", "HS4920123456781", "0123456781"] {
            assert_eq!(summary, records.summary(of_card(card)).await.unwrap(), "{card}");
        }
        assert_eq!((summary.patient_id.as_str(), summary.sex()), ("BN0001", Sex::Male));
        assert_eq!(summary.date_of_birth, year(1958), "no month and no day is invented");
        let address = summary.address.unwrap();
        assert_eq!(address.text, "12 Nguyễn Trãi, Phường Cái Khế, Thành phố Cần Thơ");
        assert_eq!(address.ward.unwrap().former_code, "31117");
        assert_eq!(summary.emergency_contact.unwrap().relation, "vợ");
        assert_eq!((summary.blood_type.as_str(), summary.height_cm, summary.weight_kg), ("O+", 165.5, 60.0));
        assert_eq!(summary.facility_name, "Bệnh viện Thử Nghiệm");
        let provenance = summary.provenance.unwrap();
        assert_eq!((provenance.source.as_str(), provenance.synthetic), ("hsskdt-test", true));
    }
}

#[tokio::test]
async fn what_matters_for_treatment_comes_first_and_what_is_over_is_told_or_left_out() {
    for mut records in Records::each().await {
        let summary = records.summary(of_person(HOLDER)).await.unwrap();
        let allergies: Vec<_> =
            summary.allergies.iter().map(|one| (one.substance.as_str(), one.severity())).collect();
        assert_eq!(allergies, [("Penicillin", Severity::Severe), ("Hải sản", Severity::Mild)]);
        let conditions: Vec<_> =
            summary.conditions.iter().map(|one| (one.icd10_code.as_str(), one.chronic)).collect();
        assert_eq!(conditions, [("I10", true), ("J18", false)]);
        assert_eq!(summary.conditions[1].until, Some(PartialDate { year: 2019, month: 2, day: 0 }));
        let medications: Vec<_> = summary.medications.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(medications, ["Thuốc dùng dài", "Thuốc đang dùng"], "only what is in use");
        let encounters: Vec<_> =
            summary.encounters.iter().map(|one| (one.on_date.unwrap().year, one.inpatient)).collect();
        assert_eq!(encounters, [(2026, false), (2019, true)], "newest first");
        assert_eq!(summary.encounters[0].facility_name, "Trạm y tế Thử Nghiệm");

        let sparse = records.summary(of_person(SUSPENDED)).await.unwrap();
        assert_eq!((sparse.address, sparse.emergency_contact, sparse.height_cm), (None, None, 0.0));
        assert!(sparse.allergies.is_empty() && sparse.encounters.is_empty());
    }
}

#[tokio::test]
async fn what_hangs_on_a_patient_and_may_not_leave_is_not_read() {
    for records in Records::each().await {
        let source = lgsp_adapter_health::Records::open(&records.options).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(20);
        let holder = PatientKey::Person(PersonKey::parse(HOLDER).unwrap());
        let all = Parts::of(&Fields::default());
        let whole = source.summary(&holder, all, soon).await.unwrap().unwrap();
        let without = Parts { conditions: false, encounters: false, ..all };
        let masked = source.summary(&holder, without, soon).await.unwrap().unwrap();
        assert!(!whole.conditions.is_empty() && !whole.encounters.is_empty());
        assert_eq!(masked, PatientSummary { conditions: vec![], encounters: vec![], ..whole });
    }
}

#[tokio::test]
async fn a_patient_that_nobody_knows_is_not_found_and_a_malformed_request_is_invalid() {
    for mut records in Records::each().await {
        for unknown in [of_person("092099999999"), of_person("369999999"), of_card("0000000000")] {
            assert_eq!(records.summary(unknown).await.unwrap_err().code(), Code::NotFound);
        }
        let both = GetPatientSummaryRequest { card_number: "0123456781".to_owned(), ..of_person(HOLDER) };
        for asked in [GetPatientSummaryRequest::default(), both, of_person("12"), of_card("HS492012345678")] {
            let refusal = records.summary(asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(!format!("{refusal:?}").contains("0123456781"));
        }
    }
}

#[tokio::test]
async fn of_two_patients_with_one_card_neither_is_told() {
    for mut records in Records::each().await {
        let spoil = "UPDATE patient SET social_insurance_number = '0123456781' WHERE patient_id = 2";
        let of_agency = "UPDATE benh_nhan SET so_bhxh = '0123456781' WHERE ma_bn = 'BN0002'";
        records.change(spoil, of_agency).await;
        let refusal = records.summary(of_card("GD4920123456781")).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        assert!(!format!("{refusal:?}").contains("Nguyễn"));
        records.summary(of_person(HOLDER)).await.unwrap();
    }
}

#[tokio::test]
async fn of_two_patients_with_one_number_of_the_source_neither_is_told() {
    let twice = "UPDATE benh_nhan SET ma_bn = 'BN0001' WHERE ma_bn = 'BN0002'";
    for mut records in Records::each_of(Form::Mapped, twice).await {
        for person in [HOLDER, SUSPENDED] {
            let refusal = records.summary(of_person(person)).await.unwrap_err();
            assert_eq!(refusal.code(), Code::Internal, "whose the allergies are cannot be told");
        }
    }
}

#[tokio::test]
async fn what_has_no_date_or_severity_comes_last() {
    let undated = "
        INSERT INTO di_ung (ma_bn, chat) VALUES ('BN0001', 'Phấn hoa');
        INSERT INTO benh_ly (ma_bn, ma_icd, ten) VALUES ('BN0001', 'E11', 'Đái tháo đường');
        INSERT INTO thuoc (ma_bn, ten) VALUES ('BN0001', 'Thuốc không rõ ngày');
        INSERT INTO luot_kham (so_luot, ma_bn) VALUES (3, 'BN0001');";
    for mut records in Records::each_of(Form::Mapped, undated).await {
        let summary = records.summary(of_person(HOLDER)).await.unwrap();
        let allergies: Vec<_> = summary.allergies.iter().map(|one| one.substance.as_str()).collect();
        assert_eq!(allergies, ["Penicillin", "Hải sản", "Phấn hoa"]);
        let conditions: Vec<_> = summary.conditions.iter().map(|one| one.icd10_code.as_str()).collect();
        assert_eq!(conditions, ["I10", "E11", "J18"], "but before what is over");
        let medications: Vec<_> = summary.medications.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(medications, ["Thuốc dùng dài", "Thuốc đang dùng", "Thuốc không rõ ngày"]);
        let encounters: Vec<_> =
            summary.encounters.iter().map(|one| one.on_date.map_or(0, |date| date.year)).collect();
        assert_eq!(encounters, [2026, 2019, 0]);
    }
}
