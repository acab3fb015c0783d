//! A synthetic city, deterministic from a seed: consistent sample data for the domains.
