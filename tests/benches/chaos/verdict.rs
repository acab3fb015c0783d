//! What was seen from outside against what the log says.

use std::collections::BTreeSet;

use lgsp_proto::ledger::v1::Outcome;

use crate::load::Ended;
use crate::log::{End, Log};
use crate::topics::Followed;

/// The counts behind a verdict, and what does not hold.
#[derive(Default)]
pub struct Verdict {
    pub violations: Vec<String>,
    /// Exchanges whose request stands on Kafka.
    pub requests: usize,
    pub abandoned: u64,
    /// Of these, those whose final entry came all the same.
    pub ended_later: u64,
    /// Numbers that killed gateways gave to entries which never came: of refusals that were in memory, or of exchanges that are abandoned now.
    pub gaps: u64,
    pub gateways: usize,
    /// Refusals that killed gateways had told and not entered.
    pub refusals_lost: u64,
    /// Calls that nobody answered: entered with an end, entered as abandoned, and never admitted or not entered.
    pub unanswered_ended: u64,
    pub unanswered_abandoned: u64,
    pub unanswered_unknown: u64,
}

/// Judges the run, given what callers saw and which instances were killed.
pub fn judge(ended: &[Ended], followed: &Followed, log: &Log, killed: &BTreeSet<String>) -> Verdict {
    let mut verdict = Verdict { requests: followed.requests.len(), ..Verdict::default() };
    for call in ended {
        verdict.judge_call(call, followed, log, killed);
    }
    for exchange in followed.requests.iter().filter(|exchange| !log.ends.contains_key(exchange)) {
        verdict.violations.push(format!("{exchange} was sent to its domain, and has no end"));
    }
    for (exchange, ..) in followed.entries.iter().filter(|key| !log.keys.contains(key)) {
        verdict.violations.push(format!("{exchange} has an entry on Kafka that is not in the log"));
    }
    for end in log.ends.values().filter(|end| end.abandoned) {
        verdict.abandoned += 1;
        verdict.ended_later += u64::from(end.finally.is_some());
    }
    verdict.judge_sequences(log, killed);
    verdict.violations.extend(log.violations.iter().chain(&followed.violations).cloned());
    verdict
}

impl Verdict {
    fn judge_call(&mut self, call: &Ended, followed: &Followed, log: &Log, killed: &BTreeSet<String>) {
        let end = |exchange| log.ends.get(exchange).copied().unwrap_or_default();
        let Some(exchange) = call.exchange else {
            match followed.exchanges.get(&call.number).map(end) {
                Some(End { finally: Some(_), .. }) => self.unanswered_ended += 1,
                Some(End { abandoned: true, .. }) => self.unanswered_abandoned += 1,
                Some(_) | None => self.unanswered_unknown += 1,
            }
            if call.served {
                self.violations.push(format!("call {} was served without naming its exchange", call.number));
            }
            return;
        };
        match end(&exchange).finally {
            Some(Outcome::Served) if call.served => {}
            Some(outcome) if call.served => {
                self.violations.push(format!("{exchange} was served, and is entered as {outcome:?}"));
            }
            Some(_) => {}
            None if call.served => {
                self.violations.push(format!("{exchange} was served, and has no final entry"))
            }
            // Refusals are entered without anybody waiting for it.
            None if killed.contains(&*call.gateway) => self.refusals_lost += 1,
            None => self.violations.push(format!("{exchange} was refused, and has no entry")),
        }
        if call.served && followed.exchanges.get(&call.number) != Some(&exchange) {
            self.violations.push(format!("{exchange} is not entered under its request id"));
        }
    }

    fn judge_sequences(&mut self, log: &Log, killed: &BTreeSet<String>) {
        for (gateway, numbers) in &log.sequences {
            self.gateways += 1;
            let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
            if distinct.len() != numbers.len() {
                self.violations.push(format!("{gateway} gave a number to two entries"));
            }
            let last = distinct.last().copied().unwrap_or(0);
            let missing = last - distinct.len() as u64;
            if missing > 0 && !killed.contains(gateway) {
                self.violations.push(format!(
                    "{missing} of the {last} entries of {gateway} are missing, which was not killed"
                ));
            }
            self.gaps += missing;
        }
    }
}
