//! Messages as schemas. A message that is asked with is described with its rules; one that is answered without most of them, since
//! fields that are not agreed are left out and no rule is promised of what a source holds.

use std::collections::{BTreeMap, VecDeque};

use lgsp_proto::options::{Classification, FieldRules, Format};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Asked,
    Answered,
}

/// The schemas so far, and the messages that have none yet.
#[derive(Default)]
pub(super) struct Schemas {
    named: BTreeMap<String, Value>,
    left: VecDeque<(String, MessageDescriptor, Side)>,
}

impl Schemas {
    /// A reference to the schema of a message, which is made if there is none yet.
    pub(super) fn reference(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        if let Some(schema) = well_known(message) {
            return schema;
        }
        let name = name(message, side);
        if !self.named.contains_key(&name) {
            // Its place, so that a message may hold itself.
            self.named.insert(name.clone(), Value::Null);
            self.left.push_back((name.clone(), message.clone(), side));
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// All of them, beside others.
    pub(super) fn finished(mut self, mut all: Map<String, Value>) -> Map<String, Value> {
        while let Some((name, message, side)) = self.left.pop_front() {
            let schema = self.message(&message, side);
            self.named.insert(name, schema);
        }
        all.extend(self.named);
        all
    }

    fn message(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for field in message.fields() {
            let rules = lgsp_proto::options::field(&field);
            if rules.required {
                required.push(field.json_name().to_owned());
            }
            if !rules.one_of_group.is_empty() {
                groups.entry(rules.one_of_group.clone()).or_default().push(field.json_name().to_owned());
            }
            properties.insert(field.json_name().to_owned(), self.field(&field, &rules, side));
        }
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        if side == Side::Asked {
            if !required.is_empty() {
                schema["required"] = required.into();
            }
            let one_of: Vec<Value> = groups
                .into_values()
                .map(|fields| {
                    let any: Vec<Value> = fields.iter().map(|name| json!({ "required": [name] })).collect();
                    json!({ "anyOf": any })
                })
                .collect();
            if !one_of.is_empty() {
                schema["allOf"] = one_of.into();
            }
        }
        schema
    }

    fn field(&mut self, field: &FieldDescriptor, rules: &FieldRules, side: Side) -> Value {
        let mut schema = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let value = entry.map_entry_value_field().kind();
                json!({ "type": "object", "additionalProperties": self.kind(&value, &FieldRules::default(), side) })
            }
            kind if field.is_list() => {
                let mut list = json!({ "type": "array", "items": self.kind(&kind, rules, side) });
                if side == Side::Asked && rules.max_items > 0 {
                    list["maxItems"] = rules.max_items.into();
                }
                if side == Side::Asked && rules.required {
                    list["minItems"] = 1.into();
                }
                list
            }
            kind => self.kind(&kind, rules, side),
        };
        let said = [("title", &rules.title_en), ("x-title-vi", &rules.title_vi)];
        for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
            schema[name] = value.as_str().into();
        }
        if rules.classification() != Classification::Unspecified {
            let name = rules.classification().as_str_name().trim_start_matches("CLASSIFICATION_");
            schema["x-classification"] = name.to_ascii_lowercase().into();
        }
        schema
    }

    fn kind(&mut self, kind: &Kind, rules: &FieldRules, side: Side) -> Value {
        match kind {
            Kind::String => text(rules, side),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => ranged(
                json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX }),
                rules,
                side,
            ),
            Kind::Uint32 | Kind::Fixed32 => ranged(
                json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX }),
                rules,
                side,
            ),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]{1,18}$" })
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]{1,19}$" })
            }
            Kind::Float => ranged(json!({ "type": "number", "format": "float" }), rules, side),
            Kind::Double => ranged(json!({ "type": "number", "format": "double" }), rules, side),
            Kind::Enum(values) => choice(values),
            Kind::Message(message) => self.reference(message, side),
        }
    }
}

/// A message that is the request of a method, or answered, has its own name; what is asked with inside of one has a name beside it.
fn name(message: &MessageDescriptor, side: Side) -> String {
    match side {
        Side::Asked if message.full_name().ends_with("Request") => message.full_name().to_owned(),
        Side::Asked => format!("{}.Asked", message.full_name()),
        Side::Answered => message.full_name().to_owned(),
    }
}

fn text(rules: &FieldRules, side: Side) -> Value {
    let mut schema = json!({ "type": "string" });
    if rules.format() != Format::Unspecified {
        let name = rules.format().as_str_name().trim_start_matches("FORMAT_");
        schema["x-format"] = name.to_ascii_lowercase().replace('_', "-").into();
    }
    if side == Side::Answered {
        return schema;
    }
    if let Some((keyword, value)) = form(rules.format()) {
        schema[keyword] = value.into();
    }
    if rules.required || rules.min_length > 0 {
        schema["minLength"] = rules.min_length.max(1).into();
    }
    if rules.max_length > 0 {
        schema["maxLength"] = rules.max_length.into();
    }
    schema
}

/// What a format asks for at the least; the hub looks closer.
fn form(format: Format) -> Option<(&'static str, &'static str)> {
    match format {
        Format::PersonalNumber => Some(("pattern", "^[0-9]{12}$")),
        Format::OldIdentityCard => Some(("pattern", "^[0-9]{9}$")),
        Format::PersonKey => Some(("pattern", "^([0-9]{12}|[0-9]{9})$")),
        Format::EnterpriseCode => Some(("pattern", "^[0-9]{10}(-[0-9]{3})?$")),
        Format::WardCode => Some(("pattern", "^[0-9]{5}$")),
        Format::Uuid => Some(("format", "uuid")),
        Format::Date => Some(("format", "date")),
        Format::Unspecified
        | Format::AgencyCode
        | Format::ParcelKey
        | Format::DossierCode
        | Format::HealthInsuranceCard
        | Format::StudentCode => None,
    }
}

fn ranged(mut schema: Value, rules: &FieldRules, side: Side) -> Value {
    if side == Side::Asked
        && let Some(range) = &rules.range
    {
        let is_whole = schema["type"] == "integer";
        let number = |bound: f64| if is_whole { json!(bound as i64) } else { json!(bound) };
        schema["minimum"] = number(range.min);
        schema["maximum"] = number(range.max);
    }
    schema
}

fn choice(values: &EnumDescriptor) -> Value {
    let names: Vec<String> = values.values().map(|value| value.name().to_owned()).collect();
    json!({ "type": "string", "enum": names })
}

/// Messages that have a form of their own in JSON.
fn well_known(message: &MessageDescriptor) -> Option<Value> {
    let name = message.full_name().strip_prefix("google.protobuf.")?;
    let whole = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    Some(match name {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => whole(r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$"),
        "FieldMask" => json!({ "type": "string" }),
        "Empty" | "Struct" => json!({ "type": "object" }),
        "Value" => json!({}),
        "ListValue" => json!({ "type": "array" }),
        "BoolValue" => json!({ "type": "boolean" }),
        "StringValue" => json!({ "type": "string" }),
        "BytesValue" => json!({ "type": "string", "contentEncoding": "base64" }),
        "Int32Value" | "UInt32Value" => json!({ "type": "integer" }),
        "Int64Value" | "UInt64Value" => whole("^-?[0-9]{1,19}$"),
        "FloatValue" | "DoubleValue" => json!({ "type": "number" }),
        _ => return None,
    })
}
