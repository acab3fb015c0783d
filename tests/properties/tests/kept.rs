//! Repeats the properties for all that fuzzing has found worth keeping.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

#[test]
fn every_property_holds_for_all_that_was_kept() {
    for (name, property) in lgsp_properties::ALL {
        property(&[]);
        let kept = Path::new(FUZZ).join("corpus").join(name);
        let kept: BTreeSet<_> = fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(kept.len() > 10, "{name}: only {} inputs are kept", kept.len());
        for path in kept {
            let input = fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| property(&input));
            assert!(held.is_ok(), "{name} does not hold for {}", path.display());
        }
    }
}

#[test]
fn every_property_has_its_fuzz_target_and_every_target_its_property() {
    let entries = fs::read_dir(Path::new(FUZZ).join("fuzz_targets")).unwrap();
    let targets: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let properties = lgsp_properties::ALL.map(|(name, _)| name.to_owned()).into();
    assert_eq!(targets, properties);
    for target in targets {
        let source =
            fs::read_to_string(Path::new(FUZZ).join("fuzz_targets").join(format!("{target}.rs"))).unwrap();
        assert!(source.contains(&format!("lgsp_properties::{target}(")), "{target}");
    }
}
