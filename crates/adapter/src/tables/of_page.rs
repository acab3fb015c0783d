use lgsp_store::{Dialect, Query, Row};

use super::Reader;

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

/// What hangs on the records of a page: the parts that are wanted are read all in one flight, each kind at once for all
/// records.
pub struct OfPage<'a, T> {
    tables: &'a Tables,
    /// The records' own, in ascending order of their numbers.
    rows: &'a [Row],
    /// The numbers as one value.
    numbers: String,
    wanted: Vec<(&'a Part, Add<T>)>,
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
             WHERE place <= {most} ORDER BY {number}, {order}"
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
    /// Takes the rows of a page's records, in ascending order of their numbers, which are in the column `number`.
    ///
    /// # Errors
    /// There is no such column.
    pub fn new(tables: &'a Tables, rows: &'a [Row], number: &str) -> Result<Self, SourceError> {
        let mut numbers = Vec::with_capacity(rows.len());
        for row in rows {
            numbers.push(row.integer(number)?.to_string());
        }
        let numbers = numbers.join(",");
        let numbers = match tables.dialect() {
            Dialect::Sqlite => format!("[{numbers}]"),
            Dialect::Postgres => format!("{{{numbers}}}"),
        };
        Ok(Self { tables, rows, numbers, wanted: Vec::new() })
    }

    /// Wants one kind of part, each of which is added to its record.
    pub fn want(&mut self, part: &'a Part, add: Add<T>) {
        self.wanted.push((part, add));
    }

    /// Reads the records and adds their parts. While the source looks for the parts, the records are read from their rows.
    ///
    /// # Errors
    /// The source did not answer, or a record cannot be read.
    pub async fn read(
        self,
        reader: &mut Reader,
        record: impl Fn(&Row) -> Result<(i64, T), SourceError>,
    ) -> Result<Vec<(i64, T)>, SourceError> {
        let queries = self.queries();
        let records = async { self.rows.iter().map(record).collect::<Result<Vec<_>, _>>() };
        let (answers, records) = tokio::join!(biased; reader.all_of(&queries), records);
        let mut records = records?;
        for ((part, add), rows) in self.wanted.iter().zip(answers?) {
            for row in rows {
                let number = row.integer(part.number)?;
                if let Ok(index) = records.binary_search_by_key(&number, |(number, _)| *number) {
                    add(self.tables, &row, &mut records[index].1)?;
                }
            }
        }
        Ok(records)
    }

    fn queries(&self) -> Vec<Query<'_>> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let of_part = |part: &'a Part| {
            let query = part.statement.query().bind(&self.numbers);
            if part.is_of_today { query.bind(records::today().to_string()) } else { query }
        };
        self.wanted.iter().map(|(part, _)| of_part(part)).collect()
    }
}
