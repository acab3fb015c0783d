use serde::{Deserialize, Serialize};

/// Where a store is, and how much of it is used at once.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// `sqlite:<path>`. Required.
    pub url: String,
    /// Most connections at once, 1 to 64. More callers wait until their deadline.
    pub max_connections: u32,
}

impl Options {
    /// The greatest accepted `max_connections`.
    pub const MOST_CONNECTIONS: u32 = 64;

    /// Options for an URL, all else by default.
    pub fn of(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { url: String::new(), max_connections: 8 }
    }
}

/// The URL may one day hold a password.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}
