//! What an adapter reads: its relations, which are the tables of the native schema and what a mapping maps to.

use lgsp_identifiers::Format;

/// A table that an adapter reads, or what stands for it in an agency's own database.
#[derive(Clone, Copy, Debug)]
pub struct Relation {
    /// Its name in the adapter's SQL.
    pub name: &'static str,
    /// A source without it is none. One that a mapping leaves out, and that the database lacks, is empty.
    pub required: bool,
    /// Its columns.
    pub columns: &'static [Column],
    /// The keys: columns that together name one record. They are looked for twice by the source check.
    pub keys: &'static [&'static [&'static str]],
    /// Sentences about records that belong together; the source check finds where they do not hold.
    pub rules: &'static [Rule],
}

/// A column of a relation.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in the adapter's SQL.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// A mapping must map it, and no record may lack it.
    pub required: bool,
    /// The identifier that it holds, if any: the source check parses it.
    pub holds: Option<Format>,
    /// The relation and the column that it points to, if any.
    pub refers: Option<(&'static str, &'static str)>,
}

/// What a column holds, as the adapter reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Joins relations. Of any type that can be compared; never read.
    Key,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// 0 or 1.
    Flag,
    /// A text, of which the unknown end is left off: `1958`, `1958-07`, `1958-07-21`.
    Date,
    /// Unix microseconds.
    Moment,
    /// A number of the contract, by its name in a mapping: [`Codes`].
    Code(Codes),
    /// What the adapter itself reads and checks.
    Geometry,
}

/// The code list of a column: the contract's names, as a mapping writes them, with their numbers.
pub type Codes = &'static [(&'static str, i64)];

/// What holds of all records that have the same `key`: they do not differ in `column`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is called when it does not hold, such as `a person in two wards`.
    pub broken: &'static str,
    /// The columns that the records have in common.
    pub key: &'static [&'static str],
    /// The column in which they do not differ.
    pub column: &'static str,
}

/// The sexes of QCVN 109:2017.
pub const SEX: Codes = &[("unknown", 0), ("male", 1), ("female", 2)];
/// The names of a flag in a mapping.
pub const FLAGS: Codes = &[("no", 0), ("yes", 1)];

impl Relation {
    /// A relation that every source has.
    pub const fn new(name: &'static str, columns: &'static [Column]) -> Self {
        Self { name, required: true, columns, keys: &[], rules: &[] }
    }

    /// The same, which a source may lack.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// The same with its keys.
    #[must_use]
    pub const fn keyed(self, keys: &'static [&'static [&'static str]]) -> Self {
        Self { keys, ..self }
    }

    /// The same with rules for its records.
    #[must_use]
    pub const fn ruled(self, rules: &'static [Rule]) -> Self {
        Self { rules, ..self }
    }

    /// Its column of a name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    /// A column that a source may lack or leave empty.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, holds: None, refers: None }
    }

    /// The same, which every record has.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, holding an identifier.
    #[must_use]
    pub const fn holding(self, format: Format) -> Self {
        Self { holds: Some(format), ..self }
    }

    /// The same, pointing to a column of a relation.
    #[must_use]
    pub const fn referring(self, relation: &'static str, column: &'static str) -> Self {
        Self { refers: Some((relation, column)), ..self }
    }

    /// The names by which a mapping may map codes to it.
    pub fn codes(&self) -> Option<Codes> {
        match self.kind {
            Kind::Code(codes) => Some(codes),
            Kind::Flag => Some(FLAGS),
            Kind::Key
            | Kind::Text
            | Kind::Integer
            | Kind::Real
            | Kind::Date
            | Kind::Moment
            | Kind::Geometry => None,
        }
    }
}
