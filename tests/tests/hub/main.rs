//! The hub under test. One binary, so that all stories share one broker.

#![allow(clippy::unwrap_used)]

mod arrows;
