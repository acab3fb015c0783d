//! A made-up request that keeps the rules of its contract, of the persons whom every synthetic city has.

use lgsp_proto::options::{FieldRules, Format};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// How far messages are filled that hold messages.
const DEEPEST: usize = 4;

/// What has to be set, and the first of the fields of which one has to be.
pub(super) fn of(input: &MessageDescriptor) -> Value {
    message(input, 0)
}

fn message(message: &MessageDescriptor, depth: usize) -> Value {
    let (mut fields, mut groups) = (Map::new(), Vec::new());
    for field in message.fields() {
        let rules = lgsp_proto::options::field(&field);
        let is_first = !rules.one_of_group.is_empty() && !groups.contains(&rules.one_of_group);
        if depth < DEEPEST && (rules.required || is_first) {
            fields.insert(field.json_name().to_owned(), value(&field, &rules, depth));
        }
        groups.push(rules.one_of_group);
    }
    // One that holds a date or a place, and requires neither of its numbers.
    if fields.is_empty() && depth > 0 {
        for field in message.fields().take(2) {
            let rules = lgsp_proto::options::field(&field);
            if !matches!(field.kind(), Kind::Message(_)) {
                fields.insert(field.json_name().to_owned(), value(&field, &rules, depth));
            }
        }
    }
    fields.into()
}

fn value(field: &FieldDescriptor, rules: &FieldRules, depth: usize) -> Value {
    if field.is_map() {
        return json!({});
    }
    let one = match field.kind() {
        Kind::String => text(rules),
        Kind::Bytes => bytes(rules),
        Kind::Bool => true.into(),
        Kind::Enum(values) => {
            let named = values.values().find(|value| value.number() != 0);
            named.map_or(Value::Null, |value| value.name().into())
        }
        Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {
            "2026-06-01T00:00:00Z".into()
        }
        Kind::Message(inner) if inner.full_name() == "google.protobuf.Duration" => "60s".into(),
        Kind::Message(inner) => message(&inner, depth + 1),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => {
            (number(rules) as i64).to_string().into()
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => {
            (number(rules) as i64).into()
        }
        Kind::Float | Kind::Double => number(rules).into(),
    };
    if field.is_list() { json!([one]) } else { one }
}

/// 1, or what the range has nearest to it.
fn number(rules: &FieldRules) -> f64 {
    rules.range.as_ref().map_or(1.0, |range| 1.0_f64.clamp(range.min, range.max))
}

fn bytes(rules: &FieldRules) -> Value {
    use base64::Engine;
    let length = rules.min_length.max(1) as usize;
    base64::engine::general_purpose::STANDARD.encode(vec![0; length]).into()
}

fn text(rules: &FieldRules) -> Value {
    let known = match rules.format() {
        Format::Unspecified => {
            let word = "example";
            let longest = if rules.max_length == 0 { word.len() } else { rules.max_length as usize };
            let shortest = rules.min_length as usize;
            let text: String = word.chars().cycle().take(word.len().min(longest).max(shortest)).collect();
            return text.into();
        }
        Format::PersonalNumber | Format::PersonKey => "092085000011",
        Format::OldIdentityCard => "360000011",
        Format::EnterpriseCode => "1898900118",
        Format::AgencyCode => "H13.03",
        Format::WardCode => "31135",
        Format::ParcelKey => "31321/101/1",
        Format::DossierCode => "H13.01-260601-0001",
        Format::HealthInsuranceCard => "DN4929200000011",
        Format::StudentCode => "9200000011",
        Format::Uuid => "01890a5d-ac96-774b-bcce-b302099a8057",
        Format::Date => "2026-06-01",
    };
    known.into()
}
