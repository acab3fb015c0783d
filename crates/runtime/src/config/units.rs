//! Durations and sizes with their unit, as people write them: `250ms`, `5s`, `10m`, `24h`, `7d`; `512KiB`, `4MiB`.
//!
//! For fields of options: `#[serde(with = "lgsp_runtime::config::units::duration")]`, or `…::size` for a `usize` of
//! bytes.

/// Serde of a [`std::time::Duration`].
pub mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// What a duration accepts, for the reference.
    pub const ACCEPTS: &str = "a number with its unit ms, s, m, h or d";

    const UNITS: [(&str, u64); 5] =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    /// Reads a duration.
    ///
    /// # Errors
    /// The text is no number with a unit.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        super::parse(&text, &UNITS)
            .map(Duration::from_millis)
            .ok_or_else(|| D::Error::custom(format!("\"{text}\" is not {ACCEPTS}")))
    }

    /// Writes a duration in its largest whole unit.
    ///
    /// # Errors
    /// Only what the serializer itself fails with.
    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        to.serialize_str(&super::render(millis, &UNITS))
    }
}

/// Serde of a number of bytes.
pub mod size {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// What a size accepts, for the reference.
    pub const ACCEPTS: &str = "a number with its unit B, KiB, MiB or GiB";

    const UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

    /// Reads a size.
    ///
    /// # Errors
    /// The text is no number with a unit, or too large for this machine.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
        let text = String::deserialize(from)?;
        super::parse(&text, &UNITS)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| D::Error::custom(format!("\"{text}\" is not {ACCEPTS}")))
    }

    /// Writes a size in its largest whole unit.
    ///
    /// # Errors
    /// Only what the serializer itself fails with.
    pub fn serialize<S: Serializer>(bytes: &usize, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::render(*bytes as u64, &UNITS))
    }
}

/// Serde of a number of months, as `u32`.
pub mod months {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// What a number of months accepts, for the reference.
    pub const ACCEPTS: &str = "a number with its unit months or years";

    const UNITS: [(&str, u64); 4] = [("month", 1), ("months", 1), ("year", 12), ("years", 12)];

    /// Reads a number of months.
    ///
    /// # Errors
    /// The text is no number with a unit, or too many.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        let text = String::deserialize(from)?;
        super::parse(&text, &UNITS)
            .and_then(|months| u32::try_from(months).ok())
            .ok_or_else(|| D::Error::custom(format!("\"{text}\" is not {ACCEPTS}")))
    }

    /// Writes a number of months in its largest whole unit.
    ///
    /// # Errors
    /// Only what the serializer itself fails with.
    pub fn serialize<S: Serializer>(months: &u32, to: S) -> Result<S::Ok, S::Error> {
        let text = match *months {
            1 => "1 month".to_owned(),
            12 => "1 year".to_owned(),
            months if months > 0 && months.is_multiple_of(12) => format!("{} years", months / 12),
            months => format!("{months} months"),
        };
        to.serialize_str(&text)
    }
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn render(value: u64, units: &[(&str, u64)]) -> String {
    let smallest = units[0];
    let (name, factor) = units
        .iter()
        .rev()
        .find(|(_, factor)| value >= *factor && value.is_multiple_of(*factor))
        .unwrap_or(&smallest);
    format!("{}{name}", value / factor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Limits {
        #[serde(with = "super::duration")]
        patience: Duration,
        #[serde(with = "super::size")]
        largest: usize,
    }

    fn check(patience: &str, largest: &str) -> Result<Limits, String> {
        serde_json::from_value(serde_json::json!({ "patience": patience, "largest": largest }))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn values_are_written_as_they_were_read() {
        for (patience, largest) in
            [("250ms", "512KiB"), ("5s", "4MiB"), ("10m", "3B"), ("24h", "1GiB"), ("0ms", "0B")]
        {
            let limits = check(patience, largest).unwrap();
            let written = serde_json::to_value(&limits).unwrap();
            let read_again: Limits = serde_json::from_value(written).unwrap();
            assert_eq!(limits, read_again);
        }
        let limits = check("90s", "1536 KiB").unwrap();
        assert_eq!(limits, Limits { patience: Duration::from_secs(90), largest: 1_572_864 });
    }

    #[test]
    fn months_are_written_as_they_were_read() {
        #[derive(Serialize, Deserialize)]
        struct Term(#[serde(with = "super::months")] u32);

        let read = |text: &str| serde_json::from_value::<Term>(text.into());
        for (text, months) in
            [("0 months", 0), ("1 month", 1), ("18 months", 18), ("1 year", 12), ("5 years", 60)]
        {
            let term = read(text).unwrap();
            assert_eq!(term.0, months);
            assert_eq!(serde_json::to_value(&term).unwrap(), text);
        }
        assert_eq!(read("24 months").unwrap().0, 24);
        for text in ["24", "2 weeks", "-1 year", "400000000 years"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_without_a_known_unit_is_refused() {
        for (patience, largest) in [
            ("5", "1MiB"),
            ("5 weeks", "1MiB"),
            ("5s", "1MB"),
            ("-5s", "1MiB"),
            ("", "1MiB"),
            ("9999999999999999d", "1B"),
        ] {
            let refusal = check(patience, largest).unwrap_err();
            assert!(refusal.contains("unit"), "{refusal}");
        }
    }
}
