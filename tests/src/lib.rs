//! The hub under test, in one process or against real Kafka.
//!
//! Here is what tests and benches share: the [`echo`] service, a data service that does what its caller says and that
//! the hub was never compiled with. The stories are in `tests/hub`, the benches in `benches`.

pub mod echo;
