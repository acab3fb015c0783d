//! The rules that ship with the hub: the 11 applications, and agreements that show every decision.

/// The shipped rules, file by file, as `lgsp up` writes them into a fresh data directory.
///
/// Their `credentials.toml` holds no key: keys are made where they are used.
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    &SHIPPED
}

macro_rules! shipped {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../../../deploy/config/registry/", $name))),)*] };
}

static SHIPPED: [(&str, &str); 8] = shipped![
    "agencies.toml",
    "purposes.toml",
    "services.toml",
    "roles.toml",
    "applications.toml",
    "credentials.toml",
    "agreements.toml",
    "inventory.toml"
];
