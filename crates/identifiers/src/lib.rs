//! Vietnamese public identifiers: parse, validate, normalise, mask.
