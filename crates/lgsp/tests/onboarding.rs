//! `docs/onboarding.md` and its Vietnamese twin: their commands, run as they stand there against production and a sandbox over one
//! store, take an application from its request to its first exchange, and print what stands below them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lgsp::config::Config;
use lgsp::up;
use tokio::runtime::Runtime;

const ENGLISH: &str = "onboarding.md";
const VIETNAMESE: &str = "onboarding.vi.md";
/// Addresses and the data directory as the guides have them.
const PRODUCTION: &str = "127.0.0.1:50051";
const SANDBOX: &str = "127.0.0.1:50052";
const DATA: &str = "lgsp-data";
/// How long the sandbox may take to follow what was decided in production, and the log to list what was called.
const PATIENCE: Duration = Duration::from_secs(30);

/// Commands, and what they print or the reason for which they are refused.
#[derive(Debug)]
struct Step {
    commands: String,
    prints: String,
}

/// The steps of a guide: its blocks for `sh`, and the rows of the table of calls. Blocks for `bash` start servers or need other
/// programs, and are no steps.
fn steps(guide: &str) -> Vec<Step> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let text = fs::read_to_string(docs.join(guide)).expect("the guide is there");
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n");
            match language {
                "sh" => steps.push(Step { commands: block, prints: String::new() }),
                "text" => steps.last_mut().expect("it stands below commands").prints = block,
                _ => {}
            }
        } else if line.contains(" | `ask ") {
            let mut code = line.split('`').skip(1).step_by(2).map(str::to_owned);
            let commands = code.next().expect("a call");
            let refused =
                code.next().filter(|code| code.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()));
            steps.push(Step { commands, prints: refused.unwrap_or_default() });
        }
    }
    steps
}

#[test]
fn both_guides_have_the_same_commands_in_the_same_order() {
    let [english, vietnamese] = [ENGLISH, VIETNAMESE]
        .map(|guide| steps(guide).into_iter().map(|step| step.commands).collect::<Vec<_>>());
    assert!(english.len() > 8, "{english:?}");
    assert_eq!(english, vietnamese);
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
        functions.push_str(&functions_of(&step.commands));
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

/// The functions that a step defines for those after it.
fn functions_of(commands: &str) -> String {
    let mut functions = String::new();
    let mut is_in_one = false;
    for line in commands.lines() {
        is_in_one |= line.contains("() {");
        if is_in_one {
            functions.push_str(line);
            functions.push('\n');
        }
        is_in_one &= line != "}";
    }
    functions
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
            let Some(wrong) = wrong(step, &output) else { return };
            let is_last = decides || began.elapsed() > PATIENCE;
            assert!(!is_last, "{}\n{wrong}\n{}", step.commands, told(&output));
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

/// What a step did not print, or how it ended otherwise than it should.
fn wrong(step: &Step, output: &Output) -> Option<String> {
    let is_reason = !step.prints.is_empty() && !step.prints.contains(|letter: char| letter.is_lowercase());
    let fails = is_reason || ["error:", "lỗi:"].iter().any(|word| step.prints.starts_with(word));
    if output.status.success() == fails {
        return Some(format!("ended with {}", output.status));
    }
    let printed = told(output);
    // An ellipsis stands for what differs from run to run.
    let mut parts = step.prints.lines().flat_map(|line| line.split('…')).map(evenly_spaced);
    parts.find(|part| !printed.contains(part)).map(|part| format!("does not print: {part}"))
}

fn told(output: &Output) -> String {
    let [printed, noted] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{}", evenly_spaced(&printed), evenly_spaced(&noted))
}

/// Columns are as wide as what stands in them.
fn evenly_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
