//! Reads every border once, for a check of the source.

use std::collections::BTreeMap;
use std::time::Duration;

use lgsp_adapter::check::{Finding, Wrong};
use lgsp_adapter::{SourceError, page};
use tokio::time::Instant;

use super::{Cadastre, read};
use crate::geometry::Unusable;
use crate::relations::PARCEL;

/// Borders that are read at once.
const PAGE: usize = 1_000;

/// The borders that the adapter cannot tell, by what is wrong with them. Each query may take so long.
pub(super) async fn unusable(
    cadastre: &Cadastre,
    query_timeout: Duration,
) -> Result<Vec<Finding>, SourceError> {
    let Cadastre { tables, dataset, statements, .. } = cadastre;
    let mut counts: BTreeMap<Unusable, u64> = BTreeMap::new();
    let mut after = page::START;
    loop {
        let mut reader = tables.reader(Instant::now() + query_timeout).await?;
        let rows = reader.all(statements.borders.query().bind(after).bind(PAGE as i64)).await?;
        for row in &rows {
            if let Some(wrong) = read::unusable(tables, dataset, row)? {
                *counts.entry(wrong).or_default() += 1;
            }
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE => after = last.integer("parcel_id")?,
            Some(_) | None => return Ok(counts.into_iter().map(finding).collect()),
        }
    }
}

fn finding((wrong, count): (Unusable, u64)) -> Finding {
    Finding {
        relation: PARCEL.name,
        columns: "geometry".to_owned(),
        wrong: Wrong::Broken(wrong.text()),
        count,
        samples: Vec::new(),
    }
}
