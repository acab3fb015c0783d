//! Admits, decides, forwards, filters, enters, releases.
