//! How a provider reads a record of a request, for the properties of `tests/properties`. Nobody else may call it.
#![allow(missing_docs, reason = "each is the function of its name")]

use std::sync::Arc;

use bytes::Bytes;

use crate::headers::{Incoming, ReplyTo};
use crate::mac::Kind;
use crate::{MacKey, RequestHead};

/// The headers of a record, in their order.
pub type Headers = Vec<(String, Bytes)>;

pub fn is_signed_request(headers: &Headers, value: &[u8], key: &MacKey) -> bool {
    Incoming::kept(headers).is_signed(key, Kind::Request, value)
}

pub fn is_signed_reply(headers: &Headers, value: &[u8], key: &MacKey) -> bool {
    Incoming::kept(headers).is_signed(key, Kind::Reply, value)
}

/// The head of a request and its reply address; what is wrong with it otherwise.
pub fn request(headers: &Headers, domain: &Arc<str>) -> Result<(RequestHead, String), &'static str> {
    let incoming = Incoming::kept(headers).without_repeats().map_err(|malformed| malformed.0)?;
    let (head, reply_to) = RequestHead::read(&incoming, domain).map_err(|malformed| malformed.0)?;
    Ok((head, reply_to.text))
}

/// The headers of a request as a gateway writes and signs them; `None` if that is no reply address.
pub fn signed(head: &RequestHead, reply_to: &str, value: &[u8], key: &MacKey) -> Option<Headers> {
    let reply_to = ReplyTo::parse(reply_to)?;
    let mut list = head.write(&reply_to);
    list.sign(key, Kind::Request, value);
    Some(list.iter().map(|(name, value)| (name.to_owned(), Bytes::copy_from_slice(value))).collect())
}
