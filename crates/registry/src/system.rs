//! The inventory of the city's information systems, connected or not yet. Pure, as [`decide`](crate::decide) is.

use lgsp_core::said::Rule;
use lgsp_core::{ApplicationId, Fault, rule};
use lgsp_proto::registry::v1::System;
use lgsp_proto::registry::v1::item::Item as Of;

use crate::catalogue::{Catalogue, put};
use crate::occasion::{Draft, Occasion, is_as_seen, naming_somebody, not_yours, operates, step, violation};
use crate::working_days::date;

/// Adds a system, or changes what is said of one. Its agency and the hub's operator do.
///
/// # Errors
/// Every field that breaks a rule is named; or the person may not, or has not seen it as it is.
pub(crate) fn put_system(
    catalogue: &Catalogue,
    system: System,
    reason: String,
    occasion: Occasion<'_>,
) -> Result<Draft, Fault> {
    check(catalogue, &system)?;
    let known = catalogue.system(&system.id);
    let agencies = [Some(&system.agency_code), known.map(|known| &known.agency_code)];
    let theirs = agencies.into_iter().flatten().all(|agency| *agency == occasion.person.agency_code);
    if !theirs && !operates(occasion.person) {
        return Err(not_yours("system", rule!("is put by its agency or the hub's operator")));
    }
    is_as_seen("system.etag", known.map_or(0, |known| known.etag), system.etag)?;
    let id = system.id.clone();
    let after = System {
        application: known.map(|known| known.application.clone()).unwrap_or_default(),
        connected: known.and_then(|known| known.connected.clone()),
        put: Some(step(occasion, &reason, "")),
        ..system
    };
    let edits = vec![put(known.cloned().map(Of::System), Of::System(after), id)];
    Ok(Draft { action: "put-system", reason, legal_basis: String::new(), edits })
}

fn check(catalogue: &Catalogue, system: &System) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut note = |bad: bool, field: &str, rule: Rule| {
        if bad {
            violations.push(violation(field, rule));
        }
    };
    note(ApplicationId::parse(&system.id).is_none(), "system.id", rule!("is not well formed"));
    note(system.name_vi.trim().is_empty(), "system.name_vi", rule!("is required"));
    note(catalogue.agency(&system.agency_code).is_none(), "system.agency_code", rule!("names no agency"));
    let no_date = !system.planned.is_empty() && date(&system.planned).is_none();
    note(no_date, "system.planned", rule!("is no date such as 2027-06-30"));
    let texts = [("name_vi", &system.name_vi), ("name_en", &system.name_en), ("why_not", &system.why_not)];
    for (field, text) in texts {
        let field = format!("system.{field}");
        violations.extend(naming_somebody(&[(&field, text)]));
    }
    if violations.is_empty() { Ok(()) } else { Err(Fault::invalid(violations)) }
}

#[cfg(test)]
mod tests;
