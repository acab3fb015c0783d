//! What a caller gets of a database that does not answer in time, and what is left behind there. On PostgreSQL, of which another
//! has locked a table, with one connection for all callers.

use std::time::Duration;

use lgsp_adapter::testing::Database;
use lgsp_adapter::{Options, Query, SourceOptions, Store, StoreOptions};
use lgsp_proto::health::v1::{GetPatientSummaryRequest, VerifyInsuranceRequest};
use tokio::time::Instant;
use tonic::{Code, Request, Status};

use crate::database::{Form, HOLDER, Records};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

/// What the server works on for the adapter.
const AT_WORK: &str = "SELECT count(*) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND state = 'active'
      AND pid <> pg_backend_pid()";
const AT_A_LOCK: &str = "SELECT count(*) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'";

/// A database whose patients nobody can read, and whose cards everybody can.
struct Locked {
    records: Records,
    /// The connection that holds the lock.
    holder: Store,
}

impl Locked {
    async fn with(query_timeout: Duration) -> Option<Self> {
        let database = Database::postgres().await?;
        let holder = StoreOptions { max_connections: 1, ..database.options() };
        let options = Options::of(database.url());
        let source = SourceOptions { max_connections: 1, ..options.source };
        let options = Options { source, query_timeout, ..options };
        let records = Records::opened(database, Form::Native, "", options).await;
        let holder = Store::open(&holder, &[]).await.unwrap();
        holder.run("BEGIN; LOCK TABLE patient IN ACCESS EXCLUSIVE MODE").await.unwrap();
        Some(Self { records, holder })
    }

    async fn unlock(&self) {
        self.holder.run("ROLLBACK").await.unwrap();
    }

    async fn count(&self, sql: &str) -> i64 {
        let mut reader = self.records.store.reader(Instant::now() + PATIENCE).await.unwrap();
        reader.optional(Query::new(sql)).await.unwrap().unwrap().integer("n").unwrap()
    }

    /// Waits until the server works on so many queries of the adapter.
    async fn eventually(&self, sql: &str, count: i64) {
        let end = Instant::now() + PATIENCE;
        while self.count(sql).await != count {
            assert!(Instant::now() < end, "not {count} within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A question about the locked table.
fn summary(left: Duration) -> Request<GetPatientSummaryRequest> {
    let asked = GetPatientSummaryRequest { personal_number: HOLDER.to_owned(), ..Default::default() };
    within(left, asked)
}

/// A question about a table that is not locked.
fn insurance(left: Duration) -> Request<VerifyInsuranceRequest> {
    within(left, VerifyInsuranceRequest { personal_number: HOLDER.to_owned(), ..Default::default() })
}

fn within<T>(left: Duration, asked: T) -> Request<T> {
    let mut request = Request::new(asked);
    request.set_timeout(left);
    request
}

fn is_told(status: &Status, code: Code, reason: &str) {
    assert_eq!(status.code(), code);
    assert!(String::from_utf8_lossy(status.details()).contains(reason), "{status:?}");
    assert!(!format!("{status:?}").contains(HOLDER));
}

#[tokio::test]
async fn a_query_that_is_too_slow_is_the_sources_fault_and_is_ended_on_the_server() {
    let Some(mut locked) = Locked::with(SHORT).await else { return };
    let began = Instant::now();
    let refusal = locked.records.client.get_patient_summary(summary(PATIENCE)).await.unwrap_err();
    is_told(&refusal, Code::Unavailable, "SOURCE_UNAVAILABLE");
    assert!(began.elapsed() < PATIENCE / 2);
    locked.eventually(AT_WORK, 0).await;

    locked.unlock().await;
    let end = Instant::now() + PATIENCE;
    while let Err(refusal) = locked.records.client.get_patient_summary(summary(PATIENCE)).await {
        assert!(Instant::now() < end, "the connection serves again: {refusal:?}");
    }
}

#[tokio::test]
async fn a_query_of_a_caller_whose_deadline_passes_is_ended_on_the_server() {
    let Some(mut locked) = Locked::with(PATIENCE).await else { return };
    let began = Instant::now();
    let refusal = locked.records.client.get_patient_summary(summary(SHORT)).await.unwrap_err();
    is_told(&refusal, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert!(began.elapsed() < PATIENCE / 2);
    locked.eventually(AT_WORK, 0).await;
}

#[tokio::test]
async fn a_query_of_a_caller_who_leaves_is_ended_on_the_server() {
    let Some(locked) = Locked::with(PATIENCE).await else { return };
    let mut client = locked.records.client.clone();
    let asked = tokio::spawn(async move { client.get_patient_summary(summary(PATIENCE)).await });
    locked.eventually(AT_A_LOCK, 1).await;
    asked.abort();
    locked.eventually(AT_WORK, 0).await;
}

#[tokio::test]
async fn who_finds_every_connection_in_use_is_refused_at_the_deadline_and_the_others_are_served() {
    let Some(mut locked) = Locked::with(PATIENCE).await else { return };
    let mut client = locked.records.client.clone();
    let first = tokio::spawn(async move { client.get_patient_summary(summary(PATIENCE)).await });
    locked.eventually(AT_A_LOCK, 1).await;

    let began = Instant::now();
    let refusal = locked.records.client.verify_insurance(insurance(SHORT)).await.unwrap_err();
    is_told(&refusal, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert!(began.elapsed() < PATIENCE / 2);
    assert_eq!(locked.count(AT_WORK).await, 1, "the one that waits for the lock");

    locked.unlock().await;
    first.await.unwrap().unwrap();
    locked.records.client.verify_insurance(insurance(PATIENCE)).await.unwrap();
}
