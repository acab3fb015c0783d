//! The data types of R4 that resources are made of; of each, what the adapter reads.

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::fhir) struct Meta {
    pub(in crate::fhir) last_updated: Option<String>,
    #[serde(default)]
    pub(in crate::fhir) tag: Vec<Coding>,
    #[serde(default)]
    pub(in crate::fhir) security: Vec<Coding>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Coding {
    pub(in crate::fhir) system: Option<String>,
    pub(in crate::fhir) code: Option<String>,
    pub(in crate::fhir) display: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct CodeableConcept {
    #[serde(default)]
    pub(in crate::fhir) coding: Vec<Coding>,
    pub(in crate::fhir) text: Option<String>,
}

impl CodeableConcept {
    /// What a person reads: the text, else what a code displays.
    pub(in crate::fhir) fn label(&self) -> Option<&str> {
        let displayed = || self.coding.iter().find_map(|coding| coding.display.as_deref());
        self.text.as_deref().or_else(displayed)
    }

    /// The code of a code system.
    pub(in crate::fhir) fn code(&self, system: &str) -> Option<&str> {
        self.coding.iter().find(|coding| coding.system.as_deref() == Some(system))?.code.as_deref()
    }

    pub(in crate::fhir) fn has(&self, system: &str, code: &str) -> bool {
        self.code(system) == Some(code)
    }

    /// The first code, of whatever system; for elements whose code system the standard fixes.
    pub(in crate::fhir) fn only_code(&self) -> Option<&str> {
        self.coding.first()?.code.as_deref()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Identifier {
    pub(in crate::fhir) system: Option<String>,
    pub(in crate::fhir) value: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Reference {
    pub(in crate::fhir) reference: Option<String>,
    pub(in crate::fhir) identifier: Option<Identifier>,
    pub(in crate::fhir) display: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Period {
    pub(in crate::fhir) start: Option<String>,
    pub(in crate::fhir) end: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct HumanName {
    #[serde(rename = "use")]
    pub(in crate::fhir) usage: Option<String>,
    pub(in crate::fhir) text: Option<String>,
    pub(in crate::fhir) family: Option<String>,
    #[serde(default)]
    pub(in crate::fhir) given: Vec<Option<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct ContactPoint {
    pub(in crate::fhir) system: Option<String>,
    pub(in crate::fhir) value: Option<String>,
    #[serde(rename = "use")]
    pub(in crate::fhir) usage: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Address {
    #[serde(rename = "use")]
    pub(in crate::fhir) usage: Option<String>,
    pub(in crate::fhir) text: Option<String>,
    #[serde(default)]
    pub(in crate::fhir) line: Vec<Option<String>>,
    #[serde(default)]
    pub(in crate::fhir) extension: Vec<Extension>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Quantity {
    pub(in crate::fhir) value: Option<f64>,
    pub(in crate::fhir) unit: Option<String>,
    pub(in crate::fhir) code: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::fhir) struct Dosage {
    pub(in crate::fhir) text: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::fhir) struct Extension {
    pub(in crate::fhir) url: String,
    pub(in crate::fhir) value_code: Option<String>,
    pub(in crate::fhir) value_string: Option<String>,
    pub(in crate::fhir) value_date: Option<String>,
    pub(in crate::fhir) value_codeable_concept: Option<CodeableConcept>,
    pub(in crate::fhir) value_reference: Option<Reference>,
}

/// The extension of a URL.
pub(in crate::fhir) fn extension<'a>(extensions: &'a [Extension], url: &str) -> Option<&'a Extension> {
    extensions.iter().find(|extension| extension.url == url)
}
