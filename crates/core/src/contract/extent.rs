//! How much a contract may ask of whoever carries it. A few bytes of a descriptor set can name a message again and again, and the hub
//! reads the rules of every field for each method that reaches it.

use std::collections::HashSet;

use prost_reflect::{MessageDescriptor, ServiceDescriptor};

use super::Problem;
use crate::plan::DEEPEST;

/// Most methods of a service: what comes of a check is recorded of no more.
const MOST_METHODS: usize = 200;
/// Most messages and fields that the methods of a service reach, counted for every method.
const MOST_REACHED: usize = 50_000;

/// What of a service is too much to carry; nothing if it is not.
pub(super) fn too_large(service: &ServiceDescriptor) -> Vec<Problem> {
    let name = service.full_name();
    let methods = service.methods().len();
    if methods > MOST_METHODS {
        return vec![Problem::new(name, format!("has {methods} methods"), format!("at most {MOST_METHODS}"))];
    }
    let mut left = MOST_REACHED;
    for message in service.methods().flat_map(|method| [method.input(), method.output()]) {
        match reach(&message, &mut left) {
            Ok(()) => {}
            Err(TooLarge::Deep(at)) => {
                let found = format!("`{}` is nested deeper in it than {DEEPEST} messages", at.full_name());
                let accepted = "nothing that decoders do not read";
                return vec![Problem::new(message.full_name(), found, accepted)];
            }
            Err(TooLarge::Wide) => {
                let found = format!("its methods reach more than {MOST_REACHED} messages and fields");
                return vec![Problem::new(name, found, "fewer; each is counted for every method")];
            }
        }
    }
    Vec::new()
}

enum TooLarge {
    Deep(MessageDescriptor),
    Wide,
}

/// Goes through all that a message holds, level by level: so one that holds itself is as deep as the first time it is met.
fn reach(root: &MessageDescriptor, left: &mut usize) -> Result<(), TooLarge> {
    let mut seen = HashSet::from([root.full_name().to_owned()]);
    let mut level = vec![root.clone()];
    let mut depth = 0;
    while let Some(first) = level.first() {
        if depth > DEEPEST {
            return Err(TooLarge::Deep(first.clone()));
        }
        let mut below = Vec::new();
        for message in &level {
            *left = left.checked_sub(1 + message.fields().len()).ok_or(TooLarge::Wide)?;
            let held = message.fields().filter_map(|field| field.kind().as_message().cloned());
            below.extend(held.filter(|held| seen.insert(held.full_name().to_owned())));
        }
        (level, depth) = (below, depth + 1);
    }
    Ok(())
}
