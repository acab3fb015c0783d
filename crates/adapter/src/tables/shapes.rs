//! What many relations hold in the same columns.

use lgsp_proto::record::v1;

use super::Record;
use crate::SourceError;
use crate::records::{self, AddressColumns};

/// What separates the items of a list in one column.
const SEPARATOR: char = ';';

impl Record<'_> {
    /// An address in the columns `line`, `ward_code`, `former_ward_code` and, where the relation has it, `text`; if any
    /// of them holds something.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn address(&self) -> Result<Option<v1::Address>, SourceError> {
        let (line, ward_code) = (self.maybe_text("line")?, self.maybe_text("ward_code")?);
        let former_ward_code = self.maybe_text("former_ward_code")?;
        let has_text = self.relation.column("text").is_some();
        let text = if has_text { self.maybe_text("text")? } else { None };
        if line.is_none() && ward_code.is_none() && text.is_none() {
            return Ok(None);
        }
        Ok(Some(records::address(AddressColumns {
            line: line.as_deref(),
            ward_code: ward_code.as_deref(),
            former_ward_code: former_ward_code.as_deref(),
            text: text.as_deref(),
        })))
    }

    /// The items of a list that stands in one column, separated by semicolons.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn list(&self, column: &'static str) -> Result<Vec<String>, SourceError> {
        let text = self.text(column)?;
        let items = text.split(SEPARATOR).map(str::trim).filter(|item| !item.is_empty());
        Ok(items.map(str::to_owned).collect())
    }
}
