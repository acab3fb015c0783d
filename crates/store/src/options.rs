use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Dialect, Error, postgres};

/// Where a store is, and how much of it is used at once.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// `sqlite:<path>`, or `postgres://<user>@<host>:<port>/<database>` with parameters of PostgreSQL's own clients behind it.
    /// Required. A password has no place in it.
    ///
    /// `sslmode` is `disable`, `require` (encrypted, but with whoever answers) or `verify-full`. The last is the default,
    /// except on this machine, where nothing is encrypted.
    pub url: String,
    /// A file with the password for PostgreSQL and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, of the authorities that may vouch for a PostgreSQL server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_certificates: Option<PathBuf>,
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

    /// The database that the URL names.
    ///
    /// # Errors
    /// The URL begins with no scheme that we know.
    pub fn dialect(&self) -> Result<Dialect, Error> {
        match self.url.split_once(':') {
            Some(("sqlite", _)) => Ok(Dialect::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Dialect::Postgres),
            _ => Err(Error::options("url", "begins neither with sqlite: nor with postgres://")),
        }
    }

    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// [`Error::Options`] with the option's name and what is wrong with it.
    pub fn check(&self) -> Result<(), Error> {
        match self.dialect()? {
            Dialect::Postgres => postgres::check(self),
            Dialect::Sqlite => match (&self.password_file, &self.root_certificates) {
                (None, None) => Ok(()),
                (Some(_), _) => {
                    Err(Error::options("password-file", "is for PostgreSQL: SQLite knows no password"))
                }
                (None, Some(_)) => Err(Error::options("root-certificates", "is for PostgreSQL")),
            },
        }
    }

    /// The size of the pool.
    pub(crate) fn connections(&self) -> u32 {
        self.max_connections.clamp(1, Self::MOST_CONNECTIONS)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { url: String::new(), password_file: None, root_certificates: None, max_connections: 8 }
    }
}

/// The URL may hold a password that will be refused.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}
