use std::error::Error as StdError;

use lgsp_store::Error as StoreError;

/// Why a source gave no answer. Whatever kind of source it is, a caller is told no more than this.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It did not answer in time.
    #[error("the source did not answer in time")]
    TimedOut,
    /// It cannot be reached, is locked or damaged.
    #[error("the source is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// It answered what the adapter does not understand.
    #[error("the source answered what the adapter does not understand")]
    Unexpected(#[source] Box<dyn StdError + Send + Sync>),
    /// It holds several records where there can be one, and which is right cannot be told.
    #[error("the source holds several records where there can be one")]
    Contradictory,
}

impl SourceError {
    /// The cause in one constant word, for health and metrics. A closed set; a driver's text is never one.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::Unavailable(_) => "unavailable",
            Self::Unexpected(_) => "unexpected",
            Self::Contradictory => "contradictory",
        }
    }
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TimedOut => Self::TimedOut,
            StoreError::Unreachable { .. }
            | StoreError::Denied { .. }
            | StoreError::Busy { .. }
            | StoreError::Damaged { .. }
            | StoreError::Failed { .. } => Self::Unavailable(error.into()),
            StoreError::Options { .. }
            | StoreError::Schema { .. }
            | StoreError::Value { .. }
            | StoreError::Newer { .. } => Self::Unexpected(error.into()),
        }
    }
}
