//! What agreements have used of their quotas of a day: counted in the transaction that indexes an entry, so that each counts once
//! however often its record is read.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use lgsp_core::time::{day, unix_micros};
use lgsp_proto::ledger::v1::{GatewayUsage, Phase, Usage};
use lgsp_store::{Query, Writer};

use super::{Index, Row, failed, text};
use crate::Error;
use crate::entry::Signed;

/// How long counts are kept, in µs: entries of a day may come until after its end.
const KEPT: i64 = 2 * 24 * 3_600 * 1_000_000;
/// Most gateways that a count names.
const MOST_GATEWAYS: usize = 64;

/// The agreement that an entry counts under: that of an exchange that has ended and had been sent to a provider, which is what a
/// gateway charges, as a gateway has signed it.
pub(crate) fn agreement_of(row: &Row) -> Option<&str> {
    let sealed = &row.read.sealed;
    let is_sent = row.read.key.phase == Phase::Final && sealed.sent_us > 0 && !sealed.agreement.is_empty();
    (row.read.signed == Signed::Yes && is_sent).then_some(&*sealed.agreement)
}

/// Adds the rows that are new to the counts of their days, and forgets days that are over.
pub(super) async fn count(
    writer: &mut Writer,
    rows: &[&Row],
    new: &HashSet<i64>,
) -> Result<(), lgsp_store::Error> {
    let oldest = day(unix_micros(SystemTime::now()) - KEPT);
    let mut counts: BTreeMap<(String, &str, &str), (i64, i64)> = BTreeMap::new();
    for row in rows.iter().copied().filter(|row| new.contains(&row.leaf.cast_signed())) {
        let Some(agreement) = agreement_of(row) else { continue };
        let sealed = &row.read.sealed;
        let day = day(sealed.admitted_us);
        if day >= oldest {
            let (used, last) = counts.entry((day, agreement, &sealed.gateway)).or_default();
            (*used, *last) = (*used + 1, sealed.admitted_us.max(*last));
        }
    }
    if counts.is_empty() {
        return Ok(());
    }
    for ((day, agreement, gateway), (used, last)) in counts {
        let query = Query::new(
            "INSERT INTO usage (day, agreement, gateway, used, last_us) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (day, agreement, gateway) DO UPDATE SET used = usage.used + excluded.used, \
             last_us = CASE WHEN excluded.last_us > usage.last_us THEN excluded.last_us ELSE usage.last_us END",
        );
        let query = query.bind(day).bind(text(agreement)).bind(text(gateway));
        writer.run(query.bind(used).bind(last)).await?;
    }
    writer.run(Query::new("DELETE FROM usage WHERE day < $1").bind(&oldest)).await?;
    Ok(())
}

impl Index {
    /// The agreements that were used on a day.
    pub async fn used_on(&self, day: &str) -> Result<Vec<String>, Error> {
        let query = Query::new("SELECT DISTINCT agreement FROM usage WHERE day = $1").bind(day);
        let rows = self.rows(query).await.map_err(failed)?;
        rows.iter().map(|row| row.text("agreement").map_err(failed)).collect()
    }

    /// What was used of an agreement on a day.
    pub async fn usage(&self, day: &str, agreement: &str) -> Result<Usage, Error> {
        self.try_usage(day, agreement).await.map_err(failed)
    }

    async fn try_usage(&self, day: &str, agreement: &str) -> Result<Usage, lgsp_store::Error> {
        let query = Query::new(
            "SELECT gateway, used FROM usage WHERE day = $1 AND agreement = $2 ORDER BY last_us DESC",
        );
        let rows = self.rows(query.bind(day).bind(text(agreement))).await?;
        let (mut used, mut gateways) = (0, Vec::new());
        for row in &rows {
            let of_gateway = row.integer("used")?.cast_unsigned();
            used += of_gateway;
            if gateways.len() < MOST_GATEWAYS {
                gateways.push(GatewayUsage { gateway: row.text("gateway")?, used: of_gateway });
            }
        }
        Ok(Usage { agreement: agreement.to_owned(), day: day.to_owned(), used, gateways })
    }
}
