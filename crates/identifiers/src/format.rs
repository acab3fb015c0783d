//! One entry for rules that name a format: [`check`] a text, or [`normalise`] it.

use crate::{
    AgencyCode, DossierCode, EnterpriseCode, Error, HealthInsuranceCard, OldIdentityCard, ParcelKey,
    PartialDate, PersonKey, PersonalNumber, ProvinceCode, SocialInsuranceNumber, StudentCode, WardCode,
};

/// A format that a text can be checked against. The first twelve have the numbers of `lgsp.options.v1.Format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// [`PersonalNumber`].
    PersonalNumber,
    /// [`OldIdentityCard`].
    OldIdentityCard,
    /// [`PersonKey`].
    PersonKey,
    /// [`EnterpriseCode`].
    EnterpriseCode,
    /// [`AgencyCode`].
    AgencyCode,
    /// [`WardCode`].
    WardCode,
    /// [`ParcelKey`].
    ParcelKey,
    /// [`DossierCode`].
    DossierCode,
    /// [`HealthInsuranceCard`].
    HealthInsuranceCard,
    /// [`StudentCode`].
    StudentCode,
    /// A UUID in its hyphenated form.
    Uuid,
    /// A full date, `YYYY-MM-DD`.
    Date,
    /// [`PartialDate`]; no format of the contracts.
    PartialDate,
    /// [`ProvinceCode`]; no format of the contracts.
    ProvinceCode,
    /// [`SocialInsuranceNumber`]; no format of the contracts.
    SocialInsuranceNumber,
}

impl Format {
    /// The format of a number of `lgsp.options.v1.Format`; `None` for 0 and for numbers that this version does not know.
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::PersonalNumber,
            2 => Self::OldIdentityCard,
            3 => Self::PersonKey,
            4 => Self::EnterpriseCode,
            5 => Self::AgencyCode,
            6 => Self::WardCode,
            7 => Self::ParcelKey,
            8 => Self::DossierCode,
            9 => Self::HealthInsuranceCard,
            10 => Self::StudentCode,
            11 => Self::Uuid,
            12 => Self::Date,
            _ => return None,
        })
    }

    /// What is accepted, to be shown to a caller.
    pub fn expected(self) -> &'static str {
        match self {
            Self::PersonalNumber => "a personal number: 12 digits",
            Self::OldIdentityCard => "an old identity card: 9 digits",
            Self::PersonKey => "a personal number of 12 digits or an old identity card of 9",
            Self::EnterpriseCode => {
                "an enterprise code: 10 digits, for a branch followed by -001 to -999, or a personal number"
            }
            Self::AgencyCode => "an agency code such as H13.05",
            Self::WardCode => "a ward code: 5 digits",
            Self::ParcelKey => "a parcel key: ward code/map sheet/parcel number, such as 31135/12/345",
            Self::DossierCode => "a dossier code: agency code-yymmdd-sequence, such as H13.05-260601-0001",
            Self::HealthInsuranceCard => {
                "a health-insurance card: 2 letters and 13 digits, or its last 10 digits"
            }
            Self::StudentCode => "a student code: 6 to 15 digits",
            Self::Uuid => "a UUID",
            Self::Date => "a date: YYYY-MM-DD",
            Self::PartialDate => "a date: YYYY, YYYY-MM or YYYY-MM-DD",
            Self::ProvinceCode => "a province code: 2 digits",
            Self::SocialInsuranceNumber => "a social-insurance number: 10 digits",
        }
    }

    /// What is accepted, in Vietnamese.
    pub fn expected_vi(self) -> &'static str {
        match self {
            Self::PersonalNumber => "số định danh cá nhân gồm 12 chữ số",
            Self::OldIdentityCard => "số CMND gồm 9 chữ số",
            Self::PersonKey => "số định danh cá nhân 12 chữ số hoặc số CMND 9 chữ số",
            Self::EnterpriseCode => {
                "mã số thuế gồm 10 chữ số, chi nhánh thêm -001 đến -999, hoặc số định danh cá nhân"
            }
            Self::AgencyCode => "mã định danh cơ quan, ví dụ H13.05",
            Self::WardCode => "mã xã, phường gồm 5 chữ số",
            Self::ParcelKey => "mã xã/số tờ bản đồ/số thửa, ví dụ 31135/12/345",
            Self::DossierCode => "mã hồ sơ, ví dụ H13.05-260601-0001",
            Self::HealthInsuranceCard => "mã thẻ BHYT gồm 2 chữ cái và 13 chữ số, hoặc 10 chữ số cuối",
            Self::StudentCode => "mã học sinh gồm 6 đến 15 chữ số",
            Self::Uuid => "mã UUID",
            Self::Date => "ngày dạng YYYY-MM-DD",
            Self::PartialDate => "ngày dạng YYYY, YYYY-MM hoặc YYYY-MM-DD",
            Self::ProvinceCode => "mã tỉnh, thành phố gồm 2 chữ số",
            Self::SocialInsuranceNumber => "mã số BHXH gồm 10 chữ số",
        }
    }
}

/// Whether the text is of the format.
///
/// ```
/// use lgsp_identifiers::{Format, format};
///
/// assert!(format::check(Format::Date, "2026-02-28").is_ok());
/// assert!(format::check(Format::Date, "2026-02-30").is_err());
/// // The numbers are those of the hub's contracts.
/// assert_eq!(Format::from_number(6), Some(Format::WardCode));
/// ```
///
/// # Errors
/// It is not; the error says what would be, and never repeats the text.
pub fn check(format: Format, text: &str) -> Result<(), Error> {
    normalise(format, text).map(drop)
}

/// The canonical form of the text, in full: two texts of the same subject have the same one.
///
/// ```
/// use lgsp_identifiers::{Format, format};
///
/// assert_eq!(format::normalise(Format::AgencyCode, "000.00.05.H13")?, "H13.05");
/// assert_eq!(format::normalise(Format::EnterpriseCode, "0100109106001")?, "0100109106-001");
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
///
/// # Errors
/// The text is not of the format.
pub fn normalise(format: Format, text: &str) -> Result<String, Error> {
    match format {
        Format::PersonalNumber => PersonalNumber::parse(text).map(|code| code.as_str().to_owned()),
        Format::OldIdentityCard => OldIdentityCard::parse(text).map(|code| code.as_str().to_owned()),
        Format::PersonKey => PersonKey::parse(text).map(|key| key.as_str().to_owned()),
        Format::EnterpriseCode => EnterpriseCode::parse(text).map(|code| code.as_str().to_owned()),
        Format::AgencyCode => AgencyCode::parse(text).map(|code| code.as_str().to_owned()),
        Format::WardCode => WardCode::parse(text).map(|code| code.as_str().to_owned()),
        Format::ParcelKey => ParcelKey::parse(text).map(|key| key.as_str().to_owned()),
        Format::DossierCode => DossierCode::parse(text).map(|code| code.as_str().to_owned()),
        Format::HealthInsuranceCard => HealthInsuranceCard::parse(text).map(|code| code.as_str().to_owned()),
        Format::StudentCode => StudentCode::parse(text).map(|code| code.as_str().to_owned()),
        Format::Uuid => uuid(text),
        Format::Date => PartialDate::parse_full(text).map(|date| date.to_string()),
        Format::PartialDate => PartialDate::parse(text).map(|date| date.to_string()),
        Format::ProvinceCode => ProvinceCode::parse(text).map(|code| code.as_str().to_owned()),
        Format::SocialInsuranceNumber => {
            SocialInsuranceNumber::parse(text).map(|code| code.as_str().to_owned())
        }
    }
}

fn uuid(text: &str) -> Result<String, Error> {
    let text = crate::code::prepare(text, Format::Uuid)?.to_ascii_lowercase();
    let is_hyphen = |index| matches!(index, 8 | 13 | 18 | 23);
    let fits =
        |(index, byte): (usize, u8)| if is_hyphen(index) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    if text.len() == 36 && text.bytes().enumerate().all(fits) {
        Ok(text)
    } else {
        Err(Error::Shape(Format::Uuid))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Format; 15] = [
        Format::PersonalNumber,
        Format::OldIdentityCard,
        Format::PersonKey,
        Format::EnterpriseCode,
        Format::AgencyCode,
        Format::WardCode,
        Format::ParcelKey,
        Format::DossierCode,
        Format::HealthInsuranceCard,
        Format::StudentCode,
        Format::Uuid,
        Format::Date,
        Format::PartialDate,
        Format::ProvinceCode,
        Format::SocialInsuranceNumber,
    ];

    #[test]
    fn the_numbers_are_those_of_the_contracts() {
        for (index, format) in ALL.iter().take(12).enumerate() {
            assert_eq!(Format::from_number(index as i32 + 1), Some(*format));
        }
        assert_eq!((Format::from_number(0), Format::from_number(13)), (None, None));
    }

    #[test]
    fn a_uuid_is_lower_case_and_hyphenated() {
        let text = "018F3F6E-0000-7000-8000-0123456789AB";
        assert_eq!(normalise(Format::Uuid, text), Ok(text.to_ascii_lowercase()));
        for text in
            ["018f3f6e000070008000-0123456789abcdef", "018f3f6e-0000-7000-8000-0123456789ag", "018f3f6e"]
        {
            assert_eq!(check(Format::Uuid, text), Err(Error::Shape(Format::Uuid)));
        }
    }

    /// Texts near the accepted forms, where random ones would never come.
    fn near_misses() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ 0-9A-Fa-f./-]{0,40}",
            "[0-9]{9,15}",
            "[0-9]{10}-[0-9]{3}",
            "0{0,3}\\.?0{2}\\.[0-9]{2}\\.[A-Zh][0-9]{2}",
            "H[0-9]{2}\\.[0-9]{2}-2[0-9]{5}-[0-9]{4}",
            "31[0-9]{3}/0?[0-9]{1,3}/[0-9]{1,5}",
            "(19|20)[0-9]{2}(-[01][0-9](-[0-3][0-9])?)?",
            "[A-Za-z]{2}[0-9]{13}",
        ]
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic_and_what_is_canonical_stays_so(text in near_misses()) {
            for format in ALL {
                match normalise(format, &text) {
                    Ok(canonical) => prop_assert_eq!(normalise(format, &canonical), Ok(canonical)),
                    Err(error) => prop_assert_eq!(error.format(), format),
                }
            }
        }

        #[test]
        fn an_error_never_repeats_the_input(text in "[0-9A-Z]{16,60}") {
            for format in ALL {
                if let Err(error) = check(format, &text) {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.contains(&text));
                }
            }
        }

    }
}
