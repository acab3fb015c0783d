//! One gateway between real connections and an embedded broker with a provider behind it.
#![allow(clippy::unwrap_used)]

mod attackers;
mod calls;
mod days;
mod faces;
#[path = "../../src/fixture.rs"]
mod fixture;
mod hub;
mod paths;
mod provider;
mod quiet;
mod revoked;
mod secure;
mod streams;
