//! Clocks: those of processes against this machine's. There is no NTP to ask; what counts is that they agree.
//!
//! Kafka stamps records with their sender's time, so that a broker's own clock is not told.

use std::time::Duration;

use lgsp_bus::heartbeats::CLOCKS;

use super::asked::Asked;
use super::finding::Finding;
use crate::client::Lang;

const CHECK: &str = "clock";
/// A date of HTTP is cut to the second, and a heartbeat is under way for a moment.
const NOISE: Duration = Duration::from_secs(2);

pub(super) fn check(asked: &Asked, lang: Lang) -> Vec<Finding> {
    let mut findings = Vec::new();
    let heartbeats = lang.pick("heartbeats", "tín hiệu định kỳ");
    let of_whom = lang.pick("of", "của");
    for (port, process) in &asked.processes {
        let Some(ahead) = process.ahead else { continue };
        let at = lang.pick("at", "tại");
        findings.push(of(format!("{} {at} {port}", process.instance), ahead.saturating_mul(1_000_000), lang));
    }
    match &asked.heard {
        None => {}
        Some(Err(why)) => findings.push(Finding::unknown(CHECK, heartbeats, why)),
        Some(Ok(heard)) => {
            for (instance, heard) in &heard.instances {
                let mut finding = of(format!("{heartbeats} {of_whom} {instance}"), heard.ahead_us, lang);
                if !heard.is_believed {
                    finding.found.push_str(
                        lang.pick(": nobody believes what it says", ": không ai tin những gì nó nói"),
                    );
                }
                findings.push(finding);
            }
            if heard.instances.is_empty() {
                let found = match heard.unsigned {
                    0 => lang.pick("none were heard", "không nghe thấy tín hiệu nào").to_owned(),
                    unsigned => match lang {
                        Lang::En => {
                            format!("{unsigned} were heard, and none under a key that is in keys.mac here")
                        }
                        Lang::Vi => {
                            format!(
                                "nghe thấy {unsigned}, và không tín hiệu nào ký bằng khoá có trong keys.mac ở đây"
                            )
                        }
                    },
                };
                findings.push(Finding::unknown(CHECK, heartbeats, found));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::unknown(
            CHECK,
            lang.pick("this machine", "máy này"),
            lang.pick("no other clock can be asked", "không hỏi được đồng hồ nào khác"),
        ));
    }
    findings
}

fn of(what: String, ahead_us: i64, lang: Lang) -> Finding {
    let off = Duration::from_micros(ahead_us.unsigned_abs());
    if off < NOISE {
        return Finding::ok(CHECK, what, lang.pick("agrees with this machine's", "khớp với máy này"));
    }
    let seconds = ahead_us as f64 / 1_000_000.0;
    let found = match lang {
        Lang::En => format!("{seconds:+.1} s off this machine's"),
        Lang::Vi => format!("lệch {seconds:+.1} giây so với máy này"),
    };
    // From so far off on, heartbeats are not believed.
    let finding = if off < CLOCKS { Finding::warning } else { Finding::wrong };
    finding(CHECK, what, found).mend(lang.pick(
        "look after NTP there and here: timedatectl, chronyc tracking",
        "kiểm tra NTP ở máy đó và máy này: timedatectl, chronyc tracking",
    ))
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
        let found = check(&asked, Lang::En);
        let verdicts: Vec<Verdict> = found.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Warning, Verdict::Wrong]);
        assert_eq!(found[2].found, "-3600.0 s off this machine's: nobody believes what it says");
    }

    #[test]
    fn without_another_clock_nothing_is_claimed() {
        let verdicts = |asked: &Asked| check(asked, Lang::En).iter().map(|it| it.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(&Asked::default()), [Verdict::Unknown]);
        let deaf =
            Asked { heard: Some(Ok(Listened { unsigned: 9, ..Listened::default() })), ..Asked::default() };
        assert_eq!(verdicts(&deaf), [Verdict::Unknown]);
    }
}
