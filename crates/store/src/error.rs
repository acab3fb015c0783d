/// Why a store could not be used.
///
/// The driver's own error is not kept as a source: its text may quote a value. What helps an operator without that
/// risk is kept instead: the database's result code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option is not acceptable.
    #[error("{key} {reason}")]
    Options {
        /// The option.
        key: &'static str,
        /// What is wrong with it; a sentence that goes on after the key.
        reason: &'static str,
    },
    /// The store cannot be opened or reached.
    #[error("the store cannot be opened (code {code})")]
    Unreachable {
        /// Result code of the database, or the kind of the network's error.
        code: String,
    },
    /// The store does not let our user in, or not do this.
    #[error("the store refuses our user, its password or its right (code {code})")]
    Denied {
        /// Result code of the database, or `no-password` when it wants one and none is configured.
        code: String,
    },
    /// The deadline passed before a connection was free or the query was done.
    #[error("the store did not answer before the deadline")]
    TimedOut,
    /// Somebody else holds the store's lock.
    #[error("the store is locked by another writer (code {code})")]
    Busy {
        /// Result code of the database.
        code: String,
    },
    /// The store lacks a table or column, or has a null where none may be.
    #[error("the store's tables are not the expected ones ({problem})")]
    Schema {
        /// Result code of the database, or the column and what is wrong with it; never a value.
        problem: String,
    },
    /// One value is of another type, or a text that is none; the rest of its row can be read.
    #[error("column {column} holds a value that cannot be read")]
    Value {
        /// The column.
        column: String,
    },
    /// The store is damaged.
    #[error("the store is damaged (code {code})")]
    Damaged {
        /// Result code of the database.
        code: String,
    },
    /// The store was written by a newer version of this program.
    #[error("the store has migration {found}, this program knows {known}: start the newer version")]
    Newer {
        /// The store's last migration.
        found: i64,
        /// The last one we know.
        known: i64,
    },
    /// Anything else.
    #[error("the store failed (code {code})")]
    Failed {
        /// Result code of the database, or the kind of the driver's error.
        code: String,
    },
}

impl Error {
    /// The cause in one constant word, for health and metrics.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Options { .. } => "options",
            Self::Unreachable { .. } => "unreachable",
            Self::Denied { .. } => "denied",
            Self::TimedOut => "timed-out",
            Self::Busy { .. } => "busy",
            Self::Schema { .. } => "schema",
            Self::Value { .. } => "value",
            Self::Damaged { .. } => "damaged",
            Self::Newer { .. } => "newer",
            Self::Failed { .. } => "failed",
        }
    }

    pub(crate) fn options(key: &'static str, reason: &'static str) -> Self {
        Self::Options { key, reason }
    }

    pub(crate) fn column(name: &str, problem: &str) -> Self {
        Self::Schema { problem: format!("column {name} {problem}") }
    }
}
