//! The same by decoding: what leaves holds no field that the mask does not grant, and all that it does.

use std::collections::BTreeSet;

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

use super::wire;
use crate::contracts::Granted;

/// Holds what left against what decoding, clearing fields and decoding again leaves. Bytes that only a decoder refuses, such as
/// a text that is no UTF-8, are the slow walk's alone.
pub(super) fn hold(
    message: &MessageDescriptor,
    granted: &Granted<'_>,
    answer: &[u8],
    out: &[u8],
    subjects: &BTreeSet<String>,
) {
    let Ok(left) = DynamicMessage::decode(message.clone(), out) else { return };
    assert!(is_granted(&left, granted), "a field has left that the contract or the mask does not name");
    assert!(named(&left).is_subset(subjects), "the data of somebody has left who is not named");
    let Ok(came) = DynamicMessage::decode(message.clone(), answer) else { return };
    if wire::is_plain(message, answer) {
        let expected = masked(&came, granted).encode_to_vec();
        let expected = DynamicMessage::decode(message.clone(), expected.as_slice()).unwrap();
        // As bytes, because a number that is none equals nothing.
        assert!(
            expected.encode_to_vec() == left.encode_to_vec(),
            "something that the mask grants is missing"
        );
        assert_eq!(&named(&left), subjects, "nobody else is named");
    }
}

fn is_granted(message: &DynamicMessage, granted: &Granted<'_>) -> bool {
    let of_mask = |(field, value): (FieldDescriptor, &Value)| {
        granted.of(field.name()).is_some_and(|granted| is_granted_in(value, &granted))
    };
    message.unknown_fields().next().is_none() && message.fields().all(of_mask)
}

fn is_granted_in(value: &Value, granted: &Granted<'_>) -> bool {
    match value {
        Value::Message(inner) => is_granted(inner, granted),
        Value::List(items) => items.iter().all(|item| is_granted_in(item, granted)),
        Value::Map(entries) => entries.values().all(|value| is_granted_in(value, granted)),
        _ => true,
    }
}

fn masked(message: &DynamicMessage, granted: &Granted<'_>) -> DynamicMessage {
    let mut kept = DynamicMessage::new(message.descriptor());
    for (field, value) in message.fields() {
        if let Some(granted) = granted.of(field.name()) {
            kept.set_field(&field, masked_value(value, &granted));
        }
    }
    kept
}

fn masked_value(value: &Value, granted: &Granted<'_>) -> Value {
    let one = |value: &Value| masked_value(value, granted);
    match value {
        Value::Message(inner) => Value::Message(masked(inner, granted)),
        Value::List(items) => Value::List(items.iter().map(one).collect()),
        Value::Map(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key.clone(), one(value))).collect())
        }
        scalar => scalar.clone(),
    }
}

/// The values of all fields that identify a subject.
fn named(message: &DynamicMessage) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (field, value) in message.fields() {
        let is_subject =
            lgsp_proto::options::field(&field).subject != 0 && matches!(field.kind(), Kind::String);
        collect(value, is_subject, &mut found);
    }
    found.remove("");
    found
}

fn collect(value: &Value, is_subject: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_subject => drop(found.insert(text.clone())),
        Value::Message(inner) => found.extend(named(inner)),
        Value::List(items) => items.iter().for_each(|item| collect(item, is_subject, found)),
        Value::Map(entries) => entries.values().for_each(|value| collect(value, is_subject, found)),
        _ => {}
    }
}
