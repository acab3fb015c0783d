//! One gateway between real connections and an embedded broker with a provider behind it.

mod attackers;
mod calls;
mod days;
#[path = "../../src/fixture.rs"]
mod fixture;
mod hub;
mod provider;
mod streams;
