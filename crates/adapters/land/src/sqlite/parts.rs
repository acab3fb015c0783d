//! What hangs on parcels: former keys, land uses, owners, restrictions, lineage. Each kind is read at once for all
//! parcels of a page.

use lgsp_adapter::records::date;
use lgsp_adapter::{Reader, SourceError, until};
use lgsp_proto::land::v1::{FormerKey, LandUse, Owner, Parcel, Restriction};
use sqlx::FromRow;
use sqlx::sqlite::SqliteRow;
use tokio::time::Instant;

use crate::Parts;

const FORMER_KEYS: &str = "
    SELECT parcel_id, ward_code, map_sheet, parcel_number, valid_to FROM former_key
    WHERE parcel_id IN (SELECT value FROM json_each(?)) ORDER BY parcel_id, valid_to DESC";

const LAND_USES: &str = "
    SELECT parcel_id, code, title_vi, area_m2, until FROM land_use
    WHERE parcel_id IN (SELECT value FROM json_each(?)) ORDER BY parcel_id, land_use_id";

const OWNERS: &str = "
    SELECT parcel_id, kind, personal_number, old_identity_number, enterprise_code, name, share_numerator,
           share_denominator, since
    FROM owner
    WHERE until IS NULL AND parcel_id IN (SELECT value FROM json_each(?)) ORDER BY parcel_id, owner_id";

/// In force today in Viet Nam; one that ends in a month or year without a day is in force to its end.
const RESTRICTIONS: &str = "
    SELECT parcel_id, kind, holder, since, until FROM restriction
    WHERE parcel_id IN (SELECT value FROM json_each(?))
      AND (until IS NULL OR until >= substr(date('now', '+7 hours'), 1, length(until)))
    ORDER BY parcel_id, restriction_id";

const PREDECESSORS: &str = "
    SELECT p.parcel_id, l.predecessor_uuid AS uuid FROM parcel p JOIN lineage l ON l.successor_uuid = p.uuid
    WHERE p.parcel_id IN (SELECT value FROM json_each(?)) ORDER BY uuid";

const SUCCESSORS: &str = "
    SELECT p.parcel_id, l.successor_uuid AS uuid FROM parcel p JOIN lineage l ON l.predecessor_uuid = p.uuid
    WHERE p.parcel_id IN (SELECT value FROM json_each(?)) ORDER BY uuid";

/// Adds to parcels, in ascending order of their numbers, what hangs on them.
pub(super) async fn add(
    reader: &mut Reader,
    parcels: &mut [(i64, Parcel)],
    wanted: Parts,
    deadline: Instant,
) -> Result<(), SourceError> {
    if parcels.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = parcels.iter().map(|(number, _)| *number).collect();
    let mut of_page = OfPage { reader, numbers: serde_json::json!(numbers).to_string(), deadline };
    if wanted.former_keys {
        of_page
            .each(FORMER_KEYS, parcels, |parcel, row: FormerKeyRow| parcel.former_keys.push(row.into()))
            .await?;
    }
    if wanted.land_uses {
        of_page.each(LAND_USES, parcels, |parcel, row: LandUseRow| parcel.land_uses.push(row.into())).await?;
    }
    if wanted.owners {
        of_page.each(OWNERS, parcels, |parcel, row: OwnerRow| parcel.owners.push(row.into())).await?;
    }
    if wanted.restrictions {
        of_page
            .each(RESTRICTIONS, parcels, |parcel, row: RestrictionRow| parcel.restrictions.push(row.into()))
            .await?;
    }
    if wanted.lineage {
        of_page
            .each(PREDECESSORS, parcels, |parcel, row: LineageRow| parcel.predecessor_ids.push(row.uuid))
            .await?;
        of_page
            .each(SUCCESSORS, parcels, |parcel, row: LineageRow| parcel.successor_ids.push(row.uuid))
            .await?;
    }
    Ok(())
}

struct OfPage<'a> {
    reader: &'a mut Reader,
    /// The parcels' numbers as a JSON array, which is how SQLite takes a list as one value.
    numbers: String,
    deadline: Instant,
}

trait OfParcel {
    fn parcel_id(&self) -> i64;
}

impl OfPage<'_> {
    async fn each<R>(
        &mut self,
        select: &'static str,
        parcels: &mut [(i64, Parcel)],
        add: impl Fn(&mut Parcel, R),
    ) -> Result<(), SourceError>
    where
        R: OfParcel + for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let rows = sqlx::query_as::<_, R>(select).bind(&self.numbers).fetch_all(&mut **self.reader);
        for row in until(self.deadline, rows).await? {
            if let Ok(index) = parcels.binary_search_by_key(&row.parcel_id(), |(number, _)| *number) {
                add(&mut parcels[index].1, row);
            }
        }
        Ok(())
    }
}

macro_rules! of_parcel {
    ($($row:ident),*) => {$(
        impl OfParcel for $row {
            fn parcel_id(&self) -> i64 {
                self.parcel_id
            }
        }
    )*};
}

of_parcel!(FormerKeyRow, LandUseRow, OwnerRow, RestrictionRow, LineageRow);

#[derive(FromRow)]
struct FormerKeyRow {
    parcel_id: i64,
    ward_code: String,
    map_sheet: i64,
    parcel_number: i64,
    valid_to: String,
}

impl From<FormerKeyRow> for FormerKey {
    fn from(row: FormerKeyRow) -> Self {
        Self {
            parcel_key: format!("{}/{}/{}", row.ward_code, row.map_sheet, row.parcel_number),
            valid_to: date(Some(&row.valid_to)),
        }
    }
}

#[derive(FromRow)]
struct LandUseRow {
    parcel_id: i64,
    code: String,
    title_vi: String,
    area_m2: f64,
    until: Option<String>,
}

impl From<LandUseRow> for LandUse {
    fn from(row: LandUseRow) -> Self {
        Self {
            code: row.code,
            title_vi: row.title_vi,
            area_m2: row.area_m2,
            until: date(row.until.as_deref()),
        }
    }
}

#[derive(FromRow)]
struct OwnerRow {
    parcel_id: i64,
    kind: i32,
    personal_number: Option<String>,
    old_identity_number: Option<String>,
    enterprise_code: Option<String>,
    name: String,
    share_numerator: i32,
    share_denominator: i32,
    since: Option<String>,
}

impl From<OwnerRow> for Owner {
    fn from(row: OwnerRow) -> Self {
        Self {
            kind: row.kind,
            personal_number: row.personal_number.unwrap_or_default(),
            enterprise_code: row.enterprise_code.unwrap_or_default(),
            name: row.name,
            share_numerator: row.share_numerator,
            share_denominator: row.share_denominator,
            since: date(row.since.as_deref()),
            old_identity_number: row.old_identity_number.unwrap_or_default(),
        }
    }
}

#[derive(FromRow)]
struct RestrictionRow {
    parcel_id: i64,
    kind: i32,
    holder: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl From<RestrictionRow> for Restriction {
    fn from(row: RestrictionRow) -> Self {
        Self {
            kind: row.kind,
            holder: row.holder.unwrap_or_default(),
            since: date(row.since.as_deref()),
            until: date(row.until.as_deref()),
        }
    }
}

#[derive(FromRow)]
struct LineageRow {
    parcel_id: i64,
    uuid: String,
}
