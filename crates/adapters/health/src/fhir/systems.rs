use http::Uri;
use lgsp_adapter::config::{self, Problems, Row, row};
use serde::{Deserialize, Serialize};

/// URLs by which a server names systems of identifiers and codes, and extensions.
///
/// The systems of `fhir.ehealth.gov.vn` are those of the draft Vietnamese core profile. Those that begin with `urn:lgsp:` are
/// assumed: neither that draft nor HL7 names them, so that a server has to tell its own.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Systems {
    /// Identifiers of a patient: the personal number.
    pub personal_number: String,
    /// Identifiers of a patient: the old identity card. Assumed.
    pub old_identity_card: String,
    /// Identifiers of a patient and of a coverage: the health-insurance card of 15 characters.
    pub insurance_card: String,
    /// Identifiers of a patient and of a coverage: the social-insurance number of 10 digits. Assumed.
    pub social_insurance_number: String,
    /// Identifiers of an organization: the facility's code. Assumed.
    pub facility: String,
    /// Codes of vaccines in the national list. Assumed.
    pub vaccine: String,
    /// Codes of diseases.
    pub icd10: String,
    /// The category of a condition that lasts, as `<system>|<code>`. Assumed.
    pub chronic: String,
    /// Extension of an address: the code of the ward in use now. Assumed.
    pub ward_code: String,
    /// Extension of an address: the ward's code that the record was written under. Assumed.
    pub former_ward_code: String,
    /// Extension of a coverage: the facility of first registration. Assumed.
    pub registered_facility: String,
    /// Extension of a coverage: when five years without a break are reached. Assumed.
    pub five_years_from: String,
    /// Extension of an immunization: when the next dose is due. Assumed.
    pub next_due: String,
}

impl Default for Systems {
    fn default() -> Self {
        Self {
            personal_number: "http://fhir.ehealth.gov.vn/core/sid/national_id".to_owned(),
            old_identity_card: "urn:lgsp:old-identity-card".to_owned(),
            insurance_card: "http://fhir.ehealth.gov.vn/core/sid/insurance_number".to_owned(),
            social_insurance_number: "urn:lgsp:social-insurance-number".to_owned(),
            facility: "urn:lgsp:facility".to_owned(),
            vaccine: "urn:lgsp:vaccine".to_owned(),
            icd10: "http://hl7.org/fhir/sid/icd-10".to_owned(),
            chronic: "urn:lgsp:condition-category|chronic".to_owned(),
            ward_code: "urn:lgsp:ward-code".to_owned(),
            former_ward_code: "urn:lgsp:former-ward-code".to_owned(),
            registered_facility: "urn:lgsp:registered-facility".to_owned(),
            five_years_from: "urn:lgsp:five-years-from".to_owned(),
            next_due: "urn:lgsp:next-due".to_owned(),
        }
    }
}

impl Systems {
    fn all(&self) -> [(&'static str, &str); 13] {
        [
            ("personal-number", &self.personal_number),
            ("old-identity-card", &self.old_identity_card),
            ("insurance-card", &self.insurance_card),
            ("social-insurance-number", &self.social_insurance_number),
            ("facility", &self.facility),
            ("vaccine", &self.vaccine),
            ("icd10", &self.icd10),
            ("chronic", &self.chronic),
            ("ward-code", &self.ward_code),
            ("former-ward-code", &self.former_ward_code),
            ("registered-facility", &self.registered_facility),
            ("five-years-from", &self.five_years_from),
            ("next-due", &self.next_due),
        ]
    }
}

impl config::Options for Systems {
    fn reference() -> Vec<Row> {
        const SYSTEM: &str = "the URL of a system";
        const EXTENSION: &str = "the URL of an extension";
        vec![
            row(
                "personal-number",
                SYSTEM,
                "Identifiers of patients: the personal number. The default is the draft Vietnamese core profile's.",
            ),
            row(
                "old-identity-card",
                SYSTEM,
                "Identifiers of patients: the old identity card. The default is assumed.",
            ),
            row(
                "insurance-card",
                SYSTEM,
                "Identifiers of patients and coverages: the health-insurance card of 15 characters. The default is the draft Vietnamese core profile's.",
            ),
            row(
                "social-insurance-number",
                SYSTEM,
                "Identifiers of patients and coverages: the social-insurance number of 10 digits. The default is assumed.",
            ),
            row(
                "facility",
                SYSTEM,
                "Identifiers of organizations: the facility's code. The default is assumed.",
            ),
            row("vaccine", SYSTEM, "Codes of vaccines in the national list. The default is assumed."),
            row("icd10", SYSTEM, "Codes of diseases by ICD-10."),
            row(
                "chronic",
                "<system>|<code>",
                "The category of a condition that lasts. The default is assumed.",
            ),
            row(
                "ward-code",
                EXTENSION,
                "Of an address: the code of the ward in use now. The default is assumed.",
            ),
            row(
                "former-ward-code",
                EXTENSION,
                "Of an address: the ward's code that the record was written under. The default is assumed.",
            ),
            row(
                "registered-facility",
                EXTENSION,
                "Of a coverage: a reference to the facility of first registration. The default is assumed.",
            ),
            row(
                "five-years-from",
                EXTENSION,
                "Of a coverage: the date at which five years without a break are reached. The default is assumed.",
            ),
            row(
                "next-due",
                EXTENSION,
                "Of an immunization: the date at which the next dose is due. The default is assumed.",
            ),
        ]
    }

    fn check(&self, problems: &mut Problems) {
        for (key, system) in self.all() {
            if system.parse::<Uri>().is_err() && !system.starts_with("urn:") {
                problems.add(key, "is no URL");
            }
        }
        if self.chronic.split_once('|').is_none_or(|(_, code)| code.is_empty()) {
            problems.add("chronic", "is no system and code with a bar between them");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_describes_every_option() {
        assert_eq!(config::drift::<Systems>(), Vec::<String>::new());
        let rows = <Systems as config::Options>::reference();
        assert_eq!(rows.len(), Systems::default().all().len(), "and every one is checked");
    }
}
