use lgsp_identifiers::{
    DossierCode, Format, OldIdentityCard, ParcelKey, PersonKey, PersonalNumber, format, mask, names,
};

use crate::{choice, numbers_of_persons};

const FORMATS: [Format; 15] = [
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

/// Whatever is written for an identifier has one canonical form, which is its own; errors repeat nothing and nobody is shown.
///
/// The first byte chooses a format, or names; the rest is the text.
pub fn identifiers(data: &[u8]) {
    let (chosen, rest) = choice(data);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Some(known) = FORMATS.get(chosen % (FORMATS.len() + 1)) else { return is_one_name(text) };
    match format::normalise(*known, text) {
        Ok(canonical) => {
            assert_eq!(format::normalise(*known, &canonical).as_ref(), Ok(&canonical));
            assert_eq!(format::normalise(*known, &format!(" {text}\t")).as_ref(), Ok(&canonical));
            assert!(canonical.is_ascii() && canonical.len() <= 64, "{canonical}");
        }
        Err(error) => {
            assert_eq!(error.format(), *known);
            assert_eq!(numbers_of_persons(&format!("{error} {error:?}")).next(), None);
        }
    }
    hides_persons(text);
    has_its_parts(text);
}

fn hides_persons(text: &str) {
    let hidden = |shown: String, number: &str| assert!(!shown.contains(number), "{shown}");
    if let Ok(number) = PersonalNumber::parse(text) {
        hidden(format!("{number} {number:?} {}", mask(number.as_str())), number.as_str());
        assert!((1900..2400).contains(&number.birth_year()));
    }
    if let Ok(card) = OldIdentityCard::parse(text) {
        hidden(format!("{card} {card:?}"), card.as_str());
    }
    if let Ok(key) = PersonKey::parse(text) {
        hidden(format!("{key} {key:?}"), key.as_str());
    }
    assert_eq!(mask(text).chars().count(), text.chars().count());
}

fn has_its_parts(text: &str) {
    if let Ok(dossier) = DossierCode::parse(text) {
        let parts =
            [dossier.agency().as_str(), dossier.sequence()].map(|part| dossier.as_str().contains(part));
        assert_eq!(parts, [true, true], "{dossier}");
        assert!(format::check(Format::Date, &dossier.received().to_string()).is_ok(), "{dossier}");
    }
    if let Ok(parcel) = ParcelKey::parse(text) {
        let again = ParcelKey::new(parcel.ward(), parcel.sheet(), parcel.number());
        assert_eq!(again.as_ref().map(ParcelKey::as_str), Some(parcel.as_str()));
    }
}

fn is_one_name(text: &str) {
    let normal = names::normalise(text);
    assert_eq!(names::normalise(&normal), normal, "what is kept is kept as it is");
    assert!(names::same_name(text, &normal), "a name is the same as it is kept");
    let parted: String = text.chars().flat_map(|letter| [letter, '\u{200b}']).collect();
    assert_eq!(names::normalise(&parted), normal, "what nobody sees makes no difference");
    assert!(names::same_name(text, text) && names::same_enterprise(text, text));
}
