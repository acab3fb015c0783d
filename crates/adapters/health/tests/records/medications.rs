//! Which medicines are in use now: the last day may be empty, to come, known in part only, or not understood.

use lgsp_adapter::records::today;
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
async fn a_medicine_is_told_to_its_last_day_or_to_the_end_of_its_last_month_or_year() {
    let (today, this_year) = (today().to_string(), today().year());
    let this_month = &today[..7];
    for (until, expected) in [
        ("2999-12-31", true),
        ("2999", true),
        (&today, true),
        (this_month, true),
        (&this_year.to_string(), true),
        (&format!("{this_month}-00"), true),
        (&format!("{this_year}-00-00"), true),
        ("2019-02-28", false),
        ("2019-02", false),
        ("2019", false),
        ("2019-02-00", false),
        ("2019-00-00", false),
    ] {
        let told = is_told_until(Form::Native, until).await;
        assert!(told.iter().all(|is_told| *is_told == expected), "{until}: {told:?}");
    }
}

#[tokio::test]
async fn a_medicine_whose_last_day_is_empty_or_not_understood_is_told() {
    for until in ["", " ", "khi hết", "02/2019", "31.12.2019"] {
        let told = is_told_until(Form::Native, until).await;
        assert!(told.iter().all(|is_told| *is_told), "{until}: {told:?}");
    }
    for until in ["", "khi hết", "31.12.2019"] {
        let told = is_told_until(Form::Mapped, until).await;
        assert!(told.iter().all(|is_told| *is_told), "{until}: {told:?}");
    }
}
