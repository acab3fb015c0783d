//! The bus against the embedded broker, or against the Kafka that `LGSP_TEST_KAFKA=host:port` names.

#![allow(clippy::unwrap_used, missing_docs)]

mod answers;
mod attackers;
mod bad_days;
mod declarations;
mod entries;
mod halted;
mod hub;
mod own_kafka;
mod routing;
mod seen;
