use std::collections::BTreeMap;

use super::*;
use crate::{Edge, SignerKey, cosignature};

const ORIGIN: &str = "example.com/log";

fn key(name: &str, kind: Kind, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).expect("a key")
}

fn log_key() -> SignerKey {
    key(ORIGIN, Kind::Log, 1)
}

fn witness_key(number: u8) -> SignerKey {
    key(&format!("witness.example/w{number}"), Kind::Witness, 10 + number)
}

/// The public halves of the first witnesses.
fn witnesses(count: u8) -> Vec<VerifierKey> {
    (1..=count).map(|number| witness_key(number).verifier().clone()).collect()
}

fn policy(known: u8, needed: usize) -> Policy {
    let log = vec![log_key().verifier().clone()];
    Policy::new(ORIGIN, log, witnesses(known), needed).expect("a policy")
}

/// The proof of the leaf "leaf 123" of a log of 300, cosigned by so many witnesses.
fn proof(cosigned: u8) -> Proof {
    let leaves = (0..300).map(|number| leaf_hash(format!("leaf {number}").as_bytes()));
    let growth = Edge::new().grow(leaves);
    let tiles = BTreeMap::from_iter(growth.tiles);
    let checkpoint = Checkpoint::new(ORIGIN, growth.size, growth.root).expect("a checkpoint");
    let mut note = checkpoint.sign(&[&log_key()]).expect("a key");
    for number in 1..=cosigned {
        let signature = cosignature::cosign(note.text(), &witness_key(number), 1000 + u64::from(number));
        note.add(signature.expect("a checkpoint")).expect("there is room");
    }
    let path = merkle::prove_inclusion(&tiles, 123, growth.size).expect("a proof");
    Proof { extra: Some(LEAF.to_vec()), index: 123, path, note }
}

const LEAF: &[u8] = b"leaf 123";

#[test]
fn a_proof_holds_for_its_leaf_its_log_and_its_witnesses() {
    let file = proof(2).to_string();
    let read = Proof::parse(file.as_bytes()).expect("a proof");
    assert_eq!(read, proof(2));
    assert_eq!(read.to_string(), file);

    let holds = read.verify(LEAF, &policy(3, 2)).expect("it holds");
    assert_eq!(holds.checkpoint.size(), 300);
    assert_eq!(
        holds.cosigned,
        [("witness.example/w1".to_owned(), 1001), ("witness.example/w2".to_owned(), 1002)]
    );
    // Whoever counts on no witness needs none.
    assert!(proof(0).verify(LEAF, &policy(0, 0)).is_ok());
    assert!(proof(2).verify(LEAF, &policy(0, 0)).is_ok());
}

#[test]
fn what_does_not_hold_is_told() {
    let told = |proof: &Proof, leaf: &[u8], policy: &Policy| {
        proof.verify(leaf, policy).expect_err("it does not hold")
    };

    assert_eq!(told(&proof(1), LEAF, &policy(3, 2)), Error::TooFewWitnesses { needed: 2, found: 1 });
    assert_eq!(told(&proof(2), b"leaf 124", &policy(3, 2)), Error::Leaf(merkle::Error::Root));
    let elsewhere = Proof { index: 122, ..proof(2) };
    assert_eq!(told(&elsewhere, LEAF, &policy(3, 2)), Error::Leaf(merkle::Error::Root));
    let beyond = Proof { index: 300, ..proof(2) };
    let index = merkle::Error::Index { index: 300, size: 300 };
    assert_eq!(told(&beyond, LEAF, &policy(3, 2)), Error::Leaf(index));
    let short = Proof { path: proof(2).path[1..].to_vec(), ..proof(2) };
    assert_eq!(told(&short, LEAF, &policy(3, 2)), Error::Leaf(merkle::Error::TooShort));

    let other_log = Policy::new("example.com/other", vec![log_key().verifier().clone()], vec![], 0);
    let origin = told(&proof(2), LEAF, &other_log.expect("a policy"));
    assert_eq!(
        origin.to_string(),
        "the checkpoint is of the log example.com/log, and not of example.com/other"
    );
    let other_key = Policy::new(ORIGIN, vec![key(ORIGIN, Kind::Log, 2).verifier().clone()], vec![], 0);
    assert_eq!(told(&proof(2), LEAF, &other_key.expect("a policy")), Error::Log(note::Error::Unknown));

    // A cosignature of another checkpoint.
    let mut spoiled = proof(1);
    let text = Checkpoint::new(ORIGIN, 301, Hash([1; 32])).expect("a checkpoint").text();
    spoiled.note.add(cosignature::cosign(&text, &witness_key(2), 1).expect("one")).expect("there is room");
    let wrong = note::Error::Wrong("witness.example/w2".to_owned());
    assert_eq!(told(&spoiled, LEAF, &policy(3, 1)), Error::Witness(wrong));
    // Nobody looks at it who does not know that witness.
    assert!(spoiled.verify(LEAF, &policy(1, 1)).is_ok());
}

#[test]
fn two_keys_of_one_witness_count_once() {
    let second = key("witness.example/w1", Kind::Witness, 99);
    let mut twice = proof(1);
    let signature = cosignature::cosign(twice.note.text(), &second, 7).expect("a checkpoint");
    twice.note.add(signature).expect("there is room");
    let mut known = witnesses(2);
    known.push(second.verifier().clone());
    let policy = Policy::new(ORIGIN, vec![log_key().verifier().clone()], known, 2).expect("a policy");
    let error = twice.verify(LEAF, &policy).expect_err("one witness alone");
    assert_eq!(error, Error::TooFewWitnesses { needed: 2, found: 1 });
}

#[test]
fn any_flipped_bit_of_the_file_is_refused_or_of_no_account() {
    let file = proof(1).to_string().into_bytes();
    let policy = policy(1, 1);
    let extra = file.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    let after_extra = extra + file[extra..].iter().position(|byte| *byte == b'\n').expect("a line");
    for at in (0..file.len()).filter(|at| !(extra..after_extra).contains(at)) {
        for bit in 0..8 {
            let mut flipped = file.clone();
            flipped[at] ^= 1 << bit;
            let holds = Proof::parse(&flipped).is_ok_and(|proof| proof.verify(LEAF, &policy).is_ok());
            assert!(!holds, "bit {bit} of byte {at}");
        }
    }
    // What comes along proves nothing by itself: another leaf there is another leaf to prove.
    let other = Proof { extra: Some(b"leaf 124".to_vec()), ..proof(1) };
    let leaf = other.extra.clone().expect("it comes along");
    assert_eq!(other.verify(&leaf, &policy), Err(Error::Leaf(merkle::Error::Root)));
}

#[test]
fn a_file_that_is_written_otherwise_is_refused() {
    let file = proof(1).to_string();
    let cases = [
        (String::new(), ParseError::Header),
        (file.replace("@v1", "@v2"), ParseError::Header),
        (file.replace("@v1\n", "@v1\r\n"), ParseError::Header),
        (format!("\n{file}"), ParseError::Header),
        (file.replace("extra bGVhZiAxMjM=", "extra bGVhZiAxMjM"), ParseError::Extra),
        (file.replace("extra bGVhZiAxMjM=", "Extra bGVhZiAxMjM="), ParseError::Index),
        (file.replace("extra bGVhZiAxMjM=\n", "extra bGVhZiAxMjM=\nextra bGVhZiAxMjM=\n"), ParseError::Index),
        (file.replace("index 123", "index 0123"), ParseError::Index),
        (file.replace("index 123", "index +123"), ParseError::Index),
        (file.replace("index 123", "index  123"), ParseError::Index),
        (file.replace("index 123\n", ""), ParseError::Index),
        (file.replace("index 123\n", "index 123\nAAAA\n"), ParseError::Path),
        (file.replace("\n\nexample", "\nexample"), ParseError::Path),
        (file.replace("\n\nexample", "\n\n\nexample"), ParseError::Note(note::Error::Text)),
        (format!("{HEADER}index 0\n{}\n", format!("{}\n", Hash([1; 32])).repeat(65)), ParseError::Path),
        (format!("{HEADER}index 0\n\n"), ParseError::Note(note::Error::NoSignatures)),
        ("x".repeat(MAX_LEN + 1), ParseError::TooLong),
    ];
    for (file, error) in cases {
        // An empty line more is the text's, which is then no checkpoint.
        let parsed = Proof::parse(file.as_bytes());
        let refused = parsed.clone().map(|proof| proof.verify(LEAF, &policy(1, 1)).is_ok());
        match error {
            ParseError::Note(note::Error::Text) => assert_eq!(refused, Ok(false)),
            error => assert_eq!(parsed, Err(error), "{:?}", &file[..file.len().min(120)]),
        }
    }
}

#[test]
fn the_longest_leaf_comes_along() {
    let leaf = vec![7; crate::bundle::MAX_LEAF];
    let growth = Edge::new().grow([leaf_hash(&leaf)]);
    let note =
        Checkpoint::new(ORIGIN, 1, growth.root).expect("a checkpoint").sign(&[&log_key()]).expect("a key");
    let file = Proof { extra: Some(leaf.clone()), index: 0, path: vec![], note }.to_string();
    let proof = Proof::parse(file.as_bytes()).expect("a proof");
    assert!(proof.verify(&leaf, &policy(0, 0)).is_ok());
}

#[test]
fn a_policy_counts_no_key_twice_and_asks_for_no_more_than_there_are() {
    let log = || vec![log_key().verifier().clone()];
    let of = |log, witnesses, needed| Policy::new(ORIGIN, log, witnesses, needed).expect_err("no policy");
    assert_eq!(of(vec![], vec![], 0), PolicyError::NoKey);
    assert_eq!(of(witnesses(1), vec![], 0), PolicyError::Kind("witness.example/w1".to_owned()));
    assert_eq!(of(log(), log(), 1), PolicyError::Kind(ORIGIN.to_owned()));
    assert_eq!(of(log(), witnesses(2), 3), PolicyError::TooFew { needed: 3, known: 2 });
    let mut shared = witnesses(2);
    shared.push(key("witness.example/w3", Kind::Witness, 11).verifier().clone());
    assert_eq!(of(log(), shared, 1), PolicyError::SharedKey("witness.example/w1".to_owned()));
}
