use crate::code::{Code, Kind, is_digits};
use crate::{Error, Format};

/// Health-insurance card (thẻ BHYT): two letters and 13 digits. Its last 10 digits, the social-insurance number, are
/// accepted alone.
pub type HealthInsuranceCard = Code<HealthInsurance>;

/// Student code: issued by the Ministry; its format is not confirmed, so any 6 to 15 digits are accepted (assumed).
pub type StudentCode = Code<Student>;

/// The kind of a [`HealthInsuranceCard`].
pub enum HealthInsurance {}

/// The kind of a [`StudentCode`].
pub enum Student {}

const SOCIAL_INSURANCE_LENGTH: usize = 10;

impl Kind for HealthInsurance {
    const FORMAT: Format = Format::HealthInsuranceCard;

    fn canonical(text: &str) -> Result<String, Error> {
        // Cards print their number in groups.
        let text = text.replace(' ', "");
        let digits = match text.len() {
            SOCIAL_INSURANCE_LENGTH => text.as_str(),
            15 if text.bytes().take(2).all(|byte| byte.is_ascii_uppercase()) => &text[2..],
            _ => return Err(Error::Shape(Self::FORMAT)),
        };
        if !is_digits(digits) {
            return Err(Error::Shape(Self::FORMAT));
        }
        Ok(text)
    }

    fn is_personal(_: &str) -> bool {
        true
    }
}

impl HealthInsuranceCard {
    /// The social-insurance number: the last 10 digits.
    pub fn social_insurance_number(&self) -> &str {
        &self.as_str()[self.as_str().len() - SOCIAL_INSURANCE_LENGTH..]
    }
}

impl Kind for Student {
    const FORMAT: Format = Format::StudentCode;

    fn canonical(text: &str) -> Result<String, Error> {
        if !(6..=15).contains(&text.len()) || !is_digits(text) {
            return Err(Error::Shape(Self::FORMAT));
        }
        Ok(text.to_owned())
    }

    fn is_personal(_: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_and_its_social_insurance_number_are_accepted() {
        let card = HealthInsuranceCard::parse("hs 4 01 0123456789").unwrap();
        assert_eq!(card.as_str(), "HS4010123456789");
        assert_eq!(card.social_insurance_number(), "0123456789");
        assert_eq!(card.to_string(), "HS4**********89");
        assert_eq!(HealthInsuranceCard::parse("0123456789").unwrap().social_insurance_number(), "0123456789");
    }

    #[test]
    fn other_cards_are_refused() {
        for text in ["HS401012345678", "H14010123456789", "HS40101234567890", "012345678", "HS4010123456X89"]
        {
            assert_eq!(
                HealthInsuranceCard::parse(text),
                Err(Error::Shape(Format::HealthInsuranceCard)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_student_code_is_6_to_15_digits() {
        assert_eq!(StudentCode::parse(" 0123456789 ").unwrap().as_str(), "0123456789");
        assert_eq!(StudentCode::parse("123456").unwrap().to_string(), "1***56");
        for text in ["12345", "1234567890123456", "12345A"] {
            assert_eq!(StudentCode::parse(text), Err(Error::Shape(Format::StudentCode)), "{text}");
        }
    }
}
