//! The native schemas are written for SQLite. Here they are taken apart, so that indexes are made after the load, and
//! translated for PostgreSQL. It knows no more SQL than those files use, and their tests say when that is too little.

/// The tables of a schema, statement by statement.
pub(super) fn tables(sql: &str) -> Vec<String> {
    statements(sql).into_iter().filter(|statement| statement.starts_with("CREATE TABLE ")).collect()
}

/// Everything else, which is made after the load.
pub(super) fn indexes(sql: &str) -> Vec<String> {
    statements(sql).into_iter().filter(|statement| !statement.starts_with("CREATE TABLE ")).collect()
}

/// What makes a schema in PostgreSQL.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Twin {
    /// The tables with their columns and checks, and nothing else that would slow a load down.
    pub tables: Vec<String>,
    /// Their names.
    pub names: Vec<String>,
    /// Keys and indexes, the foreign keys last.
    pub constraints: Vec<String>,
}

/// A line of a schema that begins so is for PostgreSQL alone; SQLite reads a comment.
const POSTGRES_ONLY: &str = "-- postgres: ";

/// The PostgreSQL twin of a schema: the same tables and columns, keys and indexes.
///
/// Whole numbers become BIGINT and reals DOUBLE PRECISION. Texts are compared by their bytes, as SQLite does, whatever
/// the language of the database is.
pub(super) fn twin(sql: &str) -> Twin {
    let sql = &sql.replace(POSTGRES_ONLY, "");
    let mut twin = Twin::default();
    let mut foreign_keys = Vec::new();
    for table in tables(sql) {
        twin.add_table(&table, &mut foreign_keys);
    }
    twin.constraints.extend(indexes(sql));
    twin.constraints.append(&mut foreign_keys);
    twin
}

/// The statements without comments, on one line each.
fn statements(sql: &str) -> Vec<String> {
    let without_comments: Vec<&str> =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let statements = without_comments.join("\n");
    let on_one_line = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    statements.split(';').map(on_one_line).filter(|statement| !statement.is_empty()).collect()
}

impl Twin {
    fn add_table(&mut self, statement: &str, foreign_keys: &mut Vec<String>) {
        let name = statement.trim_start_matches("CREATE TABLE ");
        let (name, body) = name.split_once(" (").unwrap_or((name, ""));
        // Behind the last parenthesis is what only SQLite knows: STRICT, WITHOUT ROWID.
        let body = body.rsplit_once(')').map_or(body, |(body, _)| body);
        let mut columns = Vec::new();
        for item in items(body) {
            if item.starts_with("PRIMARY KEY") || item.starts_with("UNIQUE") {
                self.constraints.push(format!("ALTER TABLE {name} ADD {item}"));
                continue;
            }
            let column = Column::read(&item);
            if column.is_primary_key {
                self.constraints.push(format!("ALTER TABLE {name} ADD PRIMARY KEY ({})", column.name));
            }
            if column.is_unique {
                self.constraints.push(format!("ALTER TABLE {name} ADD UNIQUE ({})", column.name));
            }
            if let Some(other) = &column.references {
                let key = &column.name;
                foreign_keys.push(format!("ALTER TABLE {name} ADD FOREIGN KEY ({key}) REFERENCES {other}"));
            }
            columns.push(column.definition());
        }
        self.names.push(name.to_owned());
        self.tables.push(format!("CREATE TABLE {name} ({})", columns.join(", ")));
    }
}

/// The columns and keys of a table: separated by commas, of which those in parentheses do not count.
fn items(body: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let is_end = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    body.split(is_end).map(|item| item.trim().to_owned()).collect()
}

/// A column of a table of SQLite.
struct Column {
    name: String,
    kind: &'static str,
    is_primary_key: bool,
    is_unique: bool,
    references: Option<String>,
    /// NOT NULL, DEFAULT and CHECK, which are the same in both.
    rest: String,
}

impl Column {
    fn read(item: &str) -> Self {
        let (name, rest) = item.split_once(' ').unwrap_or((item, ""));
        let (kind, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let (is_primary_key, rest) = without(rest, "PRIMARY KEY");
        let (is_unique, mut rest) = without(&rest, "UNIQUE");
        let mut references = None;
        if let Some((before, after)) = rest.clone().split_once("REFERENCES ") {
            let (other, after) = after.split_once(' ').unwrap_or((after, ""));
            references = Some(other.to_owned());
            rest = format!("{before}{after}").trim().to_owned();
        }
        let kind = match kind {
            "INTEGER" => "BIGINT",
            "REAL" => "DOUBLE PRECISION",
            _ => r#"TEXT COLLATE "C""#,
        };
        Self { name: name.to_owned(), kind, is_primary_key, is_unique, references, rest }
    }

    fn definition(&self) -> String {
        let Self { name, kind, rest, .. } = self;
        let not_null = if self.is_primary_key && !rest.contains("NOT NULL") { "NOT NULL" } else { "" };
        format!("{name} {kind} {not_null} {rest}").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Whether a text has some words, and the text without them.
fn without(text: &str, words: &str) -> (bool, String) {
    match text.split_once(words) {
        Some((before, after)) => (true, format!("{} {}", before.trim(), after.trim()).trim().to_owned()),
        None => (false, text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::super::domains::{DOMAINS, SAMPLE_SCHEMA};
    use super::*;
    use crate::GENERATION;

    const SCHEMA: &str = "
        -- Of whom; with a semicolon.
        CREATE TABLE person (
            person_id INTEGER PRIMARY KEY,
            number    TEXT    NOT NULL UNIQUE CHECK (length(number) IN (9, 12)),
            house_id  INTEGER NOT NULL REFERENCES house,
            height    REAL,
            flag      INTEGER NOT NULL DEFAULT 0 CHECK (flag BETWEEN 0 AND 1), -- either
            UNIQUE (house_id, flag)
        ) STRICT;

        CREATE TABLE house (
            house_id TEXT NOT NULL,
            part     TEXT NOT NULL,
            PRIMARY KEY (house_id, part)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX person_by_house ON person (house_id) WHERE flag = 1;
        -- postgres: CREATE INDEX person_by_height ON person USING brin (height);
        ";

    #[test]
    fn a_schema_is_translated_with_its_keys_after_the_load() {
        let twin = twin(SCHEMA);
        assert_eq!(twin.names, ["person", "house"]);
        assert_eq!(
            twin.tables,
            [
                "CREATE TABLE person (person_id BIGINT NOT NULL, \
                 number TEXT COLLATE \"C\" NOT NULL CHECK (length(number) IN (9, 12)), house_id BIGINT NOT NULL, \
                 height DOUBLE PRECISION, flag BIGINT NOT NULL DEFAULT 0 CHECK (flag BETWEEN 0 AND 1))",
                "CREATE TABLE house (house_id TEXT COLLATE \"C\" NOT NULL, part TEXT COLLATE \"C\" NOT NULL)",
            ]
        );
        assert_eq!(
            twin.constraints,
            [
                "ALTER TABLE person ADD PRIMARY KEY (person_id)",
                "ALTER TABLE person ADD UNIQUE (number)",
                "ALTER TABLE person ADD UNIQUE (house_id, flag)",
                "ALTER TABLE house ADD PRIMARY KEY (house_id, part)",
                "CREATE INDEX person_by_house ON person (house_id) WHERE flag = 1",
                "CREATE INDEX person_by_height ON person USING brin (height)",
                "ALTER TABLE person ADD FOREIGN KEY (house_id) REFERENCES house",
            ]
        );
        assert_eq!(indexes(SCHEMA), ["CREATE INDEX person_by_house ON person (house_id) WHERE flag = 1"]);
    }

    /// Of the schemas of a generation. When it no longer fits, raise [`GENERATION`], so that cities of before are made anew:
    /// statements look for the indexes of today.
    const OF_GENERATION: (u32, &str) =
        (3, "2ef2d4d01529cdfc486d51e24c4d6e4b45bde7dfa57790a831367f9cd0f69441");

    #[test]
    fn other_tables_or_indexes_make_another_generation() {
        let schemas = DOMAINS.iter().map(|domain| domain.schema).chain([SAMPLE_SCHEMA]);
        let statements: Vec<String> = schemas.flat_map(statements).collect();
        let digest = Sha256::digest(statements.join(";"));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((GENERATION, digest.as_str()), OF_GENERATION);
    }

    #[test]
    fn the_native_schemas_use_no_more_than_is_translated() {
        let schemas = DOMAINS.iter().map(|domain| domain.schema).chain([SAMPLE_SCHEMA]);
        for schema in schemas {
            let twin = twin(schema);
            for statement in twin.tables.iter().chain(&twin.constraints) {
                for unknown in ["INTEGER", "REAL", "STRICT", "ROWID", "BLOB", "AUTOINCREMENT", "  "] {
                    assert!(!statement.contains(unknown), "{statement}");
                }
            }
            for index in indexes(schema) {
                assert!(index.starts_with("CREATE INDEX ") || index.starts_with("CREATE UNIQUE INDEX "));
            }
            let references = schema.matches("REFERENCES").count();
            let keys = schema.matches("PRIMARY KEY").count() + schema.matches("UNIQUE").count();
            let indexes = schema.matches("CREATE INDEX").count();
            assert_eq!(twin.constraints.len(), references + keys + indexes);
        }
    }
}
