//! A synthetic city, deterministic from a seed: what five domains hold about its citizens, and it fits together.
//!
//! The path of a record: [`Config`] → [`City`], an iterator that makes one [`Home`] at a time (a household, its people,
//! and what each domain holds about them) → [`load`], which writes it to five SQLite databases, or [`load_postgres`], to
//! five schemas of one PostgreSQL database. Their tables are in `schema/`.
//!
//! ```text
//!  seed ─► Dice ─► composition ─► people ─────┬─► parcels        (real wards, former wards)
//!          (a stream per home    │            ├─► cards, patients, doses of vaccines
//!           and domain)          ▼            ├─► students, diplomas
//!                          circumstances ─────┴─► enterprises    ─► Home ─► SQLite, PostgreSQL
//! ```
//!
//! The wards are real; everybody and everything else is made up, and says so. Five persons of [`persons`] have fixed
//! numbers and show what a caller may meet.
//!
//! What this crate must never do: draw on a clock, on the machine or on the order of a hash map, so that the same seed
//! makes the same city everywhere; hold more of a city than a few homes; or leave half a database behind.

mod business;
mod circumstances;
mod city;
mod clock;
mod dice;
mod education;
mod error;
pub mod fhir;
mod health;
mod land;
mod load;
mod numbers;
mod people;
pub mod persons;
mod record;

pub use city::{City, Config};
pub use dice::Dice;
pub use error::Error;
pub use fhir::{load_fhir, write_fhir};
pub use land::geometry::{Bounds, Point};
pub use load::{
    BUSINESS_DATABASE, EDUCATION_DATABASE, HEALTH_DATABASE, LAND_DATABASE, Loaded, POPULATION_DATABASE,
    Progress, READER, Stage, Summary, existing, load, load_postgres, schemas,
};
pub use record::*;

/// Grows whenever the same seed would make another city than before, or other tables or indexes for it.
pub const GENERATION: u32 = 3;
