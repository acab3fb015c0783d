//! The hub under test. One binary, so that all stories share one broker.

#![allow(clippy::unwrap_used)]

mod admission;
mod alerts;
mod anomalies;
mod answers;
mod arrows;
mod attackers;
mod audit;
mod caller;
mod certificates;
mod code;
mod connections;
mod console;
mod credentials;
mod decisions;
mod documents;
mod domains;
mod dynamic;
mod faces;
mod faults;
mod fixture;
mod guide;
mod indicators;
mod links;
mod log;
mod persons;
mod priority;
mod python;
mod quotas;
mod requests;
mod services;
mod sign_ins;
mod sources;
mod telemetry;
mod top;
mod traffic;
mod wire;
