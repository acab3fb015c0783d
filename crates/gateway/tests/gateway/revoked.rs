//! What is revoked while a call is under way.

use std::sync::atomic::Ordering;

use lgsp_proto::ledger::v1::Outcome;
use lgsp_proto::population::v1::GetCitizenRequest;
use lgsp_proto::registry::v1::{AgreementState, Snapshot};
use prost::Message;

use crate::attackers::{connect, framed, request};
use crate::fixture::GET_CITIZEN;
use crate::hub::{Hub, citizen_request, exchange_of, reason, residents_request, until, within};
use crate::provider::{HELD, KNOWN};

fn revoke_the_agreement(snapshot: &mut Snapshot) {
    snapshot.agreements[0].state = AgreementState::Revoked.into();
}

fn revoke_the_key(snapshot: &mut Snapshot) {
    snapshot.applications[0].credentials.clear();
}

/// Opens a call, changes the rules, and then asks; returns the reason of the refusal.
async fn asked_after(change: fn(&mut Snapshot)) -> String {
    let mut hub = Hub::start().await;
    let send = connect(hub.gateway.address, 65_535).await;
    let mut ready = send.ready().await.unwrap();
    let head = request("POST", "application/grpc", GET_CITIZEN).body(()).unwrap();
    let (response, mut body) = ready.send_request(head, false).unwrap();
    until("the open call", || hub.gateway.in_flight() == 1).await;
    hub.change_rules(change).await;

    let message = GetCitizenRequest { personal_number: KNOWN.to_owned() }.encode_to_vec();
    body.send_data(framed(0, &message), true).unwrap();
    let response = within("a refusal", response).await.unwrap();
    assert_eq!(hub.provider.0.load(Ordering::Relaxed), 0, "nobody was asked");
    let (sealed, _) = hub.final_entry(response.headers()["lgsp-exchange-id"].to_str().unwrap()).await;
    assert_eq!(sealed.record_count, 0);
    let status = tonic::Status::from_header_map(response.headers()).expect("a call that ends at once");
    reason(&status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_opened_before_its_agreement_or_key_was_revoked_is_refused_when_it_asks() {
    assert_eq!(asked_after(revoke_the_agreement).await, "AGREEMENT_SUSPENDED");
    assert_eq!(asked_after(revoke_the_key).await, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_after_its_agreement_was_revoked_does_not_leave() {
    let mut hub = Hub::start().await;
    let mut client = hub.client().await;
    let called = tokio::spawn(async move { client.get_citizen(citizen_request(HELD)).await });
    until("the call at its provider", || hub.provider.0.load(Ordering::Relaxed) == 1).await;
    hub.change_rules(revoke_the_agreement).await;
    hub.provider.1.notify_one();
    let refused = within("a refusal", called).await.unwrap().unwrap_err();
    assert_eq!(reason(&refused), "AGREEMENT_SUSPENDED");
    let (sealed, _) = hub.final_entry(&exchange_of(refused.metadata())).await;
    assert_eq!((sealed.outcome(), sealed.record_count), (Outcome::Denied, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_under_way_goes_on_under_other_rules_that_leave_it_open() {
    let hub = Hub::start().await;
    let mut client = hub.client().await;
    let called = tokio::spawn(async move { client.get_citizen(citizen_request(HELD)).await });
    until("the call at its provider", || hub.provider.0.load(Ordering::Relaxed) == 1).await;
    hub.change_rules(|snapshot| snapshot.applications[1].credentials.clear()).await;
    hub.provider.1.notify_one();
    assert!(within("an answer", called).await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_the_key_that_opened_it_is_revoked() {
    let mut hub = Hub::start().await;
    let answer = within("a stream", hub.client().await.list_residents(residents_request(7))).await.unwrap();
    let exchange = exchange_of(answer.metadata());
    let mut residents = answer.into_inner();
    for _ in 0..7 {
        assert!(within("a resident", residents.message()).await.unwrap().is_some());
    }
    hub.change_rules(revoke_the_key).await;
    let cut = within("the end", residents.message()).await.unwrap_err();
    assert_eq!(reason(&cut), "TOKEN_INVALID");
    let (sealed, _) = hub.final_entry(&exchange).await;
    assert_eq!(sealed.record_count, 7, "what had left is entered");
}
