//! Who gets a request: nobody, a live owner, and never one who is dead or leaves.

use std::time::Duration;

use lgsp_bus::ServeOptions;
use lgsp_core::Reason;

use crate::hub::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_nobody_serves_is_refused_once_the_gateway_has_listened() {
    let bus = bus();
    let caller = caller(&bus, "nobody").await;
    let refused = async {
        loop {
            match caller.call(head("nobody", LIST), list("hello")).await {
                Err(fault) => return fault,
                Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    assert_eq!(within("the refusal", refused).await.reason(), Reason::NoProvider);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_instance_is_routed_around_long_before_its_session_ends() {
    let bus = bus();
    let (_provider, alive) = provider(&bus, "dead").await;
    // An instance that hangs: a member of the group still, but nothing in it moves any more.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let doomed_bus = bus.clone();
    let (doomed, _) = runtime
        .spawn(
            async move { serving(&doomed_bus, "dead", Provider::default(), ServeOptions::default()).await },
        )
        .await
        .unwrap();
    until("both to own partitions", || !doomed.partitions().is_empty() && alive.partitions().len() == 2)
        .await;
    let caller = caller(&bus, "dead").await;
    until("both to be heard", || {
        let providers = caller.providers();
        providers.len() == 2
            && providers.iter().all(|provider| provider.live && provider.partitions.len() == 2)
    })
    .await;

    runtime.shutdown_background();
    until("the silence to be noticed", || {
        caller.providers().iter().filter(|provider| provider.live).count() == 1
    })
    .await;
    for _ in 0..16 {
        assert!(call(&caller, "dead", "hello").await.is_ok());
    }
    assert_eq!(doomed.partitions().len(), 2, "it is a member of the group still");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_leaves_says_so_and_finishes_what_it_has() {
    let bus = bus();
    let provider = Provider::default();
    let (first, shutdown) = serving(&bus, "leaving", provider.clone(), ServeOptions::default()).await;
    within("partitions", first.until_ready()).await;
    let caller = caller(&bus, "leaving").await;
    until("it to be heard", || caller.providers().iter().any(|provider| !provider.partitions.is_empty()))
        .await;
    let mut held = caller.call(head("leaving", LIST), list("wait")).await.unwrap();
    until("the work to begin", || provider.calls() == 1).await;

    let leaving = tokio::spawn(async move { shutdown.run().await });
    let mut accepted = Vec::new();
    let refused = async {
        loop {
            match caller.call(head("leaving", LIST), list("hello")).await {
                Err(fault) => return fault,
                Ok(reply) => accepted.push(reply),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(within("the refusal", refused).await.reason(), Reason::NoProvider);
    assert!(!accepted.is_empty(), "it takes requests until it is heard that it leaves");
    for mut reply in accepted {
        assert!(answer(&mut reply).await.is_ok(), "what was sent before that is answered");
    }
    provider.go.notify_waiters();
    assert!(answer(&mut held).await.is_ok());
    assert_eq!(within("the end", leaving).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_killed_says_nothing_leaves_no_group_and_what_it_had_comes_again() {
    let bus = own_bus("killed");
    let provider = Provider::default();
    let (doomed, doom) = serving(&bus, "killed", provider.clone(), ServeOptions::default()).await;
    within("partitions", doomed.until_ready()).await;
    let caller = caller(&bus, "killed").await;
    until("it to be heard", || caller.providers().iter().any(|provider| !provider.partitions.is_empty()))
        .await;
    let instance = caller.providers().remove(0).instance;
    let heard = || caller.providers().into_iter().find(|provider| provider.instance == instance).unwrap();
    let mut held = caller.call(head("killed", LIST), list("wait")).await.unwrap();
    until("the work to begin", || provider.calls() == 1).await;

    doom.abandon();
    let next = Provider::default();
    let (successor, _) = serving(&bus, "killed", next.clone(), ServeOptions::default()).await;
    until("the silence to be noticed", || !heard().live).await;
    assert!(!heard().leaving, "nothing else told of it");
    assert!(successor.partitions().len() < 4, "it is a member of the group still");
    until("its partitions to be taken over", || successor.partitions().len() == 4).await;
    until("the request to come again", || next.calls() == 1).await;
    next.go.notify_waiters();
    assert!(answer(&mut held).await.is_ok());
}
