//! The people of a home: who lives together, then each one's record.

mod biography;
mod composition;
mod name;
mod place;
mod records;

pub(crate) use biography::phone_number;
pub(crate) use composition::Head;
pub(crate) use place::Place;
pub(crate) use records::{Registration, named_registered_on, people, registered_on};
