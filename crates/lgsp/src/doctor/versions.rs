//! Versions: those of the processes, and of this program. Kafka does not tell its own to a client.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::Asked;
use super::finding::Finding;
use crate::client::Lang;
use crate::roles::VERSION;

const CHECK: &str = "versions";

pub(super) fn check(asked: &Asked, lang: Lang) -> Vec<Finding> {
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, process) in &asked.processes {
        told.entry(&process.version).or_default().insert(&process.instance);
    }
    for heard in asked.heard.iter().flatten().flat_map(|heard| heard.instances.values()) {
        told.entry(&heard.heartbeat.version).or_default().insert(&heard.heartbeat.instance);
    }
    let program = format!("{}, {VERSION}", lang.pick("this program", "chương trình này"));
    if told.is_empty() {
        return vec![Finding::unknown(
            CHECK,
            program,
            lang.pick("no process tells its own", "không tiến trình nào cho biết phiên bản của mình"),
        )];
    }
    if told.keys().eq([&VERSION]) {
        let instances: usize = told.values().map(BTreeSet::len).sum();
        let found = match lang {
            Lang::En => format!("the same in {instances} processes"),
            Lang::Vi => format!("giống nhau ở {instances} tiến trình"),
        };
        return vec![Finding::ok(CHECK, program, found)];
    }
    let differing = told.iter().filter(|(version, _)| **version != VERSION);
    let differing = differing.map(|(version, instances)| {
        let named: Vec<&str> = instances.iter().copied().take(8).collect();
        let found = match lang {
            Lang::En => format!("{version}, and this program is {VERSION}"),
            Lang::Vi => format!("{version}, còn chương trình này là {VERSION}"),
        };
        Finding::warning(CHECK, named.join(", "), found).mend(lang.pick(
            "bring all roles to one version; docs/operations.md",
            "đưa mọi vai trò về một phiên bản; docs/operations.vi.md",
        ))
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::super::asked::Process;
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn processes_of_another_version_are_named() {
        let process = |instance: &str, version: &str| {
            let process =
                Process { instance: instance.to_owned(), version: version.to_owned(), ..Process::default() };
            (std::net::SocketAddr::from(([127, 0, 0, 1], 1)), process)
        };
        let of = |processes| check(&Asked { processes, ..Asked::default() }, Lang::En);
        assert_eq!(of(Vec::new())[0].verdict, Verdict::Unknown);
        assert_eq!(of(vec![process("a", VERSION)])[0].verdict, Verdict::Ok);
        let found = of(vec![process("a", VERSION), process("b", "0.0.9"), process("c", "0.0.9")]);
        assert_eq!((found.len(), found[0].what.as_str(), found[0].verdict), (1, "b, c", Verdict::Warning));
    }
}
