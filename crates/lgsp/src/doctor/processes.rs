//! The processes of the hub, as they tell it on their admin ports.

use super::asked::{Asked, Process};
use super::finding::Finding;
use crate::admin_ports;
use crate::client::Lang;
use crate::config::Config;

const CHECK: &str = "processes";

pub(super) fn check(config: &Config, asked: &Asked, lang: Lang) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        asked.processes.iter().flat_map(|(_, process)| of(process, lang)).collect();
    for (port, why) in &asked.silent {
        let known = lang.pick("an admin port is known there, and", "biết ở đó có địa chỉ quản trị, mà");
        let folder = admin_ports::folder(&config.data);
        let mend = match lang {
            Lang::En => {
                format!(
                    "start the role; or delete its note in {}, or in monitor.admin-ports",
                    folder.display()
                )
            }
            Lang::Vi => {
                format!(
                    "khởi động vai trò; hoặc xoá địa chỉ này trong {}, hoặc trong monitor.admin-ports",
                    folder.display()
                )
            }
        };
        findings.push(Finding::warning(CHECK, port.to_string(), format!("{known} {why}")).mend(mend));
    }
    if findings.is_empty() {
        let found = lang.pick(
            "no admin port is known: nothing that runs was asked",
            "không biết địa chỉ quản trị nào: chưa hỏi được tiến trình nào đang chạy",
        );
        let mend = lang.pick("name it with --admin", "nêu địa chỉ bằng --admin");
        findings.push(Finding::unknown(CHECK, config.data.display().to_string(), found).mend(mend));
    }
    findings
}

fn of(process: &Process, lang: Lang) -> Vec<Finding> {
    let status = &process.status;
    let name = &process.instance;
    let panicked = status["panicked"].as_array().is_some_and(|panicked| !panicked.is_empty());
    if panicked {
        let found = lang.pick("a part of it has panicked", "một phần đã dừng đột ngột (panic)");
        let mend = lang.pick(
            "restart it, and report what its log says",
            "khởi động lại, và báo những gì nhật ký của nó ghi",
        );
        return vec![Finding::wrong(CHECK, name, found).mend(mend)];
    }
    let components = status["components"].as_object().into_iter().flatten();
    let troubled = components.filter_map(|(component, told)| {
        let cause = told["cause"].as_str().unwrap_or(lang.pick("without a cause", "không nêu nguyên nhân"));
        let what = format!("{name} {component}");
        let told_by =
            lang.pick("its log, and docs/operations.md", "nhật ký của nó, và docs/operations.vi.md");
        let found = |condition: &str| format!("{condition}: {cause}");
        Some(match told["condition"].as_str()? {
            "failed" => Finding::wrong(CHECK, what, found(lang.pick("failed", "bị lỗi"))).mend(told_by),
            "degraded" => {
                Finding::warning(CHECK, what, found(lang.pick("degraded", "suy giảm"))).mend(told_by)
            }
            "starting" => {
                Finding::warning(CHECK, what, found(lang.pick("starting", "đang khởi động"))).mend(told_by)
            }
            "leaving" => Finding::warning(CHECK, what, lang.pick("leaving", "đang rời đi"))
                .mend(lang.pick("it ends: start it again", "nó sắp kết thúc: khởi động lại")),
            _ => return None,
        })
    });
    let troubled: Vec<Finding> = troubled.collect();
    if troubled.is_empty() {
        return vec![Finding::ok(
            CHECK,
            name,
            lang.pick("every component does its work", "mọi thành phần đều hoạt động"),
        )];
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
        of(&process, Lang::En).into_iter().map(|finding| finding.verdict).collect()
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
