use lgsp_identifiers::PersonKey;
use lgsp_store::Query;

use super::{Statement, Tables};

/// Where a statement names the column that holds the number of the person.
const PERSON: &str = "{person}";

/// A statement that looks for a person, by whichever number is asked for.
#[derive(Clone, Debug)]
pub struct ByPerson {
    by_number: Statement,
    by_old_card: Statement,
}

impl Tables {
    /// A statement in which `{person}` is the column `personal_number` or `old_identity_number`, as in `c.{person} = $1`.
    pub fn by_person(&self, sql: &str) -> ByPerson {
        let by = |column| self.statement(&sql.replace(PERSON, column));
        ByPerson { by_number: by("personal_number"), by_old_card: by("old_identity_number") }
    }
}

impl ByPerson {
    /// The statement, with the person's number as its first value.
    pub fn query<'q>(&'q self, person: &'q PersonKey) -> Query<'q> {
        let statement = match person {
            PersonKey::Number(_) => &self.by_number,
            PersonKey::OldCard(_) => &self.by_old_card,
        };
        statement.query().bind(person.as_str())
    }

    /// The one by the personal number, and the one by the old identity card.
    pub fn both(&self) -> [&Statement; 2] {
        [&self.by_number, &self.by_old_card]
    }
}
