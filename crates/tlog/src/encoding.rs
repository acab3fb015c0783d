//! What several of the texts share: base64, decimal numbers and lists of hashes, each with one way to write a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Hash;
use crate::merkle::MAX_PROOF;

/// Standard base64 with padding: RFC 4648, section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads [`base64`], and nothing that would be written otherwise.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads a decimal number without sign and without leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || !text.starts_with(['0', '+']);
    is_canonical.then(|| text.parse().ok())?
}

/// Reads hashes, one a line and no more than a proof has, and the empty line that follows; tells what comes after it.
pub(crate) fn hashes(text: &str) -> Option<(Vec<Hash>, &str)> {
    let mut hashes = Vec::new();
    let mut rest = text;
    loop {
        let (line, after) = rest.split_once('\n')?;
        rest = after;
        if line.is_empty() {
            return Some((hashes, rest));
        }
        if hashes.len() == MAX_PROOF {
            return None;
        }
        hashes.push(line.parse().ok()?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_way_to_be_written() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base64_has_one_way_to_be_written() {
        assert_eq!(from_base64("AA=="), Some(vec![0]));
        // Without padding; with bits that nothing needs; with white space; in the alphabet for URLs.
        for wrong in ["AA", "AB==", "AA==\n", "A A=", "__8="] {
            assert_eq!(from_base64(wrong), None, "{wrong:?}");
        }
    }
}
