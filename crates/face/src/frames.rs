//! The framing that gRPC, gRPC-Web and the streams of the Connect protocol share: a byte of flags, a length, a message.

/// Flags and length.
pub const PREFIX: usize = 5;

/// Appends a framed message.
pub fn frame(flags: u8, message: &[u8], out: &mut Vec<u8>) {
    out.push(flags);
    out.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(message);
}

/// The messages of whole frames.
pub fn messages(framed: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = framed;
    std::iter::from_fn(move || {
        let (prefix, after) = rest.split_at_checked(PREFIX)?;
        let length = u32::from_be_bytes(prefix[1..].try_into().ok()?) as usize;
        let (message, left) = after.split_at_checked(length)?;
        rest = left;
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_framed_is_read_back() {
        let mut framed = Vec::new();
        for message in [&b"one"[..], b"", b"three"] {
            frame(0, message, &mut framed);
        }
        assert_eq!(messages(&framed).collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert_eq!(messages(&framed[..framed.len() - 1]).count(), 2, "no more than is there");
    }
}
