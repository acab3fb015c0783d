//! A synthetic city, deterministic from a seed: citizens, households and parcels that fit together.
//!
//! The path of a record: [`Config`] → [`City`], an iterator that makes one [`Home`] at a time (a household, its people,
//! and the parcels that they hold) → [`load`], which writes them to the source databases `population.db` and `land.db`
//! whose tables are in `schema/`.
//!
//! ```text
//!  seed ─► Dice (one stream per home) ─► composition ─► people ─┐
//!          real wards, former wards  ─► cadastre ─────► parcels ─┴► Home ─► population.db, land.db
//! ```
//!
//! The wards are real; everybody and everything else is made up, and says so. Five persons of [`persons`] have fixed
//! numbers and show what a caller may meet.
//!
//! What this crate must never do: draw on a clock, on the machine or on the order of a hash map, so that the same seed
//! makes the same city everywhere; or leave half a database behind.

mod city;
mod clock;
mod dice;
mod error;
mod land;
mod load;
mod people;
pub mod persons;
mod record;

pub use city::{City, Config};
pub use dice::Dice;
pub use error::Error;
pub use land::geometry::{Bounds, Point};
pub use load::{LAND_DATABASE, POPULATION_DATABASE, Progress, Summary, existing, load};
pub use record::{
    Address, AddressKind, Certificate, Citizen, FormerKey, Home, Household, IdentityCard, LandUse, Owner,
    Parcel, RelatedPerson, Restriction,
};

/// Grows whenever the same seed would make another city than before.
pub const GENERATION: u32 = 1;
