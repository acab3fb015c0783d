//! Clocks: those of processes against this machine's. There is no NTP to ask; what counts is that they agree.
//!
//! Kafka stamps records with their sender's time, so that a broker's own clock is not told.

use super::asked::Asked;
use super::finding::Finding;

const CHECK: &str = "clock";
const MEND: &str = "look after NTP there and here: timedatectl, chronyc tracking";
/// A date of HTTP is cut to the second, and a heartbeat is under way for a moment.
const NOISE_US: i64 = 2_000_000;
/// From so far off on, heartbeats are not believed.
const UNBELIEVED_US: i64 = 10_000_000;

pub(super) fn check(asked: &Asked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (port, process) in &asked.processes {
        let Some(ahead) = process.ahead else { continue };
        findings.push(of(format!("{} at {port}", process.instance), ahead.saturating_mul(1_000_000)));
    }
    match &asked.heard {
        None => {}
        Some(Err(why)) => findings.push(Finding::unknown(CHECK, "heartbeats", why)),
        Some(Ok(heard)) => {
            for (instance, heard) in &heard.instances {
                let mut finding = of(format!("heartbeats of {instance}"), heard.ahead_us);
                if !heard.is_believed {
                    finding.found.push_str(": nobody believes what it says");
                }
                findings.push(finding);
            }
            if heard.instances.is_empty() {
                let found = match heard.unsigned {
                    0 => "none were heard".to_owned(),
                    unsigned => {
                        format!("{unsigned} were heard, and none under a key that is in keys.mac here")
                    }
                };
                findings.push(Finding::unknown(CHECK, "heartbeats", found));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::unknown(CHECK, "this machine", "no other clock can be asked"));
    }
    findings
}

fn of(what: String, ahead_us: i64) -> Finding {
    let seconds = ahead_us as f64 / 1_000_000.0;
    match ahead_us.saturating_abs() {
        off if off < NOISE_US => Finding::ok(CHECK, what, "agrees with this machine's"),
        off if off < UNBELIEVED_US => {
            Finding::warning(CHECK, what, format!("{seconds:+.1} s off this machine's")).mend(MEND)
        }
        _ => Finding::wrong(CHECK, what, format!("{seconds:+.1} s off this machine's")).mend(MEND),
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::Process;
    use super::super::finding::Verdict;
    use super::*;
    use crate::overheard::{Listened, Overheard};

    #[test]
    fn a_clock_that_is_off_is_told_with_what_it_does() {
        let process =
            |ahead| Process { instance: "hub-1".to_owned(), ahead: Some(ahead), ..Process::default() };
        let port = |number| std::net::SocketAddr::from(([127, 0, 0, 1], number));
        let heard = Overheard { ahead_us: -3_600_000_000, is_believed: false, heartbeat: Default::default() };
        let listened = Listened { instances: [("adapter-land-1".to_owned(), heard)].into(), unsigned: 0 };
        let asked = Asked {
            processes: vec![(port(1), process(1)), (port(2), process(-5))],
            heard: Some(Ok(listened)),
            ..Asked::default()
        };
        let found = check(&asked);
        let verdicts: Vec<Verdict> = found.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Warning, Verdict::Wrong]);
        assert_eq!(found[2].found, "-3600.0 s off this machine's: nobody believes what it says");
    }

    #[test]
    fn without_another_clock_nothing_is_claimed() {
        let verdicts = |asked: &Asked| check(asked).iter().map(|it| it.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(&Asked::default()), [Verdict::Unknown]);
        let deaf =
            Asked { heard: Some(Ok(Listened { unsigned: 9, ..Listened::default() })), ..Asked::default() };
        assert_eq!(verdicts(&deaf), [Verdict::Unknown]);
    }
}
