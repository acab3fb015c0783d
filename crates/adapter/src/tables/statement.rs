use std::sync::Arc;

use lgsp_store::Query;

use crate::mapping::compile::Compiled;

/// A statement of an adapter, with what stands for the mapped relations in front. Made once, when the source is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    sql: Arc<str>,
}

impl Statement {
    pub(super) fn new(sql: &str, relations: &[Compiled]) -> Self {
        Self::after(relations.iter().filter(|relation| names(sql, relation.relation.name)), sql)
    }

    /// The same with what stands for every mapped relation in front, named or not.
    pub(super) fn after_all(sql: &str, relations: &[Compiled]) -> Self {
        Self::after(relations.iter(), sql)
    }

    fn after<'a>(relations: impl Iterator<Item = &'a Compiled>, sql: &str) -> Self {
        let mapped = relations.filter(|relation| relation.is_expression);
        let expressions: Vec<String> = mapped.map(Compiled::expression).collect();
        if expressions.is_empty() {
            return Self { sql: sql.into() };
        }
        Self { sql: format!("WITH {}\n{sql}", expressions.join(",\n")).into() }
    }

    /// The statement, to be given its values.
    pub fn query(&self) -> Query<'_> {
        Query::new(&self.sql)
    }

    /// Its text.
    pub fn sql(&self) -> &str {
        &self.sql
    }
}

/// Whether a word of the statement is the name. One too many costs nothing: an expression that is not used is not evaluated.
fn names(sql: &str, name: &str) -> bool {
    sql.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_is_named_by_whole_words() {
        let sql = "SELECT c.* FROM citizen c JOIN former_key k USING (citizen_id)";
        assert!(names(sql, "citizen") && names(sql, "former_key"));
        assert!(!names(sql, "key") && !names(sql, "household"));
    }
}
