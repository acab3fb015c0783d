//! The hub in one binary: its roles and its command line.
//!
//! [`cli`] says what the command line accepts. A command that calls a hub runs in [`client`], as any agency's system
//! would; one that is a hub runs in [`server`]. [`roles`] composes each role from its crates, and [`up`] all of them in one
//! process, on request with the [`traffic`] of a city. [`config`] holds the keys of all roles, and [`layout`] knows where a
//! hub keeps its keys, rules and data. [`doctor`] looks at all of it from outside.

pub mod admin_ports;
mod backup;
pub mod cli;
pub mod client;
pub mod config;
pub mod doctor;
mod kafka;
mod keep;
mod keys;
pub mod layout;
mod ledger;
mod overheard;
pub mod roles;
pub mod rules;
pub mod sample_data;
pub mod server;
mod source;
pub mod traffic;
pub mod up;
mod verify;
mod witness;
