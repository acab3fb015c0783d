//! Tokens of pages. A token names the last entry of its page and the query that it is of; another query refuses it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lgsp_core::{ExchangeId, Fault};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::index::After;
use crate::service::invalid;

const VERSION: u8 = 1;
const TAG: usize = 8;
const LENGTH: usize = 1 + 8 + 16 + 8 + TAG;

/// The token of the page after an entry. It is not secret: whoever makes one up only picks where a list begins that they
/// may read anyway.
pub(crate) fn write(after: &After, filter: &impl Message) -> String {
    let mut token = Vec::with_capacity(LENGTH);
    token.push(VERSION);
    token.extend(after.admitted_us.to_be_bytes());
    token.extend(after.exchange.as_bytes());
    token.extend(after.leaf.to_be_bytes());
    token.extend(tag(&token, filter));
    BASE64_URL_SAFE_NO_PAD.encode(token)
}

/// Reads the token of a field; an empty one begins at the beginning.
pub(crate) fn read(token: &str, field: &str, filter: &impl Message) -> Result<Option<After>, Fault> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = parse(token, filter);
    read.map(Some).ok_or_else(|| invalid(field, "is not a token of this query"))
}

fn parse(token: &str, filter: &impl Message) -> Option<After> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == LENGTH)?;
    let (named, claimed) = bytes.split_at(LENGTH - TAG);
    if named.first() != Some(&VERSION) || claimed != tag(named, filter) {
        return None;
    }
    let (admitted_us, rest) = named.get(1..)?.split_first_chunk::<8>()?;
    let (exchange, leaf) = rest.split_first_chunk::<16>()?;
    Some(After {
        admitted_us: i64::from_be_bytes(*admitted_us),
        exchange: ExchangeId::from_bytes(exchange)?,
        leaf: i64::from_be_bytes(leaf.try_into().ok()?),
    })
}

/// Finds tokens that were cut, altered or used with another query.
fn tag(named: &[u8], filter: &impl Message) -> [u8; TAG] {
    let digest = Sha256::new().chain_update(named).chain_update(filter.encode_to_vec()).finalize();
    let mut tag = [0; TAG];
    tag.copy_from_slice(&digest[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::ExchangeFilter;

    use super::*;

    #[test]
    fn a_token_belongs_to_its_query() {
        let after = After { admitted_us: 5, exchange: ExchangeId::new(), leaf: 7 };
        let filter = ExchangeFilter { application: "tthc".to_owned(), ..Default::default() };
        let token = write(&after, &filter);
        assert_eq!(read(&token, "page_token", &filter).unwrap(), Some(after));
        assert!(read(&token, "page_token", &ExchangeFilter::default()).is_err());
        for token in ["x", &token[1..], &format!("{token}A"), "Ünknown"] {
            assert!(read(token, "page_token", &filter).is_err(), "{token}");
        }
    }
}
