use lgsp_identifiers::names;
use lgsp_proto::record::v1;
use lgsp_store::{Error as StoreError, Row};

use super::{Counts, Origin};
use crate::mapping::NO_NUMBER;
use crate::relation::{Kind, Relation};
use crate::{SourceError, records};

/// The record of one relation in a row, read by the names of the relation's columns.
///
/// A row of a join holds one of each of its relations. Reading fails when the row has no such column: the source has changed
/// its schema. What a source holds and nobody understands (an unknown code, a false date, a broken text, a number where
/// a text belongs) is counted and left out, so that one bad value does not keep a list from its end.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub(super) relation: &'static Relation,
    pub(super) row: &'a Row,
    pub(super) counts: &'a Counts,
    pub(super) origin: &'a Origin,
}

impl Record<'_> {
    /// A text; empty when there is none.
    ///
    /// # Errors
    /// There is no such column; so for all that follow.
    pub fn text(&self, column: &'static str) -> Result<String, SourceError> {
        Ok(self.maybe_text(column)?.unwrap_or_default())
    }

    /// The text of a column that the row has under another name.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn text_as(&self, column: &'static str, alias: &str) -> Result<String, SourceError> {
        Ok(self.maybe_text_as(column, alias)?.unwrap_or_default())
    }

    /// A text, if there is any. A blank one is none.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn maybe_text(&self, column: &'static str) -> Result<Option<String>, SourceError> {
        self.maybe_text_as(column, column)
    }

    /// The text of a column that the row has under another name, if there is any.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn maybe_text_as(&self, column: &'static str, alias: &str) -> Result<Option<String>, SourceError> {
        let text = self.readable(column, self.row.maybe_text(alias))?;
        Ok(text.filter(|text| !text.trim().is_empty()))
    }

    /// The number by which what hangs on the record is found: a text that every record has.
    ///
    /// # Errors
    /// As [`Record::text`]; or there is none: then whatever has none either would seem to hang on the record.
    pub fn number(&self, column: &'static str) -> Result<String, SourceError> {
        let is_missing = || SourceError::Unexpected(format!("a record has no {column}").into());
        self.maybe_text(column)?.ok_or_else(is_missing)
    }

    /// The name of a person or a thing, in Unicode NFC and with its white space collapsed; empty when there is none.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn name(&self, column: &'static str) -> Result<String, SourceError> {
        self.name_as(column, column)
    }

    /// The name in a column that the row has under another name.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn name_as(&self, column: &'static str, alias: &str) -> Result<String, SourceError> {
        Ok(names::normalise(&self.text_as(column, alias)?))
    }

    /// A whole number that every record has, such as the one by which a list is paged.
    ///
    /// # Errors
    /// As [`Record::text`]; or there is none, or it is no whole one.
    pub fn integer(&self, column: &'static str) -> Result<i64, SourceError> {
        let number = self.row.integer(column)?;
        if number == NO_NUMBER {
            self.not_understood(column);
            return Err(SourceError::Unexpected(format!("{column} is no whole number").into()));
        }
        Ok(number)
    }

    /// A whole number, if there is any. One that is no whole one is counted.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn maybe_integer(&self, column: &'static str) -> Result<Option<i64>, SourceError> {
        let number = self.readable(column, self.row.maybe_integer(column))?;
        if number == Some(NO_NUMBER) {
            self.not_understood(column);
            return Ok(None);
        }
        Ok(number)
    }

    /// A whole number of the contract's size; 0 when there is none. One that does not fit is counted.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn small(&self, column: &'static str) -> Result<i32, SourceError> {
        let Some(number) = self.maybe_integer(column)? else { return Ok(0) };
        Ok(i32::try_from(number).unwrap_or_else(|_| {
            self.not_understood(column);
            0
        }))
    }

    /// A number, if there is any.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn maybe_real(&self, column: &'static str) -> Result<Option<f64>, SourceError> {
        self.readable(column, self.row.maybe_real(column))
    }

    /// A flag; not raised when the source does not know. A code that the mapping does not list is counted.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn flag(&self, column: &'static str) -> Result<bool, SourceError> {
        Ok(self.code(column)? == 1)
    }

    /// The number of a code. What the source does not know is 0, as is what the contract does not know; the latter is counted.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn code(&self, column: &'static str) -> Result<i32, SourceError> {
        let codes = self.relation.column(column).and_then(|column| column.codes());
        debug_assert!(codes.is_some(), "{}.{column} is declared with codes", self.relation.name);
        let Some(number) = self.maybe_integer(column)? else { return Ok(0) };
        let is_known = number == 0 || codes.unwrap_or_default().iter().any(|(_, known)| *known == number);
        match i32::try_from(number) {
            Ok(number) if is_known => Ok(number),
            Ok(_) | Err(_) => {
                self.not_understood(column);
                Ok(0)
            }
        }
    }

    /// A date, if the source knows it. What is no date is not known, and is counted.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn date(&self, column: &'static str) -> Result<Option<v1::PartialDate>, SourceError> {
        debug_assert_eq!(
            self.relation.column(column).map(|column| column.kind),
            Some(Kind::Date),
            "{column}"
        );
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        let date = records::date(Some(&text));
        if date.is_none() {
            self.not_understood(column);
        }
        Ok(date)
    }

    /// A moment, if the source knows it.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn moment(&self, column: &'static str) -> Result<Option<prost_types::Timestamp>, SourceError> {
        Ok(self.maybe_integer(column)?.map(records::timestamp))
    }

    /// The provenance of the record, which the source confirmed at `as_of_us` if it tells.
    ///
    /// # Errors
    /// As [`Record::text`].
    pub fn provenance(&self) -> Result<Option<v1::Provenance>, SourceError> {
        Ok(self.origin.provenance(self.maybe_integer("as_of_us")?))
    }

    /// Counts a value of a column that was read and is not understood.
    pub fn not_understood(&self, column: &'static str) {
        self.counts.add(self.relation.name, column);
    }

    fn readable<T>(
        &self,
        column: &'static str,
        read: Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, SourceError> {
        match read {
            Err(StoreError::Value { .. }) => {
                self.not_understood(column);
                Ok(None)
            }
            read => Ok(read?),
        }
    }
}
