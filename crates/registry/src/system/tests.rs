use lgsp_core::Reason;

use super::*;
use crate::office::{NOW, Office, fields};

fn system() -> System {
    System {
        id: "khoso".to_owned(),
        name_vi: "Kho số hoá".to_owned(),
        agency_code: "H13.03".to_owned(),
        why_not: "waits for its new version".to_owned(),
        ..System::default()
    }
}

impl Office {
    fn put_system(&mut self, by: &str, system: System) -> Result<u64, Fault> {
        self.take(by, NOW, |catalogue, occasion| {
            put_system(catalogue, system, "inventory".to_owned(), occasion)
        })?;
        Ok(self.catalogue.system("khoso").map_or(0, |system| system.etag))
    }
}

#[test]
fn a_system_is_put_and_changed_by_its_agency_or_the_operator_as_they_have_seen_it() {
    let mut office = Office::new();
    let stranger = office.put_system("chi.police", system()).unwrap_err();
    assert_eq!(stranger.reason(), Reason::NotYourAgency);
    let etag = office.put_system("an.justice", system()).unwrap();
    let again = office.put_system("dung.hub", system()).unwrap_err();
    assert_eq!(again.reason(), Reason::InvalidField, "it is there already: its etag is required");
    let moved = System { agency_code: "G01.30.92".to_owned(), etag, ..system() };
    let taken = office.put_system("chi.police", moved).unwrap_err();
    assert_eq!(taken.reason(), Reason::NotYourAgency, "nobody takes a system of another agency");
    let claimed = System { etag, application: "hotich".to_owned(), ..system() };
    office.put_system("dung.hub", claimed).unwrap();
    let kept = office.catalogue.system("khoso").unwrap();
    assert_eq!(kept.application, "", "that it is connected is the registry's to say");
}

#[test]
fn a_text_that_may_hold_the_number_of_a_person_is_refused() {
    let number = || "092085000011".to_owned();
    let naming = System { name_vi: number(), name_en: number(), why_not: number(), ..system() };
    let fault = Office::new().put_system("dung.hub", naming).unwrap_err();
    assert_eq!(fields(&fault), ["system.name_vi", "system.name_en", "system.why_not"]);
}

#[test]
fn every_field_that_is_wrong_is_named() {
    let wrong = System { id: "Kho".to_owned(), planned: "30/6/2027".to_owned(), ..System::default() };
    let fault = Office::new().put_system("dung.hub", wrong).unwrap_err();
    assert_eq!(
        fields(&fault),
        ["id", "name_vi", "agency_code", "planned"].map(|field| format!("system.{field}"))
    );
}
