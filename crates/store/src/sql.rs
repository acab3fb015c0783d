use std::fmt::{self, Display, Write as _};

use crate::{Dialect, Kind, Query, Value};

/// A statement that is put together for one call, and not kept prepared.
///
/// ```
/// # use lgsp_store::{Dialect, Kind, Sql};
/// let mut sql = Sql::new(Dialect::Postgres, "INSERT INTO thing (id, name) ");
/// sql.rows([Kind::Integer, Kind::Text], [(1_i64, "a"), (2, "b")].map(|(id, name)| [id.into(), name.into()]));
/// sql.push(" ON CONFLICT DO NOTHING");
/// assert_eq!(sql.text(), "INSERT INTO thing (id, name) SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT DO NOTHING");
/// ```
pub struct Sql<'q> {
    dialect: Dialect,
    text: String,
    values: Vec<Value<'q>>,
}

impl<'q> Sql<'q> {
    /// The beginning of a statement for this database.
    pub fn new(dialect: Dialect, text: &str) -> Self {
        Self { dialect, text: text.to_owned(), values: Vec::new() }
    }

    /// Goes on with text of ours.
    pub fn push(&mut self, text: impl Display) -> &mut Self {
        // A string takes whatever is written to it.
        let _ = write!(self.text, "{text}");
        self
    }

    /// Goes on with text that only this database is to read, such as a hint.
    pub fn push_on(&mut self, dialect: Dialect, text: impl Display) -> &mut Self {
        if dialect == self.dialect { self.push(text) } else { self }
    }

    /// Goes on with a placeholder and its value.
    pub fn bind(&mut self, value: impl Into<Value<'q>>) -> &mut Self {
        self.values.push(value.into());
        match self.dialect {
            // SQLite looks for each name among all others.
            Dialect::Sqlite => self.push("?"),
            Dialect::Postgres => self.push(format_args!("${}", self.values.len())),
        }
    }

    /// Goes on with a condition: what stands before is one of these. There must be one, and SQLite takes at most 32,766 of all values
    /// of a statement.
    pub fn among<V: Into<Value<'q>>>(
        &mut self,
        kind: Kind,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => {
                for (number, value) in values.into_iter().enumerate() {
                    self.push(if number == 0 { " IN (" } else { ", " }).bind(value);
                }
                self.push(")")
            }
            Dialect::Postgres => {
                let values = values.into_iter().map(Into::into).collect();
                self.push(" = ANY(").array(kind, values).push(")")
            }
        }
    }

    /// Goes on with rows, as `VALUES` has them. There must be one; the bound is that of [`Sql::among`].
    pub fn rows<const N: usize>(
        &mut self,
        kinds: [Kind; N],
        rows: impl IntoIterator<Item = [Value<'q>; N]>,
    ) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => {
                for (number, row) in rows.into_iter().enumerate() {
                    self.push(if number == 0 { "VALUES " } else { ", " });
                    for (column, value) in row.into_iter().enumerate() {
                        self.push(if column == 0 { "(" } else { ", " }).bind(value);
                    }
                    self.push(")");
                }
                self
            }
            // One text however many rows there are, and a value for each column.
            Dialect::Postgres => {
                let mut columns = [const { Vec::new() }; N];
                for row in rows {
                    for (column, value) in columns.iter_mut().zip(row) {
                        column.push(value);
                    }
                }
                for (number, (kind, column)) in kinds.into_iter().zip(columns).enumerate() {
                    self.push(if number == 0 { "SELECT * FROM unnest(" } else { ", " }).array(kind, column);
                }
                self.push(")")
            }
        }
    }

    fn array(&mut self, kind: Kind, values: Vec<Value<'q>>) -> &mut Self {
        let element = match kind {
            Kind::Text => "text",
            Kind::Integer => "bigint",
            Kind::Bytes => "bytea",
        };
        self.bind(Value::Array(kind, values)).push(format_args!("::{element}[]"))
    }

    /// The database that it is for.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The text as it is.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same statement, but PostgreSQL only tells how it would come to the answer: for tests of that.
    #[must_use]
    pub fn explained(mut self) -> Self {
        debug_assert_eq!(self.dialect, Dialect::Postgres, "SQLite says it otherwise");
        self.text.insert_str(0, "EXPLAIN (COSTS OFF) ");
        self
    }

    /// The statement with its values, which it has no more then.
    pub fn query(&mut self) -> Query<'_> {
        let values: Vec<Value<'_>> = std::mem::take(&mut self.values);
        Query { sql: &self.text, values, once: true }
    }
}

/// Values are personal data more often than not.
impl fmt::Debug for Sql<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql").field("text", &self.text).field("values", &self.values.len()).finish()
    }
}
