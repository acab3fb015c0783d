//! Sources on every database at hand: opened, read through mappings, and checked.
#![allow(clippy::unwrap_used)]

mod checking;
mod in_force;
mod opening;
mod probing;
mod reading;

use lgsp_adapter::testing::Database;
use lgsp_adapter::{Codes, Column, Kind, Options, Relation, Rule, SourceOptions};
use lgsp_identifiers::Format;
use lgsp_runtime::config::{self, Sources};

const SEX: Codes = &[("unknown", 0), ("male", 1), ("female", 2)];

/// People and where they live: two relations with a column of each kind.
const RELATIONS: &[Relation] = &[PERSON, HOME];

const PERSON: Relation = Relation::new(
    "person",
    &[
        Column::new("person_id", Kind::Key).required(),
        Column::new("number", Kind::Text).required().holding(Format::PersonalNumber),
        Column::new("name", Kind::Text),
        Column::new("sex", Kind::Code(SEX)),
        Column::new("born", Kind::Date),
        Column::new("employed", Kind::Flag),
        Column::new("height", Kind::Real),
        Column::new("children", Kind::Integer),
        Column::new("home_id", Kind::Key).referring("home", "home_id"),
        Column::new("as_of_us", Kind::Moment),
    ],
)
.keyed(&[&["person_id"], &["number"]])
.ruled(&[Rule { broken: "a person of two homes", key: &["number"], column: "home_id" }]);

const HOME: Relation = Relation::new(
    "home",
    &[
        Column::new("home_id", Kind::Key).required(),
        Column::new("ward_code", Kind::Text).holding(Format::WardCode),
    ],
)
.optional()
.keyed(&[&["home_id"]]);

/// The native schema, version 1.
const SCHEMA: &str = "
    CREATE TABLE source (name TEXT, agency_code TEXT, synthetic BIGINT, schema_version BIGINT);
    INSERT INTO source VALUES ('nguon', 'G01.92', 1, 1);
    CREATE TABLE home (home_id BIGINT PRIMARY KEY, ward_code TEXT);
    CREATE TABLE person (person_id BIGINT PRIMARY KEY, number TEXT, name TEXT, sex BIGINT, born TEXT, employed BIGINT,
                         height DOUBLE PRECISION, children BIGINT, home_id BIGINT, as_of_us BIGINT);";

/// Options for a database with a mapping, as a configuration file says it.
fn mapped(database: &Database, mapping: &str) -> Options {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = "[source]\nname = 'nguon'\nagency-code = 'G01.92'\n";
    std::fs::write(file.path(), format!("{source}{mapping}")).unwrap();
    let options: Options = config::load(&Sources::default().file(Some(file.path()))).unwrap();
    Options { source: SourceOptions { url: database.url().to_owned(), ..options.source }, ..options }
}
