//! The source on a database of either kind: the native schema, or an agency's own tables through a mapping.

use async_trait::async_trait;
use lgsp_adapter::{OfPage, OpenError, Options, Reader, Row, SourceError, Tables, records};
use lgsp_identifiers::{EnterpriseCode, PersonKey};
use lgsp_proto::business::v1::Enterprise;
use lgsp_proto::record::v1::Match;
use tokio::time::Instant;

use crate::relations::{RELATIONS, SCHEMA_VERSION};
use crate::{Parts, Source, verify};

#[cfg(test)]
mod plans;
mod read;
mod statements;

use statements::Statements;

/// A business register on a database. Read only.
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

    /// Reads enterprises, which are in ascending order of their numbers, with what hangs on them.
    async fn read(
        &self,
        reader: &mut Reader,
        rows: &[Row],
        wanted: Parts,
    ) -> Result<Vec<(i64, Enterprise)>, SourceError> {
        let of = &self.statements;
        let mut page = OfPage::new(&self.tables, rows, "enterprise_id")?;
        if wanted.business_lines {
            page.want(&of.business_lines, read::business_line);
        }
        if wanted.representatives {
            page.want(&of.representatives, read::representative);
        }
        if wanted.members {
            page.want(&of.members, read::member);
        }
        if wanted.branches {
            page.want(&of.branches, read::branch);
        }
        if wanted.former_names {
            page.want(&of.former_names, read::former_name);
        }
        if wanted.former_addresses {
            page.want(&of.former_addresses, read::former_address);
        }
        page.read(reader, |row| read::enterprise(&self.tables, row)).await
    }
}

#[async_trait]
impl Source for Register {
    async fn enterprise(
        &self,
        code: &EnterpriseCode,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Enterprise>, SourceError> {
        let mut reader = self.tables.reader(deadline).await?;
        let by_code = self.statements.enterprise.query().bind(code.as_str());
        let Some(row) = self.tables.only(&mut reader, by_code).await? else { return Ok(None) };
        let found = self.read(&mut reader, &[row], parts).await?;
        Ok(found.into_iter().next().map(|(_, enterprise)| enterprise))
    }

    async fn represents(
        &self,
        code: &EnterpriseCode,
        person: &PersonKey,
        deadline: Instant,
    ) -> Result<Match, SourceError> {
        let claimed = self.statements.claimed.query(person).bind(code.as_str());
        let claimed = claimed.bind(records::today().to_string());
        let mut reader = self.tables.reader(deadline).await?;
        let representatives = self.tables.all(&mut reader, claimed, read::numbers).await?;
        Ok(verify::represents(person, &representatives))
    }

    async fn enterprises_of(
        &self,
        representative: &PersonKey,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Enterprise)>, SourceError> {
        let represented = self.statements.represented.query(representative).bind(after).bind(limit as i64);
        let represented = represented.bind(records::today().to_string());
        let mut reader = self.tables.reader(deadline).await?;
        let rows = reader.all(represented).await?;
        self.read(&mut reader, &rows, parts).await
    }
}
