//! What is wrong with a JSON that is no such message: every field that the contract does not have, and every value of another
//! type, by its path in the contract's names. Looked for only once the message was refused.

use lgsp_core::Violation;
use lgsp_core::sign_in::may_hold_a_person;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

/// Most problems that are named.
const MOST: usize = 32;
/// Longest name of a caller's own that is repeated.
const LONGEST_NAME: usize = 64;

/// Every problem; none, if it is of another kind.
pub(crate) fn find(input: &MessageDescriptor, json: &Value) -> Vec<Violation> {
    let mut look = Look { path: Vec::new(), found: Vec::new() };
    look.message(input, json);
    look.found
}

struct Look {
    path: Vec<String>,
    found: Vec<Violation>,
}

impl Look {
    /// How deep it goes is bounded by the parser.
    fn message(&mut self, message: &MessageDescriptor, json: &Value) {
        let Value::Object(fields) = json else { return self.found("is no object") };
        for (name, value) in fields {
            let by_name = || message.get_field_by_name(name);
            match message.get_field_by_json_name(name).or_else(by_name) {
                Some(field) => {
                    self.path.push(field.name().to_owned());
                    self.field(message, &field, name, value);
                    self.path.pop();
                }
                None => self.unknown(name),
            }
        }
        self.choices(message, fields);
    }

    fn field(&mut self, message: &MessageDescriptor, field: &FieldDescriptor, name: &str, json: &Value) {
        match (inner(field), json) {
            (_, Value::Null) => {}
            (Some(inner), Value::Array(items)) if field.is_list() => {
                items.iter().for_each(|item| self.message(&inner, item));
            }
            (Some(inner), Value::Object(entries)) if field.is_map() => {
                entries.values().for_each(|value| self.message(&inner, value));
            }
            (Some(inner), json) if !field.is_list() && !field.is_map() => self.message(&inner, json),
            (_, json) => {
                // The decoder itself says whether it takes the value.
                let alone = Value::Object(Map::from_iter([(name.to_owned(), json.clone())]));
                if DynamicMessage::deserialize(message.clone(), alone).is_err() {
                    self.found(&expected(field));
                }
            }
        }
    }

    fn choices(&mut self, message: &MessageDescriptor, fields: &Map<String, Value>) {
        for choice in message.oneofs() {
            let is_set = |field: &FieldDescriptor| {
                [field.json_name(), field.name()]
                    .iter()
                    .any(|name| fields.get(*name).is_some_and(|v| !v.is_null()))
            };
            let set: Vec<String> =
                choice.fields().filter(is_set).map(|field| field.name().to_owned()).collect();
            if let [first, _, ..] = set.as_slice() {
                self.path.push(first.clone());
                self.found(&format!("only one of {} may be set", set.join(", ")));
                self.path.pop();
            }
        }
    }

    fn unknown(&mut self, name: &str) {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_shown =
            (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_word) && !may_hold_a_person(name);
        // Whoever made it up can put anything there.
        self.path.push(if is_shown { name.to_owned() } else { "…".to_owned() });
        self.found("is not in the contract");
        self.path.pop();
    }

    fn found(&mut self, rule: &str) {
        let violation = Violation { field: self.path.join("."), rule: rule.to_owned() };
        // Many items of a list may have the same one.
        if self.found.len() < MOST && !self.found.contains(&violation) {
            self.found.push(violation);
        }
    }
}

/// The message that a field holds, unless it has a form of its own in JSON, as times have.
fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    match kind {
        Kind::Message(message) if !message.full_name().starts_with("google.protobuf.") => Some(message),
        _ => None,
    }
}

fn expected(field: &FieldDescriptor) -> String {
    let kind = kind_name(&field.kind());
    if field.is_list() {
        format!("is no list of which every item is a {kind}")
    } else if field.is_map() {
        "is no such object of keys and values".to_owned()
    } else {
        format!("is no {kind}")
    }
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::String => "text".to_owned(),
        Kind::Bytes => "text in Base64".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Float | Kind::Double => "number".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "whole number of 32 bits".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "whole number of 32 bits without a sign".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "whole number of 64 bits".to_owned(),
        Kind::Uint64 | Kind::Fixed64 => "whole number of 64 bits without a sign".to_owned(),
        Kind::Enum(names) => format!("value of {}", names.name()),
        Kind::Message(message) => message.full_name().to_owned(),
    }
}
