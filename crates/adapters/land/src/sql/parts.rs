//! What hangs on parcels: former keys, land uses, owners, restrictions, lineage.

use lgsp_adapter::{OfPage, Reader, SourceError, Tables};
use lgsp_proto::land::v1::Parcel;

use super::read;
use super::statements::Statements;
use crate::Parts;

/// Adds to parcels, in ascending order of their numbers, what hangs on them.
pub(super) async fn add(
    tables: &Tables,
    statements: &Statements,
    reader: &mut Reader,
    parcels: &mut [(i64, Parcel)],
    wanted: Parts,
) -> Result<(), SourceError> {
    let mut page = OfPage::new(tables, reader, parcels);
    if wanted.former_keys {
        page.add(&statements.former_keys, read::former_key).await?;
    }
    if wanted.land_uses {
        page.add(&statements.land_uses, read::land_use).await?;
    }
    if wanted.owners {
        page.add(&statements.owners, read::owner).await?;
    }
    if wanted.restrictions {
        page.add(&statements.restrictions, read::restriction).await?;
    }
    if wanted.lineage {
        page.add(&statements.predecessors, read::predecessor).await?;
        page.add(&statements.successors, read::successor).await?;
    }
    Ok(())
}
