//! What agreements have used of their quotas of a day: counted in the transaction that indexes an entry, so that each counts once
//! however often its record is read.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use lgsp_core::time::{day, unix_micros};
use lgsp_proto::ledger::v1::{GatewayUsage, Phase, Usage};
use sqlx::{Sqlite, Transaction};

use super::{Index, Row, failed};
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
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[&Row],
    new: &HashSet<i64>,
) -> Result<(), sqlx::Error> {
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
        sqlx::query(
            "INSERT INTO usage (day, agreement, gateway, used, last_us) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET used = used + excluded.used, last_us = max(last_us, excluded.last_us)",
        )
        .bind(day)
        .bind(agreement)
        .bind(gateway)
        .bind(used)
        .bind(last)
        .execute(&mut **transaction)
        .await?;
    }
    sqlx::query("DELETE FROM usage WHERE day < ?").bind(oldest).execute(&mut **transaction).await?;
    Ok(())
}

impl Index {
    /// The agreements that were used on a day.
    pub async fn used_on(&self, day: &str) -> Result<Vec<String>, Error> {
        sqlx::query_scalar("SELECT DISTINCT agreement FROM usage WHERE day = ?")
            .bind(day)
            .fetch_all(self.store.pool())
            .await
            .map_err(failed)
    }

    /// What was used of an agreement on a day.
    pub async fn usage(&self, day: &str, agreement: &str) -> Result<Usage, Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT gateway, used FROM usage WHERE day = ? AND agreement = ? ORDER BY last_us DESC",
        )
        .bind(day)
        .bind(agreement)
        .fetch_all(self.store.pool())
        .await
        .map_err(failed)?;
        let used = rows.iter().map(|(_, used)| used.cast_unsigned()).sum();
        let named = rows.into_iter().take(MOST_GATEWAYS);
        let gateways = named.map(|(gateway, used)| GatewayUsage { gateway, used: used.cast_unsigned() });
        Ok(Usage { agreement: agreement.to_owned(), day: day.to_owned(), used, gateways: gateways.collect() })
    }
}
