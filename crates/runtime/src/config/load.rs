//! Composes the sources and finds every problem in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};

use super::{Error, Options, Problem, Problems, Row};

/// What the name of every environment variable of the hub's configuration begins with.
pub const ENVIRONMENT_PREFIX: &str = "LGSP__";

/// A configuration with more problems than this is not worth reading to its end.
const MOST_PROBLEMS: usize = 100;

/// Where a configuration comes from, besides its defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    command_line: Vec<(String, String)>,
}

impl Sources {
    /// Takes the `LGSP__…` variables of this process, and no file yet.
    #[must_use]
    pub fn from_environment() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        };
        Self::default().environment(std::env::vars_os().filter_map(text))
    }

    /// Adds the TOML file named on the command line. It must exist.
    #[must_use]
    pub fn file(mut self, path: Option<&Path>) -> Self {
        self.file = path.map(Path::to_owned);
        self
    }

    /// Adds those of the variables that begin with [`ENVIRONMENT_PREFIX`].
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = variables.into_iter().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX));
        self.environment.extend(ours);
        self
    }

    /// Sets `key`, such as `gateway.grpc`, to what the command line says.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.command_line.push((key.to_owned(), value.into()));
        self
    }

    /// Sets `key` to what the command line says, if it says anything.
    #[must_use]
    pub fn set_given(self, key: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.set(key, value.to_string()),
            None => self,
        }
    }

    fn given(&self) -> impl Iterator<Item = Given> + '_ {
        let from_environment = self.environment.iter().map(|(name, value)| Given {
            origin: format!("environment variable {name}"),
            key: key_of_variable(name),
            value: value.clone(),
        });
        let from_command_line = self.command_line.iter().map(|(key, value)| Given {
            origin: "command line".to_owned(),
            key: key.clone(),
            value: value.clone(),
        });
        from_environment.chain(from_command_line)
    }
}

/// `LGSP__GATEWAY__MAX_IN_FLIGHT` is `gateway.max-in-flight`.
fn key_of_variable(name: &str) -> String {
    let name = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name);
    name.to_ascii_lowercase().replace("__", ".").replace('_', "-")
}

/// Loads a configuration: defaults, then the file, then the environment, then the command line.
///
/// # Errors
/// Every problem that was found, each with its key, what the key accepts and where the value came from.
pub fn load<T: Options>(sources: &Sources) -> Result<T, Error> {
    let mut figment = Figment::from(Serialized::defaults(T::default()));
    if let Some(path) = &sources.file {
        figment = figment.merge(Toml::file_exact(path));
    }
    let mut texts = BTreeMap::new();
    for given in sources.given() {
        texts.insert(given.key.clone(), given.value.clone());
        figment = figment.merge(given);
    }

    let rows = T::reference();
    let values: Value = figment.extract().map_err(|error| Error { problems: unreadable(error) })?;
    let (options, mut problems) = extract::<T>(values, texts, &figment, &rows);
    if let Some(options) = &options {
        let mut found = Problems::default();
        options.check(&mut found);
        problems
            .extend(found.found.into_iter().map(|(key, found)| problem(key, found, None, &figment, &rows)));
    }
    match options {
        Some(options) if problems.is_empty() => Ok(options),
        Some(_) | None => Err(Error { problems }),
    }
}

/// Reads the options. Serde stops at the first bad key: note it, put the default in its place, and read again.
fn extract<T: Options>(
    mut values: Value,
    mut texts: BTreeMap<String, String>,
    figment: &Figment,
    rows: &[Row],
) -> (Option<T>, Vec<Problem>) {
    let defaults = Value::serialize(T::default()).unwrap_or_else(|_| Value::from(Dict::new()));
    let mut problems = Vec::new();
    while problems.len() < MOST_PROBLEMS {
        let error = match values.deserialize::<T>() {
            Ok(options) => return (Some(options), problems),
            Err(error) => error,
        };
        let mut path = error.path.clone();
        if let Kind::MissingField(name) = &error.kind {
            path.push(name.to_string());
        }
        // A variable such as `1.10` was read as a number; its key may want text.
        if let Some(text) = texts.remove(&path.join(".")) {
            replace(&mut values, &path, Some(Value::from(text)));
            continue;
        }

        let (found, accepts) = match error.kind {
            Kind::UnknownField(_, known) => ("there is no such key".to_owned(), Some(known.join(", "))),
            kind => (kind.to_string(), None),
        };
        problems.push(problem(path.join("."), found, accepts, figment, rows));
        if !restore(&mut values, &defaults, path) {
            break;
        }
    }
    (None, problems)
}

/// Puts the default back at `path`, or at the nearest key above it. False if there is none: no use reading again.
fn restore(values: &mut Value, defaults: &Value, mut path: Vec<String>) -> bool {
    while !path.is_empty() {
        let default = path.iter().try_fold(defaults, |value, part| value.as_dict()?.get(part)).cloned();
        if replace(values, &path, default) {
            return true;
        }
        path.pop();
    }
    false
}

/// Replaces the value at `path`, or removes it. False if the path leads nowhere.
fn replace(values: &mut Value, path: &[String], with: Option<Value>) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let mut table = values;
    for part in parents {
        let Value::Dict(_, entries) = table else { return false };
        let Some(entry) = entries.get_mut(part) else { return false };
        table = entry;
    }
    let Value::Dict(_, entries) = table else { return false };
    match with {
        Some(value) => entries.insert(last.clone(), value).is_some(),
        None => entries.remove(last).is_some(),
    }
}

fn problem(key: String, found: String, accepts: Option<String>, figment: &Figment, rows: &[Row]) -> Problem {
    let row = rows.iter().find(|row| row.key == key);
    let accepts = accepts.or_else(|| row.map(|row| row.accepts.to_owned()));
    let origin = figment.find_metadata(&key).map(origin);
    Problem { key, found, accepts, origin }
}

fn origin(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => format!("file {}", path.display()),
        Some(Source::Code(_)) => "default".to_owned(),
        Some(_) | None => metadata.name.to_string(),
    }
}

/// The file is missing or is no TOML.
fn unreadable(error: figment::Error) -> Vec<Problem> {
    let unreadable = |error: figment::Error| Problem {
        key: error.path.join("."),
        found: error.kind.to_string().trim_end().to_owned(),
        accepts: None,
        origin: error.metadata.as_ref().map(origin),
    };
    error.into_iter().map(unreadable).collect()
}

/// One value from the environment or the command line.
struct Given {
    origin: String,
    key: String,
    value: String,
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let Ok(value) = self.value.parse::<Value>();
        let nested = self
            .key
            .rsplit('.')
            .fold(value, |value, part| Value::from(Dict::from([(part.to_owned(), value)])));
        Ok(Profile::Default.collect(nested.into_dict().unwrap_or_default()))
    }
}
