//! How a process starts, tells its state and stops.
