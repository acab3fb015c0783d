//! Contracts are promises: a field number, a type or a method that was once there stays.
//!
//! `contracts.txt` is the baseline. Additions are accepted by rewriting it; anything else is a breaking change and
//! belongs in a new version of the package.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lgsp_proto::pool;
use prost_reflect::{Cardinality, FieldDescriptor, Kind};

const ACCEPT: &str = "LGSP_ACCEPT_CONTRACTS";

fn baseline_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contracts.txt")
}

fn type_of(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    let cardinality = match field.cardinality() {
        Cardinality::Repeated => "repeated ",
        Cardinality::Optional | Cardinality::Required => "",
    };
    let oneof = field.containing_oneof().map(|oneof| format!(" in {}", oneof.name())).unwrap_or_default();
    format!("{cardinality}{kind}{oneof}")
}

/// One line per promise, sorted.
fn promises() -> BTreeSet<String> {
    let ours = |name: &str| name.starts_with("lgsp.");
    let mut lines = BTreeSet::new();
    for service in pool().services().filter(|service| ours(service.full_name())) {
        for method in service.methods() {
            let stream = if method.is_server_streaming() { "stream " } else { "" };
            lines.insert(format!(
                "rpc {}: {} -> {stream}{}",
                method.full_name(),
                method.input().full_name(),
                method.output().full_name()
            ));
        }
    }
    for message in pool().all_messages().filter(|message| ours(message.full_name())) {
        for field in message.fields() {
            lines.insert(format!("field {} = {}: {}", field.full_name(), field.number(), type_of(&field)));
        }
    }
    for of in pool().all_enums().filter(|of| ours(of.full_name())) {
        for value in of.values() {
            lines.insert(format!("value {}.{} = {}", of.full_name(), value.name(), value.number()));
        }
    }
    lines
}

#[test]
fn no_contract_breaks_a_promise_and_additions_are_accepted_knowingly() {
    let current = promises();
    let baseline: BTreeSet<String> =
        std::fs::read_to_string(baseline_path()).unwrap_or_default().lines().map(str::to_owned).collect();

    let broken: Vec<&String> = baseline.difference(&current).collect();
    assert!(
        broken.is_empty(),
        "these promises are broken; callers in the field rely on them. Put the change into a new package (v2), or, \
         before the first release only, delete the lines from crates/proto/contracts.txt by hand:\n{broken:#?}"
    );

    let added: Vec<&String> = current.difference(&baseline).collect();
    if std::env::var_os(ACCEPT).is_some() {
        let text: String = current.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(baseline_path(), text).expect("the baseline is writable");
        return;
    }
    assert!(
        added.is_empty(),
        "these promises are new. If they are meant, accept them and commit the baseline:\n\
         {ACCEPT}=1 cargo test -p lgsp-proto --test breaking\n{added:#?}"
    );
}
