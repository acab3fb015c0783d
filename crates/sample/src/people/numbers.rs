//! Numbers that no two people share.

use std::collections::HashMap;

use lgsp_identifiers::{OldIdentityCard, PersonalNumber};
use lgsp_proto::record::v1::Sex;

/// Serials below this are kept for the named persons, so that an absent number stays absent.
const RESERVED: u32 = 1000;

/// Serials that can be given out per province, sex and year.
const SERIALS: u32 = 1_000_000 - RESERVED;

/// Steps that visit every serial once, because they share no divisor with the number of serials.
const SERIAL_STEP: u64 = 617_111;
const CARD_STEP: u64 = 6_180_341;

/// Numbers of old identity cards that begin with the 36 of the former Can Tho and Soc Trang.
const CARDS: u32 = 10_000_000 - RESERVED;

/// Gives out numbers, each once.
#[derive(Default)]
pub(crate) struct Numbers {
    given: HashMap<(u16, u16), u32>,
    cards: u32,
}

impl Numbers {
    /// The next number of a province, sex and year of birth.
    pub(crate) fn next(&mut self, province: u16, sex: Sex, birth_year: u16) -> PersonalNumber {
        let century_and_sex = (birth_year - 1900) / 100 * 2 + u16::from(sex == Sex::Female);
        let prefix = (province, century_and_sex * 100 + birth_year % 100);
        let count = self.given.entry(prefix).or_default();
        let serial = RESERVED + spread(*count, SERIAL_STEP, SERIALS, u64::from(prefix.1));
        *count += 1;
        let text = format!("{province:03}{:03}{serial:06}", prefix.1);
        PersonalNumber::parse(&text).expect("three, three and six digits")
    }

    /// The next number of an old identity card.
    pub(crate) fn next_card(&mut self) -> OldIdentityCard {
        let serial = RESERVED + spread(self.cards, CARD_STEP, CARDS, 0);
        self.cards += 1;
        OldIdentityCard::parse(&format!("36{serial:07}")).expect("two and seven digits")
    }
}

/// The `count`-th of `modulus` numbers in an order that does not look like counting.
fn spread(count: u32, step: u64, modulus: u32, offset: u64) -> u32 {
    let number = (u64::from(count) * step + offset * 7919) % u64::from(modulus);
    // Below the modulus, so it fits.
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divisor(one: u64, other: u64) -> u64 {
        if other == 0 { one } else { divisor(other, one % other) }
    }

    #[test]
    fn the_steps_visit_every_serial() {
        assert_eq!(divisor(SERIAL_STEP, u64::from(SERIALS)), 1);
        assert_eq!(divisor(CARD_STEP, u64::from(CARDS)), 1);
    }

    #[test]
    fn a_number_tells_the_truth_about_its_owner() {
        let mut numbers = Numbers::default();
        for (sex, year) in [(Sex::Male, 1931), (Sex::Female, 1999), (Sex::Male, 2000), (Sex::Female, 2026)] {
            let number = numbers.next(92, sex, year);
            assert_eq!((number.province(), number.birth_year()), ("092", year));
            assert_eq!(i32::from(number.sex().code()), sex as i32);
        }
    }
}
