//! Which medicines are in use now.

use lgsp_proto::health::v1::GetPatientSummaryRequest;

use crate::database::{Form, HOLDER, Records};

const STOPPED: &str = "Thuốc đã ngừng";

/// Whether each database tells the medicine that was stopped, by another last day of it.
async fn is_told_until(form: Form, until: &str) -> Vec<bool> {
    let more = match form {
        Form::Native => format!("UPDATE medication SET until = '{until}' WHERE name = '{STOPPED}'"),
        Form::Mapped => format!("UPDATE thuoc SET den_ngay = '{until}' WHERE ten = '{STOPPED}'"),
    };
    let mut each = Vec::new();
    for mut records in Records::each_of(form, &more).await {
        let asked = GetPatientSummaryRequest { personal_number: HOLDER.to_owned(), ..Default::default() };
        let medications = records.summary(asked).await.unwrap().medications;
        each.push(medications.iter().any(|one| one.name == STOPPED));
    }
    each
}

#[tokio::test]
async fn a_medicine_is_told_to_its_last_day_or_if_that_is_not_understood() {
    for (form, until, expected) in [
        (Form::Native, "2999-12-31", true),
        (Form::Native, "2019-02-28", false),
        (Form::Native, "khi hết", true),
        (Form::Mapped, "", true),
        (Form::Mapped, "khi hết", true),
    ] {
        let told = is_told_until(form, until).await;
        assert!(told.iter().all(|is_told| *is_told == expected), "{until}: {told:?}");
    }
}
