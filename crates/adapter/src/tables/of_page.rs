use lgsp_store::{Dialect, Reader, Row};

use super::{Statement, Tables};
use crate::{SourceError, records};

/// Where a statement says that a number is one of the page's.
const OF_PAGE: &str = "{of_page}";
/// Where it says that a record is in force today.
const IN_FORCE: &str = "{in force}";

/// A statement that reads what hangs on the records of a page, of each so much at most.
#[derive(Clone, Debug)]
pub struct Part {
    statement: Statement,
    /// The column that names the number of its record.
    number: &'static str,
    is_of_today: bool,
}

/// The records of a page with their numbers, to which is added what hangs on them: each kind is read at once for all.
pub struct OfPage<'a, T> {
    tables: &'a Tables,
    reader: &'a mut Reader,
    /// The numbers as one value.
    numbers: String,
    records: &'a mut [(i64, T)],
}

/// Reads a part from its row into its record.
pub type Add<T> = fn(&Tables, &Row, &mut T) -> Result<(), SourceError>;

impl Tables {
    /// A statement that reads a part for [`OfPage`]: the first `most` of each record, in an order of the part's columns. The
    /// column `number` names the record's number.
    ///
    /// In it, `{of_page}` says that the number before it is one of the page's, as in `WHERE parcel_id {of_page}`, and
    /// `{in force}` that the column `until` is not past.
    pub fn part(&self, number: &'static str, sql: &str, order: &str, most: usize) -> Part {
        // How a list becomes one value is where the databases differ.
        let of_page = match self.dialect() {
            Dialect::Sqlite => "IN (SELECT value FROM json_each($1))",
            Dialect::Postgres => "= ANY (CAST($1 AS BIGINT[]))",
        };
        let is_of_today = sql.contains(IN_FORCE);
        let sql = sql.replace(OF_PAGE, of_page).replace(IN_FORCE, "{in force on $2}");
        let bounded = format!(
            "SELECT * FROM (
                 SELECT part.*, row_number() OVER (PARTITION BY {number} ORDER BY {order}) AS place FROM ({sql}) part
             ) placed
             WHERE place <= {most} ORDER BY {number}, place"
        );
        Part { statement: self.statement(&bounded), number, is_of_today }
    }
}

impl Part {
    /// The statement; its values are the page's numbers and, if it asks for what is in force, the day.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }
}

impl<'a, T> OfPage<'a, T> {
    /// Takes a page's records, in ascending order of their numbers.
    pub fn new(tables: &'a Tables, reader: &'a mut Reader, records: &'a mut [(i64, T)]) -> Self {
        let numbers = records.iter().map(|(number, _)| number.to_string()).collect::<Vec<_>>().join(",");
        let numbers = match tables.dialect() {
            Dialect::Sqlite => format!("[{numbers}]"),
            Dialect::Postgres => format!("{{{numbers}}}"),
        };
        Self { tables, reader, numbers, records }
    }

    /// Reads one kind of part and adds each to its record.
    ///
    /// # Errors
    /// The source did not answer.
    pub async fn add(&mut self, part: &Part, add: Add<T>) -> Result<(), SourceError> {
        if self.records.is_empty() {
            return Ok(());
        }
        let mut query = part.statement.query().bind(&self.numbers);
        if part.is_of_today {
            query = query.bind(records::today().to_string());
        }
        for row in self.reader.all(query).await? {
            let number = row.integer(part.number)?;
            if let Ok(index) = self.records.binary_search_by_key(&number, |(number, _)| *number) {
                add(self.tables, &row, &mut self.records[index].1)?;
            }
        }
        Ok(())
    }
}
