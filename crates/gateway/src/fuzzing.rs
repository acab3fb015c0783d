//! The steps that bytes of a caller go through first, for the properties of `tests/properties`. Nobody else may call them.
#![allow(missing_docs, reason = "each is the function of its name")]

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::StreamBody;
use lgsp_core::Fault;
use lgsp_face::Face;

use crate::caller::Tokens;
use crate::metadata::{self, Metadata};
use crate::oidc::Issuer;
use crate::options::Oidc;
use crate::surface::Surface;
use crate::{body, call, frame};

pub fn is_grpc(content_type: &HeaderValue) -> bool {
    Face::of(content_type.as_bytes()) == Some(Face::Grpc)
}

pub fn is_answered_by_the_gateway_itself(path: &str) -> bool {
    Surface::answers(path)
}

pub fn authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, Fault> {
    call::authorization(headers)
}

/// What a caller says, by the names of its metadata without their prefix.
pub fn metadata(headers: &HeaderMap) -> Result<Vec<(&'static str, Option<String>)>, Fault> {
    let said = Metadata::read(headers)?;
    Ok(vec![
        ("purpose", said.purpose.map(|purpose| purpose.to_string())),
        ("officer", said.officer),
        ("unit", said.unit),
        ("procedure", said.procedure),
        ("dossier", said.dossier),
        ("request-id", said.request_id),
    ])
}

pub fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    metadata::timeout(Face::Grpc, headers)
}

/// Tokens for `lgsp`, also of an issuer whose keys were just read from a document; `None`: it is no set of keys.
pub fn tokens(options: &Oidc, document: &[u8]) -> Option<Tokens> {
    Issuer::with_keys(options, document).map(|issuer| Tokens::new("lgsp", 8).trusting(Some(issuer)))
}

/// Reads the only message of a body that comes in pieces.
pub async fn message(pieces: Vec<Bytes>, headers: &HeaderMap, largest: usize) -> Result<Bytes, Fault> {
    let frames = pieces.into_iter().map(|piece| Ok::<_, body::Error>(http_body::Frame::data(piece)));
    frame::read(Face::Grpc, StreamBody::new(futures::stream::iter(frames)), headers, largest).await
}
