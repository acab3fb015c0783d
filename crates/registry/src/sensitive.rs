//! Which sensitive fields a mask grants, for whoever decides about it.

use lgsp_core::Rules;
use lgsp_proto::options::Classification;
use lgsp_proto::registry::v1::{Agreement, Grant};
use prost_reflect::{Kind, MessageDescriptor};

/// Messages nest no deeper than this in any contract; one that holds itself ends here.
const DEEPEST: usize = 8;
/// Most fields that are named.
const MOST: usize = 64;

/// The sensitive fields of all grants of an agreement: `GetHealthCard: card.disabilities`.
pub(crate) fn granted(terms: &Agreement, rules: &Rules) -> Vec<String> {
    let mut named = Vec::new();
    for grant in &terms.grants {
        let method = rules.method(&format!("/{}/{}", terms.service, grant.method));
        if let Some(method) = method {
            walk(&method.output, "", false, 0, grant, &mut named);
        }
    }
    named.truncate(MOST);
    named
}

/// A path grants all below it, `*` all there is.
fn walk(
    message: &MessageDescriptor,
    above: &str,
    granted_above: bool,
    depth: usize,
    grant: &Grant,
    named: &mut Vec<String>,
) {
    if depth == DEEPEST || named.len() >= MOST {
        return;
    }
    for field in message.fields() {
        let path =
            if above.is_empty() { field.name().to_owned() } else { format!("{above}.{}", field.name()) };
        let granted = granted_above || grant.fields.iter().any(|granted| *granted == path || granted == "*");
        let below = grant.fields.iter().any(|granted| granted.starts_with(&format!("{path}.")));
        if !granted && !below {
            continue;
        }
        if granted && lgsp_proto::options::field(&field).classification() == Classification::Sensitive {
            named.push(format!("{}: {path}", grant.method));
            continue;
        }
        if let Kind::Message(inner) = field.kind() {
            walk(&inner, &path, granted, depth + 1, grant, named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Folder, check};

    fn of(method: &str, fields: &[&str]) -> Vec<String> {
        let shipped = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
        let rules = Rules::compile(shipped.snapshot(), shipped.descriptors()).unwrap();
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let terms = Agreement {
            service: "lgsp.population.v1.PopulationService".to_owned(),
            grants: vec![Grant { method: method.to_owned(), fields }],
            ..Agreement::default()
        };
        granted(&terms, &rules)
    }

    #[test]
    fn sensitive_fields_are_named_wherever_the_mask_grants_them() {
        let all = of("GetCitizen", &["*"]);
        assert!(all.contains(&"GetCitizen: citizen.religion".to_owned()), "{all:?}");
        assert_eq!(of("GetCitizen", &["citizen"]), all);
        assert_eq!(of("GetCitizen", &["citizen.religion"]), ["GetCitizen: citizen.religion"]);
        assert!(of("GetCitizen", &["citizen.full_name"]).is_empty());
    }
}
