//! What a source holds and nobody understands: counted, per relation and column.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

/// The name of the count, in the status and wherever else it is told.
pub const METRIC: &str = "lgsp.source.not_understood";

/// A column with the number of its values that were read and not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotUnderstood {
    /// The relation.
    pub relation: &'static str,
    /// The column.
    pub column: &'static str,
    /// How many values, since the adapter was opened.
    pub count: u64,
}

/// Counts them, for a source of any kind. A cheap handle; its labels are the names of relations and columns, of which an adapter has few.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<(&'static str, &'static str), u64>>>);

impl Counts {
    /// Counts a value; the first of a column is told in the log, without the value.
    pub fn add(&self, relation: &'static str, column: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((relation, column)).or_default();
        *count += 1;
        let is_first = *count == 1;
        drop(counts);
        if is_first {
            warn!(relation, column, "source holds what is not understood");
        }
    }

    /// All columns with such values.
    pub fn all(&self) -> Vec<NotUnderstood> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let each = |((relation, column), count): (&(&'static str, &'static str), &u64)| NotUnderstood {
            relation,
            column,
            count: *count,
        };
        counts.iter().map(each).collect()
    }
}
