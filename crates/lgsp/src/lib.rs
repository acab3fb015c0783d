//! The hub in one binary: its roles and its command line.
//!
//! [`cli`] says what the command line accepts. A command that calls a hub runs in [`client`], as any agency's system
//! would. [`layout`] knows where a hub keeps its keys, rules and data.

pub mod cli;
pub mod client;
pub mod layout;
