//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use async_trait::async_trait;
use lgsp_adapter::{OpenError, Options, Query, Reader, SourceError, Tables, page, records};
use lgsp_identifiers::PersonKey;
use lgsp_proto::health::v1::{Immunization, PatientSummary};
use tokio::time::Instant;

use crate::relations::{PATIENT, RELATIONS, SCHEMA_VERSION};
use crate::{Card, Parts, PatientKey, Source};

#[cfg(test)]
mod plans;
mod read;
mod statements;

use statements::Statements;

/// A health database. Read only.
#[derive(Clone, Debug)]
pub struct Records {
    tables: Tables,
    statements: Statements,
}

impl Records {
    /// Opens the database.
    ///
    /// # Errors
    /// It is missing, does not answer, or is not what the adapter reads.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let tables = Tables::open(options, RELATIONS, SCHEMA_VERSION).await?;
        let statements = Statements::new(&tables);
        Ok(Self { tables, statements })
    }

    /// Its tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    fn cards_of<'a>(&'a self, holder: &'a PatientKey) -> Query<'a> {
        let of = &self.statements;
        match holder {
            PatientKey::Person(person) => of.cards.query(person),
            PatientKey::Card(card) => {
                of.cards_by_social_insurance.query().bind(card.social_insurance_number())
            }
        }
    }

    fn patient_by<'a>(&'a self, patient: &'a PatientKey) -> Query<'a> {
        let of = &self.statements;
        match patient {
            PatientKey::Person(person) => of.patient.query(person),
            PatientKey::Card(card) => {
                of.patient_by_card.query().bind(card.social_insurance_number()).bind(card.as_str())
            }
        }
    }

    fn immunizations_of<'a>(&'a self, patient_number: &'a str, after: i64, limit: usize) -> Query<'a> {
        let of = &self.statements;
        let query = match after {
            page::START => of.first_immunizations.query().bind(patient_number),
            after => of.next_immunizations.query().bind(patient_number).bind(after),
        };
        query.bind(limit as i64)
    }

    /// Adds what hangs on a patient.
    async fn add(
        &self,
        reader: &mut Reader,
        wanted: Parts,
        summary: &mut PatientSummary,
    ) -> Result<(), SourceError> {
        let number = summary.patient_id.clone();
        let of = &self.statements;
        if wanted.allergies {
            summary.allergies =
                self.tables.all(reader, of.allergies.query().bind(&number), read::allergy).await?;
        }
        if wanted.conditions {
            summary.conditions =
                self.tables.all(reader, of.conditions.query().bind(&number), read::condition).await?;
        }
        if wanted.medications {
            let in_use = of.medications.query().bind(&number).bind(records::today().to_string());
            summary.medications = self.tables.all(reader, in_use, read::medication).await?;
        }
        if wanted.encounters {
            summary.encounters =
                self.tables.all(reader, of.encounters.query().bind(&number), read::encounter).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Source for Records {
    async fn cards(&self, holder: &PatientKey, deadline: Instant) -> Result<Vec<Card>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        self.tables.all(&mut reader, self.cards_of(holder), read::card).await
    }

    async fn summary(
        &self,
        patient: &PatientKey,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<PatientSummary>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.patient_by(patient)).await?;
        let Some(row) = found else { return Ok(None) };
        let mut summary = read::summary(&self.tables, &row)?;
        self.add(&mut reader, parts, &mut summary).await?;
        Ok(Some(summary))
    }

    async fn immunizations(
        &self,
        person: &PersonKey,
        after: i64,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(i64, Immunization)>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.statements.patient_number.query(person)).await?;
        let Some(patient) = found else { return Ok(Vec::new()) };
        let number = self.tables.record(&PATIENT, &patient).number("patient_number")?;
        self.tables.all(&mut reader, self.immunizations_of(&number, after, limit), read::immunization).await
    }
}
