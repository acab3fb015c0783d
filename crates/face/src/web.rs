//! gRPC-Web: trailers in a frame of the body, and bodies in Base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use crate::frames;

/// The flag of a frame of trailers.
const TRAILERS: u8 = 0x80;

/// Trailers as the last frame of a body: lines as HTTP/1 writes them.
pub(crate) fn trailers(trailers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in trailers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    let mut framed = Vec::with_capacity(lines.len() + frames::PREFIX);
    frames::frame(TRAILERS, &lines, &mut framed);
    framed
}

/// The bytes of a body in Base64, which may have been encoded in pieces, each with its padding. `None`: it is none.
pub fn of_text(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for piece in text.split_inclusive(|byte| *byte == b'=') {
        // The second of two paddings stands alone.
        if piece == b"=" {
            continue;
        }
        let piece = piece.strip_suffix(b"=").unwrap_or(piece);
        let padded = [piece, &b"==="[..(4 - piece.len() % 4) % 4]].concat();
        STANDARD.decode_vec(padded, &mut bytes).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn trailers_are_lines_of_a_frame() {
        let said = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("5"))]);
        assert_eq!(trailers(&said), b"\x80\0\0\0\x10grpc-status: 5\r\n");
    }

    #[test]
    fn base64_is_read_whole_and_in_pieces() {
        for pieces in [&[&b"abcdefgh"[..]][..], &[b"a", b"bc", b"def", b"gh"]] {
            let text: String = pieces.iter().map(|piece| STANDARD.encode(piece)).collect();
            assert_eq!(of_text(text.as_bytes()).unwrap(), b"abcdefgh", "{text}");
        }
        for bad in ["a", "ab!d", "====x"] {
            assert_eq!(of_text(bad.as_bytes()), None, "{bad}");
        }
    }
}
