//! What the documents promise, held against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lgsp_core::{Code, Reason};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("the document is there")
}

#[test]
fn every_error_is_explained_with_its_code_and_retry() {
    let document = read("docs/errors.md");
    for reason in Reason::ALL {
        let name = reason.name();
        let row = document.lines().find(|line| line.starts_with(&format!("| [`{name}`]")));
        let row = row.unwrap_or_else(|| panic!("docs/errors.md has no row for {name}"));
        assert!(row.contains(&format!("`{}`", code_name(reason.code()))), "{row}");
        let retry = match reason.retry() {
            None => "no".to_owned(),
            Some(wait) if wait.subsec_millis() > 0 => format!("{} ms", wait.as_millis()),
            Some(wait) => format!("{} s", wait.as_secs()),
        };
        assert!(row.ends_with(&format!("| {retry} |")), "{row} should say {retry}");
        let section = document.split(&format!("### {name}\n")).nth(1);
        let section = section.unwrap_or_else(|| panic!("docs/errors.md does not explain {name}"));
        let section = section.split("###").next().unwrap_or_default();
        assert!(section.contains("*What to do.*"), "docs/errors.md does not say what to do about {name}");
    }
    let rows = document.lines().filter(|line| line.starts_with("| [`")).count();
    assert_eq!(rows, Reason::ALL.len(), "docs/errors.md explains a reason that is not there");
}

fn code_name(code: Code) -> String {
    let mut name = String::new();
    for character in format!("{code:?}").chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

/// What a component can tell of itself in `/status`.
#[test]
fn every_cause_of_a_state_is_explained() {
    let document = read("docs/errors.md");
    let mut sources = String::new();
    for role in ["adapter", "gateway", "ledger", "lgsp", "monitor", "registry"] {
        collect(&root().join("crates").join(role).join("src"), &mut sources);
    }
    let told = [".failed(\"", ".degraded(\"", ".degraded_by(\""]
        .into_iter()
        .flat_map(|call| sources.split(call).skip(1));
    // The rules keep theirs as constants and in a match.
    let rules = read("crates/gateway/src/rules.rs");
    let kept: Vec<&str> =
        [": &str = \"", "=> \""].into_iter().flat_map(|start| rules.split(start).skip(1)).collect();
    assert!(kept.len() >= 7, "the way in which the rules keep their causes has changed: {}", kept.len());
    // Those of the issuer all begin with it.
    let issuers = sources.match_indices("\"issuer-").map(|(at, _)| &sources[at + 1..]);
    let stores = sources.split("STORE_AWAY: &str = \"").skip(1);
    let causes: BTreeSet<&str> =
        told.chain(stores).chain(kept).chain(issuers).filter_map(|rest| rest.split('"').next()).collect();
    assert!(causes.len() > 15, "the way in which causes are told has changed: {causes:?}");
    for cause in causes {
        assert!(document.contains(&format!("`{cause}`")), "docs/errors.md does not explain {cause}");
    }
}

/// What both versions of a page have in common, of one of its sections.
#[derive(Debug, Default, PartialEq)]
struct Section {
    level: usize,
    /// The lines of its commands, without what is said about them.
    commands: Vec<String>,
    /// How many rows its tables have.
    rows: usize,
    /// Everything that is named: causes, commands, options, files.
    names: BTreeSet<String>,
}

fn sections(page: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let (mut is_code, mut section) = (false, Section::default());
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            let command = line.split("  #").next().unwrap_or_default().trim();
            section.commands.push(command.to_owned());
        } else {
            if line.starts_with('#') {
                let level = line.bytes().take_while(|byte| *byte == b'#').count();
                sections.push(std::mem::replace(&mut section, Section { level, ..Section::default() }));
            }
            section.rows += usize::from(line.starts_with('|'));
            section.names.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    sections.push(section);
    sections
}

/// Whoever is on night duty reads one of the two.
#[test]
fn both_pages_for_night_duty_have_the_same_sections_commands_and_names() {
    let [english, vietnamese] =
        ["docs/operations.md", "docs/operations.vi.md"].map(|page| sections(&read(page)));
    assert!(english.len() > 6, "the way in which sections are told has changed");
    for (one, other) in english.iter().zip(&vietnamese) {
        let missing: Vec<_> = one.names.symmetric_difference(&other.names).collect();
        assert_eq!(one, other, "not in both: {missing:?}");
    }
    assert_eq!(english.len(), vietnamese.len());
}

/// Every test that ARCHITECTURE.md names as the guard of an invariant.
#[test]
fn every_invariant_names_tests_that_exist() {
    let architecture = read("ARCHITECTURE.md");
    let table = architecture.split("## Invariants").nth(1).expect("the invariants").split("##").next();
    let table = table.expect("their table");
    let mut sources = String::new();
    for dir in ["crates", "tests"] {
        collect(&root().join(dir), &mut sources);
    }
    let rows: Vec<&str> =
        table.lines().filter(|line| line.starts_with('|') && line.contains(". **")).collect();
    assert_eq!(rows.len(), 10, "ten invariants");
    for row in rows {
        let guards: Vec<&str> = row.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect();
        assert!(!guards.is_empty(), "nothing guards: {row}");
        for guard in guards {
            assert!(sources.contains(&format!("fn {guard}(")), "no test is called {guard}");
        }
    }
}

fn collect(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(path).expect("a source file"));
        }
    }
}
