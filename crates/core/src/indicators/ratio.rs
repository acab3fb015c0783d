//! Ratios as they are printed: computed in whole numbers, so that no machine rounds another way.

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratio {
    /// Those that are.
    pub part: u64,
    /// All that could be.
    pub of: u64,
}

impl Ratio {
    /// In percent with one decimal, half rounded up: `53.3%`; `None` of nothing.
    pub fn percent(self) -> Option<String> {
        let (part, of) = (u128::from(self.part), u128::from(self.of));
        let thousandths = (of > 0).then(|| (part * 2_000 + of) / (of * 2))?;
        Some(format!("{}.{}%", thousandths / 10, thousandths % 10))
    }

    /// In percent with three decimals, the rest cut off: what was not all is never printed as all. `None` of nothing.
    pub fn percent_down(self) -> Option<String> {
        let (part, of) = (u128::from(self.part), u128::from(self.of));
        let thousandths = (of > 0).then(|| part * 100_000 / of)?;
        Some(format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000))
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_printed_exactly_and_not_as_somebody_rounded_it() {
        let percent = |part, of| Ratio { part, of }.percent();
        assert_eq!(percent(8, 15).as_deref(), Some("53.3%"), "a report of 2023 printed 54%");
        assert_eq!(percent(11, 11).as_deref(), Some("100.0%"));
        assert_eq!(percent(11, 31).as_deref(), Some("35.5%"));
        assert_eq!(percent(1, 2_000).as_deref(), Some("0.1%"), "half is rounded up");
        assert_eq!(percent(u64::MAX, u64::MAX).as_deref(), Some("100.0%"));
        assert_eq!(percent(0, 0), None);
    }

    #[test]
    fn what_was_down_for_a_moment_was_not_available_all_the_time() {
        let percent = |part, of| Ratio { part, of }.percent_down();
        assert_eq!(percent(2_591_999_999, 2_592_000_000).as_deref(), Some("99.999%"));
        assert_eq!(percent(7, 7).as_deref(), Some("100.000%"));
        assert_eq!(percent(1, 3).as_deref(), Some("33.333%"));
        assert_eq!(percent(0, 0), None);
    }
}
