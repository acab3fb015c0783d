//! Whether the ledger may sign: not before its witnesses were asked in this life, not while one has seen another log, and not where a
//! checkpoint was signed before and is gone.

use std::sync::Arc;

use super::Error;
use super::publish::Published;

/// What stands in the way of signing.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The witnesses were not asked yet.
    pub asking: bool,
    /// A witness has seen another log.
    pub is_another_log: bool,
    /// What would be signed, if all witnesses say that the log goes on what they have seen: it is shown to them and to nobody else.
    pub unconfirmed: Option<Arc<Published>>,
}

impl Gate {
    /// Whether more may be signed than was; not yet if it is only to be waited for.
    ///
    /// # Errors
    /// Somebody must act.
    pub fn is_open(&self) -> Result<bool, Error> {
        if self.is_another_log {
            return Err(Error::AnotherLog);
        }
        match &self.unconfirmed {
            Some(unconfirmed) => Err(Error::CheckpointMissing { size: unconfirmed.size }),
            None => Ok(!self.asking),
        }
    }
}
