//! What the system knows of this process.

use std::time::Instant;

use procfs::WithCurrentSystemInfo as _;
use procfs::process::{Process, Stat};

use super::{
    Metrics, PROCESS_CPU_TIME, PROCESS_FILES, PROCESS_MEMORY_USAGE, PROCESS_MEMORY_VIRTUAL,
    PROCESS_THREAD_COUNT, PROCESS_UPTIME,
};

/// Shows the process from now on. What cannot be read is not told.
pub(super) fn observe(metrics: &Metrics, started: Instant) {
    metrics.observe(&PROCESS_UPTIME, move |told| told.tell(&[], started.elapsed().as_secs_f64()));
    metrics.observe(&PROCESS_CPU_TIME, |told| {
        let Some(stat) = stat() else { return };
        let ticks = procfs::ticks_per_second() as f64;
        told.tell(&["system"], stat.stime as f64 / ticks);
        told.tell(&["user"], stat.utime as f64 / ticks);
    });
    metrics.observe(&PROCESS_MEMORY_USAGE, |told| {
        if let Some(stat) = stat() {
            told.tell(&[], stat.rss_bytes().get() as f64);
        }
    });
    metrics.observe(&PROCESS_MEMORY_VIRTUAL, |told| {
        if let Some(stat) = stat() {
            told.tell(&[], stat.vsize as f64);
        }
    });
    metrics.observe(&PROCESS_THREAD_COUNT, |told| {
        if let Some(stat) = stat() {
            told.tell(&[], stat.num_threads as f64);
        }
    });
    metrics.observe(&PROCESS_FILES, |told| {
        if let Ok(files) = Process::myself().and_then(|process| process.fd_count()) {
            told.tell(&[], files as f64);
        }
    });
}

fn stat() -> Option<Stat> {
    Process::myself().and_then(|process| process.stat()).ok()
}
