use crate::code::{Code, Kind, is_digits};
use crate::{Error, Format};

/// Health-insurance card (thẻ BHYT): two letters and 13 digits. Its last 10 digits, the social-insurance number, are
/// accepted alone, as newer cards bear it.
///
/// ```
/// use lgsp_identifiers::HealthInsuranceCard;
///
/// // Cards print their number in groups.
/// let card: HealthInsuranceCard = "HS 4 01 0123456789".parse()?;
/// assert_eq!(card.as_str(), "HS4010123456789");
/// assert_eq!(card.social_insurance_number(), "0123456789");
/// assert_eq!(card.to_string(), "HS4**********89");
/// assert!(HealthInsuranceCard::parse("0123456789")?.is_number_alone());
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type HealthInsuranceCard = Code<HealthInsurance>;

/// Social-insurance number (mã số BHXH): 10 digits, the last of every health-insurance card of its holder.
///
/// ```
/// use lgsp_identifiers::{Error, Format, SocialInsuranceNumber};
///
/// assert_eq!(SocialInsuranceNumber::parse(" 0123456789 ")?.to_string(), "0*******89");
/// let card = SocialInsuranceNumber::parse("HS4010123456789");
/// assert_eq!(card, Err(Error::Shape(Format::SocialInsuranceNumber)));
/// # Ok::<(), Error>(())
/// ```
pub type SocialInsuranceNumber = Code<SocialInsurance>;

/// Student code: issued by the Ministry; its format is not confirmed, so any 6 to 15 digits are accepted (assumed).
///
/// ```
/// use lgsp_identifiers::StudentCode;
///
/// assert_eq!(StudentCode::parse(" 9200000011 ")?.as_str(), "9200000011");
/// assert!(StudentCode::parse("12345").is_err());
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type StudentCode = Code<Student>;

/// The kind of a [`HealthInsuranceCard`].
pub enum HealthInsurance {}

/// The kind of a [`SocialInsuranceNumber`].
pub enum SocialInsurance {}

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

    /// Whether it is the social-insurance number alone, which all cards of its holder have in common.
    pub fn is_number_alone(&self) -> bool {
        self.as_str().len() == SOCIAL_INSURANCE_LENGTH
    }
}

impl Kind for SocialInsurance {
    const FORMAT: Format = Format::SocialInsuranceNumber;

    fn canonical(text: &str) -> Result<String, Error> {
        let text = text.replace(' ', "");
        if text.len() != SOCIAL_INSURANCE_LENGTH || !is_digits(&text) {
            return Err(Error::Shape(Self::FORMAT));
        }
        Ok(text)
    }

    fn is_personal(_: &str) -> bool {
        true
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
        assert!(!card.is_number_alone());
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
    fn a_social_insurance_number_is_10_digits_and_no_card() {
        assert_eq!(SocialInsuranceNumber::parse("01 2345 6789").unwrap().as_str(), "0123456789");
        for text in ["012345678", "01234567890", "012345678X", "HS4010123456789"] {
            let expected = Err(Error::Shape(Format::SocialInsuranceNumber));
            assert_eq!(SocialInsuranceNumber::parse(text), expected, "{text}");
        }
        assert_eq!(SocialInsuranceNumber::parse(" "), Err(Error::Empty(Format::SocialInsuranceNumber)));
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
