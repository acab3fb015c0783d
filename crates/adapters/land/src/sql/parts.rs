//! What hangs on parcels: former keys, land uses, owners, restrictions, lineage.

use lgsp_adapter::{OfPage, Row, SourceError, Tables};
use lgsp_proto::land::v1::Parcel;

use super::read;
use super::statements::Statements;
use crate::Parts;

/// What is wanted of that which hangs on parcels, whose rows are in ascending order of their numbers.
pub(super) fn wanted<'a>(
    tables: &'a Tables,
    of: &'a Statements,
    rows: &'a [Row],
    wanted: Parts,
) -> Result<OfPage<'a, Parcel>, SourceError> {
    let mut page = OfPage::new(tables, rows, "parcel_id")?;
    if wanted.former_keys {
        page.want(&of.former_keys, read::former_key);
    }
    if wanted.land_uses {
        page.want(&of.land_uses, read::land_use);
    }
    if wanted.owners {
        page.want(&of.owners, read::owner);
    }
    if wanted.restrictions {
        page.want(&of.restrictions, read::restriction);
    }
    if wanted.lineage {
        page.want(&of.predecessors, read::predecessor);
        page.want(&of.successors, read::successor);
    }
    Ok(page)
}
