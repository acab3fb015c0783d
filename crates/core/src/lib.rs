//! The hub's words and rules, without I/O.
