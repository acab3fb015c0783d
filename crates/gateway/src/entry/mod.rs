//! What this gateway enters of its exchanges: an [`Account`] gathers it, a [`Book`] numbers and seals it, and the writer
//! makes it durable.

mod account;
pub(crate) mod attempts;
mod book;
pub(crate) mod spool;
pub(crate) mod writer;

pub use account::{Account, Tally};
pub use book::{Book, Numbered};
