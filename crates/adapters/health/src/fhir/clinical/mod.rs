//! What hangs on a patient, read in one batch of searches; each is bounded, and each record must be the patient's.

mod observed;

use lgsp_proto::health::v1::{Allergy, Condition, Encounter, Medication, PatientSummary, Severity};

use super::error::Error;
use super::read::{Included, Reader, label};
use super::resource::{self, Bundle, CodeableConcept, Reference, Resource};
use crate::Parts;

/// The contract's bounds.
const MOST_PROBLEMS: &str = "200";
const MOST_ENCOUNTERS: &str = "50";
/// Of a value that is measured again and again, the last counts.
const LAST: &str = "1";

/// One search of the batch, and where what it finds belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Allergies,
    Conditions,
    Medications,
    Encounters,
    Observed(observed::Kind),
}

/// The searches that a summary needs.
pub(super) fn parts(wanted: Parts) -> Vec<Part> {
    let hanging = [
        (wanted.allergies, Part::Allergies),
        (wanted.conditions, Part::Conditions),
        (wanted.medications, Part::Medications),
        (wanted.encounters, Part::Encounters),
    ];
    let hanging = hanging.into_iter().filter_map(|(is_wanted, part)| is_wanted.then_some(part));
    hanging.chain(observed::Kind::ALL.map(Part::Observed)).collect()
}

impl Part {
    /// The resource type and the parameters of the search, of a patient by type and id.
    pub(super) fn search(self, patient: &str) -> (&'static str, Vec<(&'static str, &str)>) {
        let (kind, parameters) = self.parameters();
        (kind, [vec![("patient", patient)], parameters].concat())
    }

    fn parameters(self) -> (&'static str, Vec<(&'static str, &'static str)>) {
        match self {
            Self::Allergies => ("AllergyIntolerance", vec![("_count", MOST_PROBLEMS)]),
            Self::Conditions => ("Condition", vec![("_sort", "-recorded-date"), ("_count", MOST_PROBLEMS)]),
            Self::Medications => (
                "MedicationStatement",
                vec![
                    ("status", "active"),
                    ("_include", "MedicationStatement:medication"),
                    ("_count", MOST_PROBLEMS),
                ],
            ),
            Self::Encounters => (
                "Encounter",
                vec![
                    ("status", "arrived,triaged,in-progress,onleave,finished"),
                    ("_sort", "-date"),
                    ("_include", "Encounter:service-provider"),
                    ("_include", "Encounter:diagnosis"),
                    ("_count", MOST_ENCOUNTERS),
                ],
            ),
            Self::Observed(kind) => (
                "Observation",
                vec![
                    ("code", kind.code()),
                    ("status", "final,amended,corrected"),
                    ("_sort", "-date"),
                    ("_count", LAST),
                ],
            ),
        }
    }

    /// Puts what was found into the summary of a patient.
    ///
    /// # Errors
    /// A record is another patient's; or more allergies or medicines are on record than are told: a part of them could harm.
    pub(super) fn put(
        self,
        reader: &Reader<'_>,
        bundle: &Bundle,
        patient: &str,
        summary: &mut PatientSummary,
    ) -> Result<(), Error> {
        let found = Found { reader, bundle, patient };
        match self {
            Self::Allergies => summary.allergies = found.allergies()?,
            Self::Conditions => summary.conditions = found.conditions()?,
            Self::Medications => summary.medications = found.medications()?,
            Self::Encounters => summary.encounters = found.encounters()?,
            Self::Observed(kind) => {
                if let Some(observation) = found.last_observation()? {
                    kind.put(reader, observation, summary);
                }
            }
        }
        Ok(())
    }
}

/// What one search found.
struct Found<'a> {
    reader: &'a Reader<'a>,
    bundle: &'a Bundle,
    /// Type and id of the patient.
    patient: &'a str,
}

impl<'a> Found<'a> {
    /// The records that the search was for, without those that came along.
    fn records(&self) -> impl Iterator<Item = &'a Resource> {
        let matches = self.bundle.entry.iter().filter(|entry| {
            let mode = entry.search.as_ref().and_then(|search| search.mode.as_deref());
            mode.is_none_or(|mode| mode == "match")
        });
        matches.filter_map(|entry| entry.resource.as_ref())
    }

    fn is_the_patients(&self, kind: &'static str, subject: &Reference) -> Result<(), Error> {
        if self.reader.target(subject) == Some(self.patient) { Ok(()) } else { Err(Error::NotAskedFor(kind)) }
    }

    fn must_be_whole(&self, kind: &'static str) -> Result<(), Error> {
        let more_follow = self.bundle.link.iter().any(|link| link.relation == "next");
        if more_follow { Err(Error::Incomplete(kind)) } else { Ok(()) }
    }

    fn allergies(&self) -> Result<Vec<Allergy>, Error> {
        self.must_be_whole("AllergyIntolerance")?;
        let mut allergies = Vec::new();
        for record in self.records() {
            let Resource::AllergyIntolerance(allergy) = record else { continue };
            self.is_the_patients("AllergyIntolerance", &allergy.patient)?;
            let is_over = matches!(allergy.clinical_status.only_code(), Some("inactive" | "resolved"));
            if !is_over && !is_withdrawn(&allergy.verification_status) {
                allergies.push(self.allergy(allergy));
            }
        }
        Ok(allergies)
    }

    fn allergy(&self, allergy: &resource::AllergyIntolerance) -> Allergy {
        let signs = allergy.reaction.iter().flat_map(|reaction| &reaction.manifestation).map(label);
        let severities = allergy.reaction.iter().map(|reaction| self.severity(reaction.severity.as_deref()));
        Allergy {
            substance: label(&allergy.code),
            reaction: signs.filter(|sign| !sign.is_empty()).collect::<Vec<_>>().join(", "),
            severity: severities.map(i32::from).max().unwrap_or_default(),
            recorded_on: self.reader.date(
                "AllergyIntolerance",
                "recordedDate",
                allergy.recorded_date.as_deref(),
            ),
        }
    }

    fn severity(&self, code: Option<&str>) -> Severity {
        match code {
            Some("mild") => Severity::Mild,
            Some("moderate") => Severity::Moderate,
            Some("severe") => Severity::Severe,
            None => Severity::Unspecified,
            Some(_) => {
                self.reader.not_understood("AllergyIntolerance", "severity");
                Severity::Unspecified
            }
        }
    }

    fn conditions(&self) -> Result<Vec<Condition>, Error> {
        let mut conditions = Vec::new();
        for record in self.records() {
            let Resource::Condition(condition) = record else { continue };
            self.is_the_patients("Condition", &condition.subject)?;
            let told = self.condition(condition);
            // Told without its end, a problem that is over would be one that lasts.
            let is_over =
                matches!(condition.clinical_status.only_code(), Some("inactive" | "remission" | "resolved"));
            if !is_withdrawn(&condition.verification_status) && (!is_over || told.until.is_some()) {
                conditions.push(told);
            }
        }
        Ok(conditions)
    }

    fn condition(&self, condition: &resource::Condition) -> Condition {
        let date = |moment: &Option<String>, otherwise: &Option<String>| {
            let text = moment.as_deref().or(otherwise.as_deref());
            self.reader.date("Condition", "onset or abatement", text)
        };
        let (system, code) = self.reader.systems.chronic.split_once('|').unwrap_or_default();
        Condition {
            icd10_code: self.reader.icd10(&condition.code),
            title_vi: label(&condition.code),
            chronic: condition.category.iter().any(|category| category.has(system, code)),
            since: date(&condition.onset_date_time, &condition.onset_period.start),
            until: date(&condition.abatement_date_time, &condition.abatement_period.end),
        }
    }

    fn medications(&self) -> Result<Vec<Medication>, Error> {
        self.must_be_whole("MedicationStatement")?;
        let included = Included::of(self.bundle);
        let mut medications = Vec::new();
        for record in self.records() {
            let Resource::MedicationStatement(statement) = record else { continue };
            self.is_the_patients("MedicationStatement", &statement.subject)?;
            if statement.status.as_deref() == Some("active") {
                medications.push(self.medication(statement, &included));
            }
        }
        Ok(medications)
    }

    fn medication(&self, statement: &resource::MedicationStatement, included: &Included<'_>) -> Medication {
        let product = statement.medication_reference.as_ref();
        let product = product.and_then(|reference| self.product(reference, &statement.contained, included));
        let ingredients = product.iter().flat_map(|product| &product.ingredient);
        let ingredients = ingredients.map(|ingredient| label(&ingredient.item_codeable_concept));
        let displayed = || statement.medication_reference.as_ref().and_then(|one| one.display.clone());
        let name = statement.medication_codeable_concept.as_ref().or(product.map(|product| &product.code));
        let since = statement.effective_date_time.as_deref().or(statement.effective_period.start.as_deref());
        Medication {
            name: name.map(label).or_else(displayed).unwrap_or_default(),
            active_ingredient: ingredients.filter(|one| !one.is_empty()).collect::<Vec<_>>().join(", "),
            dosage: statement.dosage.iter().find_map(|dosage| dosage.text.clone()).unwrap_or_default(),
            since: self.reader.date("MedicationStatement", "effective", since),
        }
    }

    /// The medicine that a statement names: one that it contains, or one that came along.
    fn product<'s>(
        &self,
        reference: &Reference,
        contained: &'s [Resource],
        included: &Included<'s>,
    ) -> Option<&'s resource::Medication> {
        let inside = reference.reference.as_deref().and_then(|text| text.strip_prefix('#'));
        let resource = match inside {
            Some(id) => contained.iter().find(|resource| {
                matches!(resource, Resource::Medication(one) if one.id.trim_start_matches('#') == id)
            }),
            None => self.reader.target(reference).and_then(|target| included.get(target)),
        };
        match resource? {
            Resource::Medication(medication) => Some(medication),
            _ => None,
        }
    }

    fn encounters(&self) -> Result<Vec<Encounter>, Error> {
        let included = Included::of(self.bundle);
        let mut encounters = Vec::new();
        for record in self.records() {
            let Resource::Encounter(encounter) = record else { continue };
            self.is_the_patients("Encounter", &encounter.subject)?;
            if !matches!(encounter.status.as_deref(), Some("planned" | "cancelled" | "entered-in-error")) {
                encounters.push(self.encounter(encounter, &included));
            }
        }
        Ok(encounters)
    }

    fn encounter(&self, encounter: &resource::Encounter, included: &Included<'_>) -> Encounter {
        let (facility_code, facility_name) =
            self.reader.facility(encounter.service_provider.as_ref(), included);
        Encounter {
            on_date: self.reader.date("Encounter", "period", encounter.period.start.as_deref()),
            facility_code,
            facility_name,
            icd10_code: self.main_diagnosis(encounter, included),
            inpatient: self.stayed(encounter.class.code.as_deref()),
        }
    }

    /// The reason of the encounter, else its diagnosis of the first rank.
    fn main_diagnosis(&self, encounter: &resource::Encounter, included: &Included<'_>) -> String {
        let reason = encounter.reason_code.iter().map(|reason| self.reader.icd10(reason));
        if let Some(code) = reason.into_iter().find(|code| !code.is_empty()) {
            return code;
        }
        let first = encounter.diagnosis.iter().min_by_key(|one| one.rank.unwrap_or(u32::MAX));
        let condition = first
            .and_then(|diagnosis| self.reader.target(&diagnosis.condition))
            .and_then(|target| included.get(target));
        match condition {
            Some(Resource::Condition(condition)) => self.reader.icd10(&condition.code),
            _ => String::new(),
        }
    }

    /// By HL7's classes of encounters.
    fn stayed(&self, class: Option<&str>) -> bool {
        match class {
            Some("IMP" | "ACUTE" | "NONAC" | "SS") => true,
            None | Some("AMB" | "EMER" | "FLD" | "HH" | "OBSENC" | "PRENC" | "VR") => false,
            Some(_) => {
                self.reader.not_understood("Encounter", "class");
                false
            }
        }
    }

    fn last_observation(&self) -> Result<Option<&'a resource::Observation>, Error> {
        for record in self.records() {
            let Resource::Observation(observation) = record else { continue };
            self.is_the_patients("Observation", &observation.subject)?;
            if matches!(observation.status.as_deref(), Some("final" | "amended" | "corrected")) {
                return Ok(Some(observation));
            }
        }
        Ok(None)
    }
}

fn is_withdrawn(verification: &CodeableConcept) -> bool {
    matches!(verification.only_code(), Some("refuted" | "entered-in-error"))
}
