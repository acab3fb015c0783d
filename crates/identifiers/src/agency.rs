use crate::code::{Code, Kind, is_digits};
use crate::date::PartialDate;
use crate::{Error, Format};

/// Code of a public body: Quyết định 20/2020/QĐ-TTg, amended by 09/2025. Written most significant first (`H13.05`); the
/// older form, reversed and padded (`000.00.05.H13`), is accepted.
///
/// ```
/// use lgsp_identifiers::AgencyCode;
///
/// let department = AgencyCode::parse("000.00.05.H13")?;
/// assert_eq!(department.as_str(), "H13.05");
/// assert!(AgencyCode::parse("H13")?.contains(&department));
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type AgencyCode = Code<Agency>;

/// Code of a dossier (Nghị định 61/2018): agency code, date of receipt, sequence: `H13.05-260601-0001`.
///
/// ```
/// use lgsp_identifiers::DossierCode;
///
/// assert_eq!(DossierCode::parse("000.00.05.H13-260601-0001")?.as_str(), "H13.05-260601-0001");
/// assert!(DossierCode::parse("H13.05-260631-0001").is_err(), "June has 30 days");
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type DossierCode = Code<Dossier>;

/// The kind of an [`AgencyCode`].
pub enum Agency {}

/// The kind of a [`DossierCode`].
pub enum Dossier {}

const MAX_LEVELS: usize = 4;
/// What the older form has in the place of a level below the root that is not there.
const PADDING: [&str; MAX_LEVELS - 1] = ["00", "00", "000"];
const SEQUENCE_LENGTHS: std::ops::RangeInclusive<usize> = 4..=8;

impl Kind for Agency {
    const FORMAT: Format = Format::AgencyCode;

    fn canonical(text: &str) -> Result<String, Error> {
        let mut levels: Vec<&str> = text.split('.').take(MAX_LEVELS + 1).collect();
        let is_older_form = levels.first().is_some_and(|level| !is_root(level));
        if is_older_form {
            levels.reverse();
        }
        let (root, lower) = levels.split_first().ok_or(Error::Shape(Self::FORMAT))?;
        if levels.len() > MAX_LEVELS || !is_root(root) || !lower.iter().all(|level| is_level(level)) {
            return Err(Error::Shape(Self::FORMAT));
        }
        // Zeros at the end are padding; zeros between two levels are not.
        let padded = lower.iter().rev().take_while(|level| level.bytes().all(|byte| byte == b'0')).count();
        levels.truncate(levels.len() - padded);
        Ok(levels.join("."))
    }

    fn is_personal(_: &str) -> bool {
        false
    }
}

/// A ministry, province or the like: a letter and two digits.
fn is_root(level: &str) -> bool {
    level.len() == 3 && level.as_bytes()[0].is_ascii_uppercase() && is_digits(&level[1..])
}

fn is_level(level: &str) -> bool {
    matches!(level.len(), 2 | 3)
        && level.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl AgencyCode {
    /// The most significant level, for example `H13`.
    pub fn root(&self) -> &str {
        &self.as_str()[..3]
    }

    /// The older written form, reversed and padded.
    ///
    /// ```
    /// use lgsp_identifiers::AgencyCode;
    ///
    /// assert_eq!(AgencyCode::parse("H13.05")?.older_form(), "000.00.05.H13");
    /// # Ok::<(), lgsp_identifiers::Error>(())
    /// ```
    pub fn older_form(&self) -> String {
        let mut levels: Vec<&str> = self.as_str().split('.').collect();
        levels.extend(PADDING.iter().skip(levels.len() - 1));
        levels.reverse();
        levels.join(".")
    }

    /// Whether the other body is this one or below it.
    pub fn contains(&self, other: &Self) -> bool {
        let rest = other.as_str().strip_prefix(self.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl Kind for Dossier {
    const FORMAT: Format = Format::DossierCode;

    fn canonical(text: &str) -> Result<String, Error> {
        let shape = Error::Shape(Self::FORMAT);
        let parts: Vec<&str> = text.splitn(4, '-').collect();
        let [agency, date, sequence] = parts[..] else { return Err(shape) };
        let agency = Agency::canonical(agency).map_err(|_| shape)?;
        if date.len() != 6
            || !is_digits(date)
            || !is_digits(sequence)
            || !SEQUENCE_LENGTHS.contains(&sequence.len())
        {
            return Err(shape);
        }
        received(date).ok_or(Error::NoSuchDate(Self::FORMAT))?;
        Ok(format!("{agency}-{date}-{sequence}"))
    }

    fn is_personal(_: &str) -> bool {
        false
    }
}

/// The date of six digits `yymmdd`; dossiers have such codes since 2018, so the century is known.
fn received(date: &str) -> Option<PartialDate> {
    let number: u32 = date.parse().ok()?;
    let (year, month, day) = (2000 + number / 10_000, number / 100 % 100, number % 100);
    PartialDate::full(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

impl DossierCode {
    /// The agency that received the dossier.
    pub fn agency(&self) -> AgencyCode {
        AgencyCode::parse(self.part(0)).expect("the code was parsed with its agency")
    }

    /// The date of receipt.
    pub fn received(&self) -> PartialDate {
        received(self.part(1)).expect("the code was parsed with its date")
    }

    /// The number of the dossier on that day, with its leading zeros.
    pub fn sequence(&self) -> &str {
        self.part(2)
    }

    fn part(&self, index: usize) -> &str {
        self.as_str().split('-').nth(index).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_agency(input: &str, expect: &str) {
        let code = AgencyCode::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        assert_eq!(code.as_str(), expect);
        assert_eq!(AgencyCode::parse(expect), Ok(code));
    }

    #[test]
    fn both_written_forms_are_brought_to_the_newer() {
        check_agency("H13.05", "H13.05");
        check_agency(" g12.18 ", "G12.18");
        check_agency("H37.DN.001", "H37.DN.001");
        check_agency("000.00.05.H13", "H13.05");
        check_agency("000.00.00.H13", "H13");
        check_agency("000.07.05.H13", "H13.05.07");
        check_agency("001.00.05.H13", "H13.05.00.001");
        check_agency("H13.05.00.000", "H13.05");
    }

    #[test]
    fn other_texts_are_no_agency_codes() {
        for text in
            ["H1", "13.05", "H13.", "H13..05", "H13.5", "H13.05.01.001.02", "H13-05", "H13.05!", "00.00.05"]
        {
            assert_eq!(AgencyCode::parse(text), Err(Error::Shape(Format::AgencyCode)), "{text}");
        }
    }

    #[test]
    fn the_older_form_is_read_back_as_the_same_agency() {
        for (text, older) in [
            ("H13", "000.00.00.H13"),
            ("H13.01", "000.00.01.H13"),
            ("G01.30.92", "000.92.30.G01"),
            ("H37.DN.001.002", "002.001.DN.H37"),
        ] {
            let code = AgencyCode::parse(text).unwrap();
            assert_eq!(code.older_form(), older);
            assert_eq!(AgencyCode::parse(older).as_ref(), Ok(&code), "{older}");
        }
    }

    #[test]
    fn an_agency_contains_those_below_it_only() {
        let code = |text| AgencyCode::parse(text).unwrap();
        assert!(code("H13").contains(&code("H13.05")));
        assert!(code("H13.05").contains(&code("H13.05")));
        assert!(!code("H13.05").contains(&code("H13.051")));
        assert!(!code("H13.05").contains(&code("H13")));
    }

    #[test]
    fn a_dossier_code_has_agency_date_and_sequence() {
        let code = DossierCode::parse("000.00.05.h13-260601-0001").unwrap();
        assert_eq!(code.as_str(), "H13.05-260601-0001");
        assert_eq!(code.agency().as_str(), "H13.05");
        assert_eq!(code.received().to_string(), "2026-06-01");
        assert_eq!(code.sequence(), "0001");
    }

    #[test]
    fn a_dossier_code_with_an_impossible_date_is_refused() {
        for text in ["H13.05-260230-0001", "H13.05-251301-0001", "H13.05-260600-0001", "H13.05-250229-0001"] {
            assert_eq!(DossierCode::parse(text), Err(Error::NoSuchDate(Format::DossierCode)), "{text}");
        }
        assert!(DossierCode::parse("H13.05-240229-0001").is_ok());
        for text in
            ["H13.05-260601", "H13.05-260601-1", "H13.05-260601-0001-1", "X-260601-0001", "H13.05-26061-0001"]
        {
            assert_eq!(DossierCode::parse(text), Err(Error::Shape(Format::DossierCode)), "{text}");
        }
    }
}
