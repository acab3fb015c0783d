//! The processes of the hub, as they tell it on their admin ports.

use super::asked::{Asked, Process};
use super::finding::Finding;
use crate::config::Config;

const CHECK: &str = "processes";

pub(super) fn check(config: &Config, asked: &Asked) -> Vec<Finding> {
    let mut findings: Vec<Finding> = asked.processes.iter().flat_map(|(_, process)| of(process)).collect();
    for (port, why) in &asked.silent {
        let found = format!("an admin port is known there, and {why}");
        let folder = config.data.join("admin-ports");
        findings.push(Finding::warning(CHECK, port.to_string(), found).mend(format!(
            "start the role; or delete its note in {}, or in monitor.admin-ports",
            folder.display()
        )));
    }
    if findings.is_empty() {
        let found = "no admin port is known: nothing that runs was asked";
        findings.push(
            Finding::unknown(CHECK, config.data.display().to_string(), found).mend("name it with --admin"),
        );
    }
    findings
}

fn of(process: &Process) -> Vec<Finding> {
    let status = &process.status;
    let name = &process.instance;
    let panicked = status["panicked"].as_array().is_some_and(|panicked| !panicked.is_empty());
    if panicked {
        let found = "a part of it has panicked";
        return vec![Finding::wrong(CHECK, name, found).mend("restart it, and report what its log says")];
    }
    let components = status["components"].as_object().into_iter().flatten();
    let troubled = components.filter_map(|(component, told)| {
        let cause = told["cause"].as_str().unwrap_or("without a cause");
        let what = format!("{name} {component}");
        let told_by = "its log, and docs/operations.md";
        match told["condition"].as_str()? {
            "failed" => Some(Finding::wrong(CHECK, what, format!("failed: {cause}")).mend(told_by)),
            "degraded" => Some(Finding::warning(CHECK, what, format!("degraded: {cause}")).mend(told_by)),
            "starting" => Some(Finding::warning(CHECK, what, format!("starting: {cause}")).mend(told_by)),
            "leaving" => Some(Finding::warning(CHECK, what, "leaving").mend("it ends: start it again")),
            _ => None,
        }
    });
    let troubled: Vec<Finding> = troubled.collect();
    if troubled.is_empty() {
        return vec![Finding::ok(CHECK, name, "every component does its work")];
    }
    troubled
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Verdict;
    use super::*;

    fn verdicts(components: serde_json::Value, panicked: &[&str]) -> Vec<Verdict> {
        let status = json!({ "components": components, "panicked": panicked });
        let process = Process { instance: "hub-1".to_owned(), status, ..Process::default() };
        of(&process).into_iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn what_has_failed_is_wrong_and_what_is_degraded_a_warning() {
        let ready = json!({ "condition": "ready" });
        assert_eq!(verdicts(json!({ "gateway/rules": ready }), &[]), [Verdict::Ok]);
        let troubled = json!({
            "gateway/rules": ready,
            "gateway/broker": { "condition": "failed", "cause": "the broker does not answer" },
            "ledger/witnesses": { "condition": "degraded" },
        });
        assert_eq!(verdicts(troubled, &[]), [Verdict::Wrong, Verdict::Warning]);
        assert_eq!(verdicts(json!({ "gateway/rules": ready }), &["gateway/listener"]), [Verdict::Wrong]);
    }
}
