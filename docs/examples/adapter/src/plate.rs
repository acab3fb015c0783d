use std::fmt;

use lgsp_adapter::{Fault, invalid};

/// How many letters and digits a plate has.
const LENGTH: std::ops::RangeInclusive<usize> = 6..=10;

/// A registration plate as the register writes it: `65A12345`, however it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Plate(String);

impl Plate {
    /// Parses a plate.
    ///
    /// # Errors
    /// It is none. What is wrong is told, and the plate is not repeated.
    pub fn parse(field: &str, text: &str) -> Result<Self, Fault> {
        let plate: String =
            text.chars().filter(|letter| !" .-".contains(*letter)).flat_map(char::to_uppercase).collect();
        let is_plate = plate.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == 'Đ');
        if is_plate && LENGTH.contains(&plate.chars().count()) {
            return Ok(Self(plate));
        }
        Err(invalid(field, "is not a registration plate"))
    }

    /// The whole plate.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A plate is personal data and is not shown.
impl fmt::Debug for Plate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plate(…)")
    }
}
