//! Holds a request against the field rules of its contract, by reflection.
//!
//! Bad input costs no hop: every violated field is named at once, with the rule and never with the value. The same
//! look finds the subjects that the request asks about.

use lgsp_proto::options::v1::{FieldRules, Format, Range, Subject};
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage, Value};

use crate::entry::SubjectRef;
use crate::fault::MOST_VIOLATIONS;
use crate::{Fault, Reason, Violation};

/// Deepest nesting of a request that is looked at; protobuf decoders stop at 100 themselves.
const MOST_DEPTH: usize = 32;

/// Decodes a request and checks it.
///
/// Returns the subjects that it asks about, in canonical form.
///
/// # Errors
/// [`Reason::Malformed`] for bytes that are no such message, [`Reason::InvalidField`] with every violation.
pub fn request(input: &MessageDescriptor, bytes: &[u8]) -> Result<Vec<SubjectRef>, Fault> {
    let message = DynamicMessage::decode(input.clone(), bytes).map_err(|error| Fault::new(Reason::Malformed).because(error))?;
    let mut check = Check::default();
    check.message(&message, "", 0);
    if check.violations.is_empty() { Ok(check.subjects) } else { Err(Fault::invalid(check.violations)) }
}

#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
    subjects: Vec<SubjectRef>,
}

impl Check {
    fn message(&mut self, message: &DynamicMessage, path: &str, depth: usize) {
        if depth > MOST_DEPTH {
            return self.violated(path, "is nested too deeply");
        }
        self.groups(message, path);
        for field in message.descriptor().fields() {
            let rules = lgsp_proto::options::field(&field);
            let path = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
            if !message.has_field(&field) {
                if rules.required {
                    self.violated(&path, "is required");
                }
                continue;
            }
            self.value(&field, &rules, &message.get_field(&field), &path, depth);
        }
    }

    /// At least one field of each group is set.
    fn groups(&mut self, message: &DynamicMessage, path: &str) {
        let mut groups: Vec<(String, Vec<String>, bool)> = Vec::new();
        for field in message.descriptor().fields() {
            let group = lgsp_proto::options::field(&field).one_of_group;
            if group.is_empty() {
                continue;
            }
            let set = message.has_field(&field);
            match groups.iter_mut().find(|(name, ..)| *name == group) {
                Some((_, names, any)) => {
                    names.push(field.name().to_owned());
                    *any |= set;
                }
                None => groups.push((group, vec![field.name().to_owned()], set)),
            }
        }
        for (_, names, any) in groups {
            if !any {
                let path = if path.is_empty() { names[0].clone() } else { format!("{path}.{}", names[0]) };
                self.violated(&path, &format!("one of {} is required", names.join(", ")));
            }
        }
    }

    fn value(&mut self, field: &FieldDescriptor, rules: &FieldRules, value: &Value, path: &str, depth: usize) {
        match value {
            Value::List(items) => {
                self.items(rules, items.len(), path);
                for item in items.iter().take(items_to_look_at(rules)) {
                    self.single(field, rules, item, path, depth);
                }
            }
            Value::Map(entries) => {
                self.items(rules, entries.len(), path);
                for (key, item) in entries.iter().take(items_to_look_at(rules)) {
                    if let MapKey::String(key) = key
                        && key.chars().count() > MOST_KEY_LENGTH
                    {
                        self.violated(path, "has a key that is too long");
                    }
                    self.single(field, rules, item, path, depth);
                }
            }
            single => self.single(field, rules, single, path, depth),
        }
    }

    fn items(&mut self, rules: &FieldRules, count: usize, path: &str) {
        if rules.max_items > 0 && count > rules.max_items as usize {
            self.violated(path, &format!("has more than {} items", rules.max_items));
        }
    }

    fn single(&mut self, field: &FieldDescriptor, rules: &FieldRules, value: &Value, path: &str, depth: usize) {
        match value {
            Value::String(text) => self.text(rules, text, path),
            Value::Bytes(bytes) => self.length(rules, bytes.len(), path),
            Value::Message(message) => self.message(message, path, depth + 1),
            Value::EnumNumber(number) => {
                let known = field.kind().as_enum().is_some_and(|kind| kind.get_value(*number).is_some());
                if !known {
                    self.violated(path, "is not a value of the enumeration");
                }
            }
            Value::Bool(_) => {}
            Value::I32(number) => self.range(rules.range.as_ref(), f64::from(*number), path),
            Value::U32(number) => self.range(rules.range.as_ref(), f64::from(*number), path),
            Value::I64(number) => self.range(rules.range.as_ref(), *number as f64, path),
            Value::U64(number) => self.range(rules.range.as_ref(), *number as f64, path),
            Value::F32(number) => self.range(rules.range.as_ref(), f64::from(*number), path),
            Value::F64(number) => self.range(rules.range.as_ref(), *number, path),
            Value::List(_) | Value::Map(_) => {}
        }
    }

    fn text(&mut self, rules: &FieldRules, text: &str, path: &str) {
        self.length(rules, text.chars().count(), path);
        if text.is_empty() {
            return;
        }
        let canonical = match format_of(rules.format()) {
            None => text.to_owned(),
            Some(format) => match lgsp_identifiers::normalise(format, text) {
                Ok(canonical) => canonical,
                Err(error) => return self.violated(path, &error.to_string()),
            },
        };
        let kind = rules.subject();
        if kind != Subject::Unspecified && self.subjects.len() < MOST_SUBJECTS {
            self.subjects.push(SubjectRef { kind, value: canonical, asked: true });
        }
    }

    fn length(&mut self, rules: &FieldRules, length: usize, path: &str) {
        if length < rules.min_length as usize {
            self.violated(path, &format!("is shorter than {}", rules.min_length));
        }
        if rules.max_length > 0 && length > rules.max_length as usize {
            self.violated(path, &format!("is longer than {}", rules.max_length));
        }
    }

    fn range(&mut self, range: Option<&Range>, number: f64, path: &str) {
        let Some(range) = range else { return };
        // Written so that NaN is out of range.
        if !(range.min <= number && number <= range.max) {
            self.violated(path, &format!("is not between {} and {}", range.min, range.max));
        }
    }

    fn violated(&mut self, path: &str, rule: &str) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation { field: path.to_owned(), rule: rule.to_owned() });
        }
    }
}

/// Most subjects that one request may ask about.
const MOST_SUBJECTS: usize = 1_000;
/// Longest key of a map, in characters.
const MOST_KEY_LENGTH: usize = 128;

fn items_to_look_at(rules: &FieldRules) -> usize {
    if rules.max_items > 0 { rules.max_items as usize } else { usize::MAX }
}

fn format_of(format: Format) -> Option<lgsp_identifiers::Format> {
    use lgsp_identifiers::Format as Identifier;
    Some(match format {
        Format::Unspecified => return None,
        Format::PersonalNumber => Identifier::PersonalNumber,
        Format::OldIdentityCard => Identifier::OldIdentityCard,
        Format::PersonKey => Identifier::PersonKey,
        Format::EnterpriseCode => Identifier::EnterpriseCode,
        Format::AgencyCode => Identifier::AgencyCode,
        Format::WardCode => Identifier::WardCode,
        Format::ParcelKey => Identifier::ParcelKey,
        Format::DossierCode => Identifier::DossierCode,
        Format::HealthInsuranceCard => Identifier::HealthInsuranceCard,
        Format::StudentCode => Identifier::StudentCode,
        Format::Uuid => Identifier::Uuid,
        Format::Date => Identifier::Date,
    })
}
