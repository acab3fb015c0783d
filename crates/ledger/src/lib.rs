//! Takes entries in, seals, indexes, proves, answers auditors.
mod files;
pub use files::Damage;
