use lgsp_bus::topics::Role;

use crate::cli::server::Domain;

/// A role that a machine is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part(Role);

impl Part {
    /// Reads a role's name, such as `adapter-land`.
    ///
    /// # Errors
    /// There is no such role.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "gateway" => Ok(Self(Role::Gateway)),
            "registry" | "ledger" | "monitor" => Ok(Self(Role::serving(text))),
            // A city may have adapters of its own.
            _ => match text.strip_prefix("adapter-").filter(|domain| !domain.is_empty()) {
                Some(domain) => Ok(Self(Role::Adapter(domain.to_owned()))),
                None => Err("gateway, registry, ledger, monitor or adapter-<domain>".to_owned()),
            },
        }
    }
}

/// What a machine is for.
pub(super) struct Parts(Vec<Role>);

impl Parts {
    /// Those that were named; none: all.
    pub(super) fn new(named: &[Part]) -> Self {
        Self(named.iter().map(|part| part.0.clone()).collect())
    }

    pub(super) fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the machine is for one of them.
    pub(super) fn include(&self, roles: &[Role]) -> bool {
        self.are_all() || self.0.iter().any(|role| roles.contains(role))
    }

    /// Whether it needs the MAC key of a domain: gateways, ledger and monitor need all, another provider its own.
    pub(super) fn need_mac(&self, domain: &str) -> bool {
        self.include(&[Role::Gateway, Role::Ledger, Role::Monitor, Role::serving(domain)])
    }

    /// The adapters of this program that it is for.
    pub(super) fn domains(&self) -> Vec<Domain> {
        let is_ours = |domain: &Domain| self.include(&[Role::serving(domain.name())]);
        Domain::ALL.into_iter().filter(is_ours).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_needs_what_its_roles_need() {
        let parts = |named: &[&str]| {
            let named: Vec<Part> = named.iter().map(|name| Part::parse(name).expect("a role")).collect();
            Parts::new(&named)
        };
        assert!(parts(&[]).need_mac("land") && parts(&[]).domains().len() == 5);
        let land = parts(&["adapter-land"]);
        assert!(land.need_mac("land") && !land.need_mac("health") && !land.include(&[Role::Gateway]));
        assert_eq!(land.domains(), [Domain::Land]);
        assert!(parts(&["gateway"]).need_mac("health"));
        assert!(Part::parse("adapter-").is_err() && Part::parse("nobody").is_err());
    }
}
