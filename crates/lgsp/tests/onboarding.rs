//! `docs/onboarding.md` and its Vietnamese twin: their commands, run as they stand there against production and a sandbox over one
//! store, take an application from its request to its first exchange, and print what stands below them.

mod guide;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lgsp::config::Config;
use lgsp::up;
use tokio::runtime::Runtime;

use guide::{Step, steps};

const ENGLISH: &str = "onboarding.md";
const VIETNAMESE: &str = "onboarding.vi.md";
/// Addresses and the data directory as the guides have them.
const PRODUCTION: &str = "127.0.0.1:50051";
const SANDBOX: &str = "127.0.0.1:50052";
const DATA: &str = "lgsp-data";
/// How long the sandbox may take to follow what was decided in production, and the log to list what was called.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn both_guides_have_the_same_commands_in_the_same_order() {
    guide::have_the_same_commands(ENGLISH, VIETNAMESE);
}

#[test]
fn an_application_comes_from_its_request_to_production_as_the_guide_says() {
    walk(ENGLISH, "C");
}

#[test]
fn an_application_comes_from_its_request_to_production_as_the_vietnamese_guide_says() {
    walk(VIETNAMESE, "vi_VN.UTF-8");
}

fn walk(guide: &str, locale: &str) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let runtime = Runtime::new().expect("a runtime");
    let store = format!("sqlite:{}", dir.path().join(DATA).join("registry.db").display());
    let start =
        |data: &str, environment: &str| runtime.block_on(hub_in(dir.path().join(data), environment, &store));
    let hubs = [start(DATA, "production"), start("sandbox-data", "sandbox")];
    let shell = Shell { dir: dir.path().to_owned(), grpc: [hubs[0].grpc, hubs[1].grpc], locale };
    let mut functions = String::new();
    for step in steps(guide) {
        shell.take(&functions, &step);
        functions.push_str(&guide::kept_of(&step.commands));
    }
    for hub in hubs {
        runtime.block_on(hub.stop());
    }
}

async fn hub_in(data: PathBuf, environment: &str, store: &str) -> up::Hub {
    let mut config = Config { data, ..Config::default() };
    config.gateway.listen = ([127, 0, 0, 1], 0).into();
    config.registry.environment = environment.to_owned();
    config.registry.store = store.to_owned();
    let city = lgsp_sample::Config { citizens: 100, seed: up::SEED };
    Box::pin(up::start(config, city, |_| ())).await.expect("the hub starts")
}

/// Where the guide's reader sits.
struct Shell<'a> {
    dir: PathBuf,
    grpc: [SocketAddr; 2],
    locale: &'a str,
}

impl Shell<'_> {
    /// Takes a step. What only asks is asked again until it is told: the sandbox follows production.
    fn take(&self, functions: &str, step: &Step) {
        let decides = ["person ", "lgsp credential ", "lgsp connection ", "lgsp agreement "]
            .iter()
            .any(|word| step.commands.contains(word));
        let began = Instant::now();
        loop {
            let output = self.run(functions, &step.commands);
            let Some(wrong) = guide::wrong(step, &output) else { return };
            let is_last = decides || began.elapsed() > PATIENCE;
            assert!(!is_last, "{}\n{wrong}\n{}", step.commands, guide::told(&output));
        }
    }

    fn run(&self, functions: &str, commands: &str) -> Output {
        let [production, sandbox] = self.grpc.map(|address| address.to_string());
        // A command that names no gateway calls production.
        let script = format!(
            "set -e\nlgsp() {{ case \"$*\" in *--grpc*) LC_ALL=$WORDS \"$PROGRAM\" \"$@\";; *) LC_ALL=$WORDS \"$PROGRAM\" \"$@\" --grpc {production};; esac; }}\n\
             {functions}{}",
            commands.replace(PRODUCTION, &production)
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &script.replace(SANDBOX, &sandbox)]).current_dir(&self.dir);
        shell.env("PROGRAM", env!("CARGO_BIN_EXE_lgsp")).env("WORDS", self.locale);
        shell.output().expect("the shell starts")
    }
}
