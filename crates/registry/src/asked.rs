//! What every call of a person to the registry brings and gets: who asks, until when, and how an answer is given.

use std::time::{Duration, SystemTime};

use lgsp_bus::Inbound;
use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use lgsp_proto::registry::v1::Person;
use tokio::time::Instant;
use tonic::{Extensions, Response, Status};

use crate::catalogue::Catalogue;
use crate::decide::{actor, violation};
use crate::register::{By, Held};

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;
/// A caller who brings no deadline waits no longer than this.
const LONGEST: Duration = Duration::from_secs(10);

/// Who asks, by which exchange, and until when.
pub(crate) struct Asked {
    person: Option<String>,
    pub application: String,
    pub exchange: String,
    pub until: Instant,
}

impl Asked {
    pub fn of(extensions: &Extensions) -> Self {
        let Some(Inbound { head }) = extensions.get::<Inbound>() else {
            let until = Instant::now() + LONGEST;
            return Self { person: None, application: String::new(), exchange: String::new(), until };
        };
        let left = head.deadline_us.saturating_sub(unix_micros(SystemTime::now()));
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        Self {
            person: head.person.as_ref().map(ToString::to_string),
            application: head.application.as_str().to_owned(),
            exchange: head.exchange.to_string(),
            until: Instant::now() + left.min(LONGEST),
        }
    }

    /// The person who asks, as the register knows them now.
    pub fn person<'a>(&self, catalogue: &'a Catalogue) -> Result<&'a Person, Fault> {
        let known = self.person.as_deref().and_then(|id| catalogue.person(id));
        known.filter(|person| !person.left).ok_or_else(|| Reason::PersonMissing.into())
    }

    /// The same, as the history names them.
    pub fn by(&self, held: &Held) -> Result<By, Fault> {
        Ok(By { actor: actor(self.person(&held.catalogue)?), exchange: self.exchange.clone() })
    }
}

/// As many as a page holds, and the token of the next page: the key of the last one, if there are more.
pub(crate) fn page<T>(
    found: impl Iterator<Item = T>,
    asked: i32,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, String) {
    let size = page_size(asked);
    let mut found: Vec<T> = found.take(size + 1).collect();
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(key).unwrap_or_default();
    (found, next)
}

/// Entries of a page.
pub(crate) fn page_size(asked: i32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => DEFAULT_PAGE,
        Ok(asked) => asked.min(LARGEST_PAGE),
    }
}

/// A fault that names one field.
pub(crate) fn invalid(field: &str, rule: &str) -> Fault {
    Fault::invalid(vec![violation(field, rule)])
}

/// A call's answer, or its fault as a status.
pub(crate) fn answered<T>(answer: Result<T, Fault>) -> Result<Response<T>, Status> {
    answer.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
}
