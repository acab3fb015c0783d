//! A real Kafka that stops in the middle of its work: it takes connections, and answers nothing.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use lgsp_bus::{Appender, Bus, Error, Options, topics};
use lgsp_core::{Hop, Reason};
use tokio::time::Instant;

use crate::hub::*;

/// A Kafka of the test's own, which it may halt. It is stopped, and its data deleted, when this is dropped.
struct OwnKafka {
    dir: PathBuf,
    port: u16,
}

impl OwnKafka {
    /// Starts one if the tests are to run on Kafka.
    fn start() -> Option<Self> {
        std::env::var("LGSP_TEST_KAFKA").ok()?;
        let dir = std::env::temp_dir().join(format!("lgsp-bus-halted-{:08x}", rand::random::<u32>()));
        let own = Self { dir, port: free_ports() };
        let port = own.port.to_string();
        assert!(own.kafka(&["start", "--port", &port]), "Kafka starts");
        Some(own)
    }

    fn kafka(&self, arguments: &[&str]) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kafka/kafka");
        let mut command = Command::new(script);
        command.args(arguments).arg("--dir").arg(&self.dir).stdin(Stdio::null()).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn halt(&self) {
        assert!(self.signal("-STOP"), "Kafka halts");
    }

    fn go_on(&self) {
        assert!(self.signal("-CONT"), "Kafka goes on");
    }

    fn signal(&self, signal: &str) -> bool {
        let Ok(pid) = std::fs::read_to_string(self.dir.join("node-1/pid")) else { return false };
        Command::new("kill").args([signal, pid.trim()]).status().is_ok_and(|status| status.success())
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        // Who is halted does not hear that it should end. What fails here leaves a process and a folder, and no wrong result.
        self.signal("-CONT");
        self.kafka(&["stop"]);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A free port whose successor, which the controller takes, is free too.
fn free_ports() -> u16 {
    let free = || {
        let first = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let both = TcpListener::bind(("127.0.0.1", first)).and(TcpListener::bind(("127.0.0.1", first + 1)));
        both.is_ok().then_some(first)
    };
    (0..100).find_map(|_| free()).expect("two free ports in a row")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_kafka_halted_entries_and_calls_fail_in_time_and_recover_within_five_seconds() {
    let Some(kafka) = OwnKafka::start() else {
        eprintln!("skipped: the embedded broker cannot be halted");
        return;
    };
    let brokers = Some(format!("127.0.0.1:{}", kafka.port));
    let domains = vec!["halted".to_owned()];
    let bus = Bus::open(Options { brokers, domains, request_partitions: 4, ..Options::default() }).unwrap();
    topics::apply(&bus).await.unwrap();
    let appender = Appender::new(&bus, "gateway-0", None).unwrap();
    let append = async |limit| {
        appender.append_durably(b"key", Bytes::from_static(b"entry"), Instant::now() + limit).await
    };
    let (_provider, serving) = provider(&bus, "halted").await;
    let caller = caller(&bus, "halted").await;
    let call = async |limit| {
        let mut head = head("halted", LIST);
        head.deadline_us = from_now(limit);
        answer(&mut caller.call(head, list("hello")).await?).await
    };
    append(PATIENCE).await.unwrap();
    call(PATIENCE).await.unwrap();

    kafka.halt();
    let limit = Duration::from_millis(500);
    let in_time = |begun: Instant| {
        assert!(begun.elapsed() < limit + Duration::from_secs(1), "{:?}", begun.elapsed());
    };
    let begun = Instant::now();
    let refused = append(limit).await;
    in_time(begun);
    assert!(matches!(refused, Err(Error::TimedOut { .. })), "{refused:?}");
    let begun = Instant::now();
    let fault = call(limit).await.unwrap_err();
    in_time(begun);
    assert_eq!((fault.reason(), fault.hop()), (Reason::DeadlineExceeded, Hop::Broker));
    within("the loss to be noticed", serving.until_lost()).await;

    kafka.go_on();
    let restored = Instant::now();
    let recover = async {
        while append(limit).await.is_err() {}
        while call(limit).await.is_err() {}
    };
    within("recovery", recover).await;
    assert!(restored.elapsed() < Duration::from_secs(5), "{:?}", restored.elapsed());
    within("requests to be taken again", serving.until_ready()).await;
}
