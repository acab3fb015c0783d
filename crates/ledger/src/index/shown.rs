//! Which entry of an exchange lists and searches show.

use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;
use lgsp_store::{Dialect, Kind, Sql, Writer};

use super::Row;

/// Whether an entry of this phase is shown, unless another one is; as the column of the table has it.
pub(super) fn shown(phase: Phase) -> i32 {
    match phase {
        Phase::Final | Phase::Abandoned => 1,
        Phase::Opening => 2,
        Phase::Unspecified | Phase::Part | Phase::Attempts | Phase::Act => 0,
    }
}

/// What is not signed is shown only of an exchange of which nothing is signed. Of the others the final entry of an exchange is shown,
/// and not that it was abandoned; either, and not that it has begun. What was abandoned was admitted when its other entries say: the
/// ledger knew that only by its id.
const SHOW: [(&str, &str); 4] = [
    (
        "UPDATE entry SET shown = 0 WHERE signed = 0 AND phase IN (1, 3, 4) AND exchange_id",
        " AND EXISTS (SELECT 1 FROM entry AS other WHERE other.exchange_id = entry.exchange_id AND other.phase IN (1, 3, 4) \
         AND other.signed > 0)",
    ),
    (
        "UPDATE entry SET shown = 0 WHERE phase = 4 AND exchange_id",
        " AND EXISTS (SELECT 1 FROM entry AS final WHERE final.exchange_id = entry.exchange_id AND final.phase = 3 \
         AND (final.signed > 0 OR entry.signed = 0))",
    ),
    (
        "UPDATE entry SET shown = 0 WHERE phase = 1 AND exchange_id",
        " AND EXISTS (SELECT 1 FROM entry AS last WHERE last.exchange_id = entry.exchange_id AND last.phase IN (3, 4) \
         AND (last.signed > 0 OR entry.signed = 0))",
    ),
    (
        "UPDATE entry SET admitted_us = coalesce((SELECT other.admitted_us FROM entry AS other WHERE other.exchange_id = entry.exchange_id \
         AND other.phase < 4 AND (other.signed > 0 OR entry.signed = 0) ORDER BY other.phase, other.part LIMIT 1), admitted_us) \
         WHERE phase = 4 AND exchange_id",
        "",
    ),
];

/// Brings up to date what is shown of the exchanges that these rows are of.
pub(super) async fn show(
    writer: &mut Writer,
    dialect: Dialect,
    rows: &[&Row],
) -> Result<(), lgsp_store::Error> {
    let of_exchanges =
        rows.iter().map(|row| row.read.key).filter(|key| key.phase == Phase::Part || shown(key.phase) > 0);
    let exchanges: Vec<ExchangeId> = of_exchanges.map(|key| key.exchange).collect();
    if exchanges.is_empty() {
        return Ok(());
    }
    for (update, condition) in SHOW {
        writer.run(statement(dialect, update, &exchanges, condition).query()).await?;
    }
    Ok(())
}

fn statement<'q>(dialect: Dialect, update: &str, exchanges: &'q [ExchangeId], condition: &str) -> Sql<'q> {
    let mut sql = Sql::new(dialect, update);
    sql.among(Kind::Bytes, exchanges.iter().map(ExchangeId::as_bytes)).push(condition);
    sql
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;

    #[tokio::test]
    async fn what_is_shown_of_an_exchange_is_found_by_an_index_however_long_the_log_is() {
        let exchanges = [ExchangeId::new(), ExchangeId::new()];
        for (update, condition) in SHOW {
            let plan = plan(|dialect| statement(dialect, update, &exchanges, condition)).await;
            assert!(plan.contains("SEARCH entry USING") && !plan.contains("SCAN entry"), "{plan}");
            assert!(
                !plan.contains("SCAN other") && !plan.contains("SCAN final") && !plan.contains("SCAN last"),
                "{plan}"
            );
        }
    }
}
