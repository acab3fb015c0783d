//! The hub in one binary: its roles and its command line.
fn main() {}
