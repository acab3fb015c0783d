//! Admits, decides, forwards, filters, enters, releases.

pub mod filter;
