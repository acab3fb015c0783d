use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, SigningKey};
use lgsp_tlog::witness::{Last, Log, Request, Witness};
use lgsp_tlog::{
    Bundle, Checkpoint, Edge, Hash, Kind, Note, Policy, Proof, SignerKey, Tile, VerifierKey, bundle,
    leaf_hash, node_hash,
};

use crate::choice;

const ORIGIN: &str = "example.com/log";
const WITNESS: &str = "witness.example/w1";
const LOG_SEED: [u8; 32] = [1; 32];
const WITNESS_SEED: [u8; 32] = [2; 32];

/// What is read of a log's texts is written as it was; a proof that holds does so for a second reader, and what a witness
/// cosigns is signed by the log and of the one tree that it saw before.
///
/// The first byte chooses what the rest is: a proof, a request to a witness, a note, a key, a path or an entry bundle.
pub fn tlog(data: &[u8]) {
    let (chosen, rest) = choice(data);
    match chosen % 6 {
        0 => proof(rest),
        1 => request(rest),
        2 => note(rest),
        3 => key(rest),
        4 => path(rest),
        _ => entries(rest),
    }
}

fn proof(data: &[u8]) {
    let Ok(proof) = Proof::parse(data) else { return };
    assert_eq!(proof.to_string().as_bytes(), data);
    let leaf = proof.extra.clone().unwrap_or_default();
    let (log, witness) =
        (signer(ORIGIN, Kind::Log, &LOG_SEED), signer(WITNESS, Kind::Witness, &WITNESS_SEED));
    let (log, witness) = (vec![log.verifier().clone()], vec![witness.verifier().clone()]);
    let policy = Policy::new(ORIGIN, log, witness, 1).unwrap();
    let Ok(holds) = proof.verify(&leaf, &policy) else { return };

    assert_eq!(holds.cosigned.len(), 1);
    let text = proof.note.text();
    assert!(is_signed(&proof.note, ORIGIN, &LOG_SEED, 0, text));
    let cosigned = format!("cosignature/v1\ntime {}\n{text}", holds.cosigned[0].1);
    assert!(is_signed(&proof.note, WITNESS, &WITNESS_SEED, 8, &cosigned));
    let size = holds.checkpoint.size();
    assert_eq!(climb(&proof.path, 0, size, proof.index, leaf_hash(&leaf)), Some(holds.checkpoint.root()));
}

/// RFC 6962, section 2.1.1, from the root down.
fn climb(path: &[Hash], from: u64, to: u64, index: u64, leaf: Hash) -> Option<Hash> {
    if to - from == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (sibling, below) = path.split_last()?;
    let mut half = 1;
    while half < (to - from).div_ceil(2) {
        half *= 2;
    }
    let middle = from + half;
    if index < middle {
        Some(node_hash(&climb(below, from, middle, index, leaf)?, sibling))
    } else {
        Some(node_hash(sibling, &climb(below, middle, to, index, leaf)?))
    }
}

/// Whether a line of a name ends with a good signature of the message, after the key's id and so many bytes more.
fn is_signed(note: &Note, name: &str, seed: &[u8; 32], skipped: usize, message: &str) -> bool {
    let key = SigningKey::from_bytes(seed).verifying_key();
    let note = note.to_string();
    let mut lines = note.lines().filter_map(|line| line.strip_prefix(&format!("— {name} ")));
    lines.any(|line| {
        let bytes = STANDARD.decode(line).unwrap();
        let signature = bytes.get(4 + skipped..).and_then(|bytes| Signature::from_slice(bytes).ok());
        signature.is_some_and(|signature| key.verify_strict(message.as_bytes(), &signature).is_ok())
    })
}

fn request(data: &[u8]) {
    let Ok(request) = Request::parse(data) else { return };
    assert_eq!(request.to_string().as_bytes(), data);
    let keys = vec![signer(ORIGIN, Kind::Log, &LOG_SEED).verifier().clone()];
    let logs = vec![Log { origin: ORIGIN.to_owned(), keys }];
    let witness = Witness::new(signer(WITNESS, Kind::Witness, &WITNESS_SEED), logs).unwrap();
    let last = Last { size: 3, root: true_root(3) };
    for last in [Last::default(), last] {
        match witness.answer(&request, &last, 1) {
            Ok(cosigned) => {
                let text = request.note().text();
                assert!(is_signed(request.note(), ORIGIN, &LOG_SEED, 0, text));
                assert!(cosigned.next.size >= last.size && request.old() == last.size);
                // Nobody has the log's key: it has signed its one tree, and a fork of it from the first leaf on.
                assert!(last.size == 0 || cosigned.next.root == true_root(cosigned.next.size));
                let mut note = request.note().clone();
                note.add(cosigned.signature).unwrap();
                assert!(note.verify(&[witness.verifier().clone()]).is_ok());
            }
            Err(refusal) => {
                assert!([400, 403, 404, 409, 422].contains(&refusal.status()));
                assert!(refusal.body().ends_with('\n'));
            }
        }
    }
}

/// The root of the tree of the leaves 0, 1, 2 and so on; none that was signed has more than a thousand.
fn true_root(size: u64) -> Hash {
    assert!(size < 1000);
    Edge::new().grow((0..size).map(|number| leaf_hash(number.to_string().as_bytes()))).root
}

fn note(data: &[u8]) {
    let Ok(note) = Note::parse(data) else { return };
    assert_eq!(note.to_string().as_bytes(), data);
    if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
        assert_eq!(checkpoint.text(), note.text());
    }
    if note.verify(&[signer(ORIGIN, Kind::Log, &LOG_SEED).verifier().clone()]).is_ok() {
        assert!(is_signed(&note, ORIGIN, &LOG_SEED, 0, note.text()));
    }
}

fn key(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert!(
            key.to_string().eq_ignore_ascii_case(text),
            "an id may be in capitals, and nothing else differs"
        );
    }
    if let Ok(key) = SignerKey::parse(text) {
        assert!(key.text().eq_ignore_ascii_case(text.trim()));
        let secret = key.text().rsplit_once('+').map(|(_, secret)| secret.to_owned());
        assert!(!format!("{key:?}").contains(&secret.unwrap()));
    }
}

fn path(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(tile) = Tile::parse(text) {
        assert_eq!(tile.path(), text);
        assert!(Bundle::parse(text).is_err());
    }
    if let Ok(bundle) = Bundle::parse(text) {
        assert_eq!(bundle.path(), text);
    }
}

fn entries(data: &[u8]) {
    let (width, rest) = choice(data);
    let width = width as u16 + 1;
    let Ok(leaves) = bundle::decode(rest, width) else { return };
    assert_eq!(leaves.len(), usize::from(width));
    assert_eq!(bundle::encode(&leaves).unwrap(), rest);
}

fn signer(name: &str, kind: Kind, seed: &[u8; 32]) -> SignerKey {
    SignerKey::from_seed(name, kind, seed).unwrap()
}
