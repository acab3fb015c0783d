//! What files say that the registry shall hold.

use std::path::Path;

use lgsp_registry::rules::{Checked, Folder, check};

use crate::client::Error;

/// Reads the files. What does not hold together is told before the registry is asked to do it.
pub(crate) fn read(dir: &Path, environment: &str) -> Result<Checked, Error> {
    let folder = Folder::read(dir).map_err(|source| Error::Folder { path: dir.to_owned(), source })?;
    check(&folder, environment).map_err(|problems| Error::Rules(Box::new(problems)))
}
