//! Holds a request against the field rules of its contract, by reflection.
//!
//! Bad input costs no hop: every violated field is named at once, with the rule and never with the value. The same
//! look finds the subjects that the request asks about. The rules of a message are read once, when a snapshot is
//! compiled, and not per request.

use std::collections::{HashMap, VecDeque};

use lgsp_proto::options::v1::{FieldRules, Format, Range, Subject};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use crate::entry::SubjectRef;
use crate::fault::MOST_VIOLATIONS;
use crate::{Fault, Reason, Violation};

/// Most subjects that one request may ask about.
const MOST_SUBJECTS: usize = 1_000;
/// Longest key of a map, in characters.
const MOST_KEY_LENGTH: usize = 128;
/// The rule that [`has_control_characters`] finds broken.
pub const CONTROL_CHARACTERS: &str = "has control characters";

/// Whether a text has control characters other than white space, such as NUL: nobody types one, and PostgreSQL has no text with
/// that.
pub fn has_control_characters(text: &str) -> bool {
    text.chars().any(|letter| letter.is_control() && !letter.is_whitespace())
}

/// The field rules of a request message and of all that it holds.
#[derive(Debug)]
pub struct Checks {
    input: MessageDescriptor,
    messages: Vec<MessageChecks>,
}

#[derive(Debug, Default)]
struct MessageChecks {
    fields: Vec<FieldChecks>,
    /// Groups of which at least one field must be set, as indexes into `fields`.
    groups: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct FieldChecks {
    field: FieldDescriptor,
    rules: FieldRules,
    /// Index of the checks of the message, or of the map's value message, that the field holds.
    message: Option<usize>,
}

impl Checks {
    /// Reads the rules of a request message.
    pub fn compile(input: &MessageDescriptor) -> Self {
        let mut known = HashMap::from([(input.full_name().to_owned(), 0)]);
        let mut left = VecDeque::from([input.clone()]);
        let mut messages = Vec::new();
        // A list of what is left and no recursion: how far messages hold messages is for the author of the contract to say.
        while let Some(message) = left.pop_front() {
            let number_of = |inner: MessageDescriptor| {
                let number = known.len();
                *known.entry(inner.full_name().to_owned()).or_insert_with(|| {
                    left.push_back(inner);
                    number
                })
            };
            messages.push(MessageChecks::read(&message, number_of));
        }
        Self { input: input.clone(), messages }
    }

    /// Decodes a request and checks it. Returns the subjects that it asks about, in canonical form.
    ///
    /// # Errors
    /// [`Reason::Malformed`] for bytes that are no such message, [`Reason::InvalidField`] with every violation.
    pub fn request(&self, bytes: &[u8]) -> Result<Vec<SubjectRef>, Fault> {
        let message = DynamicMessage::decode(self.input.clone(), bytes)
            .map_err(|error| Fault::new(Reason::Malformed).because(error))?;
        let mut look = Look { checks: self, path: Vec::new(), violations: Vec::new(), subjects: Vec::new() };
        look.message(&message, 0);
        if look.violations.is_empty() { Ok(look.subjects) } else { Err(Fault::invalid(look.violations)) }
    }
}

impl MessageChecks {
    /// Reads the rules of one message. `number_of` gives those that it holds their indexes.
    fn read(message: &MessageDescriptor, mut number_of: impl FnMut(MessageDescriptor) -> usize) -> Self {
        let mut checks = Self::default();
        let mut group_of: HashMap<String, usize> = HashMap::new();
        for field in message.fields() {
            let rules = lgsp_proto::options::field(&field);
            if !rules.one_of_group.is_empty() {
                let group = *group_of.entry(rules.one_of_group.clone()).or_insert(checks.groups.len());
                if group == checks.groups.len() {
                    checks.groups.push(Vec::new());
                }
                checks.groups[group].push(checks.fields.len());
            }
            let message = inner_message(&field).map(&mut number_of);
            checks.fields.push(FieldChecks { field, rules, message });
        }
        checks
    }
}

fn inner_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let Kind::Message(message) = field.kind() else { return None };
    if !field.is_map() {
        return Some(message);
    }
    match message.map_entry_value_field().kind() {
        Kind::Message(value) => Some(value),
        _ => None,
    }
}

/// One look over one request.
struct Look<'a> {
    checks: &'a Checks,
    path: Vec<&'a str>,
    violations: Vec<Violation>,
    subjects: Vec<SubjectRef>,
}

impl<'a> Look<'a> {
    /// The depth of a message is bounded by the decoder, at 100.
    fn message(&mut self, message: &DynamicMessage, index: usize) {
        let checks = &self.checks.messages[index];
        for group in &checks.groups {
            self.group(message, &checks.fields, group);
        }
        for field in &checks.fields {
            self.path.push(field.field.name());
            self.field(message, field);
            self.path.pop();
        }
    }

    fn group(&mut self, message: &DynamicMessage, fields: &'a [FieldChecks], group: &[usize]) {
        if group.iter().any(|member| is_set(message, &fields[*member].field)) {
            return;
        }
        let names: Vec<&str> = group.iter().map(|member| fields[*member].field.name()).collect();
        self.path.push(names[0]);
        self.violated(&format!("one of {} is required", names.join(", ")));
        self.path.pop();
    }

    fn field(&mut self, message: &DynamicMessage, checks: &FieldChecks) {
        if checks.rules.required && !is_set(message, &checks.field) {
            return self.violated("is required");
        }
        if !message.has_field(&checks.field) {
            return;
        }
        match &*message.get_field(&checks.field) {
            Value::List(items) => {
                self.items(&checks.rules, items.len());
                items.iter().take(items_to_look_at(&checks.rules)).for_each(|item| self.single(checks, item));
            }
            Value::Map(entries) => {
                self.items(&checks.rules, entries.len());
                for (key, value) in entries.iter().take(items_to_look_at(&checks.rules)) {
                    self.key(key);
                    self.single(checks, value);
                }
            }
            single => self.single(checks, single),
        }
    }

    fn items(&mut self, rules: &FieldRules, count: usize) {
        if rules.max_items > 0 && count > rules.max_items as usize {
            self.violated(&format!("has more than {} items", rules.max_items));
        }
    }

    fn key(&mut self, key: &MapKey) {
        if let MapKey::String(key) = key
            && key.chars().count() > MOST_KEY_LENGTH
        {
            self.violated("has a key that is too long");
        }
    }

    fn single(&mut self, checks: &FieldChecks, value: &Value) {
        let range = checks.rules.range.as_ref();
        match value {
            Value::String(text) => self.text(&checks.rules, text),
            Value::Bytes(bytes) => self.length(&checks.rules, bytes.len()),
            Value::Message(message) => {
                if let Some(index) = checks.message {
                    self.message(message, index);
                }
            }
            Value::EnumNumber(number) => self.enumeration(&checks.field, *number),
            Value::I32(number) => self.range(range, f64::from(*number)),
            Value::U32(number) => self.range(range, f64::from(*number)),
            Value::I64(number) => self.range(range, *number as f64),
            Value::U64(number) => self.range(range, *number as f64),
            Value::F32(number) => self.range(range, f64::from(*number)),
            Value::F64(number) => self.range(range, *number),
            Value::Bool(_) | Value::List(_) | Value::Map(_) => {}
        }
    }

    fn enumeration(&mut self, field: &FieldDescriptor, number: i32) {
        // The value of a map is described by its own field.
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        if kind.as_enum().is_some_and(|known| known.get_value(number).is_none()) {
            self.violated("is not a value of the enumeration");
        }
    }

    fn text(&mut self, rules: &FieldRules, text: &str) {
        self.length(rules, text.chars().count());
        if text.is_empty() {
            return;
        }
        if has_control_characters(text) {
            return self.violated(CONTROL_CHARACTERS);
        }
        let canonical =
            match format_of(rules.format()).map(|format| lgsp_identifiers::format::normalise(format, text)) {
                None => text.to_owned(),
                Some(Ok(canonical)) => canonical,
                Some(Err(error)) => return self.violated(&error.to_string()),
            };
        let kind = rules.subject();
        if kind == Subject::Unspecified {
            return;
        }
        if self.subjects.len() == MOST_SUBJECTS {
            return self.violated(&format!("asks about more than {MOST_SUBJECTS} subjects"));
        }
        self.subjects.push(SubjectRef { kind, value: canonical, asked: true });
    }

    fn length(&mut self, rules: &FieldRules, length: usize) {
        if length < rules.min_length as usize {
            self.violated(&format!("is shorter than {}", rules.min_length));
        }
        if rules.max_length > 0 && length > rules.max_length as usize {
            self.violated(&format!("is longer than {}", rules.max_length));
        }
    }

    fn range(&mut self, range: Option<&Range>, number: f64) {
        let Some(range) = range else { return };
        // Written so that NaN is out of range.
        if !(range.min <= number && number <= range.max) {
            self.violated(&format!("is not between {} and {}", range.min, range.max));
        }
    }

    fn violated(&mut self, rule: &str) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation { field: self.path.join("."), rule: rule.to_owned() });
        }
    }
}

/// Whether a field is there and not empty. One that is `optional`, or of a oneof, can be both.
fn is_set(message: &DynamicMessage, field: &FieldDescriptor) -> bool {
    message.has_field(field)
        && match &*message.get_field(field) {
            Value::String(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(_)
            | Value::Map(_)
            | Value::Message(_)
            | Value::EnumNumber(_)
            | Value::Bool(_)
            | Value::I32(_)
            | Value::I64(_)
            | Value::U32(_)
            | Value::U64(_)
            | Value::F32(_)
            | Value::F64(_) => true,
        }
}

fn items_to_look_at(rules: &FieldRules) -> usize {
    if rules.max_items > 0 { rules.max_items as usize } else { usize::MAX }
}

/// The canonical form of a text, as the subjects and the dossier of an exchange are kept; `None` if it is not of the format.
pub fn canonical(format: Format, text: &str) -> Option<String> {
    lgsp_identifiers::format::normalise(format_of(format)?, text).ok()
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

#[cfg(test)]
mod tests {
    use lgsp_proto::population::v1::GetHouseholdRequest;
    use prost::Message;

    use super::*;

    #[test]
    fn a_control_character_in_a_text_names_its_field() {
        let input = lgsp_proto::pool().get_message_by_name("lgsp.population.v1.GetHouseholdRequest");
        let checks = Checks::compile(&input.expect("the contract has it"));
        let check = |household_number: &str| {
            let asked =
                GetHouseholdRequest { household_number: household_number.to_owned(), ..Default::default() };
            checks.request(&asked.encode_to_vec())
        };
        for number in ["H\0", "\u{1b}[1m", "\u{7f}"] {
            let fault = check(number).expect_err("it is invalid");
            assert_eq!(fault.reason(), Reason::InvalidField);
            assert_eq!(fault.violations()[0].field, "household_number");
        }
        check("H 0001\n").expect("white space is no control character here");
    }
}
