/// Why a store could not be used.
///
/// The driver's own error is not kept as a source: its text may quote a value. What helps an operator without that
/// risk is kept instead: the database's result code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one that we can open.
    #[error("the url of a store must be sqlite:<path>")]
    Url,
    /// The store cannot be opened.
    #[error("the store cannot be opened (code {code})")]
    Unreachable {
        /// Result code of the database.
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
    /// The store lacks a table or column, or holds a value of another type.
    #[error("the store's tables are not the expected ones (code {code})")]
    Schema {
        /// Result code of the database, or `decode`.
        code: String,
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
            Self::Url => "url",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Busy { .. } => "busy",
            Self::Schema { .. } => "schema",
            Self::Damaged { .. } => "damaged",
            Self::Newer { .. } => "newer",
            Self::Failed { .. } => "failed",
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            sqlx::Error::Database(error) => return of_database(error.as_ref()),
            sqlx::Error::PoolTimedOut => return Self::TimedOut,
            sqlx::Error::PoolClosed => return Self::Unreachable { code: "closed".to_owned() },
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. } => return Self::Schema { code: "decode".to_owned() },
            sqlx::Error::Io(_) => "io",
            sqlx::Error::WorkerCrashed => "worker",
            sqlx::Error::RowNotFound => "no-row",
            _ => "driver",
        };
        Self::Failed { code: code.to_owned() }
    }
}

/// Reads SQLite's result code; the low byte is the primary one (<https://www.sqlite.org/rescode.html>).
fn of_database(error: &dyn sqlx::error::DatabaseError) -> Error {
    let code = error.code().map(String::from).unwrap_or_default();
    let primary = code.parse::<u32>().map_or(0, |code| code & 0xff);
    match primary {
        1 => Error::Schema { code },
        5 | 6 => Error::Busy { code },
        9 => Error::TimedOut,
        14 => Error::Unreachable { code },
        11 | 26 => Error::Damaged { code },
        _ => Error::Failed { code },
    }
}
