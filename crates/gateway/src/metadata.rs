//! What a caller says beside its message: purpose, officer, dossier, and how long it waits.
//!
//! Only the names below are read. Names that begin with `lgsp-` are the hub's: any other of them is refused, so that no
//! metadata of a client can ever become a header of ours.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::{Fault, PersonId, Purpose, Reason};
use lgsp_face::Face;
use lgsp_identifiers::Format;

/// Longest value, in characters.
const LONGEST: usize = 128;

const OURS: &str = "lgsp-";

/// What a caller says of its exchange. Its values are the application's assertion and are proved by nobody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) purpose: Option<Purpose>,
    pub(crate) officer: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) procedure: Option<String>,
    pub(crate) dossier: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Metadata {
    /// The same, with the person who has signed in for the officer: they are proved, and who is proved is not asserted.
    #[must_use]
    pub(crate) fn of(self, person: Option<&PersonId>) -> Self {
        match person {
            Some(person) => Self { officer: Some(person.to_string()), ..self },
            None => self,
        }
    }

    /// Reads the metadata of a call.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut read = Self::default();
        // A name that is there twice comes twice.
        for (name, value) in headers {
            let Some(ours) = name.as_str().strip_prefix(OURS) else { continue };
            let place = match ours {
                "purpose" => {
                    read.purpose = Some(purpose(name, value, read.purpose.is_some())?);
                    continue;
                }
                "officer" => &mut read.officer,
                "unit" => &mut read.unit,
                "procedure" => &mut read.procedure,
                "dossier" => &mut read.dossier,
                "request-id" => &mut read.request_id,
                _ => return Err(refused(name, "belongs to the hub")),
            };
            let text = text(name, value, place.is_some())?;
            // It travels and is kept in clear, and names an office or an account, never a person by number.
            if matches!(ours, "officer" | "unit") && may_hold_a_person(&text) {
                return Err(refused(name, "may hold the number of a person"));
            }
            *place = Some(text);
        }
        read.check()?;
        Ok(read)
    }

    fn check(&mut self) -> Result<(), Fault> {
        if let Some(dossier) = &mut self.dossier {
            let canonical = lgsp_identifiers::format::normalise(Format::DossierCode, dossier);
            *dossier = canonical
                .map_err(|_| invalid("lgsp-dossier is not a dossier code, such as H13.05-260601-0001"))?;
        }
        if self.procedure.as_deref().is_some_and(|procedure| !lgsp_core::is_procedure(procedure)) {
            return Err(invalid("lgsp-procedure is not a procedure's code, such as 1.004227"));
        }
        Ok(())
    }
}

fn text(name: &HeaderName, value: &HeaderValue, twice: bool) -> Result<String, Fault> {
    if twice {
        return Err(refused(name, "is there twice"));
    }
    let printable = value.to_str().ok().filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    match printable.map(str::trim) {
        Some(text) if (1..=LONGEST).contains(&text.len()) => Ok(text.to_owned()),
        Some(_) | None => Err(refused(name, "is not 1 to 128 printable ASCII characters")),
    }
}

fn purpose(name: &HeaderName, value: &HeaderValue, twice: bool) -> Result<Purpose, Fault> {
    let text = text(name, value, twice)?;
    Purpose::parse(&text).ok_or_else(|| Reason::PurposeUnknown.into())
}

/// How long the caller waits, if it says so: with a header of its own where it calls by the Connect protocol.
pub(crate) fn timeout(face: Face, headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    match face {
        Face::Grpc | Face::Web | Face::WebText => grpc_timeout(headers),
        Face::Unary(_) | Face::Stream(_) if !lgsp_face::version_is_known(headers) => {
            Err(invalid("connect-protocol-version is 1"))
        }
        Face::Unary(_) | Face::Stream(_) => lgsp_face::timeout(headers).map_err(invalid),
    }
}

fn grpc_timeout(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let malformed = || invalid("grpc-timeout is not 1 to 8 digits and a unit");
    let (digits, unit) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_at_checked(text.len().checked_sub(1)?))
        .ok_or_else(malformed)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let number: u64 = digits.parse().map_err(|_| malformed())?;
    Ok(Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return Err(malformed()),
    }))
}

/// Names the key, which is ours or the caller's own; never the value.
fn refused(name: &HeaderName, problem: &str) -> Fault {
    // A name can be long, and whoever made it up can put anything there.
    let shown = if name.as_str().len() <= 32 && !may_hold_a_person(name.as_str()) {
        name.as_str()
    } else {
        "lgsp-…"
    };
    Fault::new(Reason::InvalidMetadata).saying(format!("{shown} {problem}"))
}

fn invalid(detail: &'static str) -> Fault {
    Fault::new(Reason::InvalidMetadata).saying(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn refusal(pairs: &[(&'static str, &str)]) -> Reason {
        Metadata::read(&headers(pairs)).unwrap_err().reason()
    }

    #[test]
    fn a_dossier_is_kept_in_its_canonical_form() {
        let read =
            Metadata::read(&headers(&[("lgsp-dossier", " H13.05-260601-0001 "), ("x-other", "ignored")]))
                .unwrap();
        assert_eq!(read.dossier.as_deref(), Some("H13.05-260601-0001"));
    }

    #[test]
    fn metadata_named_like_the_hubs_own_is_refused() {
        for name in [
            "lgsp-exchange-id",
            "lgsp-reply-to",
            "lgsp-mac",
            "lgsp-deadline",
            "lgsp-anything",
            "lgsp-purpose-bin",
        ] {
            assert_eq!(refusal(&[(name, "x")]), Reason::InvalidMetadata, "{name}");
        }
    }

    #[test]
    fn values_that_are_not_acceptable_are_refused() {
        let long = "x".repeat(129);
        for (name, value) in [
            ("lgsp-officer", "\u{e9}"),
            ("lgsp-officer", ""),
            ("lgsp-unit", long.as_str()),
            ("lgsp-dossier", "17"),
        ] {
            assert_eq!(refusal(&[(name, value)]), Reason::InvalidMetadata, "{name}");
        }
        assert_eq!(refusal(&[("lgsp-officer", "one"), ("lgsp-officer", "two")]), Reason::InvalidMetadata);
        assert_eq!(refusal(&[("lgsp-procedure", "1.004227-092000000000")]), Reason::InvalidMetadata);
        assert_eq!(refusal(&[("lgsp-purpose", "Không biết")]), Reason::InvalidMetadata);
        assert_eq!(refusal(&[("lgsp-purpose", "NOT A SLUG")]), Reason::PurposeUnknown);
    }

    #[test]
    fn who_has_signed_in_is_the_officer_whatever_is_asserted() {
        let asserted = Metadata { officer: Some("somebody-else".to_owned()), ..Metadata::default() };
        let person = PersonId::parse("an-tuphap");
        assert_eq!(asserted.clone().of(person.as_ref()).officer.as_deref(), Some("an-tuphap"));
        assert_eq!(asserted.of(None).officer.as_deref(), Some("somebody-else"));
    }

    #[test]
    fn an_officer_or_a_unit_that_may_be_a_persons_number_is_refused_by_name_and_never_by_value() {
        for name in ["lgsp-officer", "lgsp-unit"] {
            for value in ["092085000001", "cb-092085000001", "361234567"] {
                let refused = Metadata::read(&headers(&[(name, value)])).unwrap_err();
                assert_eq!(refused.reason(), Reason::InvalidMetadata, "{name}: {value}");
                let said = format!("{refused} {:?}", refused.to_rpc(None));
                assert!(said.contains(name) && !said.contains(value), "{said}");
            }
            for value in ["cb-007", "H13.05", "mot-cua-31117", "Nguyen Van A, 1990"] {
                assert!(Metadata::read(&headers(&[(name, value)])).is_ok(), "{name}: {value}");
            }
        }
    }

    #[test]
    fn timeouts_are_read_in_every_unit_and_refused_in_every_other_form() {
        let read = |text: &str| timeout(Face::Grpc, &headers(&[("grpc-timeout", text)]));
        for (text, micros) in [
            ("1H", 3_600_000_000),
            ("2M", 120_000_000),
            ("3S", 3_000_000),
            ("4m", 4_000),
            ("5u", 5),
            ("6000n", 6),
        ] {
            assert_eq!(read(text).unwrap(), Some(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "5", "S", "123456789S", "-1S", "1.5S", "5X", "é"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(timeout(Face::Grpc, &HeaderMap::new()).unwrap(), None);
    }
}
