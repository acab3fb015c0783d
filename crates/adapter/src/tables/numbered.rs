/// A relation whose records have a number of their own, by which what hangs on one is found.
#[derive(Clone, Copy, Debug)]
pub struct Numbered {
    /// The relation.
    pub relation: &'static str,
    /// The column of the number.
    pub number: &'static str,
}

impl Numbered {
    /// A statement for [`Tables::only`] that finds a record by something else: `select` reads it as `this`, and the condition is
    /// one of the record `o`. It finds two if another record has the same number: whose is what hangs on it cannot be told.
    ///
    /// [`Tables::only`]: crate::Tables::only
    pub fn only(&self, select: &str, condition: &str) -> String {
        let Self { relation, number } = self;
        format!(
            "{select}
             WHERE this.{number} {{any of}} SELECT o.{number} FROM {relation} o WHERE {condition} {{end}}
             LIMIT 2"
        )
    }
}
