use lgsp_core::{Kind, Plan};
use prost_reflect::MessageDescriptor;

use crate::choice;
use crate::contracts::{ANSWERS, Contract, Granted, below};

/// A mask grants the fields that its paths name and all below them, and a path that does not exist is refused.
///
/// The first byte chooses a contract; every line of the rest is a path.
pub fn mask(data: &[u8]) {
    let (chosen, rest) = choice(data);
    let contract = &ANSWERS[chosen % ANSWERS.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let paths: Vec<&str> = text.lines().collect();
    let owned: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();

    let compiled = Plan::compile(&contract.message, &owned);
    let is_mask = !paths.is_empty() && paths.iter().all(|path| exists(&contract.message, path));
    assert_eq!(compiled.is_ok(), is_mask, "{paths:?}");
    if let Ok(plan) = compiled {
        grants_what_is_named(contract, &Granted::by(&paths), &plan);
    }
}

fn exists(message: &MessageDescriptor, path: &str) -> bool {
    if path == "*" {
        return true;
    }
    let mut at = Some(message.clone());
    // Nothing is decoded that lies deeper.
    path.split('.').count() <= 100
        && path.split('.').all(|name| {
            let field = at.take().and_then(|message| message.get_field_by_name(name));
            at = field.as_ref().and_then(below);
            field.is_some()
        })
}

fn grants_what_is_named(contract: &Contract, granted: &Granted<'_>, plan: &Plan) {
    for path in &contract.paths {
        let mut names = path.split('.');
        let expected = names.try_fold(granted.clone(), |granted, name| granted.of(name)).is_some();
        assert_eq!(lets_out(&contract.message, plan, path), expected, "{path}");
    }
}

/// Whether a walk by the plan comes to a field.
fn lets_out(message: &MessageDescriptor, plan: &Plan, path: &str) -> bool {
    let (mut message, mut node) = (message.clone(), Plan::ROOT);
    let names: Vec<&str> = path.split('.').collect();
    for (index, name) in names.iter().enumerate() {
        let field = message.get_field_by_name(name).expect("the path exists");
        let Some(mut planned) = plan.node(node).field(field.number()) else { return false };
        if index + 1 == names.len() {
            return true;
        }
        if field.is_map() {
            let Kind::Message(entry) = planned.kind else { panic!("a map has entries") };
            assert!(plan.node(entry).field(1).is_some(), "keys go with what of their values is granted");
            let Some(value) = plan.node(entry).field(2) else { return false };
            planned = value;
        }
        let Kind::Message(inner) = planned.kind else { panic!("a path leads through messages") };
        (message, node) = (below(&field).expect("a path leads through messages"), inner);
    }
    false
}
