//! From the data types of FHIR to the shapes that every domain speaks. What is not understood is counted and left out.

use std::collections::HashMap;

use lgsp_adapter::{Counts, Origin, records};
use lgsp_identifiers::{PersonalNumber, names};
use lgsp_proto::record::v1;
use time::format_description::well_known::Rfc3339;
use time::macros::offset;
use time::{OffsetDateTime, UtcOffset};

use super::resource::{
    Bundle, CodeableConcept, ContactPoint, HumanName, Identifier, Meta, Organization, Reference, Resource,
    extension,
};
use super::systems::Systems;

const VIET_NAM: UtcOffset = offset!(+7);
/// FHIR's tag of records that are made up for tests.
const TEST_DATA: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST");

/// What reading a record needs beside the record.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) systems: &'a Systems,
    pub(super) counts: &'a Counts,
    pub(super) origin: &'a Origin,
    /// The server's base URL.
    pub(super) base: &'a str,
}

impl Reader<'_> {
    /// Counts a value that was read and is not understood, by its resource type and element.
    pub(super) fn not_understood(&self, kind: &'static str, element: &'static str) {
        self.counts.add(kind, element);
    }

    /// A date, or the day in Viet Nam of a moment; its unknown end stays unknown.
    pub(super) fn date(
        &self,
        kind: &'static str,
        element: &'static str,
        text: Option<&str>,
    ) -> Option<v1::PartialDate> {
        let text = text?;
        let date = match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(moment) => {
                let day = moment.to_offset(VIET_NAM).date();
                records::date(Some(&format!(
                    "{:04}-{:02}-{:02}",
                    day.year(),
                    u8::from(day.month()),
                    day.day()
                )))
            }
            Err(_) => records::date(Some(text)),
        };
        if date.is_none() {
            self.not_understood(kind, element);
        }
        date
    }

    /// When the record last changed on the server.
    pub(super) fn updated(&self, meta: &Meta) -> Option<prost_types::Timestamp> {
        let moment = OffsetDateTime::parse(meta.last_updated.as_deref()?, &Rfc3339);
        moment.ok().and_then(unix_micros).map(records::timestamp)
    }

    pub(super) fn provenance(&self, meta: &Meta) -> Option<v1::Provenance> {
        let (system, code) = TEST_DATA;
        let is_test_data =
            meta.tag.iter().chain(&meta.security).any(|coding| {
                coding.system.as_deref() == Some(system) && coding.code.as_deref() == Some(code)
            });
        let mut provenance = self.origin.provenance(None)?;
        provenance.as_of = self.updated(meta);
        provenance.synthetic |= is_test_data;
        Some(provenance)
    }

    /// The personal number among a patient's identifiers; empty when there is none.
    pub(super) fn personal_number(&self, identifiers: &[Identifier]) -> String {
        let Some(value) = value(identifiers, &self.systems.personal_number) else { return String::new() };
        match PersonalNumber::parse(value) {
            Ok(number) => number.as_str().to_owned(),
            Err(_) => {
                self.not_understood("Patient", "identifier");
                String::new()
            }
        }
    }

    /// Type and id of what a reference names on this server.
    pub(super) fn target<'r>(&self, reference: &'r Reference) -> Option<&'r str> {
        let text = reference.reference.as_deref()?;
        let local = match text.strip_prefix(self.base) {
            Some(rest) => rest.strip_prefix('/')?,
            None if text.contains(':') => return None,
            None => text,
        };
        Some(local.split_once("/_history/").map_or(local, |(current, _)| current))
    }

    /// Code and name of a facility: of the organization that came along, else as the reference itself tells.
    pub(super) fn facility(
        &self,
        reference: Option<&Reference>,
        included: &Included<'_>,
    ) -> (String, String) {
        let Some(reference) = reference else { return Default::default() };
        let organization = self.target(reference).and_then(|target| included.organization(target));
        let told = reference.identifier.as_slice();
        let code = organization
            .and_then(|organization| value(&organization.identifier, &self.systems.facility))
            .or_else(|| value(told, &self.systems.facility));
        let name = organization
            .and_then(|organization| organization.name.as_deref())
            .or(reference.display.as_deref());
        (code.unwrap_or_default().to_owned(), name.map(names::normalise).unwrap_or_default())
    }

    /// A phone number in E.164 form. A number as it is dialled within Viet Nam begins with 0.
    pub(super) fn phone(&self, telecom: &[ContactPoint]) -> String {
        let phones = || telecom.iter().filter(|point| point.system.as_deref() == Some("phone"));
        let in_use = || phones().filter(|point| point.usage.as_deref() != Some("old"));
        let mobile = in_use().find(|point| point.usage.as_deref() == Some("mobile"));
        let Some(text) = mobile.or_else(|| in_use().next()).and_then(|point| point.value.as_deref()) else {
            return String::new();
        };
        e164(text).unwrap_or_else(|| {
            self.not_understood("Patient", "telecom");
            String::new()
        })
    }

    /// The ICD-10 code of a concept; empty when it has none.
    pub(super) fn icd10(&self, concept: &CodeableConcept) -> String {
        concept.code(&self.systems.icd10).unwrap_or_default().to_owned()
    }
}

fn unix_micros(moment: OffsetDateTime) -> Option<i64> {
    i64::try_from(moment.unix_timestamp_nanos() / 1_000).ok()
}

fn e164(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("tel:");
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
    let (is_international, digits) = match plain.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('0')?),
    };
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let country = if is_international { "+" } else { "+84" };
    is_number.then(|| format!("{country}{digits}"))
}

/// The value of an identifier of a system.
pub(super) fn value<'a>(identifiers: &'a [Identifier], system: &str) -> Option<&'a str> {
    let identifier = identifiers.iter().find(|identifier| identifier.system.as_deref() == Some(system))?;
    identifier.value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

/// What a person reads of a concept; empty when there is nothing.
pub(super) fn label(concept: &CodeableConcept) -> String {
    concept.label().map(names::normalise).unwrap_or_default()
}

/// The name that is in use: the official one before others. Vietnamese names begin with the family's.
pub(super) fn name(all: &[HumanName]) -> String {
    const NOT_IN_USE: [&str; 4] = ["old", "maiden", "nickname", "anonymous"];
    let rank = |name: &&HumanName| match name.usage.as_deref() {
        Some("official") => 0,
        Some("usual") => 1,
        None => 2,
        Some(usage) if NOT_IN_USE.contains(&usage) => 4,
        Some(_) => 3,
    };
    let Some(best) = all.iter().min_by_key(rank).filter(|name| rank(name) < 4) else { return String::new() };
    if let Some(text) = &best.text {
        return names::normalise(text);
    }
    let given = best.given.iter().flatten().map(String::as_str);
    let parts: Vec<&str> = best.family.as_deref().into_iter().chain(given).collect();
    names::normalise(&parts.join(" "))
}

/// An address in use; that of the home before others.
pub(super) fn address(all: &[super::resource::Address], systems: &Systems) -> Option<v1::Address> {
    let in_use = || all.iter().filter(|address| !matches!(address.usage.as_deref(), Some("old" | "billing")));
    let home = in_use().find(|address| address.usage.as_deref() == Some("home"));
    let address = home.or_else(|| in_use().next())?;
    let ward = |url: &str| {
        let extension = extension(&address.extension, url)?;
        extension.value_code.as_deref().or(extension.value_string.as_deref())
    };
    let line = address.line.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    Some(records::address(records::AddressColumns {
        line: Some(line.as_str()).filter(|line| !line.is_empty()),
        ward_code: ward(&systems.ward_code),
        former_ward_code: ward(&systems.former_ward_code),
        text: address.text.as_deref(),
    }))
}

/// The records that came along with others, by type and id.
#[derive(Default)]
pub(super) struct Included<'a>(HashMap<String, &'a Resource>);

impl<'a> Included<'a> {
    /// All records of a bundle that something may refer to.
    pub(super) fn of(bundle: &'a Bundle) -> Self {
        let resources = bundle.entry.iter().filter_map(|entry| entry.resource.as_ref());
        Self(resources.filter_map(|resource| Some((key(resource)?, resource))).collect())
    }

    pub(super) fn get(&self, target: &str) -> Option<&'a Resource> {
        self.0.get(target).copied()
    }

    fn organization(&self, target: &str) -> Option<&'a Organization> {
        match self.get(target)? {
            Resource::Organization(organization) => Some(organization),
            _ => None,
        }
    }
}

fn key(resource: &Resource) -> Option<String> {
    match resource {
        Resource::Patient(patient) => Some(format!("Patient/{}", patient.id)),
        Resource::Organization(organization) => Some(format!("Organization/{}", organization.id)),
        Resource::Condition(condition) => Some(format!("Condition/{}", condition.id)),
        Resource::Medication(medication) => Some(format!("Medication/{}", medication.id)),
        Resource::Observation(observation) => Some(format!("Observation/{}", observation.id)),
        Resource::Bundle(_)
        | Resource::OperationOutcome(_)
        | Resource::CapabilityStatement(_)
        | Resource::Coverage(_)
        | Resource::AllergyIntolerance(_)
        | Resource::MedicationStatement(_)
        | Resource::Encounter(_)
        | Resource::Immunization(_)
        | Resource::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(read: impl FnOnce(&Reader<'_>) -> T) -> (T, usize) {
        let counts = Counts::default();
        let origin = Origin { source: "s".to_owned(), agency_code: "H13".to_owned(), synthetic: false };
        let systems = Systems::default();
        let reader =
            Reader { systems: &systems, counts: &counts, origin: &origin, base: "https://fhir.example/r4" };
        (read(&reader), counts.all().len())
    }

    #[test]
    fn a_date_stays_as_partial_as_it_is_and_a_moment_is_the_day_in_viet_nam() {
        let date = |text| {
            let (date, counted) = read(|reader| reader.date("Patient", "birthDate", Some(text)));
            (date.map(|date| (date.year, date.month, date.day)), counted)
        };
        assert_eq!(date("1958"), (Some((1958, 0, 0)), 0));
        assert_eq!(date("1958-07"), (Some((1958, 7, 0)), 0));
        assert_eq!(date("1958-07-21"), (Some((1958, 7, 21)), 0));
        assert_eq!(date("2024-03-04T20:30:00Z"), (Some((2024, 3, 5)), 0));
        assert_eq!(date("2024-03-04T20:30:00.123+07:00"), (Some((2024, 3, 4)), 0));
        for wrong in ["2024-02-30", "04/03/2024", "", "2024-03-04T20:30"] {
            assert_eq!(date(wrong), (None, 1), "{wrong}");
        }
    }

    #[test]
    fn a_reference_is_of_this_server_or_of_none() {
        let target = |text: &str| {
            let reference = Reference { reference: Some(text.to_owned()), ..Reference::default() };
            read(|reader| reader.target(&reference).map(str::to_owned)).0
        };
        assert_eq!(target("Patient/1").as_deref(), Some("Patient/1"));
        assert_eq!(target("Patient/1/_history/3").as_deref(), Some("Patient/1"));
        assert_eq!(target("https://fhir.example/r4/Patient/1").as_deref(), Some("Patient/1"));
        assert_eq!(target("https://fhir.example/r44/Patient/1"), None);
        assert_eq!(target("https://elsewhere.example/r4/Patient/1"), None);
        assert_eq!(target("urn:uuid:0"), None);
    }

    #[test]
    fn a_phone_number_is_brought_to_one_form_or_left_out() {
        assert_eq!(e164("0912 345 678").as_deref(), Some("+84912345678"));
        assert_eq!(e164("tel:+84-91.2345678").as_deref(), Some("+84912345678"));
        assert_eq!(e164("(0292) 3 820 820").as_deref(), Some("+842923820820"));
        for text in ["", "912345678", "0912 345 678 ext. 9", "+", "hỏi nhà"] {
            assert_eq!(e164(text), None, "{text}");
        }
    }

    #[test]
    fn the_official_name_counts_and_a_former_one_never() {
        let of = |usage: Option<&str>, text: &str| HumanName {
            usage: usage.map(str::to_owned),
            text: Some(text.to_owned()),
            ..HumanName::default()
        };
        assert_eq!(name(&[of(Some("old"), "A"), of(None, "B"), of(Some("official"), "C  D")]), "C D");
        assert_eq!(name(&[of(Some("maiden"), "A")]), "");
        let parts = HumanName {
            family: Some("Nguyễn".to_owned()),
            given: vec![Some("Văn".to_owned()), None, Some("An".to_owned())],
            ..HumanName::default()
        };
        assert_eq!(name(&[parts]), "Nguyễn Văn An");
    }
}
