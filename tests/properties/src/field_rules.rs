use std::collections::BTreeSet;

use lgsp_core::{Checks, Reason};
use lgsp_proto::options::v1::{Format, Subject};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};

use crate::contracts::REQUESTS;
use crate::{assert_names_nobody, choice};

/// Most subjects of a request.
const MOST_SUBJECTS: usize = 1_000;

/// A request is let through exactly if it breaks no rule of its contract, and tells whom it asks about; what it breaks is told
/// without its values.
///
/// The first byte chooses a contract; the rest is the request.
pub fn field_rules(data: &[u8]) {
    let (chosen, request) = choice(data);
    let input = &REQUESTS[chosen % REQUESTS.len()];
    let judged = Checks::compile(input).request(request);
    let Ok(message) = DynamicMessage::decode(input.clone(), request) else {
        let fault = judged.expect_err("no such message");
        assert_names_nobody(&fault);
        return assert_eq!(fault.reason(), Reason::Malformed);
    };
    let mut seen = Seen::default();
    seen.message("", &message);
    match judged {
        Ok(subjects) => {
            assert_eq!(seen.broken, BTreeSet::new(), "let through");
            let mut told: Vec<_> =
                subjects.into_iter().map(|subject| (subject.kind, subject.value)).collect();
            told.sort();
            seen.subjects.sort();
            assert_eq!(told, seen.subjects);
        }
        Err(fault) => {
            assert_eq!(fault.reason(), Reason::InvalidField);
            assert_names_nobody(&fault);
            assert!(!fault.violations().is_empty());
            for violation in fault.violations() {
                assert!(seen.broken.contains(&violation.field), "{} is as it should be", violation.field);
            }
        }
    }
}

/// What a request breaks and whom it asks about.
#[derive(Default)]
struct Seen {
    broken: BTreeSet<String>,
    subjects: Vec<(Subject, String)>,
}

impl Seen {
    fn message(&mut self, above: &str, message: &DynamicMessage) {
        let mut groups: Vec<(String, String, bool)> = Vec::new();
        for field in message.descriptor().fields() {
            let path = format!("{above}{}", field.name());
            let rules = lgsp_proto::options::field(&field);
            let is_there = message.has_field(&field) && !is_empty(&message.get_field(&field));
            if rules.required && !is_there {
                self.broken.insert(path.clone());
            }
            if !rules.one_of_group.is_empty() {
                match groups.iter_mut().find(|(group, ..)| *group == rules.one_of_group) {
                    Some(known) => known.2 |= is_there,
                    None => groups.push((rules.one_of_group.clone(), path.clone(), is_there)),
                }
            }
            if message.has_field(&field) {
                self.field(&path, &field, &message.get_field(&field));
            }
        }
        // A group is named by the first of its fields.
        self.broken.extend(groups.into_iter().filter(|(.., is_there)| !is_there).map(|(_, path, _)| path));
    }

    fn field(&mut self, path: &str, field: &FieldDescriptor, value: &Value) {
        let most = lgsp_proto::options::field(field).max_items as usize;
        let count = match value {
            Value::List(items) => items.len(),
            Value::Map(entries) => entries.len(),
            _ => 1,
        };
        if most > 0 && count > most {
            self.broken.insert(path.to_owned());
        }
        match value {
            Value::List(items) => items.iter().for_each(|item| self.single(path, field, item)),
            Value::Map(entries) => entries.iter().for_each(|(key, value)| {
                if matches!(key, MapKey::String(key) if key.chars().count() > 128) {
                    self.broken.insert(path.to_owned());
                }
                self.single(path, field, value);
            }),
            single => self.single(path, field, single),
        }
    }

    fn single(&mut self, path: &str, field: &FieldDescriptor, value: &Value) {
        if let Value::Message(inner) = value {
            return self.message(&format!("{path}."), inner);
        }
        let rules = lgsp_proto::options::field(field);
        let fits = match value {
            Value::String(text) => self.text(field, text),
            Value::Bytes(bytes) => is_as_long(&rules, bytes.len()),
            Value::EnumNumber(number) => knows(field, *number),
            number => match (&rules.range, as_f64(number)) {
                (Some(range), Some(number)) => (range.min..=range.max).contains(&number),
                _ => true,
            },
        };
        if !fits {
            self.broken.insert(path.to_owned());
        }
    }

    fn text(&mut self, field: &FieldDescriptor, text: &str) -> bool {
        let rules = lgsp_proto::options::field(field);
        if !is_as_long(&rules, text.chars().count()) {
            return false;
        }
        if text.is_empty() {
            return true;
        }
        if text.chars().any(|letter| letter.is_control() && !letter.is_whitespace()) {
            return false;
        }
        let canonical = match lgsp_identifiers::Format::from_number(rules.format) {
            Some(format) => lgsp_identifiers::format::normalise(format, text).ok(),
            None => {
                assert_eq!(rules.format(), Format::Unspecified);
                Some(text.to_owned())
            }
        };
        let Some(canonical) = canonical else { return false };
        if rules.subject() == Subject::Unspecified {
            return true;
        }
        self.subjects.push((rules.subject(), canonical));
        self.subjects.len() <= MOST_SUBJECTS
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

fn is_as_long(rules: &lgsp_proto::options::v1::FieldRules, length: usize) -> bool {
    let most = if rules.max_length == 0 { usize::MAX } else { rules.max_length as usize };
    (rules.min_length as usize..=most).contains(&length)
}

fn knows(field: &FieldDescriptor, number: i32) -> bool {
    let kind = match field.kind() {
        Kind::Message(entry) => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    let Kind::Enum(known) = kind else { panic!("a number of an enumeration") };
    known.values().any(|value| value.number() == number)
}

fn as_f64(value: &Value) -> Option<f64> {
    Some(match value {
        Value::I32(number) => f64::from(*number),
        Value::U32(number) => f64::from(*number),
        Value::I64(number) => *number as f64,
        Value::U64(number) => *number as f64,
        Value::F32(number) => f64::from(*number),
        Value::F64(number) => *number,
        _ => return None,
    })
}
