//! The table, and the same as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use serde_json::{Value, json};

use crate::kills::Kill;
use crate::verdict::Verdict;

/// Most violations that are told; their number is.
const MOST_TOLD: usize = 20;

/// The whole run.
pub struct Report {
    pub took: Duration,
    pub calls: u64,
    pub served: u64,
    pub reasons: BTreeMap<String, u64>,
    pub kills: Vec<Kill>,
    pub leaves: usize,
    pub checkpoints: usize,
    /// What `lgsp ledger check` said.
    pub files: String,
    pub verdict: Verdict,
}

/// All kills of one victim.
#[derive(Default)]
struct Kills {
    times: usize,
    back_after: Duration,
    without_service: Duration,
}

impl Report {
    pub fn holds(&self) -> bool {
        self.verdict.violations.is_empty()
    }

    /// By victim, the longest of each time.
    fn by_victim(&self) -> BTreeMap<String, Kills> {
        let mut victims = BTreeMap::<String, Kills>::new();
        for kill in &self.kills {
            let of = victims.entry(kill.victim.name()).or_default();
            of.times += 1;
            of.back_after = of.back_after.max(kill.back_after);
            of.without_service = of.without_service.max(kill.without_service);
        }
        victims
    }

    pub fn json(&self) -> Value {
        let Verdict { abandoned, ended_later, gaps, gateways, refusals_lost, requests, .. } = &self.verdict;
        let kills: Vec<Value> = (self.by_victim().iter())
            .map(|(victim, of)| {
                json!({
                    "victim": victim, "times": of.times, "longestBackAfterSeconds": of.back_after.as_secs_f64(),
                    "longestWithoutServiceSeconds": of.without_service.as_secs_f64(),
                })
            })
            .collect();
        json!({
            "seconds": self.took.as_secs_f64(), "calls": self.calls, "served": self.served, "failed": self.reasons,
            "unanswered": {
                "ended": self.verdict.unanswered_ended, "abandoned": self.verdict.unanswered_abandoned,
                "unknown": self.verdict.unanswered_unknown,
            },
            "kills": kills, "leaves": self.leaves, "checkpoints": self.checkpoints, "requests": requests,
            "abandoned": abandoned, "abandonedAndEndedLater": ended_later, "gateways": gateways,
            "gapsOfKilledGateways": gaps, "refusalsLostWithGateways": refusals_lost, "files": self.files,
            "holds": self.holds(), "violations": self.verdict.violations,
        })
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = &self.verdict;
        let mut row =
            |what: &str, count: u64, note: &str| writeln!(f, "  {what:<44} {count:>9}  {note}").map(drop);
        let per_second = self.served as f64 / self.took.as_secs_f64().max(1.0);
        row("calls", self.calls, "")?;
        row(
            "served",
            self.served,
            &format!("{per_second:.0} a second over {:.0} s", self.took.as_secs_f64()),
        )?;
        for (reason, count) in &self.reasons {
            row(&format!("not served: {reason}"), *count, "")?;
        }
        row("of those without an answer, ended in the log", verdict.unanswered_ended, "")?;
        row("  entered as abandoned", verdict.unanswered_abandoned, "")?;
        row("  not in the log", verdict.unanswered_unknown, "never admitted, or refused")?;
        row("requests on Kafka", verdict.requests as u64, "each has its end")?;
        row("leaves of the log", self.leaves as u64, "")?;
        row("checkpoints seen", self.checkpoints as u64, "each goes on the one before")?;
        row("abandoned", verdict.abandoned, &format!("{} of them ended later", verdict.ended_later))?;
        row("gateways started", verdict.gateways as u64, "")?;
        row(
            "gaps of those that were killed",
            verdict.gaps,
            "refusals in memory, or exchanges now abandoned",
        )?;
        row("refusals told and lost with their gateway", verdict.refusals_lost, "")?;
        writeln!(f, "\n  killed                           times   back after   longest without service")?;
        for (victim, Kills { times, back_after, without_service }) in self.by_victim() {
            let (back, without) = (back_after.as_secs_f64(), without_service.as_secs_f64());
            writeln!(f, "  {victim:<30} {times:>7} {back:>10.1} s {without:>23.1} s")?;
        }
        writeln!(f, "\n  ledger check: {}", self.files)?;
        for violation in verdict.violations.iter().take(MOST_TOLD) {
            writeln!(f, "  does not hold: {violation}")?;
        }
        match verdict.violations.len() {
            0 => writeln!(f, "\nverdict: everything holds"),
            count => writeln!(f, "\nverdict: {count} violations"),
        }
    }
}
