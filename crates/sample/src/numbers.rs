//! Numbers that no two people share.

use std::collections::HashMap;

use lgsp_identifiers::{OldIdentityCard, PersonalNumber, StudentCode};
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

/// Numbers of eight digits that follow from the id of a citizen.
const EIGHT_DIGITS: u32 = 100_000_000 - RESERVED;
const INSURANCE_STEP: u64 = 38_196_601;
const STUDENT_STEP: u64 = 27_182_819;
const DIPLOMA_STEP: u64 = 31_415_927;

/// The social-insurance number of a citizen: 10 digits, those of the city first.
pub(crate) fn social_insurance(citizen: i64) -> String {
    format!("92{:08}", eight_digits(citizen, INSURANCE_STEP))
}

/// The student code of a citizen.
pub(crate) fn student_code(citizen: i64) -> StudentCode {
    let text = format!("92{:08}", eight_digits(citizen, STUDENT_STEP));
    StudentCode::parse(&text).expect("two and eight digits")
}

/// What the serial number of a citizen's diplomas has after the letter of their kind.
pub(crate) fn diploma_serial(citizen: i64) -> u32 {
    eight_digits(citizen, DIPLOMA_STEP)
}

fn eight_digits(citizen: i64, step: u64) -> u32 {
    // A city has at most a million citizens, numbered from 1.
    RESERVED + spread(citizen as u32, step, EIGHT_DIGITS, 0)
}

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
        for step in [INSURANCE_STEP, STUDENT_STEP, DIPLOMA_STEP] {
            assert_eq!(divisor(step, u64::from(EIGHT_DIGITS)), 1);
        }
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
