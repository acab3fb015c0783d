//! Who used the processor: the threads of this process by part, and the real broker's process.
//!
//! The threads of a part's runtime bear its name. librdkafka names its threads alike whoever owns them, so any other thread
//! belongs to the part during whose start it appeared.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Result;

/// How long the set of threads must stay the same for a part to count as started.
const STILL: Duration = Duration::from_millis(300);
const LOOK: Duration = Duration::from_millis(50);

type Thread = u32;

/// Which thread is whose.
#[derive(Default)]
pub struct Parts {
    owners: BTreeMap<Thread, &'static str>,
    broker: Option<u32>,
}

/// CPU used so far, in nanoseconds.
pub struct Used {
    threads: BTreeMap<Thread, (String, u64)>,
    process: u64,
    broker: u64,
}

impl Parts {
    /// Watches the process of the broker that listens on the port of this machine, if there is one to be seen.
    pub fn watch_broker(&mut self, bootstrap: &str) {
        let port = bootstrap.rsplit(':').next().and_then(|port| port.parse().ok());
        self.broker = port.and_then(listener);
    }

    /// Gives all threads that nobody owns yet to a part, once no more appear.
    pub async fn started(&mut self, part: &'static str) {
        let mut seen = threads();
        let mut since = tokio::time::Instant::now();
        while since.elapsed() < STILL {
            tokio::time::sleep(LOOK).await;
            let now = threads();
            if now.keys().ne(seen.keys()) {
                since = tokio::time::Instant::now();
                seen = now;
            }
        }
        for (thread, name) in seen {
            let owner = if name.starts_with("rdk:mock") { "broker" } else { part };
            self.owners.entry(thread).or_insert(owner);
        }
    }

    pub fn used(&self) -> Used {
        let threads = threads().into_iter().map(|(thread, name)| {
            let ran = ran(&format!("/proc/self/task/{thread}/schedstat"));
            (thread, (name, ran))
        });
        let broker = self.broker.map(process).unwrap_or_default();
        Used { threads: threads.collect(), process: process(std::process::id()), broker }
    }

    /// Microseconds per exchange, by part, and by part and thread.
    pub fn per_exchange(
        &self,
        before: &Used,
        after: &Used,
        exchanges: u64,
    ) -> (BTreeMap<String, f64>, BTreeMap<String, f64>) {
        let per_exchange = |nanoseconds: u64| nanoseconds as f64 / 1e3 / exchanges.max(1) as f64;
        let mut parts = BTreeMap::<String, f64>::new();
        let mut by_thread = BTreeMap::<String, f64>::new();
        for (thread, (name, ran)) in &after.threads {
            let until = before.threads.get(thread).map_or(0, |(_, ran)| *ran);
            let part = part_of(name).or_else(|| self.owners.get(thread).copied()).unwrap_or("other");
            let used = per_exchange(ran.saturating_sub(until));
            *parts.entry(part.to_owned()).or_default() += used;
            *by_thread.entry(format!("{part} {name}")).or_default() += used;
        }
        if self.broker.is_some() {
            *parts.entry("broker".to_owned()).or_default() += per_exchange(after.broker - before.broker);
        }
        // Threads that have ended in between are in the sum of the process only.
        let seen: f64 = parts
            .iter()
            .filter(|(part, _)| self.broker.is_none() || *part != "broker")
            .map(|(_, us)| us)
            .sum();
        let rest = per_exchange(after.process - before.process) - seen;
        if rest > 1.0 {
            *parts.entry("other".to_owned()).or_default() += rest;
        }
        (parts, by_thread)
    }
}

fn part_of(name: &str) -> Option<&'static str> {
    const PARTS: &[&str] = &["client", "gateway", "adapter", "ledger", "registry"];
    PARTS.iter().find(|part| name.starts_with(*part)).copied()
}

fn threads() -> BTreeMap<Thread, String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let ids = tasks.filter_map(|task| task.file_name().to_string_lossy().parse().ok());
    ids.map(|id: Thread| {
        let name = fs::read_to_string(format!("/proc/self/task/{id}/comm")).unwrap_or_default();
        (id, name.trim().to_owned())
    })
    .collect()
}

/// The first number of a `schedstat`: nanoseconds on a processor.
fn ran(path: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split(' ').next().and_then(|ran| ran.parse().ok()).unwrap_or_default()
}

/// User and system time of a whole process, in ticks of 10 ms.
fn process(id: u32) -> u64 {
    const TICK_NS: u64 = 10_000_000;
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_NS
}

/// The process that listens on a port of this machine.
fn listener(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let inode = rows.map(|row| row.split_whitespace().collect::<Vec<_>>()).find_map(|fields| {
        let listens = fields.get(3) == Some(&"0A");
        let local = fields.get(1)?.rsplit(':').next()?;
        (listens && u16::from_str_radix(local, 16) == Ok(port))
            .then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    })?;
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|process| process.file_name().to_string_lossy().parse().ok()).find(|id: &u32| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|target| target.to_string_lossy() == socket)
    })
}

/// Resident memory of this process, in MiB.
pub fn resident_mib() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
