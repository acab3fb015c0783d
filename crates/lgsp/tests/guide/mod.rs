//! A guide of `docs`, whose commands tests run as they stand there.

#![allow(clippy::missing_panics_doc, reason = "it is for tests")]

use std::fs;
use std::path::Path;
use std::process::Output;

/// Commands, and what they print or the reason for which they are refused.
#[derive(Debug)]
pub struct Step {
    pub commands: String,
    pub prints: String,
}

/// The steps of a guide: its blocks for `sh`, and the rows of the table of calls. Blocks for `bash` start servers or need other
/// programs, and are no steps.
pub fn steps(guide: &str) -> Vec<Step> {
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

/// Holds that two guides have the same commands in the same order.
pub fn have_the_same_commands(guide: &str, twin: &str) {
    let [commands, those_of_twin] =
        [guide, twin].map(|guide| steps(guide).into_iter().map(|step| step.commands).collect::<Vec<_>>());
    assert!(commands.len() > 8, "{commands:?}");
    assert_eq!(commands, those_of_twin);
}

/// The functions and variables that a step defines for those after it.
pub fn kept_of(commands: &str) -> String {
    let mut kept = String::new();
    let mut is_in_one = false;
    for line in commands.lines() {
        is_in_one |= line.contains("() {");
        let name = line.split_once('=').map(|(name, _)| name);
        if is_in_one || name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())) {
            kept.push_str(line);
            kept.push('\n');
        }
        is_in_one &= line != "}";
    }
    kept
}

/// What a step did not print, or how it ended otherwise than it should.
pub fn wrong(step: &Step, output: &Output) -> Option<String> {
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

pub fn told(output: &Output) -> String {
    let [printed, noted] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{}", evenly_spaced(&printed), evenly_spaced(&noted))
}

/// Columns are as wide as what stands in them.
pub fn evenly_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
