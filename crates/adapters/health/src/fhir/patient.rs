//! Patients: whom a key means, and what the record says of them.

use lgsp_adapter::SourceError;
use lgsp_identifiers::{HealthInsuranceCard, PersonKey};
use lgsp_proto::health::v1::{Contact, PatientSummary};
use lgsp_proto::record::v1;
use lgsp_proto::record::v1::Sex;

use super::error::Error;
use super::read::{Included, Reader, address, label, name, value};
use super::resource::{Bundle, Identifier, Patient, PatientContact, Resource, extension};
use super::systems::Systems;
use crate::PatientKey;

/// R4's own extension for what limits a person.
const DISABILITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-disability";
const EMERGENCY_CONTACT: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/v2-0131", "C");

/// The identifiers, each with its system, by which somebody or something is searched. Any of them counts.
pub(super) struct Tokens(Vec<(String, String)>);

impl Tokens {
    pub(super) fn of(key: &PatientKey, systems: &Systems) -> Self {
        match key {
            PatientKey::Person(person) => Self::of_person(person, systems),
            PatientKey::Card(card) => Self::of_card(card, systems),
        }
    }

    pub(super) fn of_person(person: &PersonKey, systems: &Systems) -> Self {
        let (system, value) = match person {
            PersonKey::Number(number) => (&systems.personal_number, number.as_str()),
            PersonKey::OldCard(card) => (&systems.old_identity_card, card.as_str()),
        };
        Self(vec![(system.clone(), value.to_owned())])
    }

    fn of_card(card: &HealthInsuranceCard, systems: &Systems) -> Self {
        let number = card.social_insurance_number();
        let mut tokens = vec![(systems.social_insurance_number.clone(), number.to_owned())];
        if card.as_str() != number {
            tokens.push((systems.insurance_card.clone(), card.as_str().to_owned()));
        }
        Self(tokens)
    }

    /// The value of a search parameter.
    pub(super) fn parameter(&self) -> String {
        let token = |(system, value): &(String, String)| format!("{}|{}", escaped(system), escaped(value));
        self.0.iter().map(token).collect::<Vec<_>>().join(",")
    }

    /// Whether any of them is among the identifiers of a record.
    pub(super) fn are_among(&self, identifiers: &[Identifier]) -> bool {
        self.0.iter().any(|(system, wanted)| {
            let of_system = identifiers.iter().filter(|one| one.system.as_ref() == Some(system));
            of_system.filter_map(|one| one.value.as_deref()).any(|value| value.trim() == wanted)
        })
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ',' | '|' | '$' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The patients of a bundle who are still records of their own: none that was merged into another or switched off.
///
/// # Errors
/// One has none of the identifiers that were searched for.
pub(super) fn all<'a>(bundle: &'a Bundle, tokens: &Tokens) -> Result<Vec<&'a Patient>, Error> {
    let mut patients = Vec::new();
    for entry in &bundle.entry {
        let Some(Resource::Patient(patient)) = &entry.resource else { continue };
        if !tokens.are_among(&patient.identifier) {
            return Err(Error::NotAskedFor("Patient"));
        }
        if is_of_its_own(patient) {
            patients.push(&**patient);
        }
    }
    Ok(patients)
}

/// Whether a patient's record was neither switched off nor merged into another.
pub(super) fn is_of_its_own(patient: &Patient) -> bool {
    let is_replaced = patient.link.iter().any(|link| link.kind.as_deref() == Some("replaced-by"));
    patient.active != Some(false) && !is_replaced
}

/// The only patient of a bundle, if there is any.
///
/// # Errors
/// There are several: which of them is meant cannot be told, and half a record could harm.
pub(super) fn only<'a>(bundle: &'a Bundle, tokens: &Tokens) -> Result<Option<&'a Patient>, SourceError> {
    let patients = all(bundle, tokens)?;
    let more_follow = bundle.link.iter().any(|link| link.relation == "next");
    match patients[..] {
        [] if !more_follow => Ok(None),
        [patient] if !more_follow => {
            let is_id = |id: &str| {
                (1..=64).contains(&id.len())
                    && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
            };
            if is_id(&patient.id) { Ok(Some(patient)) } else { Err(Error::NotFhir("a patient's id").into()) }
        }
        _ => Err(Error::SeveralPatients.into()),
    }
}

/// What a patient's own record says, without what hangs on it.
pub(super) fn summary(reader: &Reader<'_>, patient: &Patient, included: &Included<'_>) -> PatientSummary {
    let (facility_code, facility_name) = reader.facility(patient.managing_organization.as_ref(), included);
    PatientSummary {
        patient_id: patient.id.clone(),
        personal_number: reader.personal_number(&patient.identifier),
        insurance_card_number: card_number(reader, "Patient", &patient.identifier).unwrap_or_default(),
        full_name: name(&patient.name),
        date_of_birth: date_of_birth(reader, patient),
        sex: sex(reader, patient.gender.as_deref()).into(),
        address: address(&patient.address, reader.systems),
        phone_number: reader.phone(&patient.telecom),
        emergency_contact: contact(reader, &patient.contact),
        disability: extension(&patient.extension, DISABILITY)
            .and_then(|extension| extension.value_codeable_concept.as_ref())
            .map(label)
            .unwrap_or_default(),
        facility_code,
        facility_name,
        updated: reader.updated(&patient.meta),
        provenance: reader.provenance(&patient.meta),
        ..PatientSummary::default()
    }
}

pub(super) fn date_of_birth(reader: &Reader<'_>, patient: &Patient) -> Option<v1::PartialDate> {
    reader.date("Patient", "birthDate", patient.birth_date.as_deref())
}

/// The number of the health-insurance card among identifiers, else the social-insurance number alone.
pub(super) fn card_number(
    reader: &Reader<'_>,
    kind: &'static str,
    identifiers: &[Identifier],
) -> Option<String> {
    let systems = reader.systems;
    let text = value(identifiers, &systems.insurance_card)
        .or_else(|| value(identifiers, &systems.social_insurance_number))?;
    let card = HealthInsuranceCard::parse(text).map(|card| card.as_str().to_owned());
    if card.is_err() {
        reader.not_understood(kind, "identifier");
    }
    card.ok()
}

/// FHIR's `other` has no number in the contract, and is not unknown to the source: it is not counted.
fn sex(reader: &Reader<'_>, gender: Option<&str>) -> Sex {
    match gender {
        Some("male") => Sex::Male,
        Some("female") => Sex::Female,
        None | Some("other" | "unknown") => Sex::Unknown,
        Some(_) => {
            reader.not_understood("Patient", "gender");
            Sex::Unknown
        }
    }
}

/// Whom to call: who is marked for emergencies, else who comes first.
fn contact(reader: &Reader<'_>, contacts: &[PatientContact]) -> Option<Contact> {
    let (system, code) = EMERGENCY_CONTACT;
    let is_for_emergencies =
        |contact: &&PatientContact| contact.relationship.iter().any(|relation| relation.has(system, code));
    let contact = contacts.iter().find(is_for_emergencies).or_else(|| contacts.first())?;
    // A text says how they are related; the mark for emergencies displays only that it is one.
    let told = contact.relationship.iter().find(|relation| relation.text.is_some());
    let relation = told.or_else(|| contact.relationship.iter().find(|relation| !relation.has(system, code)));
    Some(Contact {
        full_name: contact.name.as_ref().map(|one| name(std::slice::from_ref(one))).unwrap_or_default(),
        relation: relation.map(label).unwrap_or_default(),
        phone_number: reader.phone(&contact.telecom),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_searched_as_a_whole_and_by_its_social_insurance_number() {
        let systems = Systems::default();
        let card = |text| {
            let key = PatientKey::Card(HealthInsuranceCard::parse(text).unwrap());
            Tokens::of(&key, &systems).parameter()
        };
        assert_eq!(card("0123456789"), "urn:lgsp:social-insurance-number|0123456789");
        assert_eq!(
            card("HS4010123456789"),
            "urn:lgsp:social-insurance-number|0123456789,\
             http://fhir.ehealth.gov.vn/core/sid/insurance_number|HS4010123456789"
        );
    }

    #[test]
    fn a_system_with_a_character_of_the_search_is_escaped() {
        assert_eq!(escaped("urn:a,b|c$d\\e"), "urn:a\\,b\\|c\\$d\\\\e");
    }
}
