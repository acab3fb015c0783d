//! What the filing puts into the index: entries, and all that follows from them.

use std::collections::{BTreeMap, HashMap, HashSet};

use lgsp_core::indicators::month_number;
use lgsp_store::{Dialect, Kind, Sql, Value, Writer};

use super::{
    Index, OF_THE_LOG, Progress, Row, credential, failed, findings, months, shown, sought, text, traffic,
    usage,
};
use crate::Error;
use crate::entry::{Key, Read};
use crate::files::log::End;
use crate::rows::{ROWS, key_values, soon};
use crate::sequences::{Sequence, Sequences};

impl Index {
    /// Takes rows in, with all that they change, in one transaction. Each has its erasable part as it is stored. `again` are entries
    /// that are in the index already, whose erasable parts may not have been there then.
    pub async fn put(
        &self,
        rows: &[Row],
        again: &[Read],
        sequences: &Sequences,
        progress: &Progress,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), Error> {
        self.try_put(rows, again, sequences, progress, offsets).await.map_err(failed)
    }

    async fn try_put(
        &self,
        rows: &[Row],
        again: &[Read],
        sequences: &Sequences,
        progress: &Progress,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), lgsp_store::Error> {
        self.months.prepare(&self.store, rows, soon()).await?;
        let mut writer = self.writer(OF_THE_LOG).await?;
        for rows in standing(rows).chunks(ROWS) {
            let new = insert(&mut writer, self.store.dialect(), rows).await?;
            usage::count(&mut writer, rows, &new).await?;
            shown::show(&mut writer, self.store.dialect(), rows).await?;
            let standing: Vec<&Row> =
                rows.iter().copied().filter(|row| new.contains(&row.leaf.cast_signed())).collect();
            findings::note_days(&mut writer, self.store.dialect(), standing.iter().map(|row| &row.read))
                .await?;
            findings::annotate(&mut writer, &standing).await?;
            let leaves = standing.iter().map(|row| (row.leaf.cast_signed(), &row.read));
            sought::insert(&mut writer, self.store.dialect(), &self.key, leaves).await?;
        }
        sought::insert_again(&mut writer, self.store.dialect(), &self.key, again).await?;
        findings::note_days(&mut writer, self.store.dialect(), again.iter()).await?;
        for (gateway, told) in sequences.changed() {
            let Sequence { first, last, received, .. } = told.sequence;
            let query = lgsp_store::Query::new(
                "INSERT INTO gateway (instance, first, last, received, first_entered_us, last_entered_us, gaps) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT (instance) DO UPDATE SET first = excluded.first, last = excluded.last, received = excluded.received, \
                 first_entered_us = excluded.first_entered_us, last_entered_us = excluded.last_entered_us, gaps = excluded.gaps",
            );
            let query = query.bind(text(gateway)).bind(first.cast_signed()).bind(last.cast_signed());
            let query =
                query.bind(received.cast_signed()).bind(told.entered.first_us).bind(told.entered.last_us);
            writer.run(query.bind(told.sequence.gaps_to_bytes())).await?;
        }
        write_progress(&mut writer, progress, offsets).await?;
        writer.commit().await
    }
}

/// Of rows of the same key the one that stands: the first signed one, or else the first.
fn standing(rows: &[Row]) -> Vec<&Row> {
    let mut standing: Vec<&Row> = Vec::with_capacity(rows.len());
    let mut places: HashMap<Key, usize> = HashMap::with_capacity(rows.len());
    for row in rows {
        match places.get(&row.read.key) {
            None => {
                places.insert(row.read.key, standing.len());
                standing.push(row);
            }
            Some(place) if row.read.signed.displaces(standing[*place].read.signed) => standing[*place] = row,
            Some(_) => {}
        }
    }
    standing
}

async fn write_progress(
    writer: &mut Writer,
    progress: &Progress,
    offsets: &BTreeMap<i32, i64>,
) -> Result<(), lgsp_store::Error> {
    let query = lgsp_store::Query::new(
        "INSERT INTO progress (id, leaves, segment, byte, incarnation) VALUES (0, $1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET leaves = excluded.leaves, segment = excluded.segment, byte = excluded.byte, \
         incarnation = excluded.incarnation",
    );
    let End { leaves, place } = progress.end;
    let query =
        query.bind(leaves.cast_signed()).bind(place.segment.cast_signed()).bind(place.byte.cast_signed());
    writer.run(query.bind(&progress.incarnation)).await?;
    for (partition, next) in offsets {
        let query = lgsp_store::Query::new(
            "INSERT INTO next_offset (partition, next) VALUES ($1, $2) ON CONFLICT (partition) DO UPDATE SET next = excluded.next",
        );
        writer.run(query.bind(*partition).bind(*next)).await?;
    }
    Ok(())
}

/// Inserts rows of different keys; returns the leaves of those that stand now. A repeat of a key is the same entry, but that a signed
/// one takes the place of one that is not.
async fn insert(
    writer: &mut Writer,
    dialect: Dialect,
    rows: &[&Row],
) -> Result<HashSet<i64>, lgsp_store::Error> {
    const KINDS: [Kind; 23] = {
        use Kind::{Bytes, Integer, Text};
        [
            Integer, Bytes, Integer, Integer, Integer, Integer, Integer, Integer, Text, Text, Text, Text,
            Text, Text, Bytes, Integer, Integer, Integer, Text, Integer, Integer, Integer, Integer,
        ]
    };
    if dialect == Dialect::Postgres {
        months::note(writer, rows).await?;
    }
    let mut sql = Sql::new(
        dialect,
        "INSERT INTO entry (leaf, exchange_id, phase, part, signed, shown, platform, admitted_us, application, agency, service, \
         method, purpose, agreement, credential, outcome, segment, byte, environment, bucket, dossier, fields, month) ",
    );
    sql.rows(KINDS, rows.iter().map(|row| values(row)));
    sql.push(
        " ON CONFLICT (exchange_id, phase, part) DO UPDATE SET leaf = excluded.leaf, signed = excluded.signed, shown = excluded.shown, \
         platform = excluded.platform, admitted_us = excluded.admitted_us, application = excluded.application, \
         agency = excluded.agency, service = excluded.service, method = excluded.method, purpose = excluded.purpose, \
         agreement = excluded.agreement, credential = excluded.credential, outcome = excluded.outcome, segment = excluded.segment, \
         byte = excluded.byte, environment = excluded.environment, bucket = excluded.bucket, dossier = excluded.dossier, \
         fields = excluded.fields, month = excluded.month WHERE entry.signed = 0 AND excluded.signed > 0 RETURNING leaf",
    );
    writer.all(sql.query()).await?.iter().map(|row| row.integer("leaf")).collect()
}

/// The columns of an entry.
fn values(row: &Row) -> [Value<'_>; 23] {
    let (key, sealed) = (&row.read.key, &row.read.sealed);
    let [exchange, phase, part] = key_values(key);
    [
        row.leaf.cast_signed().into(),
        exchange,
        phase,
        part,
        (row.read.signed as i32).into(),
        shown::shown(key.phase).into(),
        sealed.platform.into(),
        sealed.admitted_us.into(),
        text(&sealed.application),
        text(&sealed.agency_code),
        text(&sealed.service),
        text(&sealed.method),
        text(&sealed.purpose),
        text(&sealed.agreement),
        credential(&sealed.credential_sha256).into(),
        sealed.outcome.into(),
        row.place.segment.cast_signed().into(),
        row.place.byte.cast_signed().into(),
        text(&sealed.environment),
        traffic::bucket_of(sealed).into(),
        traffic::names_a_dossier(sealed).into(),
        traffic::fields_of(sealed).into(),
        month_number(sealed.admitted_us).into(),
    ]
}
