//! Production and sandbox, apart from each other.

use lgsp_proto::registry::v1::{ApplicationState, Environment};

use crate::SANDBOX;

/// The environment of a name, as configurations and entries write it; unspecified for any other name.
pub fn environment(name: &str) -> Environment {
    match name {
        "production" => Environment::Production,
        SANDBOX => Environment::Sandbox,
        _ => Environment::Unspecified,
    }
}

/// Whether an application at this stage may call: one that is being connected does so in the sandbox.
pub(crate) fn may_call(state: ApplicationState, environment: &str) -> bool {
    match state {
        ApplicationState::Connected => true,
        ApplicationState::Onboarding => environment == SANDBOX,
        ApplicationState::Unspecified
        | ApplicationState::Requested
        | ApplicationState::Suspended
        | ApplicationState::Retired
        | ApplicationState::Refused => false,
    }
}

/// Whether a credential of one environment may stand in the rules of another: only one that says nothing may.
pub(crate) fn belongs(credential: Environment, environment: &str) -> bool {
    credential == Environment::Unspecified || credential == self::environment(environment)
}
