//! What every call of a person to the registry brings and gets: who asks, until when, and how an answer is given.

use std::time::{Duration, SystemTime};

use lgsp_bus::Inbound;
use lgsp_core::said::Rule;
use lgsp_core::time::unix_micros;
use lgsp_core::{Fault, Reason};
use lgsp_proto::registry::v1::Person;
use prost::Message;
use tokio::time::Instant;
use tonic::{Extensions, Response, Status};

use crate::catalogue::Catalogue;
use crate::decide::{actor, violation};
use crate::register::{By, Held};

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;
/// Most bytes of what a page holds, whatever its number of items: the bus carries no more than about twice that in one message.
pub(crate) const MOST_BYTES: usize = 512 * 1024;
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
pub(crate) fn page<T: Message>(
    found: impl Iterator<Item = T>,
    asked: i32,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, String) {
    let (found, more) = fill(found, page_size(asked), T::encoded_len);
    let next = found.last().filter(|_| more).map(key).unwrap_or_default();
    (found, next)
}

/// The first of what was found, as many as are asked for and one answer carries, and whether there are more.
pub(crate) fn fill<T>(
    found: impl Iterator<Item = T>,
    size: usize,
    bytes_of: impl Fn(&T) -> usize,
) -> (Vec<T>, bool) {
    let (mut filled, mut bytes) = (Vec::new(), 0);
    for item in found {
        bytes += bytes_of(&item);
        if filled.len() == size || (bytes > MOST_BYTES && !filled.is_empty()) {
            return (filled, true);
        }
        filled.push(item);
    }
    (filled, false)
}

/// Entries of a page.
pub(crate) fn page_size(asked: i32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => DEFAULT_PAGE,
        Ok(asked) => asked.min(LARGEST_PAGE),
    }
}

/// A fault that names one field.
pub(crate) fn invalid(field: &str, rule: Rule) -> Fault {
    Fault::invalid(vec![violation(field, rule)])
}

/// A call's answer, or its fault as a status.
pub(crate) fn answered<T>(answer: Result<T, Fault>) -> Result<Response<T>, Status> {
    answer.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
}

#[cfg(test)]
mod tests {
    use lgsp_proto::registry::v1::Purpose;

    use super::*;

    #[test]
    fn a_page_ends_with_what_one_answer_carries_and_the_next_one_goes_on() {
        let purposes = |after: &str| {
            let all = (0..5).map(|number| Purpose {
                code: number.to_string(),
                title_vi: "x".repeat(MOST_BYTES / 2 - 100),
                ..Purpose::default()
            });
            let after = after.to_owned();
            page(all.filter(move |purpose| purpose.code > after), 50, |purpose| purpose.code.clone())
        };
        let mut told = Vec::new();
        let mut token = String::new();
        loop {
            let (page, next) = purposes(&token);
            told.push(page.len());
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(told, [2, 2, 1]);
    }
}
