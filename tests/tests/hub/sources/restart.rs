//! A PostgreSQL that ends every connection while it is asked, as one that is restarted does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lgsp_core::{Outcome, Reason};
use lgsp_proto::ledger::v1::Hop;
use lgsp_sample::READER;
use lgsp_store::{Query, Store};
use prost_reflect::MethodDescriptor;
use serde_json::Value;
use tokio::time::Instant;
use tonic::Status;

use super::questions::QUESTIONS;
use super::{ANOTHER_CITY, city_on_postgresql, homes, read_as_reader};
use crate::caller::{App, refused};
use crate::dynamic::method;
use crate::fixture::{Hub, within};

/// A method of each domain, and the table that it reads.
const METHODS: [(&str, &str); 5] = [
    ("lgsp.population.v1.PopulationService/GetCitizen", "population.citizen"),
    ("lgsp.land.v1.LandService/GetParcel", "land.parcel"),
    ("lgsp.health.v1.HealthService/VerifyInsurance", "health.insurance_card"),
    ("lgsp.education.v1.EducationService/GetStudent", "education.student"),
    ("lgsp.business.v1.BusinessService/GetEnterprise", "business.enterprise"),
];
/// Callers of each method at once. An adapter has more connections than that.
const CALLERS: usize = 3;
/// How long all may take to be served again.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_database_restarted_in_the_middle_of_queries_fails_only_those_and_serves_again() {
    let Some(database) = city_on_postgresql().await else { return };
    let hub = Hub::start_with(ANOTHER_CITY, |config| read_as_reader(config, &database)).await;
    let owner = Store::open(&database.options(), &[]).await.expect("the database is there");

    // Every query waits for its table, so that all callers are in the middle of one when the connections end.
    let mut locks = owner.load().await.expect("a transaction");
    let tables = METHODS.map(|(_, table)| table).join(", ");
    locks.run(&format!("LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")).await.expect("locked");
    let has_ended = Arc::new(AtomicBool::new(false));
    let callers = callers(&hub).map(|caller| tokio::spawn(caller.call_until_served_again(has_ended.clone())));
    let callers: Vec<_> = callers.collect();
    within("every caller is in the middle of a query", || async {
        count(&owner, "count(*)", "wait_event_type = 'Lock'").await == METHODS.len() * CALLERS
    })
    .await;
    let ended = count(&owner, "count(*) FILTER (WHERE pg_terminate_backend(pid))", "TRUE").await;
    assert!(ended >= METHODS.len() * CALLERS, "{ended} connections ended");
    has_ended.store(true, Ordering::SeqCst);
    locks.commit().await.expect("unlocked");

    let mut failed = 0;
    for caller in callers {
        let refusals = tokio::time::timeout(PATIENCE, caller).await.expect("served again in time");
        for refusal in refusals.expect("a caller does not panic") {
            failed += 1;
            let refusal = refused(Err::<(), _>(refusal), Reason::SourceUnavailable);
            assert_eq!(refusal.hop, "source");
            let entry = hub.final_entry(refusal.exchange).await;
            assert_eq!((entry.outcome(), entry.failed_hop()), (Outcome::Failed, Hop::Source));
        }
    }
    assert!(failed > 0, "no caller noticed");
    owner.close().await;
    hub.stop().await;
}

/// Who asks one thing again and again.
struct Caller {
    app: App,
    method: MethodDescriptor,
    request: Value,
}

fn callers(hub: &Hub) -> impl Iterator<Item = Caller> {
    let home = homes().remove(0);
    METHODS.into_iter().flat_map(move |(name, _)| {
        let question = QUESTIONS.iter().find(|question| question.method == name).expect("it is asked");
        let app = hub.app(question.application).purpose(question.purpose);
        let request = (question.about)(&home).remove(0);
        std::iter::repeat_with(move || Caller {
            app: app.clone(),
            method: method(name),
            request: request.clone(),
        })
        .take(CALLERS)
    })
}

impl Caller {
    /// Gives the refusals until it is served after the connections have ended.
    async fn call_until_served_again(self, has_ended: Arc<AtomicBool>) -> Vec<Status> {
        let mut refusals = Vec::new();
        loop {
            let began_after = has_ended.load(Ordering::SeqCst);
            match self.app.ask(&self.method, &self.request).await {
                Ok(_) if began_after => return refusals,
                Ok(_) => {}
                Err(refusal) => refusals.push(refusal),
            }
        }
    }
}

/// Counts something of the adapters' connections.
async fn count(owner: &Store, what: &str, which: &str) -> usize {
    let sql = format!(
        "SELECT {what} AS n FROM pg_stat_activity \
         WHERE datname = current_database() AND usename = '{READER}' AND {which}"
    );
    let mut reader = owner.reader(Instant::now() + PATIENCE).await.expect("a connection");
    let row = reader.optional(Query::new(&sql)).await.expect("the server answers").expect("a row");
    usize::try_from(row.integer("n").expect("a number")).expect("a count")
}
