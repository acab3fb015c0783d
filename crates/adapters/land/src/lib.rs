//! The land domain's language.
