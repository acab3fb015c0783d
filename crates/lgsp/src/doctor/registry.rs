//! The rules: the same revision at every gateway.

use std::collections::BTreeMap;

use super::asked::Asked;
use super::finding::Finding;
use crate::client::Lang;

const CHECK: &str = "registry";

pub(super) fn check(asked: &Asked, lang: Lang) -> Vec<Finding> {
    let mut revisions: BTreeMap<String, u64> = BTreeMap::new();
    for heard in asked.heard.iter().flatten().flat_map(|heard| heard.instances.values()) {
        let heartbeat = &heard.heartbeat;
        if heartbeat.domain.is_empty() && !heartbeat.leaving {
            revisions.insert(heartbeat.instance.clone(), heartbeat.registry_revision);
        }
    }
    for (_, process) in &asked.processes {
        let told = process.status["facts"]["gateway/registry-revision"].as_u64();
        if let Some(revision) = told {
            revisions.entry(process.instance.clone()).or_insert(revision);
        }
    }
    let gateways = lang.pick("gateways", "các cổng");
    let Some(newest) = revisions.values().max().copied() else {
        let none =
            lang.pick("none tells which rules it has", "không cổng nào cho biết đang dùng quy tắc nào");
        return vec![Finding::unknown(CHECK, gateways, none)];
    };
    if newest == 0 {
        let none = lang.pick("none has rules yet", "chưa cổng nào có quy tắc");
        return vec![Finding::wrong(CHECK, gateways, none).mend(lang.pick(
            "start a registry; its log says what it publishes",
            "khởi động danh mục (lgsp registry); nhật ký của nó ghi đã công bố gì",
        ))];
    }
    let behind: Vec<String> = revisions
        .iter()
        .filter(|(_, revision)| **revision < newest)
        .map(|(name, revision)| format!("{name} ({revision})"))
        .collect();
    if behind.is_empty() {
        let found = match lang {
            Lang::En => format!("revision {newest} at all {}", revisions.len()),
            Lang::Vi => format!("phiên bản {newest} ở cả {} cổng", revisions.len()),
        };
        return vec![Finding::ok(CHECK, gateways, found)];
    }
    let found = match lang {
        Lang::En => format!("behind revision {newest}, which others have"),
        Lang::Vi => format!("chậm hơn phiên bản {newest} mà cổng khác đã có"),
    };
    vec![Finding::warning(CHECK, behind.join(", "), found).mend(lang.pick(
        "look again; if it stays, the gateway's log says why it refuses a snapshot",
        "xem lại; nếu vẫn vậy, nhật ký của cổng ghi vì sao nó từ chối bộ quy tắc",
    ))]
}

#[cfg(test)]
mod tests {
    use lgsp_proto::monitor::v1::Heartbeat;

    use super::super::finding::Verdict;
    use super::*;
    use crate::overheard::{Listened, Overheard};

    #[test]
    fn a_gateway_that_has_older_rules_is_named() {
        let of = |revisions: &[u64]| {
            let heard = |(revision, number): (&u64, usize)| {
                let instance = format!("gateway-{number}");
                let heartbeat = Heartbeat {
                    instance: instance.clone(),
                    registry_revision: *revision,
                    ..Heartbeat::default()
                };
                (instance, Overheard { heartbeat, ahead_us: 0, is_believed: true })
            };
            let instances = revisions.iter().zip(1..).map(heard).collect();
            let listened = Listened { instances, unsigned: 0 };
            check(&Asked { heard: Some(Ok(listened)), ..Asked::default() }, Lang::En).remove(0)
        };
        assert_eq!(of(&[]).verdict, Verdict::Unknown);
        assert_eq!(of(&[7, 7]).verdict, Verdict::Ok);
        assert_eq!(of(&[0, 0]).verdict, Verdict::Wrong);
        let behind = of(&[7, 6]);
        assert_eq!((behind.verdict, behind.what.as_str()), (Verdict::Warning, "gateway-2 (6)"));
    }
}
