//! gRPC over Kafka.
