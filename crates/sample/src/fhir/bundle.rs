//! Resources in transactions: all of one bundle are stored, or none.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::clinical::clinical;
use super::coverage::{coverage, organization};
use super::immunization::immunizations;
use super::patient::{holder, observations, patient};
use crate::health::facilities::facilities;
use crate::record::Home;

/// A bundle is closed when it has so many resources. That of one home is never torn apart.
const ENOUGH: usize = 300;

/// The facilities that the others refer to, which must be there first.
pub fn catalogue() -> Value {
    transaction(facilities().iter().map(organization).collect())
}

/// What the health sector holds about some homes.
pub fn transactions(homes: &[Home]) -> Vec<Value> {
    let mut bundles = Vec::new();
    let mut resources = Vec::new();
    for home in homes {
        add(&mut resources, home);
        if resources.len() >= ENOUGH {
            bundles.push(transaction(std::mem::take(&mut resources)));
        }
    }
    if !resources.is_empty() {
        bundles.push(transaction(resources));
    }
    bundles
}

fn add(resources: &mut Vec<Value>, home: &Home) {
    let known: HashSet<i64> = home.patients.iter().map(|patient| patient.citizen).collect();
    let insured: HashSet<i64> = home.cards.iter().map(|card| card.holder).collect();
    for citizen in &home.citizens {
        if insured.contains(&citizen.id) && !known.contains(&citizen.id) {
            resources.push(holder(citizen));
        }
    }
    for record in &home.patients {
        resources.push(patient(record));
        resources.extend(observations(record));
        resources.extend(clinical(record));
        resources.extend(immunizations(record));
    }
    let mut numbers: HashMap<i64, usize> = HashMap::new();
    for card in &home.cards {
        let number = numbers.entry(card.holder).or_default();
        *number += 1;
        resources.push(coverage(card, *number));
    }
}

pub(super) fn transaction(resources: Vec<Value>) -> Value {
    let entry = |resource: Value| {
        let text = |element: &str| resource[element].as_str().unwrap_or_default().to_owned();
        let url = format!("{}/{}", text("resourceType"), text("id"));
        json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
    };
    let entries: Vec<Value> = resources.into_iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}
