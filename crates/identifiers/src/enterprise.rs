use crate::code::{Code, Kind, is_digits};
use crate::{Error, Format, PersonalNumber};

/// Enterprise or tax code (mã số thuế): 10 digits with a check digit, for a branch followed by `-001` to `-999`. An
/// individual may use the 12-digit personal number instead, which is then shown masked.
///
/// ```
/// use lgsp_identifiers::EnterpriseCode;
///
/// let branch: EnterpriseCode = "0100109106001".parse()?;
/// assert_eq!((branch.as_str(), branch.main(), branch.branch()), ("0100109106-001", "0100109106", Some("001")));
/// assert!(EnterpriseCode::parse("0100109107").is_err(), "the check digit is wrong");
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub type EnterpriseCode = Code<Enterprise>;

/// The kind of an [`EnterpriseCode`].
pub enum Enterprise {}

const WEIGHTS: [u32; 9] = [31, 29, 23, 19, 17, 13, 7, 5, 3];
const PERSONAL_LENGTH: usize = 12;

impl Kind for Enterprise {
    const FORMAT: Format = Format::EnterpriseCode;

    fn canonical(text: &str) -> Result<String, Error> {
        if text.len() == PERSONAL_LENGTH && is_digits(text) {
            return Ok(text.to_owned());
        }
        // A branch is also written without its hyphen, as 13 digits.
        let (main, branch) = match text.split_once('-') {
            Some((main, branch)) => (main, branch),
            None if text.len() == 13 => text.split_at(10),
            None => (text, ""),
        };
        if main.len() != 10 || !is_digits(main) {
            return Err(Error::Shape(Self::FORMAT));
        }
        if !checks(main) {
            return Err(Error::CheckDigit(Self::FORMAT));
        }
        if main.len() == text.len() {
            return Ok(main.to_owned());
        }
        if branch.len() != 3 || !is_digits(branch) || branch == "000" {
            return Err(Error::Shape(Self::FORMAT));
        }
        Ok(format!("{main}-{branch}"))
    }

    fn is_personal(canonical: &str) -> bool {
        canonical.len() == PERSONAL_LENGTH
    }
}

/// The tenth digit is 10 − (weighted sum mod 11); a remainder of 0 has no digit and is never issued.
fn checks(main: &str) -> bool {
    let mut digits = main.bytes().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = WEIGHTS.iter().zip(&mut digits).map(|(weight, digit)| weight * digit).sum();
    digits.next() == Some(10 - sum % 11)
}

impl EnterpriseCode {
    /// The code of the whole enterprise, without the branch.
    pub fn main(&self) -> &str {
        self.as_str().split('-').next().unwrap_or_default()
    }

    /// The three digits of the branch, if it is one.
    pub fn branch(&self) -> Option<&str> {
        self.as_str().split_once('-').map(|(_, branch)| branch)
    }

    /// The personal number of an individual who uses it as tax code.
    pub fn personal_number(&self) -> Option<PersonalNumber> {
        PersonalNumber::parse(self.as_str()).ok()
    }

    /// The code of the nine digits of `serial`, modulo 10⁹, with its check digit. `None` if such a code is never issued.
    pub fn from_serial(serial: u32) -> Option<Self> {
        let first = format!("{:09}", serial % 1_000_000_000);
        (0..10).find_map(|check| Self::parse(&format!("{first}{check}")).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_codes_pass_their_check_digit() {
        for text in ["0100109106", "0100233488", "0300588569"] {
            assert_eq!(EnterpriseCode::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn every_other_check_digit_is_refused() {
        for digit in (0..10).filter(|digit| *digit != 6) {
            let text = format!("010010910{digit}");
            assert_eq!(EnterpriseCode::parse(&text), Err(Error::CheckDigit(Format::EnterpriseCode)));
        }
    }

    #[test]
    fn a_remainder_of_zero_is_never_issued() {
        assert!(!checks("0000000000"));
        assert_eq!(EnterpriseCode::from_serial(0), None);
        assert_eq!(EnterpriseCode::from_serial(10_010_910).unwrap().as_str(), "0100109106");
    }

    #[test]
    fn a_branch_is_written_with_its_hyphen() {
        let code = EnterpriseCode::parse("0100109106001").unwrap();
        assert_eq!(
            (code.as_str(), code.main(), code.branch()),
            ("0100109106-001", "0100109106", Some("001"))
        );
        assert_eq!(EnterpriseCode::parse("0100109106-001"), Ok(code));
        for text in
            ["0100109106-000", "0100109106-", "0100109106-1", "0100109106-0001", "0100109106000", "-001"]
        {
            assert_eq!(EnterpriseCode::parse(text), Err(Error::Shape(Format::EnterpriseCode)), "{text}");
        }
    }

    #[test]
    fn the_personal_number_of_an_individual_is_accepted_and_masked() {
        let code = EnterpriseCode::parse("092099000034").unwrap();
        assert_eq!(code.to_string(), "092*******34");
        assert!(code.personal_number().is_some());
        assert_eq!(EnterpriseCode::parse("0100109106").unwrap().to_string(), "0100109106");
    }
}
