use crate::Error;

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
            | sqlx::Error::TypeNotFound { .. } => return Self::Schema { problem: "decode".to_owned() },
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
        1 => Error::Schema { problem: format!("code {code}") },
        5 | 6 => Error::Busy { code },
        9 => Error::TimedOut,
        14 => Error::Unreachable { code },
        11 | 26 => Error::Damaged { code },
        _ => Error::Failed { code },
    }
}
