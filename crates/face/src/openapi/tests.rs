use std::collections::BTreeSet;

use lgsp_core::Checks;
use prost_reflect::ServiceDescriptor;

use super::*;
use crate::json;

fn services() -> Vec<ServiceDescriptor> {
    lgsp_proto::services().map(|name| lgsp_proto::pool().get_service_by_name(name).unwrap()).collect()
}

/// Every `$ref` of a document.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_method_is_described_and_every_reference_leads_somewhere() {
    let document = document(&services(), "1");
    let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    let all = services();
    let methods =
        all.iter().flat_map(ServiceDescriptor::methods).filter(|method| !method.is_client_streaming());
    let expected: BTreeSet<String> =
        methods.map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name())).collect();
    assert_eq!(described, expected);
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in found {
        assert!(document.pointer(&reference[1..]).is_some_and(Value::is_object), "{reference}");
    }
}

#[test]
fn the_rules_of_a_field_are_told_of_what_is_asked_and_no_promise_is_made_of_an_answer() {
    let document = document(&services(), "1");
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let asked = schema("lgsp.population.v1.GetCitizenRequest");
    assert_eq!(asked["required"], serde_json::json!(["personalNumber"]));
    assert_eq!(asked["additionalProperties"], false);
    let number = &asked["properties"]["personalNumber"];
    assert_eq!((&number["type"], &number["x-classification"]), (&"string".into(), &"personal".into()));
    assert_eq!(number["x-format"], "person-key");
    assert!(number["title"].is_string() && number["x-title-vi"].is_string() && number["pattern"].is_string());
    let answered = schema("lgsp.population.v1.Citizen");
    assert!(answered.get("required").is_none());
    assert!(answered["properties"]["personalNumber"].get("pattern").is_none());
    let capital = &schema("lgsp.business.v1.Enterprise")["properties"]["charterCapitalVnd"];
    assert_eq!((&capital["type"], &capital["format"]), (&"string".into(), &"int64".into()));
}

#[test]
fn every_example_keeps_the_rules_of_its_contract() {
    for method in services().iter().flat_map(ServiceDescriptor::methods) {
        let input = method.input();
        let example = example::of(&input).to_string();
        let message = json::to_message(&input, example.as_bytes());
        let message = message.unwrap_or_else(|fault| panic!("{}: {example}: {fault:?}", method.full_name()));
        let checked = Checks::compile(&input).request(&message);
        assert!(checked.is_ok(), "{}: {example}: {checked:?}", method.full_name());
    }
}
