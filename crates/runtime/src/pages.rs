//! What a role shows on its admin port beside its state.

use std::fmt::Debug;
use std::io;

use bytes::Bytes;

/// One page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its media type.
    pub content_type: &'static str,
    /// Whether what is there now is there for ever, so that it may be kept by whoever read it.
    pub never_changes: bool,
    /// Its content.
    pub body: Bytes,
}

/// Pages by their paths. They need no credential, as nothing on the admin port does.
pub trait Pages: Debug + Send + Sync {
    /// The page of a path, which begins with `/`; `None` if there is none. It may block on the disk.
    ///
    /// # Errors
    /// There is one, and it cannot be read.
    fn page(&self, path: &str) -> io::Result<Option<Page>>;
}
