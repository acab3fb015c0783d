use std::fmt;
use std::sync::Arc;

use crate::ids::is_slug;

/// A coded reason for an exchange: lower-case letters, digits and `-`, at most 32. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(Arc<str>);

impl Purpose {
    /// The purpose, if it is well formed. Whether the hub knows it is for [`permit`](crate::permit) to say.
    pub fn parse(text: &str) -> Option<Self> {
        is_slug(text).then(|| Self(text.into()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Purpose {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
