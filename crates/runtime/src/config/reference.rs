//! The commented reference configuration, rendered from the rows that each crate keeps beside its options.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use figment::value::Value;

use super::Options;

/// What one key accepts and means. Its default is not written here: it is read from the options themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key, with the sections before it, such as `gateway.max-in-flight`.
    pub key: String,
    /// What the key accepts, such as `1 to 100000`.
    pub accepts: &'static str,
    /// What the key is for, as one or more sentences.
    pub doc: &'static str,
}

/// Describes one key of the options.
#[must_use]
pub fn row(key: &str, accepts: &'static str, doc: &'static str) -> Row {
    Row { key: key.to_owned(), accepts, doc }
}

/// Puts the rows of another crate's options under `key`.
#[must_use]
pub fn section<T: Options>(key: &str) -> Vec<Row> {
    let under = |row: Row| Row { key: format!("{key}.{}", row.key), ..row };
    T::reference().into_iter().map(under).collect()
}

/// Renders the reference configuration of `T`: every key with its default, what it accepts and what it is for.
///
/// The text is itself a valid configuration file and says the same as no file at all.
#[must_use]
pub fn render<T: Options>() -> String {
    let defaults = defaults::<T>();
    let rows = T::reference();
    let mut sections: Vec<&str> = vec![""];
    for row in &rows {
        if !sections.contains(&parent(&row.key)) {
            sections.push(parent(&row.key));
        }
    }

    let mut text = String::new();
    for section in sections {
        if !section.is_empty() {
            let _ = writeln!(text, "[{section}]\n");
        }
        for row in rows.iter().filter(|row| parent(&row.key) == section) {
            render_row(&mut text, row, find(&defaults, &row.key));
        }
    }
    text
}

/// Tells where rows and options disagree: a key without a row, or a row without a key. Empty when all is well.
#[must_use]
pub fn drift<T: Options>() -> Vec<String> {
    let rows: Vec<String> = T::reference().into_iter().map(|row| row.key).collect();
    let described: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let mut keys = BTreeSet::new();
    leaves(&defaults::<T>(), "", &described, &mut keys);

    let undescribed = keys.iter().filter(|key| !described.contains(key.as_str()));
    let left_over = described.iter().filter(|key| !keys.contains(**key));
    let mut drift: Vec<String> = undescribed.map(|key| format!("{key} has no row")).collect();
    drift.extend(left_over.map(|key| format!("{key} has a row but is no key")));
    if described.len() != rows.len() {
        drift.push("a key has two rows".to_owned());
    }
    drift
}

fn defaults<T: Options>() -> Value {
    Value::serialize(T::default()).unwrap_or_else(|_| Value::from(""))
}

fn parent(key: &str) -> &str {
    key.rsplit_once('.').map_or("", |(parent, _)| parent)
}

fn find(defaults: &Value, key: &str) -> Option<Value> {
    key.split('.').try_fold(defaults, |value, part| value.as_dict()?.get(part)).cloned()
}

fn render_row(text: &mut String, row: &Row, default: Option<Value>) {
    for line in row.doc.lines() {
        let _ = writeln!(text, "# {}", line.trim());
    }
    let _ = writeln!(text, "# Accepted: {}.", row.accepts);
    let name = row.key.rsplit('.').next().unwrap_or(&row.key);
    // An option that is not set has no value in TOML.
    match default.and_then(|value| toml::Value::try_from(value).ok()) {
        Some(value) => {
            let _ = writeln!(text, "{name} = {value}\n");
        }
        None => {
            let _ = writeln!(text, "# {name} = (not set)\n");
        }
    }
}

/// A key with a row of its own is a leaf, even if its value is a table: the keys in that table are the operator's.
fn leaves(value: &Value, key: &str, described: &BTreeSet<&str>, keys: &mut BTreeSet<String>) {
    let table = value.as_dict().filter(|table| key.is_empty() || !table.is_empty());
    let Some(table) = table.filter(|_| !described.contains(key)) else {
        keys.insert(key.to_owned());
        return;
    };
    for (name, value) in table {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        leaves(value, &key, described, keys);
    }
}
