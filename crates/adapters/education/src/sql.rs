//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use async_trait::async_trait;
use lgsp_adapter::{OpenError, Options, Query, Reader, SourceError, Tables};
use lgsp_identifiers::PersonKey;
use lgsp_proto::education::v1::Student;
use lgsp_proto::record::v1::Provenance;
use tokio::time::Instant;

use crate::relations::{RELATIONS, SCHEMA_VERSION};
use crate::{Parts, Registered, SchoolYear, Source, StudentKey, Year};

#[cfg(test)]
mod plans;
mod read;
mod statements;

use statements::Statements;

/// A register of students and diplomas on a database. Read only.
#[derive(Clone, Debug)]
pub struct Register {
    tables: Tables,
    statements: Statements,
}

impl Register {
    /// Opens the register.
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

    fn student_by<'a>(&'a self, student: &'a StudentKey) -> Query<'a> {
        let of = &self.statements;
        match student {
            StudentKey::Code(code) => of.student_by_code.query().bind(code.as_str()),
            StudentKey::Person(PersonKey::Number(number)) => {
                of.student_by_number.query().bind(number.as_str())
            }
            StudentKey::Person(PersonKey::OldCard(card)) => {
                of.student_by_old_card.query().bind(card.as_str())
            }
        }
    }

    async fn in_year(
        &self,
        reader: &mut Reader,
        year: Year,
        student: Student,
    ) -> Result<Student, SourceError> {
        let year = match year {
            Year::Last => None,
            Year::In(year) => Some(year.to_string()),
            Year::LastUpTo(year) => Some(self.last_year(reader, year).await?),
        };
        let enrolment = match &year {
            None => self.statements.last_enrolment.query().bind(&student.student_code),
            Some(year) => self.statements.enrolment_in.query().bind(&student.student_code).bind(year),
        };
        match reader.optional(enrolment).await? {
            Some(row) => read::enrolled(&self.tables, &row, student),
            None => Ok(student),
        }
    }

    /// The last school year of anybody, up to one; that one, if there is none.
    async fn last_year(&self, reader: &mut Reader, most: SchoolYear) -> Result<String, SourceError> {
        let row = reader.optional(self.statements.last_year.query().bind(most.to_string())).await?;
        let year = row.map(|row| row.maybe_text("school_year")).transpose()?.flatten();
        Ok(year.unwrap_or_else(|| most.to_string()))
    }

    /// Adds what hangs on a student.
    async fn add(
        &self,
        reader: &mut Reader,
        wanted: Parts,
        mut student: Student,
    ) -> Result<Student, SourceError> {
        let (of, code) = (&self.statements, student.student_code.clone());
        if wanted.guardians {
            let guardians = of.guardians.query().bind(&code);
            student.guardians = self.tables.all(reader, guardians, read::guardian).await?;
        }
        if wanted.diplomas {
            let diplomas = of.diplomas.query().bind(&code);
            student.diplomas = self.tables.all(reader, diplomas, read::diploma).await?;
        }
        if wanted.ratings {
            let rated = reader.optional(of.ratings.query().bind(&code)).await?;
            (student.conduct_rating, student.study_rating) = match rated {
                Some(row) => read::ratings(&self.tables, &row)?,
                None => Default::default(),
            };
        }
        Ok(student)
    }
}

#[async_trait]
impl Source for Register {
    async fn student(
        &self,
        student: &StudentKey,
        year: Year,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Student>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let found = self.tables.only(&mut reader, self.student_by(student)).await?;
        let Some(row) = found else { return Ok(None) };
        let student = read::student(&self.tables, &row)?;
        let student = self.in_year(&mut reader, year, student).await?;
        self.add(&mut reader, parts, student).await.map(Some)
    }

    async fn diplomas(&self, serial_number: &str, deadline: Instant) -> Result<Vec<Registered>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let by_serial = self.statements.diplomas_by_serial.query().bind(serial_number);
        self.tables.all(&mut reader, by_serial, read::registered).await
    }

    fn origin(&self) -> Option<Provenance> {
        self.tables.origin().provenance(None)
    }
}
