//! A witness on a socket, and logs that ask it, honest and not.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lgsp_runtime::{Instance, Shutdown, State, shutdown};
use lgsp_tlog::witness::{MAX_LEN, Request, SIZE_TYPE, parse_size, take};
use lgsp_tlog::{Checkpoint, Edge, Hash, Kind, Note, SignerKey, Tile, leaf_hash, merkle};
use lgsp_witness::{Kind as Fork, Options, Watched, status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const ORIGIN: &str = "example.com/log";
const PATIENCE: Duration = Duration::from_secs(20);

fn key(name: &str, kind: Kind, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).unwrap()
}

/// A log, which can sign whatever it likes.
struct Log {
    key: SignerKey,
    edge: Edge,
    tiles: BTreeMap<Tile, Vec<u8>>,
}

impl Log {
    /// A log of leaves that others do not have.
    fn new(leaves: &str, count: u64) -> Self {
        let mut log = Self { key: key(ORIGIN, Kind::Log, 1), edge: Edge::new(), tiles: BTreeMap::new() };
        log.grow(leaves, count);
        log
    }

    fn grow(&mut self, leaves: &str, count: u64) {
        let from = self.edge.size();
        let grown =
            self.edge.grow((from..from + count).map(|leaf| leaf_hash(format!("{leaves} {leaf}").as_bytes())));
        self.tiles.extend(grown.tiles);
    }

    fn note(&self) -> Note {
        let checkpoint = Checkpoint::new(ORIGIN, self.edge.size(), self.edge.root()).unwrap();
        checkpoint.sign(&[&self.key]).unwrap()
    }

    fn request(&self, old: u64) -> Request {
        let proof = merkle::prove_consistency(&self.tiles, old, self.edge.size()).unwrap();
        Request::new(old, proof, self.note()).unwrap()
    }
}

/// A witness that runs.
struct Running {
    address: SocketAddr,
    state: State,
    shutdown: Shutdown,
}

struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

fn witness_key() -> SignerKey {
    key("witness.example/w1", Kind::Witness, 2)
}

impl Running {
    async fn start(dir: &Path) -> Self {
        Self::start_for(dir, &[key(ORIGIN, Kind::Log, 1)]).await
    }

    async fn start_for(dir: &Path, keys: &[SignerKey]) -> Self {
        let vkeys = keys.iter().map(|key| key.verifier().clone()).collect();
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            dir: dir.to_owned(),
            logs: vec![Watched { origin: ORIGIN.to_owned(), vkeys }],
            ..Options::default()
        };
        let begun = Instant::now();
        loop {
            let state = State::new(Instance::new("witness", "0.0.0"));
            let shutdown = Shutdown::new(state.clone(), shutdown::Options::default());
            let listener = lgsp_witness::bind(&options).await.unwrap();
            let address = listener.local_addr().unwrap();
            match lgsp_witness::start(options.clone(), witness_key(), listener, &state, &shutdown).await {
                Ok(()) => return Self { address, state, shutdown },
                // One that was killed lets go of its folder a moment later.
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn send(&self, line: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // One that is refused early does not read it to its end.
        let _ = stream.write_all(body).await;
        stream
    }

    async fn post(&self, line: &str, body: &[u8]) -> Answer {
        let mut answer = Vec::new();
        self.send(line, body).await.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let content_type =
            head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            content_type: content_type.to_owned(),
            body: body.to_owned(),
        }
    }

    async fn ask(&self, request: &Request) -> Answer {
        self.post("POST /add-checkpoint", request.to_string().as_bytes()).await
    }

    fn told(&self, what: &str) -> String {
        self.state.status()["components"]["witness"][what].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_the_specification() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(dir.path()).await;
    let mut log = Log::new("a", 3);

    let answer = running.ask(&log.request(0)).await;
    assert_eq!(answer.status, 200);
    let mut note = log.note();
    assert_eq!(take(answer.body.as_bytes(), &mut note, &[witness_key().verifier().clone()]), Ok(1));

    log.grow("a", 4);
    let conflict = running.ask(&log.request(2)).await;
    assert_eq!((conflict.status, conflict.content_type.as_str()), (409, SIZE_TYPE));
    assert_eq!(parse_size(conflict.body.as_bytes()), Ok(3));
    let not_shown = Request::new(3, vec![Hash([1; 32])], log.note()).unwrap();
    assert_eq!(running.ask(&not_shown).await.status, 422);
    assert_eq!(running.ask(&log.request(3)).await.status, 200);
    assert_eq!(running.ask(&log.request(7)).await.status, 200, "the same once more");
    let other_root = Log::new("b", 7).request(7);
    let refused = running.ask(&other_root).await;
    assert_eq!((refused.status, refused.content_type == SIZE_TYPE), (409, false));
    assert_eq!(running.ask(&Request::new(8, vec![], log.note()).unwrap()).await.status, 400);

    let elsewhere =
        Checkpoint::new("example.com/other", 1, Hash([1; 32])).unwrap().sign(&[&log.key]).unwrap();
    assert_eq!(running.ask(&Request::new(0, vec![], elsewhere).unwrap()).await.status, 404);
    log.key = key(ORIGIN, Kind::Log, 9);
    assert_eq!(running.ask(&log.request(7)).await.status, 403);

    assert_eq!(running.post("POST /add-checkpoint", b"new 7\n").await.status, 400);
    assert_eq!(running.post("POST /add-checkpoint", &vec![b'a'; MAX_LEN + 1]).await.status, 400);
    assert_eq!(running.post("GET /add-checkpoint", b"").await.status, 405);
    assert_eq!(running.post("POST /", b"").await.status, 404);
    assert_eq!(status(dir.path()).unwrap().seen[0].checkpoint.size(), 7);
    assert_eq!(running.shutdown.run().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_ask_at_once_only_one_goes_on_what_was_cosigned() {
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let running = Running::start(dir.path()).await;
        let (mut one, mut other) = (Log::new("a", 5), Log::new("a", 5));
        assert_eq!(running.ask(&one.request(0)).await.status, 200);
        one.grow("a", 5);
        other.grow("b", 5);
        let (one, other) = (one.request(5), other.request(5));
        let (one, other) = tokio::join!(running.ask(&one), running.ask(&other));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_refused_and_kept_until_somebody_takes_it_away() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(dir.path()).await;
    let mut log = Log::new("a", 10);
    assert_eq!(running.ask(&log.request(0)).await.status, 200);
    assert_eq!(running.told("condition"), "ready");
    // Two roots of one size, whatever old size is told beside.
    let fork = Log::new("b", 10);
    for old in [10, 0] {
        assert_eq!(running.ask(&fork.request(old)).await.status, 409);
    }
    assert_eq!(running.told("cause"), "a log has signed what does not go on what was cosigned");
    running.shutdown.abandon();

    // It is told after a restart, too, and both checkpoints are the log's.
    let running = Running::start(dir.path()).await;
    assert_eq!(running.told("condition"), "degraded");
    let forks = status(dir.path()).unwrap().forks;
    assert_eq!(forks.len(), 1);
    assert_eq!((forks[0].kind, forks[0].refused.root()), (Fork::TwoRoots, fork.edge.root()));
    let read = |name: &str| Note::parse(&std::fs::read(forks[0].path.join(name)).unwrap()).unwrap();
    let checkpoints = ["cosigned", "refused"].map(|name| {
        let note = read(name);
        note.verify(&[log.key.verifier().clone()]).unwrap();
        Checkpoint::parse(note.text()).unwrap()
    });
    assert_eq!(checkpoints[0].size(), checkpoints[1].size());
    assert_ne!(checkpoints[0].root(), checkpoints[1].root());
    read("cosigned").verify(&[witness_key().verifier().clone()]).unwrap();

    // The true log goes on meanwhile.
    log.grow("a", 1);
    assert_eq!(running.ask(&log.request(10)).await.status, 200);
    assert_eq!(running.told("condition"), "degraded");
    std::fs::remove_dir_all(&forks[0].path).unwrap();
    log.grow("a", 1);
    assert_eq!(running.ask(&log.request(11)).await.status, 200);
    assert_eq!(running.told("condition"), "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_not_shown_to_go_on_is_no_fork_once_it_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(dir.path()).await;
    let mut log = Log::new("a", 10);
    assert_eq!(running.ask(&log.request(0)).await.status, 200);
    log.grow("a", 10);
    // Anybody who reads the log's checkpoint can ask so.
    let without = Request::new(10, vec![], log.note()).unwrap();
    assert_eq!(running.ask(&without).await.status, 422);
    assert_eq!(status(dir.path()).unwrap().forks[0].kind, Fork::NotShown);
    assert_eq!(running.told("condition"), "degraded");
    assert_eq!(running.ask(&log.request(10)).await.status, 200);
    assert_eq!(status(dir.path()).unwrap().forks, []);
    assert_eq!(running.told("condition"), "ready");

    let mut rewound = Log::new("a", 15);
    rewound.grow("b", 10);
    let proof = merkle::prove_consistency(&rewound.tiles, 20, 25).unwrap();
    assert_eq!(running.ask(&Request::new(20, proof, rewound.note()).unwrap()).await.status, 422);
    log.grow("a", 10);
    assert_eq!(running.ask(&log.request(20)).await.status, 200);
    assert_eq!(running.told("condition"), "degraded", "nothing shows that one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_killed_before_its_answer_left_has_seen_what_it_would_have_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(dir.path()).await;
    let mut log = Log::new("a", 10);
    assert_eq!(running.ask(&log.request(0)).await.status, 200);
    let mut fork = Log::new("a", 10);
    log.grow("a", 10);
    fork.grow("b", 10);
    let unanswered = running.send("POST /add-checkpoint", log.request(10).to_string().as_bytes()).await;
    let begun = Instant::now();
    while status(dir.path()).unwrap().seen[0].checkpoint.size() < 20 {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(1)).await;
    }
    running.shutdown.abandon();
    drop(unanswered);

    let running = Running::start(dir.path()).await;
    let conflict = running.ask(&log.request(10)).await;
    assert_eq!(parse_size(conflict.body.as_bytes()), Ok(20));
    assert_eq!(running.ask(&fork.request(20)).await.status, 409);
    assert_eq!(running.ask(&log.request(20)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_log_s_key_is_replaced_it_may_sign_with_either_and_afterwards_with_the_new_one_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (|| key(ORIGIN, Kind::Log, 1), || key(ORIGIN, Kind::Log, 7));
    let running = Running::start_for(dir.path(), &[old(), new()]).await;
    let mut log = Log::new("a", 1);
    assert_eq!(running.ask(&log.request(0)).await.status, 200);
    log.grow("a", 1);
    let both = Checkpoint::new(ORIGIN, 2, log.edge.root()).unwrap().sign(&[&old(), &new()]).unwrap();
    let proof = merkle::prove_consistency(&log.tiles, 1, 2).unwrap();
    assert_eq!(running.ask(&Request::new(1, proof, both).unwrap()).await.status, 200);
    log.key = new();
    log.grow("a", 1);
    assert_eq!(running.ask(&log.request(2)).await.status, 200);
    running.shutdown.abandon();

    let running = Running::start_for(dir.path(), &[new()]).await;
    log.grow("a", 1);
    assert_eq!(running.ask(&log.request(3)).await.status, 200);
    log.key = old();
    assert_eq!(running.ask(&log.request(4)).await.status, 403);
}
