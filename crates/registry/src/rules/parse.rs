//! From a file's text to its entries, each with its line.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::folder::Folder;
use crate::problem::Problems;

/// An entry of a file, and where it stands.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub file: &'static str,
    pub line: usize,
    pub value: T,
}

/// Reads the entries `[[key]]` of a file. What cannot be read is a problem, and left out.
pub(crate) fn entries<T: DeserializeOwned>(
    folder: &Folder,
    file: &'static str,
    key: &'static str,
    problems: &mut Problems,
) -> Vec<Entry<T>> {
    Document::read(folder, file, &[key], problems).map_or_else(Vec::new, |mut read| read.take(key, problems))
}

/// A file whose entries are of one kind or several.
pub(crate) struct Document<'a> {
    file: &'static str,
    text: &'a str,
    lists: BTreeMap<String, Vec<Spanned<DeValue<'a>>>>,
}

impl<'a> Document<'a> {
    /// Reads a file with the entries `[[key]]` of these keys. Whatever else is in it is a problem; `None` if it cannot be
    /// read at all.
    pub fn read(
        folder: &'a Folder,
        file: &'static str,
        keys: &[&str],
        problems: &mut Problems,
    ) -> Option<Self> {
        let Some(content) = folder.files.get(file) else {
            problems.add(file, 0, "the file is missing", "a file, which may be empty");
            return None;
        };
        let Ok(text) = std::str::from_utf8(content) else {
            problems.add(file, 0, "the file is not UTF-8", "TOML in UTF-8");
            return None;
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            problems.add(file, line_of(text, error), error.message(), "");
        }
        if !errors.is_empty() {
            return None;
        }

        let accepted = keys.iter().map(|key| format!("[[{key}]]")).collect::<Vec<_>>().join(", ");
        let mut lists = BTreeMap::new();
        for (name, value) in table.into_inner() {
            let line = line_at(text, name.span().start);
            match value.into_inner() {
                DeValue::Array(items) if keys.contains(&name.get_ref().as_ref()) => {
                    lists.insert(name.get_ref().to_string(), items.into_iter().collect());
                }
                _ => problems.add(file, line, format!("`{}` is not known here", name.get_ref()), &accepted),
            }
        }
        Some(Self { file, text, lists })
    }

    /// Takes the entries `[[key]]` out. What cannot be read is a problem, and left out.
    pub fn take<T: DeserializeOwned>(&mut self, key: &str, problems: &mut Problems) -> Vec<Entry<T>> {
        let items = self.lists.remove(key).unwrap_or_default();
        items.into_iter().filter_map(|item| entry(self.file, self.text, item, problems)).collect()
    }
}

/// Reads one entry. Serde stops at the first bad key: note it, take it away, and read again.
fn entry<T: DeserializeOwned>(
    file: &'static str,
    text: &str,
    item: Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<Entry<T>> {
    let span = item.span();
    let line = line_at(text, span.start);
    let mut item = item.into_inner();
    let name =
        ["id", "name", "code"].iter().find_map(|key| item.get(*key)?.get_ref().as_str().map(str::to_owned));
    let mut taken_away = Vec::new();
    loop {
        let read = T::deserialize(ValueDeserializer::from(Spanned::new(span.clone(), item.clone())));
        let error = match read {
            Ok(value) if taken_away.is_empty() => return Some(Entry { file, line, value }),
            Ok(_) => return None,
            Err(error) => error,
        };
        problems.unread(name.as_deref().unwrap_or_default());
        // What was taken away is missing now, and was told already.
        let told = taken_away.iter().any(|key| error.message().contains(&format!("missing field `{key}`")));
        if !told {
            problems.add(file, line_of(text, &error).max(line), error.message().trim(), "");
        }
        let (DeValue::Table(table), Some(at)) = (&mut item, error.span()) else { return None };
        let bad = table.iter().find(|(key, value)| key.span() == at || within(&at, &value.span()));
        let key = bad.map(|(key, _)| key.get_ref().to_string())?;
        table.remove(key.as_str());
        taken_away.push(key);
    }
}

fn within(inner: &std::ops::Range<usize>, outer: &std::ops::Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn line_of(text: &str, error: &toml::de::Error) -> usize {
    error.span().map_or(0, |span| line_at(text, span.start))
}

/// The line of a byte, from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
