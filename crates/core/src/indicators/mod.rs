//! The figures that an office reports: what each one is, for which period, and how it is computed. Pure.
//!
//! Whoever has the same records and the same counts gets the same figures, to the digit.

mod figure;
mod histogram;
mod inventory;
mod period;
mod ratio;

pub use figure::{FIGURES, Figure, Source, Unit};
pub use histogram::{Histogram, bucket, upper_us};
pub use inventory::{Held, Stood, connected};
pub use period::{Period, day_begin_us, day_number, day_of, midnight_after, month_begin_us, month_number};
pub use ratio::Ratio;
