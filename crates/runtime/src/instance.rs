//! One start of one process: who it is.

use std::fmt;
use std::sync::Arc;

/// Names one start of a role. A restarted process is another instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    role: Arc<str>,
    name: Arc<str>,
    version: &'static str,
}

impl Instance {
    /// Makes a new instance of `role` with a random name, such as `gateway-9f86d081`.
    ///
    /// `version` is the binary's, usually `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn new(role: &str, version: &'static str) -> Self {
        let name = format!("{role}-{:08x}", rand::random::<u32>());
        Self { role: role.into(), name: name.into(), version }
    }

    /// Returns the role, such as `gateway` or `adapter-land`.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Returns the instance's name: the role, a dash and random hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version of the binary.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.version
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_starts_of_a_role_have_different_names() {
        let (first, second) = (Instance::new("gateway", "1.2.3"), Instance::new("gateway", "1.2.3"));
        assert_ne!(first.name(), second.name());
        assert!(first.name().starts_with("gateway-"));
    }
}
