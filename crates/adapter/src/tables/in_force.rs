/// Where a statement asks for what is in force on a day, which a placeholder names.
const IN_FORCE: &str = "{in force on ";

/// Writes out what a statement says of being in force.
pub(super) fn written_out(sql: &str) -> String {
    let Some((before, rest)) = sql.split_once(IN_FORCE) else { return sql.to_owned() };
    let (day, after) = rest.split_once('}').expect("an adapter closes its braces");
    format!("{before}{}{}", condition(day), written_out(after))
}

/// What ends in a month or year without a day is in force to its end. An end that is empty or no date is not known, and what
/// has no known end may be in force. Digits and hyphens are compared at the same places, so that the language of the database
/// does not matter.
fn condition(day: &str) -> String {
    format!(
        "(until IS NULL OR substr(until || '-', 5, 1) <> '-' \
          OR replace(until, '-00', '-99') >= substr(CAST({day} AS TEXT), 1, length(until)))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_statement_is_written_out() {
        let sql = "SELECT 1 FROM a WHERE {in force on $2} AND x = 1 OR {in force on $3}";
        let expected = format!("SELECT 1 FROM a WHERE {} AND x = 1 OR {}", condition("$2"), condition("$3"));
        assert_eq!(written_out(sql), expected);
        assert_eq!(written_out("SELECT 1"), "SELECT 1");
    }
}
