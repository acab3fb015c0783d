use lgsp_store::{Dialect, Reader, Row};

use super::{Statement, Tables};
use crate::SourceError;

/// Where a statement says that a number is one of the page's.
const OF_PAGE: &str = "{of_page}";

/// The records of a page with their numbers, to which is added what hangs on them: each kind is read at once for all.
pub struct OfPage<'a, T> {
    tables: &'a Tables,
    reader: &'a mut Reader,
    /// The column of every part that names its record's number.
    number: &'static str,
    /// The numbers as one value.
    numbers: String,
    records: &'a mut [(i64, T)],
}

/// Reads a part from its row into its record.
pub type Add<T> = fn(&Tables, &Row, &mut T) -> Result<(), SourceError>;

impl Tables {
    /// A statement that reads a part for [`OfPage`]: in it, `{of_page}` says that the number before it is one of the
    /// page's, as in `WHERE parcel_id {of_page}`.
    pub fn part(&self, sql: &str) -> Statement {
        // How a list becomes one value is where the databases differ.
        let of_page = match self.dialect() {
            Dialect::Sqlite => "IN (SELECT value FROM json_each($1))",
            Dialect::Postgres => "= ANY (CAST($1 AS BIGINT[]))",
        };
        self.statement(&sql.replace(OF_PAGE, of_page))
    }
}

impl<'a, T> OfPage<'a, T> {
    /// Takes a page's records, in ascending order of their numbers, which the column `number` names in every part.
    pub fn new(
        tables: &'a Tables,
        reader: &'a mut Reader,
        number: &'static str,
        records: &'a mut [(i64, T)],
    ) -> Self {
        let numbers = records.iter().map(|(number, _)| number.to_string()).collect::<Vec<_>>().join(",");
        let numbers = match tables.dialect() {
            Dialect::Sqlite => format!("[{numbers}]"),
            Dialect::Postgres => format!("{{{numbers}}}"),
        };
        Self { tables, reader, number, numbers, records }
    }

    /// Reads one kind of part and adds each to its record.
    ///
    /// # Errors
    /// The source did not answer.
    pub async fn add(&mut self, part: &Statement, add: Add<T>) -> Result<(), SourceError> {
        if self.records.is_empty() {
            return Ok(());
        }
        for row in self.reader.all(part.query().bind(&self.numbers)).await? {
            let number = row.integer(self.number)?;
            if let Ok(index) = self.records.binary_search_by_key(&number, |(number, _)| *number) {
                add(self.tables, &row, &mut self.records[index].1)?;
            }
        }
        Ok(())
    }
}
