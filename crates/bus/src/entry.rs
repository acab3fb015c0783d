//! Entries that count: signed, because whoever writes them takes quotas away.
//!
//! The MAC is the last field of the sealed part, over all bytes before it: so it stays with them in the ledger's log, whose counts
//! can be built again. A decision about the log is signed as one, so that no gateway's entry is taken for it, whatever the keys.

use crate::MacKey;
use crate::mac::Kind;

/// Hexadecimal digits of a MAC.
const DIGITS: u8 = 64;
/// How the field `mac` of a sealed part begins: number 100, of a length, which is that.
const FIELD: [u8; 3] = [0xa2, 0x06, DIGITS];

/// Signs an encoded sealed part that has no MAC yet.
pub fn sign(key: &MacKey, sealed: &[u8]) -> Vec<u8> {
    sign_as(Kind::Entry, key, sealed)
}

/// The same of a decision about the log, under the ledgers' own key.
pub fn sign_decision(key: &MacKey, sealed: &[u8]) -> Vec<u8> {
    sign_as(Kind::Decision, key, sealed)
}

fn sign_as(kind: Kind, key: &MacKey, sealed: &[u8]) -> Vec<u8> {
    let mut tag = key.begin(kind);
    tag.field(sealed);
    let mut signed = Vec::with_capacity(sealed.len() + FIELD.len() + usize::from(DIGITS));
    for part in [sealed, &FIELD, tag.to_hex().as_bytes()] {
        signed.extend_from_slice(part);
    }
    signed
}

/// Whether a holder of the key has signed a sealed part.
pub fn is_signed(key: &MacKey, sealed: &[u8]) -> bool {
    is_signed_as(Kind::Entry, key, sealed)
}

/// Whether a ledger has signed a sealed part as a decision about the log.
pub fn is_decision(key: &MacKey, sealed: &[u8]) -> bool {
    is_signed_as(Kind::Decision, key, sealed)
}

fn is_signed_as(kind: Kind, key: &MacKey, sealed: &[u8]) -> bool {
    let Some((rest, mac)) = sealed.split_last_chunk::<{ DIGITS as usize }>() else { return false };
    let Some(rest) = rest.strip_suffix(&FIELD) else { return false };
    let mut tag = key.begin(kind);
    tag.field(rest);
    tag.is(mac)
}

#[cfg(test)]
mod tests {
    use lgsp_proto::ledger::v1::Sealed;
    use prost::Message;

    use super::*;

    #[test]
    fn a_sealed_part_is_signed_by_its_last_field_and_is_read_as_before() {
        let key = MacKey::new([7; 32]);
        let sealed = Sealed { gateway: "gateway-1".to_owned(), sequence: 3, ..Sealed::default() };
        let (bare, signed) = (sealed.encode_to_vec(), sign(&key, &sealed.encode_to_vec()));
        let mut read = Sealed::decode(&*signed).unwrap();
        assert_eq!(read.encode_to_vec(), signed, "it is a field as any other, and the last one");
        let mac = std::mem::take(&mut read.mac);
        assert_eq!((mac.len(), read), (64, sealed));

        assert!(is_signed(&key, &signed));
        assert!(!is_signed(&MacKey::new([8; 32]), &signed), "another key");
        assert!(!is_decision(&key, &signed), "an entry is no decision");
        assert!(!is_signed(&key, &sign_decision(&key, &bare)), "nor the other way round");
        assert!(!is_signed(&key, &bare), "none");
        assert!(!is_signed(&key, &signed[..signed.len() - 1]), "a part of one");
        assert!(!is_signed(&key, &[&signed[..], &bare].concat()), "with more behind it");
        for changed in 0..signed.len() {
            let mut other = signed.clone();
            other[changed] ^= 1;
            assert!(!is_signed(&key, &other), "byte {changed}");
        }
    }
}
