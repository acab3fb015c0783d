//! The end of a role.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use lgsp_runtime::shutdown::{self, Late};
use lgsp_runtime::{Instance, Shutdown, Stage, State};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn role() -> (State, Shutdown) {
    let state = State::new(Instance::new("gateway", "1.2.3"));
    let brief = Duration::from_millis(50);
    let options = shutdown::Options { drain: brief, ..shutdown::Options::default() };
    (state.clone(), Shutdown::new(state, options))
}

#[tokio::test]
async fn the_stages_begin_in_order_and_each_waits_for_its_tasks() {
    let (state, shutdown) = role();
    state.component("listener").ready();
    let ended = Arc::new(Mutex::new(Vec::new()));
    // Spawned in the reverse order, so that only the stages can put them right.
    for stage in Stage::ALL.into_iter().rev() {
        let (begins, ended) = (shutdown.begins(stage), Arc::clone(&ended));
        shutdown.spawn(stage, "task", async move {
            begins.cancelled().await;
            tokio::task::yield_now().await;
            ended.lock().push(stage);
        });
    }

    let late = timeout(PATIENCE, shutdown.run()).await.unwrap();

    assert_eq!(late, []);
    assert_eq!(*ended.lock(), Stage::ALL);
    assert!(!state.is_ready(), "a role that ends is not ready");
}

#[tokio::test]
async fn an_exchange_in_flight_is_waited_for_before_the_entries_are_flushed() {
    let (_, shutdown) = role();
    let (answered, answer) = oneshot::channel::<()>();
    let exchange = shutdown.group(Stage::Drain, "exchange").spawn(async { answer.await.is_ok() });
    let flush = shutdown.begins(Stage::Flush);
    let drain = shutdown.begins(Stage::Drain);
    let flushed_early = flush.clone();
    tokio::spawn(async move {
        drain.cancelled().await;
        assert!(!flushed_early.is_cancelled());
        answered.send(()).unwrap();
    });

    assert_eq!(timeout(PATIENCE, shutdown.run()).await.unwrap(), []);
    assert_eq!(exchange.await.unwrap(), Some(true));
    assert!(flush.is_cancelled());
}

#[tokio::test]
async fn whoever_does_not_end_within_the_bound_is_named_and_dropped() {
    let (_, shutdown) = role();
    let group = shutdown.group(Stage::Drain, "exchange");
    let tasks = [group.spawn(std::future::pending::<()>()), group.spawn(std::future::pending())];
    group.spawn(async {});

    let late = timeout(PATIENCE, shutdown.run()).await.unwrap();

    assert_eq!(late, [Late { stage: Stage::Drain, name: "exchange".to_owned(), tasks: 2 }]);
    for task in tasks {
        assert_eq!(timeout(PATIENCE, task).await.unwrap().unwrap(), None);
    }
    assert_eq!(group.running(), 0);
}

#[tokio::test]
async fn a_thread_that_is_held_is_waited_for() {
    let (_, shutdown) = role();
    let hold = shutdown.hold(Stage::Close, "consumer");
    let close = shutdown.begins(Stage::Close);
    let ends = tokio::spawn(async move {
        close.cancelled().await;
        drop(hold);
    });
    assert_eq!(timeout(PATIENCE, shutdown.run()).await.unwrap(), []);
    ends.await.unwrap();
}

#[tokio::test]
async fn a_panicking_task_of_the_role_makes_it_not_live() {
    let (state, shutdown) = role();
    shutdown.spawn(Stage::Close, "consumer", async { panic!("a number of a person") });
    assert_eq!(timeout(PATIENCE, shutdown.run()).await.unwrap(), [], "a panicked task has ended");
    assert!(!state.is_live());
    assert_eq!(state.status()["panicked"], serde_json::json!(["consumer"]));
    assert!(!state.status().to_string().contains("a number of a person"));
}

#[tokio::test]
async fn a_panicking_exchange_ends_alone() {
    let (state, shutdown) = role();
    let exchange = shutdown.group(Stage::Drain, "exchange").spawn(async { panic!("of one exchange") });
    assert_eq!(exchange.await.unwrap(), None::<()>);
    assert!(state.is_live());
}

#[tokio::test]
async fn an_abandoned_role_ends_as_if_it_were_killed() {
    let (_, shutdown) = role();
    let exchange = shutdown.group(Stage::Drain, "exchange").spawn(std::future::pending::<()>());
    shutdown.abandon();
    assert_eq!(timeout(PATIENCE, exchange).await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_task_of_an_abandoned_role_does_not_do_what_it_does_at_its_end() {
    let (_, shutdown) = role();
    let mut farewells = Vec::new();
    for stage in Stage::ALL {
        let (begins, (said, farewell)) = (shutdown.begins(stage), oneshot::channel());
        shutdown.spawn(stage, "farewell", async move {
            begins.cancelled().await;
            said.send(()).unwrap();
        });
        farewells.push(farewell);
    }
    tokio::task::yield_now().await;
    shutdown.abandon();
    assert!(shutdown.abandoned().is_cancelled());
    for farewell in farewells {
        assert!(timeout(PATIENCE, farewell).await.unwrap().is_err(), "it is dropped before it says anything");
    }
}
