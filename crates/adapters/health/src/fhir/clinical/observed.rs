//! The observations of a summary, by their codes of LOINC as the International Patient Summary has them.

use lgsp_proto::health::v1::PatientSummary;

use crate::fhir::read::Reader;
use crate::fhir::resource::{CodeableConcept, Observation, Quantity};

const SNOMED: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";

/// A kind of observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fhir) enum Kind {
    BloodType,
    Pregnancy,
    Height,
    Weight,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::BloodType, Self::Pregnancy, Self::Height, Self::Weight];

    /// System and code, as a search names them.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::BloodType => "http://loinc.org|882-1",
            Self::Pregnancy => "http://loinc.org|82810-3",
            Self::Height => "http://loinc.org|8302-2",
            Self::Weight => "http://loinc.org|29463-7",
        }
    }

    pub(super) fn put(self, reader: &Reader<'_>, observation: &Observation, summary: &mut PatientSummary) {
        // A server that answers with another code does not know the question.
        let code = self.code().rsplit('|').next();
        if observation.code.code(LOINC) != code {
            return reader.not_understood("Observation", "code");
        }
        let concept = observation.value_codeable_concept.as_ref();
        match self {
            Self::BloodType => {
                let read = blood_type(concept, observation.value_string.as_deref());
                summary.blood_type = understood(reader, read).unwrap_or_default();
            }
            Self::Pregnancy => summary.pregnant = concept.is_some_and(is_pregnant),
            Self::Height => {
                let read = measured(observation.value_quantity.as_ref(), [("cm", 1.0), ("m", 100.0)]);
                summary.height_cm = understood(reader, read).unwrap_or_default();
            }
            Self::Weight => {
                let read = measured(observation.value_quantity.as_ref(), [("kg", 1.0), ("g", 0.001)]);
                summary.weight_kg = understood(reader, read).unwrap_or_default();
            }
        }
    }
}

fn understood<T>(reader: &Reader<'_>, read: Option<T>) -> Option<T> {
    if read.is_none() {
        reader.not_understood("Observation", "value");
    }
    read
}

fn is_pregnant(concept: &CodeableConcept) -> bool {
    concept.has(SNOMED, "77386006") || concept.has(LOINC, "LA15173-0")
}

/// A quantity in the first of two units.
fn measured(quantity: Option<&Quantity>, units: [(&str, f64); 2]) -> Option<f64> {
    let quantity = quantity?;
    let unit = quantity.code.as_deref().or(quantity.unit.as_deref())?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    Some(quantity.value? * factor).filter(|value| value.is_finite() && *value > 0.0)
}

/// The blood group as the contract writes it, by its code or by a text that is one.
fn blood_type(concept: Option<&CodeableConcept>, text: Option<&str>) -> Option<String> {
    const BY_CODE: [(&str, &str); 12] = [
        ("278149003", "A+"),
        ("278152006", "A-"),
        ("278150003", "B+"),
        ("278153001", "B-"),
        ("278151004", "AB+"),
        ("278154007", "AB-"),
        ("278147001", "O+"),
        ("278148006", "O-"),
        ("112144000", "A"),
        ("112149005", "B"),
        ("165743006", "AB"),
        ("58460004", "O"),
    ];
    let code = concept.and_then(|concept| concept.code(SNOMED));
    let text = concept.and_then(CodeableConcept::label).or(text).map(str::trim);
    let known = BY_CODE.iter().find(|(of_group, group)| code == Some(of_group) || text == Some(group));
    known.map(|(_, group)| (*group).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_read_in_its_unit_and_never_without_one() {
        let cm = |value, unit: Option<&str>| {
            let quantity = Quantity { value: Some(value), unit: unit.map(str::to_owned), code: None };
            measured(Some(&quantity), [("cm", 1.0), ("m", 100.0)])
        };
        assert_eq!(cm(161.5, Some("cm")), Some(161.5));
        assert_eq!(cm(1.5, Some("m")), Some(150.0));
        for (value, unit) in [(161.5, None), (5.3, Some("[ft_i]")), (-1.0, Some("cm")), (0.0, Some("cm"))] {
            assert_eq!(cm(value, unit), None, "{value} {unit:?}");
        }
    }

    #[test]
    fn a_blood_group_is_one_of_the_contracts_or_none() {
        let concept =
            |text: &str| CodeableConcept { text: Some(text.to_owned()), ..CodeableConcept::default() };
        assert_eq!(blood_type(Some(&concept("AB-")), None).as_deref(), Some("AB-"));
        assert_eq!(blood_type(None, Some("O")).as_deref(), Some("O"));
        assert_eq!(blood_type(Some(&concept("nhóm máu A")), None), None);
    }
}
