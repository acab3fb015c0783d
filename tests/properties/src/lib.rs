//! What holds for every input, whoever sends it: bytes of a caller, of a provider, of a snapshot, of Kafka, of a log's proof.
//!
//! Each property is a function from bytes that panics when it does not hold. A fuzzer looks for such bytes (`tests/fuzz`), and
//! `tests/kept.rs` repeats with every `cargo test` what it has found worth keeping. They hold the hub's own steps against slow
//! ones written here from the words of the contract and the documents, and share no code with them.
#![allow(clippy::unwrap_used, reason = "a property may panic: that is how it says that it does not hold")]

mod contracts;
mod field_rules;
mod filter;
#[path = "../../../crates/gateway/src/fixture.rs"]
mod fixture;
mod frame;
mod identifiers;
mod mask;
mod record;
mod routing;
mod rules;
mod snapshot;
mod tlog;
mod token;

pub use field_rules::field_rules;
pub use filter::filter;
pub use frame::frame;
pub use identifiers::identifiers;
pub use mask::mask;
pub use record::record;
pub use routing::routing;
pub use snapshot::snapshot;
pub use tlog::tlog;
pub use token::token;

/// A property, which panics for bytes that break it.
pub type Property = fn(&[u8]);

/// All of them by the names of their fuzz targets.
pub const ALL: [(&str, Property); 10] = [
    ("field_rules", field_rules),
    ("filter", filter),
    ("frame", frame),
    ("identifiers", identifiers),
    ("mask", mask),
    ("record", record),
    ("routing", routing),
    ("snapshot", snapshot),
    ("tlog", tlog),
    ("token", token),
];

/// The first byte, which chooses, and the rest; nothing chooses the first.
fn choice(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest))
}

/// Runs of digits that may be the number of a person.
fn numbers_of_persons(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter(|run| run.len() >= 9)
}

/// What a caller is told holds no number that may be a person's.
fn assert_names_nobody(fault: &lgsp_core::Fault) {
    let broken = fault.violations().iter().flat_map(|violation| [&violation.field, &violation.rule]);
    for said in broken.chain([&fault.message()]) {
        assert_eq!(numbers_of_persons(said).next(), None, "{said}");
    }
}
