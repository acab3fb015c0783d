//! Which tables an agency's SQL reads by a name alone. Not a parser: it knows where a table can stand, and what is no SQL.

/// The names of tables that stand without a schema in a query or an expression, as they are written.
pub(super) fn tables_without_schema(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let mut found = Vec::new();
    let mut levels = vec![Level::default()];
    let mut is_place = false;
    for (index, token) in tokens.iter().enumerate() {
        let (before, after) = (index.checked_sub(1).map(|before| &tokens[before]), tokens.get(index + 1));
        let Some(level) = levels.last_mut() else { break };
        match token {
            Token::Mark('(') => {
                let lists = is_place;
                levels.push(Level { selects: false, lists });
                continue;
            }
            Token::Mark(')') => {
                levels.pop();
                is_place = false;
            }
            Token::Mark(',') => is_place = level.lists,
            // Some write names in brackets.
            Token::Mark('[') => {}
            Token::Mark(_) => is_place = false,
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "select" => {
                    *level = Level { selects: true, lists: false };
                    is_place = false;
                }
                // As in `a IS DISTINCT FROM b` and in `trim(FROM a)`, it is not always that of a query.
                "from" if level.selects && !before.is_some_and(|before| before.is_word("distinct")) => {
                    (level.lists, is_place) = (true, true);
                }
                "join" => (level.lists, is_place) = (true, true),
                "only" | "lateral" if is_place => {}
                "where" | "group" | "having" | "order" | "limit" | "window" | "union" | "except"
                | "intersect" => {
                    (level.lists, is_place) = (false, false);
                }
                _ => {
                    found.extend(word_alone(word, after).filter(|_| is_place));
                    is_place = false;
                }
            },
            Token::Quoted(name) => {
                found.extend(word_alone(name, after).filter(|_| is_place));
                is_place = false;
            }
        }
    }
    found
}

/// A name with no schema before it, unless what follows makes it the schema of another, or a function.
fn word_alone(name: &str, after: Option<&Token>) -> Option<String> {
    let is_another = matches!(after, Some(Token::Mark('.' | '(')));
    (!is_another).then(|| name.to_owned())
}

/// What is known of the inside of a pair of brackets.
#[derive(Default)]
struct Level {
    /// It is a query.
    selects: bool,
    /// Tables stand there, with commas between.
    lists: bool,
}

enum Token {
    Word(String),
    Quoted(String),
    Mark(char),
}

impl Token {
    fn is_word(&self, wanted: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(wanted))
    }
}

/// Words, quoted names and marks, without comments and white space. A text is one mark.
fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, after)| after);
        } else if matches!(first, '\'' | '"' | '`') {
            let inside = &rest[1..];
            let (name, after) = inside.split_once(first).unwrap_or((inside, ""));
            tokens.push(if first == '\'' { Token::Mark(first) } else { Token::Quoted(name.to_owned()) });
            rest = after;
        } else if is_of_word(first) {
            let end = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_wherever_one_can_stand() {
        for (sql, expected) in [
            ("SELECT * FROM citizen", &["citizen"][..]),
            (
                "select a.x from a, Citizen c join \"home\" h on a.x = h.y, [d] where x = 1",
                &["a", "Citizen", "home", "d"],
            ),
            ("SELECT 1 FROM (citizen JOIN b USING (x, y)), ONLY c", &["citizen", "b", "c"]),
            (
                "(SELECT c.id FROM cong_dan c WHERE c.so IN (SELECT so FROM citizen))",
                &["cong_dan", "citizen"],
            ),
            ("SELECT a FROM x UNION ALL SELECT citizen, b FROM y ORDER BY citizen, b", &["x", "y"]),
            (
                "WITH t AS (SELECT 1 FROM citizen) SELECT * FROM t LEFT JOIN LATERAL (SELECT 2) s ON true",
                &["citizen", "t"],
            ),
        ] {
            assert_eq!(tables_without_schema(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_no_table_or_has_its_schema_is_not_found() {
        for sql in [
            "SELECT citizen FROM dancu.citizen AS citizen WHERE citizen.x = 'FROM citizen'",
            "SELECT 1 -- FROM citizen\n /* JOIN citizen */",
            "SELECT * FROM \"main\".\"citizen\", json_each(citizen)",
            "trim(both ' ' FROM owner)",
            "CASE WHEN x IS DISTINCT FROM owner THEN coalesce(a, owner) END",
            "SELECT extract(year FROM citizen), x IS NOT DISTINCT FROM citizen FROM s.t",
            "",
            ")))",
        ] {
            assert_eq!(tables_without_schema(sql), Vec::<String>::new(), "{sql}");
        }
    }
}
