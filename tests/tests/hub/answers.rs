//! What agencies get: the five named persons, households, wards and parcels, filtered to what the agreement grants.

use lgsp_core::{Outcome, Reason};
use lgsp_proto::land::v1::{
    FindParcelsRequest, GetParcelRequest, ListParcelsByOwnerRequest, ListParcelsRequest,
};
use lgsp_proto::population::v1::{
    GetCitizenRequest, GetHouseholdRequest, ListResidentsRequest, VerifyCitizenRequest,
};
use lgsp_proto::record::v1::{Match, Point};
use lgsp_sample::persons::{ALL_FIELDS, MASKED, MOVED_WARD, NOT_FOUND, REFUSED_PURPOSE};
use prost::Message;

use crate::caller::{exchange_of, refused};
use crate::fixture::hub;

#[tokio::test]
async fn a_form_is_filled_with_all_fields() {
    let hub = hub().await;
    let record = ALL_FIELDS.record.expect("in every city");
    let answer =
        hub.tthc().with("lgsp-dossier", "H13.01-260601-0001").get_citizen(ALL_FIELDS.personal_number).await;
    let answer = answer.expect("served");
    let id = exchange_of(answer.metadata());
    let citizen = answer.into_inner().citizen.expect("a citizen");
    assert_eq!(citizen.full_name, record.full_name);
    assert_eq!(
        citizen.permanent_address.and_then(|a| a.ward).map(|ward| ward.code).as_deref(),
        Some(record.ward_code)
    );
    assert!(citizen.provenance.is_some_and(|provenance| provenance.synthetic), "made up, and says so");

    let exchange = hub.final_entry(id).await;
    assert_eq!(exchange.outcome(), Outcome::Served);
    assert_eq!((exchange.application.as_str(), exchange.purpose.as_str()), ("tthc", "prefill"));
    let sealed = exchange.sealed.clone().expect("shown");
    assert_eq!(sealed.fields_released, ["citizen"]);
    assert!(sealed.sent_us <= sealed.taken_up_us && sealed.taken_up_us <= sealed.answered_us);
    let digests = sealed.erasable_digests.as_ref().expect("digests");
    assert_eq!((digests.dossier.len(), digests.officer.len()), (32, 0));
    let bytes = sealed.encode_to_vec();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        !text.contains(ALL_FIELDS.personal_number) && !text.contains("260601"),
        "no personal data is sealed"
    );
}

#[tokio::test]
async fn an_old_identity_card_finds_its_citizen() {
    let hub = hub().await;
    let record = ALL_FIELDS.record.expect("in every city");
    let citizen =
        hub.tthc().get_citizen(record.old_identity_number).await.expect("served").into_inner().citizen;
    assert_eq!(citizen.expect("a citizen").personal_number, ALL_FIELDS.personal_number);
}

#[tokio::test]
async fn a_mask_lets_only_the_agreed_fields_through() {
    let hub = hub().await;
    let app = hub.app("dvctt").purpose("prefill");
    let citizen = app
        .get_citizen(MASKED.personal_number)
        .await
        .expect("served")
        .into_inner()
        .citizen
        .expect("a citizen");
    assert_eq!(citizen.full_name, MASKED.record.expect("in every city").full_name);
    assert!(citizen.sex != 0 && citizen.date_of_birth.is_some() && citizen.provenance.is_some());
    let address = citizen.permanent_address.clone().expect("granted in part");
    assert!(
        !address.text.is_empty() && address.line.is_empty(),
        "a nested field outside the mask does not leave"
    );
    let ungranted =
        [&citizen.phone_number, &citizen.old_identity_number, &citizen.ethnicity, &citizen.household_number];
    assert!(ungranted.iter().all(|field| field.is_empty()), "{citizen:?}");
    assert!(citizen.father.is_none() && citizen.spouse.is_none() && citizen.temporary_address.is_none());
}

#[tokio::test]
async fn a_number_that_nobody_has_is_not_found_and_no_failure() {
    let hub = hub().await;
    let refusal = refused(hub.tthc().get_citizen(NOT_FOUND.personal_number).await, Reason::NotFound);
    assert_eq!(hub.final_entry(refusal.exchange).await.outcome(), Outcome::NotFound);
}

#[tokio::test]
async fn a_record_under_an_old_ward_code_tells_both() {
    let hub = hub().await;
    let record = MOVED_WARD.record.expect("in every city");
    let answer = hub.tthc().get_citizen(MOVED_WARD.personal_number).await.expect("served");
    let citizen = answer.into_inner().citizen.expect("a citizen");
    let ward = citizen.permanent_address.and_then(|address| address.ward).expect("a ward");
    assert_eq!((ward.code.as_str(), ward.former_code.as_str()), (record.ward_code, record.former_ward_code));
    let born = citizen.date_of_birth.expect("a year");
    assert_eq!((born.year, born.month, born.day), (1952, 0, 0), "no day is invented");
}

#[tokio::test]
async fn a_refused_purpose_is_refused_for_whomever_it_asks() {
    let hub = hub().await;
    let app = hub.tthc().purpose("statistics");
    refused(app.get_citizen(REFUSED_PURPOSE.personal_number).await, Reason::PurposeNotAgreed);
}

#[tokio::test]
async fn a_verification_discloses_matches_and_nothing_else() {
    let hub = hub().await;
    let app = hub.app("sso").purpose("verify");
    let request = VerifyCitizenRequest {
        personal_number: ALL_FIELDS.personal_number.to_owned(),
        full_name: "NGUYEN VAN MAU".to_owned(),
        ..Default::default()
    };
    let without_marks =
        app.population().verify_citizen(app.request(request.clone())).await.expect("served").into_inner();
    assert_eq!(without_marks.full_name(), Match::No, "marks are part of a name");
    let request = VerifyCitizenRequest { full_name: "  nguyễn VĂN  mẫu".to_owned(), ..request };
    let matched = app.population().verify_citizen(app.request(request)).await.expect("served").into_inner();
    assert_eq!(matched.full_name(), Match::Yes);
    assert_eq!(matched.sex(), Match::NotClaimed);
    assert_eq!(matched.ward_code(), Match::Unspecified, "outside the agreement");
}

#[tokio::test]
async fn a_household_enters_all_its_members_as_subjects() {
    let hub = hub().await;
    let app = hub.tthc();
    let request =
        GetHouseholdRequest { personal_number: ALL_FIELDS.personal_number.to_owned(), ..Default::default() };
    let answer = app.population().get_household(app.request(request)).await.expect("served");
    let id = exchange_of(answer.metadata());
    let members = answer.into_inner().household.expect("a household").members;
    assert!(members.len() > 1);
    let sealed = hub.final_entry(id).await.sealed.expect("shown");
    let subjects = sealed.erasable_digests.expect("digests").subjects.len();
    assert!(subjects >= members.len(), "{subjects} subjects of {} members", members.len());
}

#[tokio::test]
async fn the_residents_of_a_ward_come_as_a_stream_by_old_and_new_code() {
    let hub = hub().await;
    let app = hub.tthc().purpose("statistics");
    let record = MOVED_WARD.record.expect("in every city");
    for ward in [record.ward_code, record.former_ward_code] {
        let request = ListResidentsRequest { ward_code: ward.to_owned(), ..Default::default() };
        let mut stream =
            app.population().list_residents(app.request(request)).await.expect("served").into_inner();
        let mut found = false;
        while let Some(message) = stream.message().await.expect("served to its end") {
            found |= message
                .resident
                .is_some_and(|resident| resident.personal_number == MOVED_WARD.personal_number);
        }
        assert!(found, "not among the residents of {ward}");
    }
}

#[tokio::test]
async fn a_parcel_is_found_by_id_by_new_key_and_by_old_key() {
    let hub = hub().await;
    let app = hub.tthc();
    let get = |request: GetParcelRequest| {
        let app = app.clone();
        async move { app.land().get_parcel(app.request(request)).await.map(|answer| answer.into_inner().parcel) }
    };
    let by_old = get(GetParcelRequest { parcel_key: "31318/1/1".to_owned(), ..Default::default() }).await;
    let by_old = by_old.expect("served").expect("a parcel");
    assert_eq!(by_old.parcel_key, "31321/101/1");
    let by_new = get(GetParcelRequest { parcel_key: by_old.parcel_key.clone(), ..Default::default() }).await;
    let by_id = get(GetParcelRequest { parcel_id: by_old.parcel_id.clone(), ..Default::default() }).await;
    assert_eq!(by_new.expect("served"), by_id.expect("served"));
}

#[tokio::test]
async fn parcels_are_found_by_owner_and_by_place() {
    let hub = hub().await;
    let app = hub.tthc();
    let request = ListParcelsByOwnerRequest {
        personal_number: ALL_FIELDS.personal_number.to_owned(),
        ..Default::default()
    };
    let owned =
        app.land().list_parcels_by_owner(app.request(request)).await.expect("served").into_inner().parcels;
    assert_eq!(owned.len(), 2);
    let parcel = &owned[0];
    let inside = parcel.centre.expect("a point inside");
    let point = Point { latitude: inside.latitude, longitude: inside.longitude };
    let request = FindParcelsRequest { point: Some(point), ..Default::default() };
    let found = app.land().find_parcels(app.request(request)).await.expect("served").into_inner().parcels;
    assert!(found.iter().any(|found| found.parcel_id == parcel.parcel_id));
}

#[tokio::test]
async fn the_parcels_of_a_ward_come_as_a_stream() {
    let hub = hub().await;
    let app = hub.app("spp").purpose("planning");
    let ward = ALL_FIELDS.record.expect("in every city").ward_code;
    let request = ListParcelsRequest { ward_code: ward.to_owned(), ..Default::default() };
    let mut stream = app.land().list_parcels(app.request(request)).await.expect("served").into_inner();
    let mut parcels = 0;
    while let Some(message) = stream.message().await.expect("served to its end") {
        parcels += usize::from(message.parcel.is_some());
    }
    assert!(parcels > 0);
}

#[tokio::test]
async fn many_callers_are_served_at_once() {
    let hub = hub().await;
    let app = hub.tthc();
    let calls = (0..200).map(|_| {
        let app = app.clone();
        async move {
            let request = GetCitizenRequest { personal_number: ALL_FIELDS.personal_number.to_owned() };
            app.population().get_citizen(app.request(request)).await.map(|_| ())
        }
    });
    for call in futures::future::join_all(calls).await {
        call.expect("served");
    }
}
