//! What a record says, field by field, for people to compare.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_proto::pool;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::offset;

use crate::client::output::with_digests_in_hex;

/// By what the entries of a list are told apart, if they have it.
const NAMES: [&str; 6] = ["method", "keyId", "id", "office", "code", "subject"];
/// What changes with every change, and says nothing.
const SILENT: [&str; 1] = ["etag"];

/// The fields of a record, by their path.
pub(crate) type Fields = BTreeMap<String, String>;

/// A field that is not what it was. Empty: it was not there, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Changed {
    pub path: String,
    pub before: String,
    pub after: String,
}

/// The fields of a message of the hub's own contracts; none if it is no such message.
pub(crate) fn of(name: &str, message: &impl Message) -> Fields {
    let mut fields = Fields::new();
    let descriptor = pool().get_message_by_name(&format!("lgsp.registry.v1.{name}"));
    let dynamic = descriptor.and_then(|descriptor| {
        let mut dynamic = DynamicMessage::new(descriptor);
        dynamic.transcode_from(message).ok().map(|()| dynamic)
    });
    let json = dynamic.and_then(|dynamic| {
        let json = serde_json::to_string(&dynamic).ok()?;
        serde_json::from_str(&with_digests_in_hex(json, &dynamic)).ok()
    });
    if let Some(json) = json {
        flatten(&json, "", &mut fields);
    }
    fields
}

/// What is different.
pub(crate) fn changed(before: &Fields, after: &Fields) -> Vec<Changed> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = paths.into_iter().filter_map(|path| {
        let of = |fields: &Fields| fields.get(path).cloned().unwrap_or_default();
        let (before, after) = (of(before), of(after));
        (before != after).then(|| Changed { path: path.clone(), before, after })
    });
    changes.collect()
}

fn flatten(value: &Value, path: &str, fields: &mut Fields) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(object) if is_step(value) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
            let by = object.get("by").cloned().unwrap_or_default();
            let person = by.get("person").and_then(Value::as_str).unwrap_or("registry");
            let told = [person, &moment(text("at")), text("reason"), text("legalBasis")];
            let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
            fields.insert(path.to_owned(), told.join(", "));
        }
        Value::Object(object) => {
            for (name, value) in object.iter().filter(|(name, _)| !SILENT.contains(&name.as_str())) {
                flatten(value, &below(name), fields);
            }
        }
        Value::Array(entries) if entries.iter().all(|entry| !entry.is_object()) => {
            let texts: Vec<String> = entries.iter().map(leaf).collect();
            fields.insert(path.to_owned(), texts.join(", "));
        }
        Value::Array(entries) => {
            for (place, entry) in entries.iter().enumerate() {
                let name = NAMES.iter().find_map(|name| entry.get(*name)?.as_str());
                flatten(entry, &below(&name.map_or_else(|| place.to_string(), str::to_owned)), fields);
            }
        }
        other => drop(fields.insert(path.to_owned(), leaf(other))),
    }
}

/// A step is told in one line.
fn is_step(value: &Value) -> bool {
    value.get("at").is_some() && value.get("by").is_some()
}

fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => moment(text),
        other => other.to_string(),
    }
}

/// A moment as it is in Viet Nam; any other text as it is.
fn moment(text: &str) -> String {
    let at = text.ends_with('Z').then(|| OffsetDateTime::parse(text, &Rfc3339).ok()).flatten();
    let there = at.and_then(|at| at.to_offset(offset!(+7)).format(&Rfc3339).ok());
    there.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use lgsp_core::time::timestamp;
    use lgsp_proto::registry::v1::{Actor, Agreement, AgreementRecord, AgreementStage, Grant, Step};

    use super::*;

    fn record(fields: &[&str]) -> AgreementRecord {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let grant = Grant { method: "GetCitizen".to_owned(), fields };
        let valid_from = Some(timestamp(1_780_246_800_000_000));
        let terms =
            Agreement { id: "tt-x".to_owned(), grants: vec![grant], valid_from, ..Agreement::default() };
        AgreementRecord { agreement: Some(terms), etag: fields_len(), ..AgreementRecord::default() }
    }

    /// Another one each time: an etag says nothing.
    fn fields_len() -> u64 {
        rand::random()
    }

    #[test]
    fn what_is_different_is_told_by_its_path_and_a_step_in_one_line() {
        let before = record(&["a"]);
        let approved = Some(Step {
            by: Some(Actor { person: "chi.congan".to_owned(), ..Actor::default() }),
            at: Some(timestamp(1_780_246_800_000_000)),
            reason: "as asked".to_owned(),
            ..Step::default()
        });
        let stage = AgreementStage::Approved.into();
        let after = AgreementRecord { approved, stage, ..record(&["a", "b"]) };
        let (before, after) = (of("AgreementRecord", &before), of("AgreementRecord", &after));
        assert_eq!(before["agreement.validFrom"], "2026-06-01T00:00:00+07:00");
        let told: Vec<[String; 3]> =
            changed(&before, &after).into_iter().map(|it| [it.path, it.before, it.after]).collect();
        assert_eq!(
            told,
            [
                ["agreement.grants.GetCitizen.fields", "a", "a, b"],
                ["approved", "", "chi.congan, 2026-06-01T00:00:00+07:00, as asked"],
                ["stage", "", "AGREEMENT_STAGE_APPROVED"],
            ]
        );
        assert_eq!(changed(&after, &after), []);
    }
}
