//! Unary calls, served and refused.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lgsp_core::entry::sha256;
use lgsp_proto::ledger::v1::{Decision, Hop, Outcome, Phase};
use lgsp_proto::population::v1::{GetCitizenRequest, GetCitizenResponse, VerifyCitizenRequest};
use lgsp_proto::registry::v1::ServiceState;
use prost::Message;
use tonic::{Code, Request};

use crate::hub::{Hub, citizen_request, exchange_of, granted, reason, within};
use crate::provider::{KNOWN, SILENT, UNKNOWN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_comes_back_with_what_the_agreement_grants_and_its_entry_tells_of_it() {
    let mut hub = Hub::start().await;
    let answer = within("an answer", hub.client().await.get_citizen(citizen_request(KNOWN))).await.unwrap();
    let exchange = exchange_of(answer.metadata());
    let answer = answer.into_inner();
    let citizen = answer.citizen.as_ref().unwrap();
    assert_eq!((citizen.personal_number.as_str(), citizen.full_name.as_str()), (KNOWN, "Nguyễn Văn An"));
    assert_eq!((citizen.religion.as_str(), citizen.old_identity_number.as_str()), ("", ""), "not granted");

    let (sealed, erasable) = hub.final_entry(&exchange).await;
    assert_eq!((sealed.outcome(), sealed.decision()), (Outcome::Served, Decision::Granted));
    assert_eq!((sealed.application.as_str(), sealed.agency_code.as_str()), ("tthc", "H13.01"));
    assert_eq!((sealed.method.as_str(), sealed.purpose.as_str()), ("GetCitizen", "prefill"));
    assert_eq!((sealed.agreement.as_str(), sealed.agreement_version), ("tthc-population", 2));
    assert_eq!(sealed.fields_released.len(), 4);
    assert_eq!((sealed.record_count, sealed.answer_bytes), (1, answer.encoded_len() as u64));
    assert_eq!(sealed.adapter, "population-1");
    // The request's is known only if Kafka told it before the reply came.
    assert!(sealed.reply_position.is_some());
    let times =
        [sealed.admitted_us, sealed.sent_us, sealed.taken_up_us, sealed.answered_us, sealed.entered_us];
    assert!(times.is_sorted() && times[0] > 0, "{times:?}");

    let erasable = erasable.unwrap();
    assert_eq!(erasable.dossier.unwrap().value, "H13.01-260601-0001");
    assert_eq!(erasable.subjects.len(), 1, "the person asked about, once, and none that was dropped");
    let released = [&erasable.answer_salt[..], &answer.encode_to_vec()].concat();
    assert_eq!(sealed.answer_sha256, sha256(&released)[..]);
    let asked = GetCitizenRequest { personal_number: KNOWN.to_owned() }.encode_to_vec();
    assert_eq!(sealed.request_sha256, sha256(&[&erasable.request_salt[..], &asked].concat())[..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_has_its_code_its_details_and_its_entry() {
    let mut hub = Hub::start().await;
    let mut no_purpose = citizen_request(KNOWN);
    no_purpose.metadata_mut().remove("lgsp-purpose");
    let mut other_purpose = citizen_request(KNOWN);
    other_purpose.metadata_mut().insert("lgsp-purpose", "verify".parse().unwrap());
    let mut strange_purpose = citizen_request(KNOWN);
    strange_purpose.metadata_mut().insert("lgsp-purpose", "curiosity".parse().unwrap());
    let mut ours = citizen_request(KNOWN);
    ours.metadata_mut().insert("lgsp-reply-to", "1".parse().unwrap());
    let cases = [
        (no_purpose, Code::InvalidArgument, "PURPOSE_MISSING", Outcome::Invalid),
        (other_purpose, Code::PermissionDenied, "PURPOSE_NOT_AGREED", Outcome::Denied),
        (strange_purpose, Code::InvalidArgument, "PURPOSE_UNKNOWN", Outcome::Invalid),
        (ours, Code::InvalidArgument, "INVALID_METADATA", Outcome::Invalid),
        (citizen_request("12"), Code::InvalidArgument, "INVALID_FIELD", Outcome::Invalid),
    ];
    for (request, code, name, outcome) in cases {
        let refused = hub.citizen_by(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, name));
        let (sealed, _) = hub.final_entry(&exchange_of(refused.metadata())).await;
        assert_eq!((sealed.outcome(), sealed.reason.as_str(), sealed.code), (outcome, name, code as i32));
        assert_ne!(sealed.failed_hop(), Hop::Unspecified);
        assert_eq!((sealed.record_count, sealed.fields_released.len()), (0, 0));
    }
    let verify = VerifyCitizenRequest { personal_number: KNOWN.to_owned(), ..Default::default() };
    let refused = hub.client().await.verify_citizen(granted(verify)).await.unwrap_err();
    assert_eq!(reason(&refused), "AGREEMENT_MISSING");
    assert_eq!(hub.provider.0.load(Ordering::Relaxed), 0, "none of them reached the provider");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_found_is_an_answer_with_its_entry() {
    let mut hub = Hub::start().await;
    let refused = hub.citizen(UNKNOWN).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NOT_FOUND"));
    let (sealed, _) = hub.final_entry(&exchange_of(refused.metadata())).await;
    assert_eq!((sealed.outcome(), sealed.failed_hop()), (Outcome::NotFound, Hop::Source));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_without_a_valid_credential_are_counted_and_not_entered_one_by_one() {
    let mut hub = Hub::start().await;
    for _ in 0..20 {
        let mut request = Request::new(GetCitizenRequest { personal_number: KNOWN.to_owned() });
        request.metadata_mut().insert("authorization", "Bearer forged".parse().unwrap());
        let refused = hub.citizen_by(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));
    }
    let mut counted = 0;
    while counted < 20 {
        let more = |sealed: &lgsp_proto::ledger::v1::Sealed| sealed.phase() == Phase::Attempts;
        let (sealed, erasable) = hub.entry("a count", more).await;
        let count = sealed.attempts.unwrap();
        assert_eq!((count.reason.as_str(), count.network.as_str()), ("TOKEN_INVALID", "127.0.0.0/24"));
        assert_eq!(count.method, "lgsp.population.v1.PopulationService/GetCitizen");
        assert!(erasable.is_none());
        counted += count.count;
        hub.forget(sealed.sequence);
    }
    assert_eq!(counted, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_never_answers_ends_in_time() {
    let mut hub = Hub::start().await;
    let mut request = citizen_request(SILENT);
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let begun = Instant::now();
    let refused = hub.citizen_by(request).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(300 + 250), "{:?}", begun.elapsed());
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    let (sealed, _) = hub.final_entry(&exchange_of(refused.metadata())).await;
    assert_eq!((sealed.outcome(), sealed.failed_hop()), (Outcome::TimedOut, Hop::Adapter));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_has_no_more_in_flight_than_allowed() {
    let mut hub = Hub::with(|_| {}, |snapshot| snapshot.applications[0].max_in_flight = 1).await;
    let mut client = hub.client().await;
    let silent = tokio::spawn(async move { client.get_citizen(citizen_request(SILENT)).await });
    crate::hub::until("the silent call", || hub.provider.0.load(Ordering::Relaxed) == 1).await;
    let refused = hub.citizen(KNOWN).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT"));
    let (sealed, _) = hub.final_entry(&exchange_of(refused.metadata())).await;
    assert_eq!(sealed.outcome(), Outcome::Denied);
    // The call is dropped and its exchange still counts.
    silent.abort();
    assert_eq!(reason(&hub.citizen(KNOWN).await.unwrap_err()), "TOO_MANY_IN_FLIGHT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_rule_opens_is_refused_by_name() {
    let mut hub = Hub::with(
        |_| {},
        |snapshot| {
            let health = snapshot.services.iter_mut().find(|service| service.domain == "health").unwrap();
            health.state = ServiceState::Draft.into();
        },
    )
    .await;
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", hub.gateway.address)).unwrap();
    let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
    let paths = [
        ("/lgsp.population.v1.PopulationService/Nothing", "METHOD_UNKNOWN"),
        ("/lgsp.population.v1.PopulationService/GetCitizen/", "METHOD_UNKNOWN"),
        ("/", "METHOD_UNKNOWN"),
        ("/lgsp.health.v1.HealthService/VerifyInsurance", "SERVICE_NOT_IN_USE"),
        ("/lgsp.ledger.v1.LedgerService/ListExchanges", "ROLE_MISSING"),
    ];
    for (path, name) in paths {
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<GetCitizenRequest, GetCitizenResponse>::default();
        let request = citizen_request(KNOWN);
        let refused = grpc.unary(request, path.parse().unwrap(), codec).await.unwrap_err();
        assert_eq!(reason(&refused), name, "{path}");
        hub.final_entry(&exchange_of(refused.metadata())).await;
    }
}
