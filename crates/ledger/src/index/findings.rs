//! What the rules for anomalies have found, on which days they looked, and what auditors have made of it.
//!
//! Findings follow from the entries that are here and from the options, and are found again if the index is built again. Annotations
//! come from the log. Of whom a finding is stands here as a hash alone, like all that entries are found by.

use std::collections::{BTreeMap, BTreeSet};

use lgsp_core::ExchangeId;
use lgsp_core::indicators::day_number;
use lgsp_core::time::unix_micros;
use lgsp_proto::ledger::v1::{Annotation, AnomalyStatus, Sealed};
use lgsp_store::{Dialect, Kind, Query, Row as Found, Sql, Writer};
use prost::Message as _;
use tokio::time::Instant;

use super::{Index, OF_THE_LOG, Row, failed, text};
use crate::Error;
use crate::entry::{Key, Read, Signed, ends};
use crate::seek::{SUBJECTS, Seek, Text};

/// 2020-01-01: no exchange is older.
const FIRST_DAY: i64 = 18_262;
/// Days of one transaction.
const DAYS_AT_ONCE: usize = 500;

/// The id of a finding.
pub(crate) type FindingId = [u8; 16];

/// A finding, as the rules have it.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub id: FindingId,
    pub rule: i32,
    pub environment: String,
    pub application: String,
    /// The officer or the subject that it is about.
    pub whom: Option<Seek>,
    /// An encoded `Anomaly`, without what can be erased in clear.
    pub body: Vec<u8>,
}

/// A day that is to be evaluated, and what was counted of its entries then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub day: i64,
    pub entries: i64,
    /// Its entries are others than when it was evaluated.
    pub has_changed: bool,
}

/// A finding, as it is told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub id: FindingId,
    pub day: i64,
    pub whom: Option<Seek>,
    /// None if it is known by what was annotated alone.
    pub body: Option<Vec<u8>>,
    /// What was last annotated, and the copy of the finding that is in it.
    pub status: AnomalyStatus,
    pub copy: Option<Vec<u8>>,
    /// Whether the rule still finds it.
    pub stands: bool,
}

/// Which findings are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Numbers of days; not the last one itself.
    pub days: (Option<i64>, Option<i64>),
    pub rule: i32,
    pub environment: String,
    pub application: String,
    pub status: AnomalyStatus,
    pub open: bool,
    /// Goes on after this one.
    pub after: Option<(i64, FindingId)>,
    pub limit: usize,
}

/// What an auditor has made of a finding.
#[derive(Clone, Debug)]
pub(crate) struct Annotated {
    pub leaf: u64,
    pub act: ExchangeId,
    pub entered_us: i64,
    pub by: String,
    pub status: AnomalyStatus,
}

/// The days whose exchanges are others with these entries, and by how many.
fn days<'a>(reads: impl Iterator<Item = &'a Read>) -> BTreeMap<i64, i64> {
    let last = day_number(unix_micros(std::time::SystemTime::now())) + 1;
    let mut days = BTreeMap::new();
    for read in reads.filter(|read| read.signed.counts() && !read.sealed.platform && ends(read.key.phase)) {
        let day = day_number(read.sealed.admitted_us);
        if (FIRST_DAY..=last).contains(&day) {
            *days.entry(day).or_default() += 1;
        }
    }
    days
}

/// Notes the days of entries that have come, or whose parts have; in the transaction that indexes them.
pub(super) async fn note_days<'a>(
    writer: &mut Writer,
    dialect: Dialect,
    reads: impl Iterator<Item = &'a Read>,
) -> Result<(), lgsp_store::Error> {
    let days = days(reads);
    if days.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(dialect, "INSERT INTO looked_day (day, entries) ");
    sql.rows([Kind::Integer; 2], days.into_iter().map(|(day, count)| [day.into(), count.into()]));
    sql.push(" ON CONFLICT (day) DO UPDATE SET entries = looked_day.entries + excluded.entries");
    writer.run(sql.query()).await.map(drop)
}

/// The same of moments (Unix µs) at which something was forgotten.
pub(super) async fn note_moments(
    writer: &mut Writer,
    dialect: Dialect,
    moments: impl Iterator<Item = i64>,
) -> Result<(), lgsp_store::Error> {
    let days: BTreeSet<i64> = moments.map(day_number).filter(|day| *day >= FIRST_DAY).collect();
    let days: Vec<i64> = days.into_iter().collect();
    for days in days.chunks(DAYS_AT_ONCE) {
        let mut sql = Sql::new(dialect, "UPDATE looked_day SET entries = entries + 1 WHERE day");
        sql.among(Kind::Integer, days.iter().copied());
        writer.run(sql.query()).await?;
    }
    Ok(())
}

/// Takes in what of these rows are annotations, as ledgers have signed them.
pub(super) async fn annotate(writer: &mut Writer, rows: &[&Row]) -> Result<(), lgsp_store::Error> {
    for row in rows.iter().filter(|row| row.read.signed == Signed::Yes) {
        annotate_one(writer, row.leaf, &row.read.sealed).await?;
    }
    Ok(())
}

async fn annotate_one(writer: &mut Writer, leaf: u64, sealed: &Sealed) -> Result<(), lgsp_store::Error> {
    let Some((act, annotation)) = annotation(sealed) else { return Ok(()) };
    let Ok(id) = FindingId::try_from(annotation.anomaly_id.as_ref()) else { return Ok(()) };
    let leaf = leaf.cast_signed();
    let insert = Query::new(
        "INSERT INTO annotation (leaf, anomaly, act_id, entered_us, status, by_whom, copy) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (leaf) DO NOTHING",
    );
    let copy = annotation.encode_to_vec();
    let insert = insert.bind(leaf).bind(&id).bind(sealed.exchange_id.as_ref()).bind(sealed.entered_us);
    writer.run(insert.bind(annotation.status).bind(text(act)).bind(copy)).await?;
    // Until the rule finds it, or if it never does again, it is known by this.
    let stub = Query::new(
        "INSERT INTO finding (id, day, rule, environment, application, kind, whom, body, stands, status, said_at) \
         VALUES ($1, $2, $3, $4, $5, 0, NULL, NULL, 0, $6, $7) ON CONFLICT (id) DO UPDATE SET status = excluded.status, \
         said_at = excluded.said_at WHERE finding.said_at < excluded.said_at",
    );
    let stub = stub.bind(&id).bind(day_number(annotation.since_us)).bind(annotation.rule);
    let stub = stub.bind(text(&annotation.environment)).bind(text(&annotation.application));
    writer.run(stub.bind(annotation.status).bind(leaf)).await.map(drop)
}

/// Who annotated, and what.
fn annotation(sealed: &Sealed) -> Option<(&str, &Annotation)> {
    let act = sealed.act.as_ref()?;
    Some((&act.by, act.annotation.as_ref()?))
}

/// Forgets of whom findings are that are found by one of these between its moments (Unix µs).
pub(super) async fn forget(
    writer: &mut Writer,
    found_by: impl Iterator<Item = (Seek, (i64, i64))>,
) -> Result<(), lgsp_store::Error> {
    const DELETE: &str =
        "DELETE FROM finding WHERE said_at < 0 AND kind = $1 AND whom = $2 AND day >= $3 AND day <= $4";
    const UNLINK: &str = "UPDATE finding SET kind = 0, whom = NULL, body = NULL, stands = 0 \
         WHERE kind = $1 AND whom = $2 AND day >= $3 AND day <= $4";
    // Once, however many exchanges of the day are forgotten; and findings are of officers and subjects alone.
    let whom: BTreeSet<(Seek, i64, i64)> = found_by
        .filter(|(seek, _)| seek.kind == Text::Officer as i64 || seek.kind >= SUBJECTS)
        .map(|(seek, (from_us, to_us))| (seek, day_number(from_us), day_number(to_us)))
        .collect();
    for (seek, first, last) in &whom {
        for statement in [DELETE, UNLINK] {
            let query = Query::new(statement).bind(seek.kind).bind(&seek.value).bind(*first).bind(*last);
            writer.run(query).await?;
        }
    }
    Ok(())
}

impl Index {
    /// Takes in annotations that are archived, with their leaves.
    pub async fn annotate_archived(&self, annotations: &[(u64, Sealed)]) -> Result<(), Error> {
        let annotating = async {
            let mut writer = self.writer(OF_THE_LOG).await?;
            for (leaf, sealed) in annotations {
                annotate_one(&mut writer, *leaf, sealed).await?;
            }
            writer.commit().await
        };
        annotating.await.map_err(failed)
    }

    /// The first day from one on that is to be evaluated by rules of this digest: one that never was, that was not over then, or that
    /// has changed.
    pub async fn due_day(&self, rules: &[u8; 32], today: i64, from: i64) -> Result<Option<Due>, Error> {
        let due = async {
            let mut sql = self.sql("SELECT day, entries, evaluated FROM looked_day WHERE ");
            due(&mut sql, rules, today);
            sql.push(" AND day >= ").bind(from).push(" ORDER BY day LIMIT 1");
            let rows = self.rows(sql.query()).await?;
            let due = rows.first().map(|row| {
                let (entries, evaluated) = (row.integer("entries")?, row.integer("evaluated")?);
                Ok(Due { day: row.integer("day")?, entries, has_changed: entries != evaluated })
            });
            due.transpose()
        };
        due.await.map_err(failed)
    }

    /// How many days are to be evaluated.
    pub async fn due_days(
        &self,
        rules: &[u8; 32],
        today: i64,
        deadline: Instant,
    ) -> Result<u64, lgsp_store::Error> {
        let mut sql = self.sql("SELECT count(*) AS n FROM looked_day WHERE ");
        due(&mut sql, rules, today);
        let row = self.store.reader(deadline).await?.optional(sql.query()).await?;
        Ok(row.map_or(Ok(0), |row| row.integer("n"))?.cast_unsigned())
    }

    /// Puts what the rules found of a day in the place of what they found before, and has these days evaluated again.
    pub async fn put_findings(
        &self,
        due: Due,
        (rules, whole): (&[u8; 32], bool),
        findings: &[Finding],
        again: &[i64],
    ) -> Result<(), Error> {
        let putting = async {
            let mut writer = self.writer(OF_THE_LOG).await?;
            writer.run(Query::new("UPDATE finding SET stands = 0 WHERE day = $1").bind(due.day)).await?;
            for finding in findings {
                put(&mut writer, due.day, finding).await?;
            }
            // What was annotated stays, by what the log has of it.
            for gone in [
                "DELETE FROM finding WHERE day = $1 AND stands = 0 AND said_at < 0",
                "UPDATE finding SET kind = 0, whom = NULL, body = NULL WHERE day = $1 AND stands = 0",
            ] {
                writer.run(Query::new(gone).bind(due.day)).await?;
            }
            if !again.is_empty() {
                let mut sql = self.sql("UPDATE looked_day SET rules = NULL WHERE day");
                sql.among(Kind::Integer, again.iter().copied());
                writer.run(sql.query()).await?;
            }
            let done = "UPDATE looked_day SET evaluated = $1, rules = $2, whole = $3 WHERE day = $4";
            writer.run(Query::new(done).bind(due.entries).bind(rules).bind(whole).bind(due.day)).await?;
            writer.commit().await
        };
        putting.await.map_err(failed)
    }

    /// The findings that are wanted, those of the newest day first.
    pub async fn findings(&self, wanted: &Wanted, deadline: Instant) -> Result<Vec<Told>, lgsp_store::Error> {
        let mut sql = self.sql(TELL);
        sql.push(" WHERE 1 = 1");
        for (compares, day) in [(">=", wanted.days.0), ("<", wanted.days.1)] {
            if let Some(day) = day {
                sql.push(format_args!(" AND finding.day {compares} ")).bind(day);
            }
        }
        if wanted.rule != 0 {
            sql.push(" AND finding.rule = ").bind(wanted.rule);
        }
        for (column, value) in [("environment", &wanted.environment), ("application", &wanted.application)] {
            if !value.is_empty() {
                sql.push(format_args!(" AND finding.{column} = ")).bind(text(value));
            }
        }
        if wanted.status != AnomalyStatus::Unspecified {
            sql.push(" AND finding.status = ").bind(wanted.status as i32);
        }
        if wanted.open {
            let (new, reopened) = (AnomalyStatus::Unspecified as i32, AnomalyStatus::Reopened as i32);
            sql.push(format_args!(" AND finding.status IN ({new}, {reopened})"));
        }
        if let Some((day, id)) = &wanted.after {
            sql.push(" AND (finding.day, finding.id) < (").bind(*day).push(", ").bind(id).push(")");
        }
        sql.push(" ORDER BY finding.day DESC, finding.id DESC LIMIT ");
        sql.bind(i64::try_from(wanted.limit).unwrap_or(i64::MAX));
        let rows = self.store.reader(deadline).await?.all(sql.query()).await?;
        rows.iter().filter_map(|row| told(row).transpose()).collect()
    }

    /// One finding.
    pub async fn finding(
        &self,
        id: &FindingId,
        deadline: Instant,
    ) -> Result<Option<Told>, lgsp_store::Error> {
        let mut sql = self.sql(TELL);
        sql.push(" WHERE finding.id = ").bind(id);
        let row = self.store.reader(deadline).await?.optional(sql.query()).await?;
        row.map_or(Ok(None), |row| told(&row))
    }

    /// What was made of a finding, the oldest first, at most so much.
    pub async fn annotations(
        &self,
        id: &FindingId,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Annotated>, lgsp_store::Error> {
        let mut sql =
            self.sql("SELECT leaf, act_id, entered_us, status, by_whom FROM annotation WHERE anomaly = ");
        sql.bind(id).push(" ORDER BY leaf LIMIT ").bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = self.store.reader(deadline).await?.all(sql.query()).await?;
        let annotated = |row: &Found| {
            let Some(act) = ExchangeId::from_bytes(row.bytes("act_id")?) else { return Ok(None) };
            Ok(Some(Annotated {
                leaf: super::number(row, "leaf")?,
                act,
                entered_us: row.integer("entered_us")?,
                by: row.text("by_whom")?,
                status: status(row)?,
            }))
        };
        rows.iter().filter_map(|row| annotated(row).transpose()).collect()
    }
}

const TELL: &str = "SELECT finding.id, finding.day, finding.kind, finding.whom, finding.body, finding.stands, finding.status, \
     (SELECT copy FROM annotation WHERE annotation.anomaly = finding.id ORDER BY annotation.leaf DESC LIMIT 1) AS copy FROM finding";

/// What is to be evaluated.
fn due<'q>(sql: &mut Sql<'q>, rules: &'q [u8; 32], today: i64) {
    sql.push("(entries <> evaluated OR rules IS NULL OR rules <> ").bind(rules);
    sql.push(" OR (whole = 0 AND day < ").bind(today).push("))");
}

async fn put(writer: &mut Writer, day: i64, finding: &Finding) -> Result<(), lgsp_store::Error> {
    let query = Query::new(
        "INSERT INTO finding (id, day, rule, environment, application, kind, whom, body, stands, status, said_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 0, -1) ON CONFLICT (id) DO UPDATE SET day = excluded.day, rule = excluded.rule, \
         environment = excluded.environment, application = excluded.application, kind = excluded.kind, whom = excluded.whom, \
         body = excluded.body, stands = 1",
    );
    let query = query.bind(&finding.id).bind(day).bind(finding.rule);
    let query = query.bind(text(&finding.environment)).bind(text(&finding.application));
    let query = query.bind(finding.whom.map_or(0, |whom| whom.kind));
    let query = query.bind(finding.whom.map(|whom| whom.value.to_vec())).bind(finding.body.as_slice());
    writer.run(query).await.map(drop)
}

fn told(row: &Found) -> Result<Option<Told>, lgsp_store::Error> {
    let Ok(id) = FindingId::try_from(row.bytes("id")?) else { return Ok(None) };
    let kind = row.integer("kind")?;
    let value = row.maybe_bytes("whom")?.and_then(|value| value.try_into().ok());
    Ok(Some(Told {
        id,
        day: row.integer("day")?,
        whom: value.map(|value| Seek { kind, value }),
        body: row.maybe_bytes("body")?.map(<[u8]>::to_vec),
        status: status(row)?,
        copy: row.maybe_bytes("copy")?.map(<[u8]>::to_vec),
        stands: row.flag("stands")?,
    }))
}

fn status(row: &Found) -> Result<AnomalyStatus, lgsp_store::Error> {
    Ok(AnomalyStatus::try_from(super::small(row, "status")?).unwrap_or_default())
}

/// The key of the entry of an annotation.
pub(crate) fn key_of_act(act: ExchangeId) -> Key {
    Key { exchange: act, phase: lgsp_proto::ledger::v1::Phase::Act, part: 0 }
}
