//! A whole log in its folder, held against verifiers that have nothing of ours: Go's `sumdb` with torchwood, and tlog-scales
//! in Python. `tests/tlog-go/prepare` and `tests/tlog-python/prepare` make them, `LGSP_TEST_TLOG` names their folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lgsp_tlog::bundle::{self, Bundle};
use lgsp_tlog::witness::{Last, Log, Request, Witness};
use lgsp_tlog::{
    Checkpoint, Edge, Kind, Note, Proof, SignerKey, Tile, Tiles, VerifierKey, leaf_hash, merkle,
};

const ORIGIN: &str = "log.example/so-cai";
const WITNESS: &str = "witness.example/w1";
const NOW: u64 = 1_764_000_000;

/// The sizes at which the log told of itself: with full tiles, with partial ones, with a leaf more.
const STOPS: [usize; 4] = [1, 256, 700, 1000];

/// A log that is served from a folder.
struct Served {
    folder: tempfile::TempDir,
    key: VerifierKey,
    witness: VerifierKey,
}

struct Folder<'f>(&'f Path);

impl Tiles for Folder<'_> {
    fn tile(&self, tile: Tile) -> std::io::Result<Vec<u8>> {
        fs::read(self.0.join(tile.path()))
    }
}

impl Served {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SignerKey::from_seed(ORIGIN, Kind::Log, &[1; 32]).expect("a key");
        let signer = SignerKey::from_seed(WITNESS, Kind::Witness, &[2; 32]).expect("a key");
        let served = Self { folder, key: key.verifier().clone(), witness: signer.verifier().clone() };
        let logs = vec![Log { origin: ORIGIN.to_owned(), keys: vec![served.key.clone()] }];
        let witness = Witness::new(signer, logs).expect("a witness");

        let leaves: Vec<Vec<u8>> = (0..1000).map(leaf).collect();
        let (mut edge, mut last) = (Edge::new(), Last::default());
        for stop in STOPS {
            let growth = edge.grow(leaves[edge.size() as usize..stop].iter().map(|leaf| leaf_hash(leaf)));
            for (tile, bytes) in growth.tiles {
                served.write(&tile.path(), &bytes);
            }
            for bundle in Bundle::of_tree(growth.size) {
                let first = bundle.index() as usize * 256;
                let bytes = bundle::encode(&leaves[first..first + usize::from(bundle.width())]);
                served.write(&bundle.path(), &bytes.expect("short leaves"));
            }
            let note = Checkpoint::new(ORIGIN, growth.size, growth.root).expect("one").sign(&[&key]);
            let proof = merkle::prove_consistency(&served.tiles(), growth.from, growth.size).expect("tiles");
            let request = Request::new(growth.from, proof, note.expect("a key")).expect("a request");
            let cosigned = witness.answer(&request, &last, NOW).expect("it goes on");
            last = cosigned.next;
            let mut note = request.note().clone();
            note.add(cosigned.signature).expect("there is room");
            served.write("checkpoint", note.to_string().as_bytes());
            served.write(&format!("old/{stop}"), note.to_string().as_bytes());
        }
        for index in [0, 255, 256, 999] {
            let path = merkle::prove_inclusion(&served.tiles(), index, 1000).expect("its tiles");
            let note =
                Note::parse(&fs::read(served.path("checkpoint")).expect("it is there")).expect("a note");
            let extra = Some(leaves[index as usize].clone());
            let proof = Proof { extra, index, path, note };
            served.write(&format!("{index}.tlog-proof"), proof.to_string().as_bytes());
        }
        served
    }

    fn tiles(&self) -> Folder<'_> {
        Folder(self.folder.path())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    /// Changes a bit of a file while a verifier is asked, which must say so and exit with 1.
    fn is_refused_with_a_flipped_bit(&self, path: &str, at: usize, verify: impl Fn() -> Output) {
        let good = fs::read(self.path(path)).expect("it is there");
        let mut bad = good.clone();
        bad[at] ^= 1;
        self.write(path, &bad);
        let output = verify();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "byte {at} of {path}: {said}");
        assert!(!said.trim().is_empty(), "byte {at} of {path} is refused without a word");
        self.write(path, &good);
    }
}

/// A leaf of a length of its own, the first of them empty.
fn leaf(number: usize) -> Vec<u8> {
    format!("leaf {number} ").into_bytes().repeat(number % 7)
}

/// The folder of the verifiers, if they were made.
fn verifiers() -> Option<PathBuf> {
    let folder = std::env::var("LGSP_TEST_TLOG").ok().filter(|folder| !folder.is_empty());
    if folder.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let is_required = std::env::var("LGSP_REQUIRE_SERVERS").as_deref() == Ok("1");
        assert!(!is_required, "{test} needs LGSP_TEST_TLOG");
        eprintln!("skipped: {test} needs LGSP_TEST_TLOG");
    }
    folder.map(PathBuf::from)
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.trim().to_owned()
}

/// Every file of which each bit counts, with the place of a byte in it.
const COUNTED: [(&str, usize); 7] = [
    ("checkpoint", 30),
    ("tile/0/000", 4000),
    ("tile/0/003.p/232", 7423),
    ("tile/1/000.p/3", 64),
    ("tile/entries/000", 100),
    ("tile/entries/003.p/232", 0),
    ("old/700", 30),
];

#[test]
fn the_libraries_of_go_accept_the_log_and_refuse_it_with_a_flipped_bit() {
    let Some(verifiers) = verifiers() else { return };
    let log = Served::new();
    let verify = || {
        let mut command = Command::new(verifiers.join("tlog-go"));
        command.args(["-every", "7", "-witness", &log.witness.to_string()]);
        for stop in STOPS {
            command.arg("-old").arg(log.path(&format!("old/{stop}")));
        }
        for index in [0, 255, 256, 999] {
            command.arg("-proof").arg(log.path(&format!("{index}.tlog-proof")));
        }
        command.arg(log.folder.path()).arg(log.key.to_string()).output().expect("it runs")
    };
    let accepted = said(&verify());
    assert_eq!(accepted, "ok: 1000 entries, 5 tiles, 4 older checkpoints, 4 proofs, 1 witnesses");

    for (path, at) in COUNTED {
        log.is_refused_with_a_flipped_bit(path, at, verify);
    }
    // The leaf that comes along, the index and the first hash.
    let proof = fs::read_to_string(log.path("999.tlog-proof")).expect("it is there");
    for (what, offset) in [("extra ", 8), ("index ", 7), ("\n", 200)] {
        let at = proof.find(what).expect("it is there") + offset;
        log.is_refused_with_a_flipped_bit("999.tlog-proof", at, verify);
    }
    assert_eq!(said(&verify()), accepted);
}

#[test]
fn a_library_of_python_accepts_the_log_and_refuses_it_with_a_flipped_bit() {
    let Some(verifiers) = verifiers() else { return };
    let log = Served::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tlog-python/verify.py");
    let verify = || {
        let mut command = Command::new(verifiers.join("python/bin/python"));
        command.arg(&script).args(["--every", "7", "--witness", &log.witness.to_string()]);
        for stop in STOPS {
            command.arg("--old").arg(log.path(&format!("old/{stop}")));
        }
        command.arg(log.folder.path()).arg(log.key.to_string()).output().expect("it runs")
    };
    let accepted = said(&verify());
    assert_eq!(accepted, "ok: 1000 entries, 4 older checkpoints, 1 witnesses");
    for (path, at) in COUNTED {
        log.is_refused_with_a_flipped_bit(path, at, verify);
    }
    assert_eq!(said(&verify()), accepted);
}

#[test]
fn neither_accepts_another_key() {
    let Some(verifiers) = verifiers() else { return };
    let log = Served::new();
    let other = SignerKey::from_seed(ORIGIN, Kind::Log, &[9; 32]).expect("a key").verifier().to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tlog-python/verify.py");
    let go = Command::new(verifiers.join("tlog-go")).arg(log.folder.path()).arg(&other).output();
    let mut python = Command::new(verifiers.join("python/bin/python"));
    let python = python.arg(&script).arg(log.folder.path()).arg(&other).output();
    for refused in [go, python] {
        assert_eq!(refused.expect("it runs").status.code(), Some(1));
    }
}
