//! The data services of the national platform, as the city has them. Pure, as [`decide`](crate::decide) is.

use lgsp_core::said::Rule;
use lgsp_core::{ApplicationId, Fault, rule};
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{NationalService, NationalServiceState};

use crate::catalogue::{Catalogue, put};
use crate::occasion::{Draft, Occasion, is_as_seen, naming_somebody, not_yours, operates, step, violation};
use crate::working_days::date;

/// Adds one, or changes what is said of one. The hub's operator does.
///
/// # Errors
/// Every field that breaks a rule is named; or the person may not, or has not seen it as it is.
pub(crate) fn put_national_service(
    catalogue: &Catalogue,
    service: NationalService,
    reason: String,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    check(&service)?;
    if !operates(occasion.person) {
        return Err(not_yours("service", rule!("is put by the hub's operator")));
    }
    let known = catalogue.national_service(&service.id);
    is_as_seen("service.etag", known.map_or(0, |known| known.etag), service.etag)?;
    let id = service.id.clone();
    let after = NationalService { put: Some(step(occasion, &reason, "")), ..service };
    let edits = vec![put(known.cloned().map(Of::NationalService), Of::NationalService(after), id)];
    Ok(Draft { action: "put-national-service", reason, legal_basis: String::new(), edits })
}

fn check(service: &NationalService) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut note = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    note(ApplicationId::parse(&service.id).is_none(), "service.id", rule!("is not well formed"));
    note(service.name_vi.trim().is_empty(), "service.name_vi", rule!("is required"));
    note(service.state() == NationalServiceState::Unspecified, "service.state", rule!("is required"));
    let no_date = !service.since.is_empty() && date(&service.since).is_none();
    note(no_date, "service.since", rule!("is no date such as 2027-06-30"));
    for (field, text) in [("service.name_vi", &service.name_vi), ("service.name_en", &service.name_en)] {
        violations.extend(naming_somebody(&[(field, text)]));
    }
    if violations.is_empty() { Ok(()) } else { Err(Fault::invalid(violations)) }
}

#[cfg(test)]
mod tests {
    use lgsp_core::Reason;

    use super::*;
    use crate::office::{NOW, Office, fields};

    fn service() -> NationalService {
        NationalService {
            id: "gplx-2".to_owned(),
            name_vi: "Giấy phép lái xe".to_owned(),
            state: NationalServiceState::Available.into(),
            ..NationalService::default()
        }
    }

    impl Office {
        fn put_national(&mut self, by: &str, service: NationalService) -> Result<u64, Fault> {
            self.take(by, NOW, |catalogue, occasion| {
                put_national_service(catalogue, service, "list".to_owned(), occasion)
            })?;
            Ok(self.catalogue.national_service("gplx-2").map_or(0, |service| service.etag))
        }
    }

    #[test]
    fn a_national_service_is_put_by_the_operator_as_they_have_seen_it() {
        let mut office = Office::new();
        let stranger = office.put_national("an.justice", service()).unwrap_err();
        assert_eq!(stranger.reason(), Reason::NotYourAgency);
        let etag = office.put_national("dung.hub", service()).unwrap();
        let unseen = office.put_national("dung.hub", service()).unwrap_err();
        assert_eq!(unseen.reason(), Reason::InvalidField);
        let state = NationalServiceState::InUse.into();
        let used = NationalService { etag, state, since: "2026-07-01".to_owned(), ..service() };
        office.put_national("dung.hub", used).unwrap();
        let kept = office.catalogue.national_service("gplx-2").unwrap();
        assert_eq!((kept.state(), kept.since.as_str()), (NationalServiceState::InUse, "2026-07-01"));
        let wrong = NationalService { since: "1/7/2026".to_owned(), ..NationalService::default() };
        let fault = office.put_national("dung.hub", wrong).unwrap_err();
        assert_eq!(fields(&fault), ["id", "name_vi", "state", "since"].map(|it| format!("service.{it}")));
    }
}
