use std::collections::BTreeSet;

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};
use rand::RngExt;
use rand::rngs::StdRng;

/// A random message; about half of its fields are set.
pub(super) fn message(descriptor: &MessageDescriptor, random: &mut StdRng, depth: u32) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let too_deep = depth > 3 && matches!(field.kind(), Kind::Message(_));
        if !too_deep && random.random_bool(0.5) {
            let value = field_value(&field, random, depth);
            message.set_field(&field, value);
        }
    }
    message
}

fn field_value(field: &FieldDescriptor, random: &mut StdRng, depth: u32) -> Value {
    let count = random.random_range(0..4);
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { unreachable!("maps are messages") };
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let entries = (0..count).map(|_| (map_key(&key, random), single(&value, random, depth)));
        return Value::Map(entries.collect());
    }
    if field.is_list() {
        return Value::List((0..count).map(|_| single(field, random, depth)).collect());
    }
    single(field, random, depth)
}

fn single(field: &FieldDescriptor, random: &mut StdRng, depth: u32) -> Value {
    match field.kind() {
        Kind::Double => Value::F64(f64::from(random.random::<i32>())),
        Kind::Float => Value::F32(f32::from(random.random::<i16>())),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(random.random()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(random.random()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(random.random()),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(random.random()),
        Kind::Bool => Value::Bool(random.random()),
        Kind::String => Value::String(text(random)),
        Kind::Bytes => Value::Bytes(text(random).into()),
        Kind::Enum(_) => Value::EnumNumber(random.random_range(0..3)),
        Kind::Message(inner) => Value::Message(message(&inner, random, depth + 1)),
    }
}

fn map_key(field: &FieldDescriptor, random: &mut StdRng) -> MapKey {
    match field.kind() {
        Kind::Int64 => MapKey::I64(random.random()),
        _ => MapKey::String(text(random)),
    }
}

/// Now and then long enough that dropping it shortens a length around it.
fn text(random: &mut StdRng) -> String {
    let length =
        if random.random_bool(0.2) { random.random_range(100..300) } else { random.random_range(0..12) };
    (0..length).map(|_| random.random_range('a'..='z')).collect()
}

/// A few random paths of fields; below a map, of its values.
pub(super) fn paths(descriptor: &MessageDescriptor, random: &mut StdRng) -> Vec<String> {
    if random.random_bool(0.1) {
        return vec!["*".to_owned()];
    }
    (0..random.random_range(1..8)).map(|_| path(descriptor, random)).collect()
}

fn path(descriptor: &MessageDescriptor, random: &mut StdRng) -> String {
    let fields: Vec<FieldDescriptor> = descriptor.fields().collect();
    let field = &fields[random.random_range(0..fields.len())];
    match below(field) {
        Some(inner) if random.random_bool(0.7) => format!("{}.{}", field.name(), path(&inner, random)),
        _ => field.name().to_owned(),
    }
}

fn below(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Kind::Message(inner) = field.kind() else { return None };
    if !field.is_map() {
        return Some(inner);
    }
    inner.map_entry_value_field().kind().as_message().cloned()
}

/// The message without what no path grants.
pub(super) fn masked(message: &DynamicMessage, paths: &[String]) -> DynamicMessage {
    let mut kept = DynamicMessage::new(message.descriptor());
    for (field, value) in message.fields() {
        let rest: Vec<String> = paths.iter().filter_map(|path| rest_of(path, field.name())).collect();
        if rest.iter().any(|rest| rest == "*") {
            kept.set_field(&field, value.clone());
        } else if !rest.is_empty() {
            kept.set_field(&field, masked_value(value, &rest));
        }
    }
    kept
}

/// What a path says of a field: nothing, a path below it, or `*` for all of it.
fn rest_of(path: &str, field: &str) -> Option<String> {
    if path == "*" || path == field {
        return Some("*".to_owned());
    }
    path.strip_prefix(field)?.strip_prefix('.').map(str::to_owned)
}

fn masked_value(value: &Value, paths: &[String]) -> Value {
    match value {
        Value::Message(inner) => Value::Message(masked(inner, paths)),
        Value::List(items) => Value::List(items.iter().map(|item| masked_value(item, paths)).collect()),
        Value::Map(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key.clone(), masked_value(value, paths))).collect())
        }
        scalar => unreachable!("no path leads below {scalar:?}"),
    }
}

/// The values of all fields that identify a subject.
pub(super) fn subjects(message: &DynamicMessage) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (field, value) in message.fields() {
        let is_subject = lgsp_proto::options::field(&field).subject != 0;
        collect(value, is_subject, &mut found);
    }
    found.remove("");
    found
}

fn collect(value: &Value, is_subject: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_subject => {
            found.insert(text.clone());
        }
        Value::Message(inner) => found.extend(subjects(inner)),
        Value::List(items) => items.iter().for_each(|item| collect(item, is_subject, found)),
        Value::Map(entries) => entries.values().for_each(|value| collect(value, is_subject, found)),
        _ => {}
    }
}

pub(super) fn clear_oneofs(message: &mut DynamicMessage) {
    for field in message.descriptor().fields() {
        let optional = field.containing_oneof().is_some_and(|oneof| oneof.is_synthetic());
        if field.containing_oneof().is_some() && !optional {
            message.clear_field(&field);
        } else if matches!(field.kind(), Kind::Message(_)) && message.has_field(&field) {
            clear_oneofs_of(message.get_field_mut(&field));
        }
    }
}

fn clear_oneofs_of(value: &mut Value) {
    match value {
        Value::Message(inner) => clear_oneofs(inner),
        Value::List(items) => items.iter_mut().for_each(clear_oneofs_of),
        Value::Map(entries) => entries.values_mut().for_each(clear_oneofs_of),
        _ => {}
    }
}
