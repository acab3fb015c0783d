use std::collections::BTreeMap;

use super::*;
use crate::{Edge, Growth, Tile, leaf_hash};

const ORIGIN: &str = "example.com/log";
const NOW: u64 = 1_679_315_147;

/// A log with its tiles, and a witness that looks after it.
struct Fixture {
    key: SignerKey,
    edge: Edge,
    tiles: BTreeMap<Tile, Vec<u8>>,
    witness: Witness,
    last: Last,
}

fn key(name: &str, kind: Kind, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).expect("a key")
}

impl Fixture {
    fn new() -> Self {
        let log = key(ORIGIN, Kind::Log, 1);
        let logs = vec![Log { origin: ORIGIN.to_owned(), keys: vec![log.verifier().clone()] }];
        let witness = Witness::new(key("witness.example/w1", Kind::Witness, 2), logs).expect("a witness");
        Self { key: log, edge: Edge::new(), tiles: BTreeMap::new(), witness, last: Last::default() }
    }

    fn grow(&mut self, leaves: u64) -> Growth {
        let from = self.edge.size();
        let growth = self.edge.grow((from..from + leaves).map(|number| leaf_hash(&number.to_be_bytes())));
        self.tiles.extend(growth.tiles.iter().cloned());
        growth
    }

    fn note(&self, size: u64, root: Hash) -> Note {
        let checkpoint = Checkpoint::new(ORIGIN, size, root).expect("a checkpoint");
        checkpoint.sign(&[&self.key]).expect("a key")
    }

    /// The request that a well-behaved log makes of its present tree.
    fn request(&self, old: u64) -> Request {
        let proof = merkle::prove_consistency(&self.tiles, old, self.edge.size()).expect("its own tiles");
        Request::new(old, proof, self.note(self.edge.size(), self.edge.root())).expect("a request")
    }

    fn answer(&self, request: &Request) -> Result<Cosigned, Refusal> {
        // As it came over the wire.
        let request = Request::parse(request.to_string().as_bytes()).map_err(Refusal::Malformed)?;
        self.witness.answer(&request, &self.last, NOW)
    }
}

#[test]
fn a_growing_log_is_cosigned_from_size_to_size() {
    let mut fixture = Fixture::new();
    for leaves in [1, 0, 6, 249, 300, 70_000] {
        let old = fixture.edge.size();
        let growth = fixture.grow(leaves);
        let request = fixture.request(old);
        let cosigned = fixture.answer(&request).expect("it goes on");
        assert_eq!(cosigned.next, Last { size: growth.size, root: growth.root });

        let mut note = request.note().clone();
        let witnesses = [fixture.witness.verifier().clone()];
        assert_eq!(take(cosigned.body().as_bytes(), &mut note, &witnesses), Ok(1));
        assert_eq!(note.verify(&witnesses).expect("cosigned")[0].time, Some(NOW));
        fixture.last = cosigned.next;
    }
}

#[test]
fn a_log_that_does_not_know_the_last_size_is_told_it() {
    let mut fixture = Fixture::new();
    fixture.grow(7);
    fixture.last = fixture.answer(&fixture.request(0)).expect("the first").next;
    fixture.grow(9);
    for old in [0, 3, 8] {
        let refusal = fixture.answer(&fixture.request(old)).expect_err("another size");
        assert_eq!((refusal.status(), refusal.content_type()), (409, "text/x.tlog.size"));
        assert_eq!(refusal.body(), "7\n");
        assert_eq!(parse_size(refusal.body().as_bytes()), Ok(7));
    }
    assert!(fixture.answer(&fixture.request(7)).is_ok());
}

#[test]
fn a_log_that_rewrites_itself_is_refused() {
    let mut fixture = Fixture::new();
    fixture.grow(7);
    fixture.last = fixture.answer(&fixture.request(0)).expect("the first").next;

    // Another tree of the same size.
    let other = fixture.note(7, Hash([9; 32]));
    let refusal = fixture.answer(&Request::new(7, vec![], other).expect("a request")).expect_err("a fork");
    assert_eq!((refusal.status(), refusal.content_type()), (409, TEXT_TYPE));
    assert_eq!(refusal, Refusal::OtherRoot);

    // A greater tree with other leaves.
    let mut fork = Fixture::new();
    fork.edge.grow([leaf_hash(b"another")]);
    fork.tiles.insert(Tile::new(0, 0, 1).expect("a tile"), leaf_hash(b"another").0.to_vec());
    fork.grow(11);
    let refusal = fixture.answer(&fork.request(7)).expect_err("a fork");
    assert_eq!((refusal.status(), refusal.body().lines().count()), (422, 1));

    // A smaller tree.
    let small = fixture.note(3, Hash([9; 32]));
    let refusal =
        fixture.answer(&Request::new(7, vec![], small).expect("a request")).expect_err("it shrinks");
    assert_eq!((refusal.status(), refusal), (400, Refusal::Shrinks));
}

#[test]
fn a_proof_that_is_too_long_or_not_asked_for_is_refused() {
    let mut fixture = Fixture::new();
    fixture.grow(7);
    let first = fixture.note(7, fixture.edge.root());
    let refusal = fixture.answer(&Request::new(0, vec![Hash([1; 32])], first).expect("a request"));
    assert_eq!(refusal.expect_err("from nothing it is empty").status(), 422);

    let note = fixture.note(7, fixture.edge.root());
    assert_eq!(Request::new(1, vec![Hash([1; 32]); 64], note.clone()), Err(Error::TooLong));
    assert!(Request::new(1, vec![Hash([1; 32]); 63], note).is_ok());
}

#[test]
fn a_stranger_s_log_and_a_stranger_s_key_are_told_apart() {
    let mut fixture = Fixture::new();
    fixture.grow(1);
    let stranger = key(ORIGIN, Kind::Log, 9);
    let signed = |origin: &str, key: &SignerKey| {
        let checkpoint = Checkpoint::new(origin, 1, fixture.edge.root()).expect("a checkpoint");
        Request::new(0, vec![], checkpoint.sign(&[key]).expect("a key")).expect("a request")
    };
    let elsewhere = fixture.answer(&signed("example.com/other", &fixture.key));
    assert_eq!(elsewhere.as_ref().expect_err("unknown").status(), 404);
    assert_eq!(elsewhere, Err(Refusal::UnknownOrigin));
    let forged = fixture.answer(&signed(ORIGIN, &stranger));
    assert_eq!(forged.as_ref().expect_err("unknown").status(), 403);
    assert_eq!(forged, Err(Refusal::NotSigned));
}

#[test]
fn the_empty_tree_is_cosigned_if_it_has_the_root_of_one() {
    let fixture = Fixture::new();
    let empty = Request::new(0, vec![], fixture.note(0, Hash::EMPTY_TREE)).expect("a request");
    assert!(fixture.answer(&empty).is_ok());
    let other = Request::new(0, vec![], fixture.note(0, Hash([1; 32]))).expect("a request");
    assert_eq!(fixture.answer(&other), Err(Refusal::OtherRoot));
}

#[test]
fn the_specifications_request_is_read_and_written() {
    let body = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let request = Request::parse(body.as_bytes()).expect("the example");
    assert_eq!((request.old(), request.proof.len()), (20_852_014, 4));
    assert_eq!(request.checkpoint().size(), 20_852_163);
    assert_eq!(request.to_string(), body);

    let old = |line: &str| body.replace("old 20852014", line);
    for line in ["", "old", "old ", "old 020852014", "old -1", "old  1", "Old 1", "old 1 ", "old 1\r"] {
        assert_eq!(Request::parse(old(line).as_bytes()), Err(Error::Old), "{line:?}");
    }
    for (from, to) in [("PlRN", "PlR"), ("/0=\n\n", "/0=\n"), ("kaw=\n", "kaw=\r\n")] {
        let refused = Request::parse(body.replacen(from, to, 1).as_bytes());
        assert_eq!(refused, Err(Error::Proof), "{from:?}");
    }
    let no_checkpoint = body.replace("\n20852163\n", "\nmany\n");
    assert_eq!(Request::parse(no_checkpoint.as_bytes()), Err(Error::Checkpoint(checkpoint::Error::Size)));
    assert_eq!(Request::parse(&vec![b'a'; MAX_LEN + 1]), Err(Error::TooLong));
    assert_eq!(Refusal::Malformed(Error::Old).status(), 400);
}

#[test]
fn of_an_answer_only_good_cosignatures_of_known_witnesses_are_taken() {
    let mut fixture = Fixture::new();
    fixture.grow(3);
    let request = fixture.request(0);
    let cosigned = fixture.answer(&request).expect("the first");
    let stranger = key("witness.example/w2", Kind::Witness, 3);
    let strange = cosignature::cosign(request.note().text(), &stranger, NOW).expect("a cosignature");
    let known = [fixture.witness.verifier().clone()];

    let mut note = request.note().clone();
    let both = format!("{strange}{}", cosigned.body());
    assert_eq!(take(both.as_bytes(), &mut note, &known), Ok(1));
    assert_eq!(note.signatures().len(), 2, "the log's and the known witness's");

    let mut note = request.note().clone();
    let late = cosignature::cosign(fixture.note(4, Hash([1; 32])).text(), &fixture.witness.key, NOW);
    let late = late.expect("of another checkpoint").to_string();
    let cases = [
        (strange.to_string(), note::Error::Unknown),
        (late, note::Error::Wrong("witness.example/w1".to_owned())),
        (String::new(), note::Error::NoSignatures),
        ("sorry\n".to_owned(), note::Error::SignatureForm),
    ];
    for (body, error) in cases {
        assert_eq!(take(body.as_bytes(), &mut note, &known), Err(error), "{body}");
    }
    assert_eq!(&note, request.note());
    for wrong in ["", "7", "07\n", "-7\n", "7\n7\n", "seven\n"] {
        assert_eq!(parse_size(wrong.as_bytes()), Err(Error::Size), "{wrong:?}");
    }
}

#[test]
fn a_witness_is_set_up_with_keys_of_the_right_kind_and_each_log_once() {
    let witness = || key("witness.example/w1", Kind::Witness, 2);
    let log = key(ORIGIN, Kind::Log, 1);
    let of = |keys: Vec<VerifierKey>| Log { origin: ORIGIN.to_owned(), keys };
    let error = |key, logs| Witness::new(key, logs).expect_err("no witness");
    let good = || of(vec![log.verifier().clone()]);
    assert_eq!(error(key(ORIGIN, Kind::Log, 1), vec![]), SetupError::Kind(ORIGIN.to_owned()));
    assert_eq!(error(witness(), vec![of(vec![])]), SetupError::NoKey(ORIGIN.to_owned()));
    assert_eq!(error(witness(), vec![good(), good()]), SetupError::Twice(ORIGIN.to_owned()));
    let other_kind = of(vec![witness().verifier().clone()]);
    assert_eq!(error(witness(), vec![other_kind]), SetupError::Kind("witness.example/w1".to_owned()));
}
