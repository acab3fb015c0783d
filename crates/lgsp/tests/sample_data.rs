//! `lgsp sample-data` as it is called.

use std::process::{Command, Output};

fn sample_data(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lgsp"));
    command.arg("sample-data").args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program speaks UTF-8")
}

#[test]
fn a_file_of_bundles_is_written_and_told() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let path = dir.path().join("health.ndjson");
    let to = format!("fhir+file:{}", path.display());
    let made = sample_data(&["--citizens", "120", "--seed", "7", "--to", &to]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).starts_with("the health records of 120 citizens, all made up, in "));
    assert!(std::fs::read_to_string(path).is_ok_and(|bundles| bundles.lines().count() > 1));
}

#[test]
fn a_target_that_cannot_be_reached_or_read_ends_with_the_reason() {
    let unreachable = sample_data(&["--citizens", "120", "--to", "postgres://lgsp@127.0.0.1:1/city"]);
    assert!(!unreachable.status.success());
    assert!(
        text(&unreachable.stderr)
            .contains("the synthetic city cannot be made in postgres://127.0.0.1:1/city: ")
    );

    let with_password = sample_data(&["--to", "postgres://lgsp:geheim@127.0.0.1:1/city"]);
    assert!(!with_password.status.success());
    let told = text(&with_password.stderr);
    assert!(told.contains("holds a password") && !told.contains("geheim"), "{told}");

    let unknown = sample_data(&["--to", "mysql://h/d"]);
    assert!(text(&unknown.stderr).contains("postgres://USER@HOST:PORT/DATABASE"));
    let both = sample_data(&["--to", "fhir+file:x", "--out", "y"]);
    assert!(text(&both.stderr).contains("cannot be used with"));
}
