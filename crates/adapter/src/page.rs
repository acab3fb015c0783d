//! Pages and their tokens.
//!
//! A list is ordered by a number of the source that means nothing outside it. A token names that number and not a key
//! of a record, because a key in a token would pass every field mask.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lgsp_core::Fault;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::invalid;

/// Most encoded bytes of the records of one unary answer; a page ends earlier rather than exceed them.
pub const MOST_PAGE_BYTES: usize = 768 * 1024;
/// Before the first record.
pub const START: i64 = i64::MIN;

const VERSION: u8 = 1;
const TAG_LENGTH: usize = 8;
const TOKEN_LENGTH: usize = 1 + 8 + TAG_LENGTH;

/// How many records a page may have, as the request asks for it.
///
/// # Errors
/// A number below 0 or above `most`.
pub fn size(requested: i32, default: usize, most: usize) -> Result<usize, Fault> {
    match usize::try_from(requested) {
        Ok(0) => Ok(default),
        Ok(size) if size <= most => Ok(size),
        Ok(_) | Err(_) => Err(invalid("page_size", format!("is not between 0 and {most}"))),
    }
}

/// What a list is of: its method, and everything in the request but the page. A token of one query is refused by
/// every other.
#[derive(Clone, Debug)]
pub struct Query(Sha256);

impl Query {
    /// Names a query by its method and the canonical forms of what it asks for.
    pub fn new(method: &str, parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in std::iter::once(&method).chain(parts) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self(digest)
    }

    /// The token that continues after a record.
    ///
    /// It is not secret and not signed: whoever makes up a valid one only picks where a list begins that they may
    /// read anyway. Its tag finds tokens that were cut, altered or used with another query.
    pub fn token(&self, after: i64) -> String {
        let mut token = Vec::with_capacity(TOKEN_LENGTH);
        token.push(VERSION);
        token.extend(after.to_be_bytes());
        token.extend(self.tag(after));
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// The token of the page after one whose last record is `last`, if any follow; empty if none do.
    pub fn next(&self, last: Option<i64>) -> String {
        last.map(|last| self.token(last)).unwrap_or_default()
    }

    /// The record after which a page begins; [`START`] for an empty token.
    ///
    /// # Errors
    /// The token is not of this query.
    pub fn after(&self, token: &str) -> Result<i64, Fault> {
        if token.is_empty() {
            return Ok(START);
        }
        self.read(token).ok_or_else(|| invalid("page_token", "is not a token of this query"))
    }

    fn read(&self, token: &str) -> Option<i64> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (after, tag) = rest.split_first_chunk::<8>()?;
        let after = i64::from_be_bytes(*after);
        (*version == VERSION && tag == self.tag(after)).then_some(after)
    }

    fn tag(&self, after: i64) -> [u8; TAG_LENGTH] {
        let digest = self.0.clone().chain_update([VERSION]).chain_update(after.to_be_bytes()).finalize();
        let mut tag = [0; TAG_LENGTH];
        tag.copy_from_slice(&digest[..TAG_LENGTH]);
        tag
    }
}

/// The records of one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its records.
    pub records: Vec<T>,
    /// The number of the last one, if more follow.
    pub next: Option<i64>,
}

/// Cuts a page from records with their numbers. The source was asked for one more than `size`, so that the page knows
/// whether more follow. A page has one record at least, and otherwise not more than [`MOST_PAGE_BYTES`].
pub fn cut<T: Message>(rows: Vec<(i64, T)>, size: usize) -> Page<T> {
    let found = rows.len();
    let mut records = Vec::with_capacity(size.min(found));
    let (mut bytes, mut last) = (0, START);
    for (number, record) in rows.into_iter().take(size) {
        bytes += record.encoded_len();
        if bytes > MOST_PAGE_BYTES && !records.is_empty() {
            break;
        }
        records.push(record);
        last = number;
    }
    let next = (records.len() < found).then_some(last);
    Page { records, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lgsp_core::Reason;

    fn query() -> Query {
        Query::new("ListResidents", &["31120", "1"])
    }

    #[test]
    fn a_token_continues_its_own_query() {
        for after in [START, -1, 0, 1, i64::MAX] {
            assert_eq!(query().after(&query().token(after)).unwrap(), after);
        }
        assert_eq!(query().after("").unwrap(), START);
        assert_eq!((query().next(Some(1)), query().next(None)), (query().token(1), String::new()));
    }

    #[test]
    fn a_token_of_another_query_or_an_altered_one_is_refused_without_being_repeated() {
        let token = query().token(41);
        for other in [Query::new("ListResidents", &["31120", "2"]), Query::new("ListResidents", &["311201"])]
        {
            assert_eq!(other.after(&token).unwrap_err().reason(), Reason::InvalidField);
        }
        for index in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let refusal = query().after(std::str::from_utf8(&altered).unwrap()).unwrap_err();
            assert_eq!(refusal.violations()[0].field, "page_token");
        }
        for token in ["%", "AQ", &token[1..], &format!("{token}AAAA")] {
            let refusal = query().after(token).unwrap_err();
            assert!(!format!("{refusal:?}").contains(token) || token.len() < 3);
        }
    }

    #[test]
    fn a_page_size_has_a_default_and_a_bound() {
        assert_eq!(size(0, 50, 200).unwrap(), 50);
        assert_eq!(size(200, 50, 200).unwrap(), 200);
        for wrong in [-1, 201, i32::MIN, i32::MAX] {
            assert!(size(wrong, 50, 200).is_err());
        }
    }

    #[test]
    fn a_page_knows_whether_more_follow() {
        let rows = |count: i64| (1..=count).map(|number| (number, String::from("x"))).collect::<Vec<_>>();
        assert_eq!(cut(rows(2), 2).next, None);
        assert_eq!(cut(rows(3), 2), Page { records: vec!["x".to_owned(); 2], next: Some(2) });
        assert_eq!(cut(rows(0), 2), Page { records: vec![], next: None });
    }

    #[test]
    fn a_page_ends_early_rather_than_grow_too_large() {
        let large = "x".repeat(MOST_PAGE_BYTES / 2);
        let rows = (1..=3).map(|number| (number, large.clone())).collect();
        let page = cut(rows, 3);
        assert_eq!((page.records.len(), page.next), (1, Some(1)));
    }
}
