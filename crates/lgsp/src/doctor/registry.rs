//! The rules: the same revision at every gateway.

use std::collections::BTreeMap;

use super::asked::Asked;
use super::finding::Finding;

const CHECK: &str = "registry";

pub(super) fn check(asked: &Asked) -> Vec<Finding> {
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
    let Some(newest) = revisions.values().max().copied() else {
        return vec![Finding::unknown(CHECK, "gateways", "none tells which rules it has")];
    };
    if newest == 0 {
        return vec![
            Finding::wrong(CHECK, "gateways", "none has rules yet")
                .mend("start a registry; its log says what it publishes"),
        ];
    }
    let behind: Vec<String> = revisions
        .iter()
        .filter(|(_, revision)| **revision < newest)
        .map(|(name, revision)| format!("{name} ({revision})"))
        .collect();
    if behind.is_empty() {
        return vec![Finding::ok(CHECK, "gateways", format!("revision {newest} at all {}", revisions.len()))];
    }
    vec![
        Finding::warning(CHECK, behind.join(", "), format!("behind revision {newest}, which others have"))
            .mend("look again; if it stays, the gateway's log says why it refuses a snapshot"),
    ]
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
            check(&Asked { heard: Some(Ok(listened)), ..Asked::default() }).remove(0)
        };
        assert_eq!(of(&[]).verdict, Verdict::Unknown);
        assert_eq!(of(&[7, 7]).verdict, Verdict::Ok);
        assert_eq!(of(&[0, 0]).verdict, Verdict::Wrong);
        let behind = of(&[7, 6]);
        assert_eq!((behind.verdict, behind.what.as_str()), (Verdict::Warning, "gateway-2 (6)"));
    }
}
