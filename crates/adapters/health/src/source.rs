use async_trait::async_trait;
use lgsp_adapter::{Fields, SourceError};
use lgsp_identifiers::{HealthInsuranceCard, PartialDate, PersonKey};
use lgsp_proto::health::v1::{Immunization, InsuranceCard, PatientSummary};
use lgsp_proto::record::v1::Provenance;
use tokio::time::Instant;

/// What a patient or a holder of cards is asked for by.
#[derive(Clone, Debug)]
pub enum PatientKey {
    /// A person.
    Person(PersonKey),
    /// A health-insurance card, or the social-insurance number alone.
    Card(HealthInsuranceCard),
}

/// A health-insurance card as the source keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    /// The card itself.
    pub record: InsuranceCard,
    /// Whether the insurer withdrew or locked it.
    pub suspension: Option<Suspension>,
    /// Where it comes from.
    pub provenance: Option<Provenance>,
}

/// From when on a card is withdrawn or locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// From a day on.
    From(PartialDate),
    /// The source does not know since when.
    Undated,
}

/// Which of the things that hang on a patient are read with the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Allergies and intolerances.
    pub allergies: bool,
    /// Health problems.
    pub conditions: bool,
    /// Medicines in use.
    pub medications: bool,
    /// The last encounters.
    pub encounters: bool,
}

impl Parts {
    /// The parts of the summary that may leave.
    pub fn of(fields: &Fields) -> Self {
        Self {
            allergies: fields.wants("summary.allergies"),
            conditions: fields.wants("summary.conditions"),
            medications: fields.wants("summary.medications"),
            encounters: fields.wants("summary.encounters"),
        }
    }
}

/// A system of record of insurance cards, patients and immunizations. Every question ends at its deadline.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Lists the cards of a holder, valid or not, in any order: at most [`MOST_CARDS`], the latest. By a card: all that
    /// have its social-insurance number, which are one person's; whether they are the card in question is not the
    /// source's to say.
    ///
    /// # Errors
    /// The source did not answer.
    async fn cards(&self, holder: &PatientKey, deadline: Instant) -> Result<Vec<Card>, SourceError>;

    /// Finds a patient's summary, with the parts that are asked for. By a card: the patient who has its
    /// social-insurance number.
    ///
    /// # Errors
    /// The source did not answer.
    async fn summary(
        &self,
        patient: &PatientKey,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<PatientSummary>, SourceError>;

    /// Lists a person's immunizations, newest first, each with its number: up to `limit` of those that come after the
    /// one with the number `after` in this order. [`lgsp_adapter::page::START`] comes before all. A number means nothing
    /// outside the source and stays the same while the list does; none follow one that is not in the list any more.
    ///
    /// # Errors
    /// The source did not answer.
    async fn immunizations(
        &self,
        person: &PersonKey,
        after: i64,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(i64, Immunization)>, SourceError>;
}

/// Most cards that a source lists of one holder.
pub const MOST_CARDS: usize = 50;
