//! Bad requests out of a good one: each breaks one rule of the contract, and none may pass the door.

use std::collections::BTreeMap;

use lgsp_proto::options::{FieldRules, Format};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

/// Messages are looked into no deeper than this.
const DEEPEST: usize = 4;
/// What is no identifier of any format.
const NO_IDENTIFIER: &str = "?";

/// A request that has to be refused.
#[derive(Debug)]
pub(super) struct Bad {
    /// The field that breaks a rule: `filter.since`.
    pub field: String,
    /// How.
    pub what: &'static str,
    pub request: DynamicMessage,
}

/// All bad requests that the rules of the contract give.
pub(super) fn bad_ones(good: &DynamicMessage) -> Vec<Bad> {
    of(good, "", 0)
}

fn of(message: &DynamicMessage, above: &str, depth: usize) -> Vec<Bad> {
    let mut bad = Vec::new();
    let mut groups: BTreeMap<String, Vec<FieldDescriptor>> = BTreeMap::new();
    for field in message.descriptor().fields() {
        let rules = lgsp_proto::options::field(&field);
        if !rules.one_of_group.is_empty() {
            groups.entry(rules.one_of_group.clone()).or_default().push(field.clone());
        }
        let mut put = |what: &'static str, change: &dyn Fn(&mut DynamicMessage)| {
            let mut request = message.clone();
            change(&mut request);
            bad.push(Bad { field: format!("{above}{}", field.name()), what, request });
        };
        if rules.required {
            put("missing", &|request| request.clear_field(&field));
        }
        for (what, value) in broken(&field, &rules) {
            put(what, &|request| request.set_field(&field, in_its_place(&field, value.clone())));
        }
        if rules.max_items > 0 && field.is_list() {
            let items = vec![Value::default_value(&field.kind()); rules.max_items as usize + 1];
            put("too many", &|request| request.set_field(&field, Value::List(items.clone())));
        }
        bad.extend(below(message, &field, above, depth));
    }
    for fields in groups.into_values() {
        let mut request = message.clone();
        fields.iter().for_each(|field| request.clear_field(field));
        // The refusal names the first of them.
        let field = fields.first().map(|field| format!("{above}{}", field.name())).unwrap_or_default();
        bad.push(Bad { field, what: "missing with its alternatives", request });
    }
    bad
}

/// Of a message that the good request holds.
fn below(message: &DynamicMessage, field: &FieldDescriptor, above: &str, depth: usize) -> Vec<Bad> {
    let is_single = !field.is_list() && !field.is_map();
    if depth == DEEPEST || !is_single || !message.has_field(field) {
        return Vec::new();
    }
    let held = message.get_field(field);
    let Value::Message(inner) = &*held else { return Vec::new() };
    let within = |bad: Bad| {
        let mut request = message.clone();
        request.set_field(field, Value::Message(bad.request));
        Bad { request, ..bad }
    };
    of(inner, &format!("{above}{}.", field.name()), depth + 1).into_iter().map(within).collect()
}

fn in_its_place(field: &FieldDescriptor, value: Value) -> Value {
    if field.is_list() { Value::List(vec![value]) } else { value }
}

/// Values that break a rule of the field.
fn broken(field: &FieldDescriptor, rules: &FieldRules) -> Vec<(&'static str, Value)> {
    let mut values = Vec::new();
    if field.is_map() {
        return values;
    }
    let kind = field.kind();
    let of_length = |length: u32| match &kind {
        Kind::String => Some(Value::String("x".repeat(length as usize))),
        Kind::Bytes => Some(Value::Bytes(vec![b'x'; length as usize].into())),
        _ => None,
    };
    if rules.format() != Format::Unspecified && matches!(kind, Kind::String) {
        values.push(("of another format", Value::String(NO_IDENTIFIER.to_owned())));
    }
    if rules.max_length > 0 {
        values.extend(of_length(rules.max_length + 1).map(|value| ("too long", value)));
    }
    if rules.min_length > 1 {
        values.extend(of_length(rules.min_length - 1).map(|value| ("too short", value)));
    }
    if let Some(range) = &rules.range {
        let beside = [("too small", range.min - 1.0), ("too large", range.max + 1.0)];
        values.extend(beside.into_iter().filter_map(|(what, at)| Some((what, number(&kind, at)?))));
    }
    if let Kind::Enum(_) = kind {
        values.push(("not of the enumeration", Value::EnumNumber(i32::MAX)));
    }
    values
}

/// A number of a kind; `None` if the kind has no such number.
fn number(kind: &Kind, at: f64) -> Option<Value> {
    let fits = |least: f64, most: f64| (least <= at && at <= most).then_some(at);
    Some(match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(fits(f64::from(i32::MIN), f64::from(i32::MAX))? as i32)
        }
        Kind::Uint32 | Kind::Fixed32 => Value::U32(fits(0.0, f64::from(u32::MAX))? as u32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(fits(-9e15, 9e15)? as i64),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(fits(0.0, 9e15)? as u64),
        Kind::Float => Value::F32(at as f32),
        Kind::Double => Value::F64(at),
        Kind::Bool | Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use lgsp_core::Checks;
    use prost::Message as _;

    use super::*;

    /// Every bad request of every method of the hub's own contracts is refused by the checks that gateways make, and for its field.
    #[test]
    fn every_bad_request_breaks_the_rule_that_it_is_about() {
        let mut seen = 0;
        for service in
            lgsp_proto::pool().services().filter(|service| service.full_name().starts_with("lgsp."))
        {
            for method in service.methods() {
                let checks = Checks::compile(&method.input());
                for Bad { field, what, request } in bad_ones(&DynamicMessage::new(method.input())) {
                    let fault = checks.request(&request.encode_to_vec()).map(drop).expect_err(&field);
                    let named = fault.violations().iter().any(|violation| violation.field == field);
                    assert!(named, "{} {field} {what}: {:?}", method.full_name(), fault.violations());
                    seen += 1;
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
