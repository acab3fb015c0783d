use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue};
use lgsp_core::Reason;
use lgsp_gateway::fuzzing::message;

use crate::choice;

/// Largest message.
const LARGEST: usize = 300;
/// What a caller may say of compression.
const ENCODINGS: [Option<&str>; 4] = [None, Some("identity"), Some("gzip"), Some("br")];

/// A body is one message behind a true length, however it comes in pieces, and never larger than is allowed.
///
/// The first byte chooses an encoding, the second the size of the pieces; the rest is the body.
pub fn frame(data: &[u8]) {
    let (encoding, rest) = choice(data);
    let (size, body) = choice(rest);
    let encoding = ENCODINGS[encoding % ENCODINGS.len()];
    let mut headers = HeaderMap::new();
    if let Some(encoding) = encoding {
        headers.insert("grpc-encoding", HeaderValue::from_static(encoding));
    }
    let read = |pieces: Vec<Bytes>| {
        let read = message(pieces, &headers, LARGEST).now_or_never().expect("all pieces are there");
        read.map_err(|fault| fault.reason())
    };
    let whole = read(vec![Bytes::copy_from_slice(body)]);
    let pieces = read(body.chunks(size.max(1)).map(Bytes::copy_from_slice).collect());
    assert_eq!(whole.is_ok(), pieces.is_ok(), "{whole:?} {pieces:?}");
    let Ok(message) = whole else {
        let reasons = [Reason::Malformed, Reason::RequestTooLarge, Reason::InvalidMetadata];
        return assert!(reasons.contains(&whole.unwrap_err()));
    };
    assert_eq!(pieces.as_ref(), Ok(&message), "pieces make no difference");
    assert!(message.len() <= LARGEST);
    assert_ne!(encoding, Some("br"));

    let (prefix, content) = body.split_at(5);
    assert_eq!(prefix[1..], (content.len() as u32).to_be_bytes());
    match prefix[0] {
        0 => assert_eq!(message, content),
        1 => assert_eq!((encoding, &message[..]), (Some("gzip"), &inflated(content)[..])),
        flag => panic!("{flag} is no flag"),
    }
}

fn inflated(content: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    GzDecoder::new(content).take(1 << 20).read_to_end(&mut message).expect("it was inflated before");
    message
}
