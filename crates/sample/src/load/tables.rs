use std::future::Future;

use super::Sink;
use super::domains::{DOMAINS, Domain};
use super::rows::{Ids, Rows};
use crate::Home;
use crate::error::Error;

/// Databases that are being filled.
pub(super) trait Tables {
    /// Writes rows of one table.
    fn write(
        &mut self,
        domain: &'static Domain,
        rows: &Rows<'_>,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Takes homes as rows of the tables of every domain.
pub(super) struct Rowwise<T> {
    pub(super) tables: T,
    ids: [Ids; DOMAINS.len()],
}

impl<T: Tables> Rowwise<T> {
    /// Begins with what stands before all homes.
    pub(super) async fn begin(mut tables: T) -> Result<Self, Error> {
        for domain in &DOMAINS {
            for rows in domain.first_rows() {
                tables.write(domain, &rows).await?;
            }
        }
        Ok(Self { tables, ids: Default::default() })
    }
}

impl<T: Tables + Send> Sink for Rowwise<T> {
    async fn take(&mut self, homes: &[Home]) -> Result<(), Error> {
        for (domain, ids) in DOMAINS.iter().zip(&mut self.ids) {
            for rows in (domain.rows)(homes, ids).iter().filter(|rows| !rows.is_empty()) {
                self.tables.write(domain, rows).await?;
            }
        }
        Ok(())
    }
}
