//! The health domain's language.
//!
//! `Health`, an ordinary tonic service, parses what it is asked → a [`Source`] finds records → the service picks the
//! card that matters, compares, pages and answers.
//!
//! It must never disclose a field of a record that it was only asked to compare.

mod source;

pub use source::{Card, MOST_CARDS, Parts, PatientKey, Source};

/// The domain, which names the topic of its requests.
pub const DOMAIN: &str = "health";
