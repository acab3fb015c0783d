//! Signals, as a process gets them: this test binary runs itself once more as that process.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use lgsp_runtime::shutdown::{self, Signals};

const AS_PROCESS: &str = "LGSP_TEST_AS_PROCESS";

/// Drains for ever after the first signal.
#[test]
fn process_that_is_told_to_end() {
    if std::env::var_os(AS_PROCESS).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut signals = Signals::listen().unwrap();
        println!("\nlistening");
        signals.next().await;
        println!("draining");
        signals.leave_on_next().await;
    });
}

#[test]
fn the_first_signal_drains_and_the_second_leaves_at_once() {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process_that_is_told_to_end", "--nocapture"])
        .env(AS_PROCESS, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = |signal: &str| {
        let kill = Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
        assert!(kill.success());
    };

    assert!(lines.any(|line| line == "listening"));
    told("-TERM");
    assert!(lines.any(|line| line == "draining"));
    told("-INT");

    let code = process.wait().unwrap().code();
    assert_eq!(code, Some(i32::from(shutdown::EXIT_CODE)));
}
