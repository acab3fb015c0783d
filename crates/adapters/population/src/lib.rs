//! The population domain's language.
