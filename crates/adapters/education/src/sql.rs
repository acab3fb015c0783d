//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use std::cmp::Reverse;

use async_trait::async_trait;
use lgsp_adapter::{OpenError, Options, Query, Reader, Row, SourceError, Tables};
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
            StudentKey::Person(person) => of.student_by_person.query(person),
        }
    }

    /// The student in the school year that is asked for.
    async fn in_year(
        &self,
        reader: &mut Reader,
        year: Year,
        student: Student,
    ) -> Result<Student, SourceError> {
        let enrolments = self.statements.enrolments.query().bind(&student.student_code);
        let enrolments = self.with_years(reader.all(enrolments).await?)?;
        let enrolment = match year {
            Year::Last => last_of(&enrolments, |_| true),
            Year::In(year) => last_of(&enrolments, |of| of == year),
            Year::Current(year) => self.current(reader, year, &enrolments).await?,
        };
        match enrolment {
            Some(row) => read::enrolled(&self.tables, row, student),
            None => Ok(student),
        }
    }

    /// Enrolments with their school years; one without is left out.
    fn with_years(&self, rows: Vec<Row>) -> Result<Vec<(SchoolYear, Row)>, SourceError> {
        let mut enrolments = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(year) = read::school_year(&self.tables, &row)? {
                enrolments.push((year, row));
            }
        }
        Ok(enrolments)
    }

    /// The enrolment in a year that has begun; or in the one before, if the school has handed in nobody of this one, and unless the
    /// student finished school in it or left.
    async fn current<'a>(
        &self,
        reader: &mut Reader,
        year: SchoolYear,
        enrolments: &'a [(SchoolYear, Row)],
    ) -> Result<Option<&'a Row>, SourceError> {
        if let Some(enrolment) = last_of(enrolments, |of| of == year) {
            return Ok(Some(enrolment));
        }
        let Some(before) = last_of(enrolments, |of| of == year.previous()) else { return Ok(None) };
        if !read::may_go_on(&self.tables, before)? {
            return Ok(None);
        }
        let school_code = read::school_code(&self.tables, before)?;
        let anybody = self.statements.anybody_of_school.query().bind(&school_code).bind(year.to_string());
        let is_behind = reader.optional(anybody).await?.is_none();
        Ok(Some(before).filter(|_| is_behind))
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
            let mut rated = self.with_years(reader.all(of.ratings.query().bind(&code)).await?)?;
            rated.sort_by_key(|(year, _)| Reverse(*year));
            for (_, row) in &rated {
                let ratings = read::ratings(&self.tables, row)?;
                if ratings != Default::default() {
                    (student.conduct_rating, student.study_rating) = ratings;
                    break;
                }
            }
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

/// The first enrolment of the last year that will do.
fn last_of(enrolments: &[(SchoolYear, Row)], will_do: impl Fn(SchoolYear) -> bool) -> Option<&Row> {
    let last = enrolments.iter().map(|(year, _)| *year).filter(|year| will_do(*year)).max()?;
    enrolments.iter().find(|(year, _)| *year == last).map(|(_, row)| row)
}
