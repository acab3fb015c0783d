use std::error::Error as _;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};

use crate::Error;

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(code) = error.code() {
            return of_sqlstate(code.code());
        }
        if error.is_closed() {
            return unreachable("closed");
        }
        match error.source() {
            Some(source) => of_source(source),
            None => Self::Failed { code: "driver".to_owned() },
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(TimeoutType::Create) => unreachable("timeout"),
            PoolError::Timeout(TimeoutType::Wait | TimeoutType::Recycle) => Self::TimedOut,
            PoolError::Closed => unreachable("closed"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Failed { code: "pool".to_owned() }
            }
        }
    }
}

/// Reads what PostgreSQL answered (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_sqlstate(code: &str) -> Error {
    let (class, code) = (code.get(..2).unwrap_or_default(), code.to_owned());
    match (class, code.as_str()) {
        // Ended by its statement_timeout, or by our cancellation.
        (_, "57014") => Error::TimedOut,
        ("28", _) | (_, "42501") => Error::Denied { code },
        // Shutting down, starting up, gone, full, or without this database.
        ("08", _) | (_, "57P01" | "57P02" | "57P03" | "53300" | "3D000") => Error::Unreachable { code },
        ("40", _) | (_, "55P03") => Error::Busy { code },
        // A table or column that is not there, or a value that is none of its type or cannot be brought to another.
        ("0A" | "22" | "3F" | "42", _) => Error::Schema { problem: format!("code {code}") },
        (_, "XX001" | "XX002") => Error::Damaged { code },
        _ => Error::Failed { code },
    }
}

/// Reads what went wrong between us and the server.
fn of_source(source: &(dyn std::error::Error + 'static)) -> Error {
    if let Some(error) = source.downcast_ref::<io::Error>() {
        let by_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        return match by_tls {
            Some(rustls::Error::InvalidCertificate(_)) => unreachable("tls-certificate"),
            Some(_) => unreachable("tls"),
            None => Error::Unreachable { code: format!("{:?}", error.kind()) },
        };
    }
    // The driver's own words, which it has no type for.
    match source.to_string().as_str() {
        "password missing" => Error::Denied { code: "no-password".to_owned() },
        "server does not support TLS" => unreachable("no-tls"),
        _ => Error::Failed { code: "driver".to_owned() },
    }
}

fn unreachable(code: &str) -> Error {
    Error::Unreachable { code: code.to_owned() }
}
