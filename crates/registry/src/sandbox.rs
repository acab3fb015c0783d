//! What a registry of the sandbox decides once production is served from the same history: what is about the sandbox alone.
//!
//! Keys for the sandbox are handed out freely, so that interfaces can be tried. They must decide nothing that others live with.

use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Change, Edit, Environment};

use crate::held::Held;
use crate::holders::environment_of;

/// The action of the change by which a registry of production says that it is there.
pub(crate) const PRODUCTION: &str = "serve-production";

/// Whether a change touches data services and sandbox credentials only, and leaves the rules of production as they are.
pub(crate) fn is_of_it_alone(change: &Change, before: &Held, after: &Held) -> bool {
    let [production, _] = after.content;
    production == before.content[0] && change.edits.iter().all(is_of_sandbox)
}

fn is_of_sandbox(edit: &Edit) -> bool {
    let items = [&edit.before, &edit.after].into_iter().flatten().filter_map(|item| item.item.as_ref());
    items.into_iter().all(|item| match item {
        Of::ServiceRecord(_) => true,
        Of::Credential(record) => environment_of(record) == Environment::Sandbox,
        Of::Service(_)
        | Of::Agency(_)
        | Of::Purpose(_)
        | Of::Role(_)
        | Of::RoleProposal(_)
        | Of::Application(_)
        | Of::Connection(_)
        | Of::System(_)
        | Of::NationalService(_)
        | Of::Person(_)
        | Of::PersonProposal(_)
        | Of::Agreement(_) => false,
    })
}
