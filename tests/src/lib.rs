//! The hub under test, in one process or against real Kafka.
