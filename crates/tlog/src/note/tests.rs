use super::*;
use crate::{Checkpoint, Hash};

/// The note and keys of the tests of Go's notes.
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const PETER: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn peter() -> SignerKey {
    SignerKey::parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
        .expect("a key")
}

fn enoch() -> SignerKey {
    SignerKey::from_seed("EnochRoot", Kind::Log, &[0; 32]).expect("a key")
}

fn key(name: &str, kind: Kind, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).expect("a key")
}

fn parse(note: &str) -> Result<Note, Error> {
    Note::parse(note.as_bytes())
}

#[test]
fn notes_are_signed_and_verified_as_gos_are() {
    let note = Note::sign(TEXT, &[&peter(), &enoch()]).expect("two keys");
    assert_eq!(note.to_string(), format!("{TEXT}\n{PETER}{ENOCH}"));

    let read = parse(&note.to_string()).expect("a note");
    assert_eq!(read, note);
    let keys = [peter().verifier().clone(), enoch().verifier().clone()];
    let verified: Vec<_> = read.verify(&keys).expect("both").iter().map(|known| known.key.name()).collect();
    assert_eq!(verified, ["PeterNeumann", "EnochRoot"]);
}

#[test]
fn the_specifications_note_has_its_empty_line_in_the_text() {
    let note = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let read = parse(note).expect("the example");
    assert!(read.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(read.signatures()[0].id(), 0x367b_a04b);
    assert_eq!(read.to_string(), note);
}

#[test]
fn a_note_is_believed_under_any_of_the_keys_and_those_of_others_are_passed_over() {
    let (old, new, other) = (key("log", Kind::Log, 1), key("log", Kind::Log, 2), key("log", Kind::Log, 3));
    let note = Note::sign(TEXT, &[&old, &new]).expect("two keys");
    for known in [&old, &new] {
        let keys = [other.verifier().clone(), known.verifier().clone()];
        assert_eq!(note.verify(&keys).expect("one").len(), 1);
    }
    assert_eq!(note.verify(&[other.verifier().clone()]), Err(Error::Unknown));
    assert_eq!(note.verify(&[]), Err(Error::Unknown));
}

#[test]
fn a_name_or_an_id_alone_makes_no_known_key() {
    let note =
        parse(&format!("{TEXT}\n{}", PETER.replace("PeterNeumann", "CarmenSandiego"))).expect("a note");
    assert_eq!(note.verify(&[peter().verifier().clone()]), Err(Error::Unknown));
    let note = parse(&format!("{TEXT}\n{}", PETER.replace("x08g", "xxxx"))).expect("a note");
    assert_eq!(note.verify(&[peter().verifier().clone()]), Err(Error::Unknown));
}

#[test]
fn any_flipped_bit_of_text_or_signature_is_refused() {
    let note = format!("{TEXT}\n{PETER}");
    let keys = [peter().verifier().clone()];
    assert!(parse(&note).expect("a note").verify(&keys).is_ok());
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let is_believed = Note::parse(&bytes).is_ok_and(|note| note.verify(&keys).is_ok());
            assert!(!is_believed, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_bad_signature_of_a_known_key_spoils_the_good_ones() {
    let forged = Signature { bytes: vec![0; 64], ..Signature::new(&enoch(), vec![]) };
    let mut note = Note::sign(TEXT, &[&peter()]).expect("a key");
    note.add(forged).expect("there is room");
    let peter = peter().verifier().clone();
    assert!(note.verify(std::slice::from_ref(&peter)).is_ok());
    assert_eq!(note.verify(&[peter, enoch().verifier().clone()]), Err(Error::Wrong("EnochRoot".to_owned())));
}

#[test]
fn what_is_written_otherwise_is_no_note() {
    let good = format!("{TEXT}\n{PETER}");
    let cases = [
        (String::new(), Error::NoSignatures),
        (TEXT.to_owned(), Error::NoSignatures),
        (format!("{TEXT}\n"), Error::NoSignatures),
        (format!("{TEXT}{PETER}"), Error::NoSignatures),
        (good.trim_end().to_owned(), Error::SignatureForm),
        (format!("{good}\n"), Error::NoSignatures),
        (format!("{good}text\n"), Error::SignatureForm),
        (good.replace("— Peter", "- Peter"), Error::SignatureForm),
        (good.replace("— Peter", "—  Peter"), Error::SignatureForm),
        (good.replace("PeterNeumann", "Peter+Neumann"), Error::SignatureForm),
        (good.replace("PeterNeumann", "Peter\u{a0}Neumann"), Error::SignatureForm),
        (good.replace("nAM=", "nAM"), Error::SignatureForm),
        (good.replace("nAM=\n", "nAM=\r\n"), Error::SignatureForm),
        (format!("{TEXT}\n— Peter x08gow==\n"), Error::SignatureForm),
        (format!("\u{1}{good}"), Error::Text),
        (format!("tab\there\n{good}"), Error::Text),
        (format!("{TEXT}\n{}", PETER.repeat(MAX_SIGNATURES + 1)), Error::TooLong),
        ("x".repeat(MAX_LEN + 1), Error::TooLong),
    ];
    for (note, error) in cases {
        assert_eq!(parse(&note), Err(error), "{:?}", &note[..note.len().min(200)]);
    }
    assert_eq!(Note::parse(&[b"\xff", good.as_bytes()].concat()), Err(Error::Text));
    assert!(parse(&format!("{TEXT}\n{}", PETER.repeat(16))).is_ok());
}

#[test]
fn a_text_that_could_not_be_read_again_is_not_signed() {
    for text in ["", "no end", "tab\there\n"] {
        assert_eq!(Note::sign(text, &[&peter()]), Err(Error::Text), "{text:?}");
    }
    assert_eq!(Note::sign(TEXT, &[]), Err(Error::NoSignatures));
}

#[test]
fn a_repeated_signature_counts_once() {
    let note = parse(&format!("{TEXT}\n{PETER}{PETER}")).expect("a note");
    assert_eq!(note.verify(&[peter().verifier().clone()]).expect("one").len(), 1);

    let mut note = Note::sign(TEXT, &[&peter()]).expect("a key");
    note.add(note.signatures()[0].clone()).expect("the same again");
    assert_eq!(note.signatures().len(), 1);
}

#[test]
fn a_cosignature_holds_for_its_checkpoint_its_time_and_its_kind_of_key() {
    let log = key("example.com/log", Kind::Log, 1);
    let witness = key("witness.example/w1", Kind::Witness, 2);
    let keys = [witness.verifier().clone()];
    let checkpoint = Checkpoint::new("example.com/log", 7, Hash([7; 32])).expect("a checkpoint");
    let mut note = checkpoint.sign(&[&log]).expect("a key");
    let signature = cosignature::cosign(note.text(), &witness, 1_679_315_147).expect("a witness's key");
    note.add(signature.clone()).expect("there is room");
    assert_eq!(note.verify(&keys), Ok(vec![Verified { key: &keys[0], time: Some(1_679_315_147) }]));

    // The time is signed, too, and so is every line.
    for at in 0..signature.bytes.len() {
        let mut flipped = signature.clone();
        flipped.bytes[at] ^= 1;
        note.add(flipped).expect("in its place");
        assert_eq!(note.verify(&keys), Err(Error::Wrong("witness.example/w1".to_owned())), "{at}");
    }
    let larger = Checkpoint::new("example.com/log", 8, Hash([7; 32])).expect("a checkpoint");
    let mut other = larger.sign(&[&log]).expect("a key");
    other.add(signature).expect("there is room");
    assert_eq!(other.verify(&keys), Err(Error::Wrong("witness.example/w1".to_owned())));
}

#[test]
fn keys_sign_what_their_kind_signs_and_nothing_else() {
    let log = key("example.com/log", Kind::Log, 1);
    let witness = key("witness.example/w1", Kind::Witness, 2);
    let kind = |name: &str| Err(Error::Kind(name.to_owned()));
    assert_eq!(Note::sign(TEXT, &[&witness]), kind("witness.example/w1"));
    let text = Checkpoint::new("example.com/log", 0, Hash::EMPTY_TREE).expect("a checkpoint").text();
    let refused = cosignature::cosign(&text, &log, 1);
    assert_eq!(refused, Err(cosignature::Error::Kind("example.com/log".to_owned())));
    assert!(matches!(cosignature::cosign(TEXT, &witness, 1), Err(cosignature::Error::Text(_))));
}
