//! What is written down of alerts: those that fired, silences, and who was told of what.

use lgsp_store::{Care, Error, Query, Row, Store};
use tokio::time::Instant;
use uuid::Uuid;

use super::alert::{Acknowledged, Alert};
use super::assess::{Finding, Key};
use super::group::Told;
use super::roll;
use super::rule::Rule;
use super::silence::{Matcher, Silence};

/// Most of one answer.
pub(crate) const MOST_RESOLVED: i64 = 500;
pub(crate) const MOST_EARLIER: i64 = 100;
/// Most silences that are read, and how long the end of one is told.
const MOST_SILENCES: i64 = 1_000;
const TOLD_US: i64 = 30 * 24 * 3_600 * 1_000_000;

/// The tables, in the schema of the history.
pub(crate) const TABLES: &str = "
CREATE TABLE monitor_alert (
    id              TEXT   PRIMARY KEY,
    rule            TEXT   NOT NULL,
    subject         TEXT   NOT NULL,
    finding         TEXT   NOT NULL,
    since_us        BIGINT NOT NULL,
    fired_us        BIGINT NOT NULL,
    resolved_us     BIGINT NOT NULL,
    acknowledged_us BIGINT NOT NULL,
    acknowledged_by TEXT   NOT NULL,
    note            TEXT   NOT NULL
);
CREATE INDEX monitor_alert_resolved ON monitor_alert (resolved_us);
CREATE INDEX monitor_alert_subject ON monitor_alert (rule, subject, fired_us);
CREATE TABLE monitor_silence (
    id       TEXT   PRIMARY KEY,
    rule     TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    owner    TEXT   NOT NULL,
    from_us  BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    reason   TEXT   NOT NULL,
    made_by  TEXT   NOT NULL,
    ended_us BIGINT NOT NULL,
    ended_by TEXT   NOT NULL
);
CREATE INDEX monitor_silence_until ON monitor_silence (until_us);
CREATE TABLE monitor_alert_told (
    receiver TEXT   NOT NULL,
    alert    TEXT   NOT NULL,
    finding  TEXT   NOT NULL,
    told_us  BIGINT NOT NULL,
    PRIMARY KEY (receiver, alert)
)
";

const ALERT: &str = "a.id, a.rule, a.subject, a.finding, a.since_us, a.fired_us, a.resolved_us, a.acknowledged_us, \
                     a.acknowledged_by, a.note";

/// The alerts' part of the monitor's store. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    store: Store,
}

impl Kept {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Writes alerts down that fire or are resolved, in the place of themselves.
    pub async fn put<'a>(
        &self,
        alerts: impl IntoIterator<Item = &'a Alert>,
        deadline: Instant,
    ) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO monitor_alert (id, rule, subject, finding, since_us, fired_us, resolved_us, \
                           acknowledged_us, acknowledged_by, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                           ON CONFLICT (id) DO UPDATE SET finding = excluded.finding, resolved_us = excluded.resolved_us, \
                           acknowledged_us = excluded.acknowledged_us, acknowledged_by = excluded.acknowledged_by, \
                           note = excluded.note";
        let mut writer = self.store.writer(Care::Durable, deadline).await?;
        for alert in alerts {
            let acknowledged = alert.acknowledged.as_ref();
            let query = Query::new(SQL)
                .bind(alert.id.to_string())
                .bind(alert.key.rule.name())
                .bind(&alert.key.subject)
                .bind(written(&alert.finding))
                .bind(alert.since_us)
                .bind(alert.fired_us)
                .bind(alert.resolved_us)
                .bind(acknowledged.map_or(0, |it| it.at_us))
                .bind(acknowledged.map(|it| it.by.as_str()).unwrap_or_default())
                .bind(acknowledged.map(|it| it.note.as_str()).unwrap_or_default());
            writer.run(query).await?;
        }
        writer.commit().await
    }

    /// The alerts that fired when a monitor last wrote them down.
    pub async fn firing(&self, deadline: Instant) -> Result<Vec<Alert>, Error> {
        let sql = format!(
            "SELECT {ALERT} FROM monitor_alert a WHERE a.resolved_us = 0 ORDER BY a.fired_us DESC LIMIT $1"
        );
        self.alerts(Query::new(&sql).bind(roll::MOST as i64), deadline).await
    }

    /// Those that were resolved since a moment, newest first.
    pub async fn resolved(&self, since_us: i64, deadline: Instant) -> Result<Vec<Alert>, Error> {
        let sql = format!(
            "SELECT {ALERT} FROM monitor_alert a WHERE a.resolved_us > 0 AND a.resolved_us >= $1 \
             ORDER BY a.resolved_us DESC LIMIT $2"
        );
        self.alerts(Query::new(&sql).bind(since_us).bind(MOST_RESOLVED), deadline).await
    }

    pub async fn of(&self, id: Uuid, deadline: Instant) -> Result<Option<Alert>, Error> {
        let sql = format!("SELECT {ALERT} FROM monitor_alert a WHERE a.id = $1");
        Ok(self.alerts(Query::new(&sql).bind(id.to_string()), deadline).await?.pop())
    }

    /// Earlier ones of the same rule and subject, newest first.
    pub async fn earlier(&self, alert: &Alert, deadline: Instant) -> Result<Vec<Alert>, Error> {
        let sql = format!(
            "SELECT {ALERT} FROM monitor_alert a WHERE a.rule = $1 AND a.subject = $2 AND a.fired_us < $3 \
             ORDER BY a.fired_us DESC LIMIT $4"
        );
        // One that is pending has not fired yet.
        let before_us = if alert.fired_us == 0 { i64::MAX } else { alert.fired_us };
        let query = Query::new(&sql).bind(alert.key.rule.name()).bind(&alert.key.subject);
        self.alerts(query.bind(before_us).bind(MOST_EARLIER), deadline).await
    }

    async fn alerts(&self, query: Query<'_>, deadline: Instant) -> Result<Vec<Alert>, Error> {
        let rows = self.store.reader(deadline).await?.all(query).await?;
        Ok(rows.iter().map(alert).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// What a receiver was told of, and was not told the end of.
    pub async fn told(&self, receiver: &str, deadline: Instant) -> Result<Vec<Told>, Error> {
        let sql = format!(
            "SELECT {ALERT}, t.finding AS told_finding, t.told_us FROM monitor_alert_told t \
             JOIN monitor_alert a ON a.id = t.alert WHERE t.receiver = $1 ORDER BY t.told_us DESC LIMIT $2"
        );
        let query = Query::new(&sql).bind(receiver).bind(roll::MOST as i64);
        let rows = self.store.reader(deadline).await?.all(query).await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some((alert, finding)) = alert(row)?.zip(read(&row.text("told_finding")?)) else { continue };
            told.push(Told { alert: Alert { finding, ..alert }, at_us: row.integer("told_us")? });
        }
        Ok(told)
    }

    /// Notes what a receiver was told, and of what it was told the end.
    pub async fn note_told(
        &self,
        receiver: &str,
        (told, over): (&[Told], &[Uuid]),
        deadline: Instant,
    ) -> Result<(), Error> {
        const TOLD: &str = "INSERT INTO monitor_alert_told (receiver, alert, finding, told_us) VALUES ($1, $2, $3, $4) \
                            ON CONFLICT (receiver, alert) DO UPDATE SET finding = excluded.finding, told_us = excluded.told_us";
        const OVER: &str = "DELETE FROM monitor_alert_told WHERE receiver = $1 AND alert = $2";
        let mut writer = self.store.writer(Care::Durable, deadline).await?;
        for told in told {
            let finding = written(&told.alert.finding);
            let query = Query::new(TOLD).bind(receiver).bind(told.alert.id.to_string()).bind(finding);
            writer.run(query.bind(told.at_us)).await?;
        }
        for id in over {
            writer.run(Query::new(OVER).bind(receiver).bind(id.to_string())).await?;
        }
        writer.commit().await
    }

    /// Puts a silence there, in the place of itself.
    pub async fn silence(&self, silence: &Silence, deadline: Instant) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO monitor_silence (id, rule, subject, owner, from_us, until_us, reason, made_by, \
                           ended_us, ended_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                           ON CONFLICT (id) DO UPDATE SET ended_us = excluded.ended_us, ended_by = excluded.ended_by";
        let query = Query::new(SQL)
            .bind(&silence.id)
            .bind(silence.matcher.rule.map(Rule::name).unwrap_or_default())
            .bind(&silence.matcher.subject)
            .bind(&silence.matcher.owner)
            .bind(silence.from_us)
            .bind(silence.until_us)
            .bind(&silence.reason)
            .bind(&silence.made_by)
            .bind(silence.ended_us)
            .bind(&silence.ended_by);
        let mut writer = self.store.writer(Care::Durable, deadline).await?;
        writer.run(query).await?;
        writer.commit().await
    }

    /// The silences that hold, and those that ended in the last 30 days; newest first.
    pub async fn silences(&self, now_us: i64, deadline: Instant) -> Result<Vec<Silence>, Error> {
        const SQL: &str = "SELECT id, rule, subject, owner, from_us, until_us, reason, made_by, ended_us, ended_by \
                           FROM monitor_silence WHERE until_us >= $1 ORDER BY from_us DESC, id DESC LIMIT $2";
        let query = Query::new(SQL).bind(now_us - TOLD_US).bind(MOST_SILENCES);
        let rows = self.store.reader(deadline).await?.all(query).await?;
        rows.iter().map(silence).collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
    }

    /// Forgets what was over before a moment.
    pub async fn forget_before(&self, before_us: i64, deadline: Instant) -> Result<(), Error> {
        // Who was told of what still fires is to be told its end, however long ago that was.
        const TOLD: &str = "DELETE FROM monitor_alert_told WHERE told_us < $1 AND NOT EXISTS (SELECT 1 FROM monitor_alert a \
                            WHERE a.id = monitor_alert_told.alert)";
        let mut writer = self.store.writer(Care::Repeatable, deadline).await?;
        for sql in [
            "DELETE FROM monitor_alert WHERE resolved_us > 0 AND resolved_us < $1",
            TOLD,
            "DELETE FROM monitor_silence WHERE until_us < $1",
        ] {
            writer.run(Query::new(sql).bind(before_us)).await?;
        }
        writer.commit().await
    }
}

fn written(finding: &Finding) -> String {
    serde_json::to_string(finding).unwrap_or_default()
}

fn read(finding: &str) -> Option<Finding> {
    serde_json::from_str(finding).ok()
}

/// An alert as it was written; `None` if this program does not know its rule or its cause.
fn alert(row: &Row) -> Result<Option<Alert>, Error> {
    let (id, rule) = (row.text("id")?.parse::<Uuid>().ok(), Rule::from_name(&row.text("rule")?));
    let Some(((id, rule), finding)) = id.zip(rule).zip(read(&row.text("finding")?)) else { return Ok(None) };
    let acknowledged = Acknowledged {
        at_us: row.integer("acknowledged_us")?,
        by: row.text("acknowledged_by")?,
        note: row.text("note")?,
    };
    Ok(Some(Alert {
        id,
        key: Key::new(rule, row.text("subject")?),
        finding,
        since_us: row.integer("since_us")?,
        fired_us: row.integer("fired_us")?,
        resolved_us: row.integer("resolved_us")?,
        good_us: 0,
        unknown_us: 0,
        acknowledged: Some(acknowledged).filter(|it| it.at_us != 0),
    }))
}

/// A silence as it was written; `None` if it names a rule that this program does not know: it would silence everything.
fn silence(row: &Row) -> Result<Option<Silence>, Error> {
    let rule = row.text("rule")?;
    let known = Rule::from_name(&rule);
    if known.is_none() && !rule.is_empty() {
        return Ok(None);
    }
    Ok(Some(Silence {
        id: row.text("id")?,
        matcher: Matcher { rule: known, subject: row.text("subject")?, owner: row.text("owner")? },
        from_us: row.integer("from_us")?,
        until_us: row.integer("until_us")?,
        reason: row.text("reason")?,
        made_by: row.text("made_by")?,
        ended_us: row.integer("ended_us")?,
        ended_by: row.text("ended_by")?,
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lgsp_store::Options;
    use lgsp_store::testing::Database;

    use super::super::alert::tests::alert as new;
    use super::super::rule::Severity;
    use super::super::silence::tests::silence as made;
    use super::*;
    use crate::history::History;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn fired(subject: &str, at_us: i64) -> Alert {
        Alert { fired_us: at_us, ..new(Rule::LinkDown, subject, at_us - 1) }
    }

    async fn check(database: &Database) {
        let kept = History::open(&Options::of(database.url())).await.unwrap().alerts();
        let (old, newer, other) =
            (fired("provider/land", 10), fired("provider/land", 50), fired("source/land/office", 20));
        kept.put([&old, &newer, &other], soon()).await.unwrap();
        assert_eq!(kept.firing(soon()).await.unwrap(), [newer.clone(), other.clone(), old.clone()]);

        let acknowledged =
            Acknowledged { at_us: 21, by: "dieu-hanh".to_owned(), note: "đang xem".to_owned() };
        let old = Alert { resolved_us: 40, acknowledged: Some(acknowledged), ..old };
        kept.put([&old], soon()).await.unwrap();
        assert_eq!(kept.of(old.id, soon()).await.unwrap(), Some(old.clone()));
        assert_eq!(kept.of(Uuid::nil(), soon()).await.unwrap(), None);
        assert_eq!(kept.resolved(40, soon()).await.unwrap(), std::slice::from_ref(&old));
        assert_eq!(kept.resolved(41, soon()).await.unwrap(), []);
        assert_eq!(kept.earlier(&newer, soon()).await.unwrap(), std::slice::from_ref(&old));

        let told = |alert: &Alert, at_us| Told { alert: alert.clone(), at_us };
        let mut warned = told(&newer, 51);
        warned.alert.finding.severity = Severity::Warning;
        kept.note_told("duty", (&[warned.clone(), told(&other, 52)], &[]), soon()).await.unwrap();
        assert_eq!(kept.told("duty", soon()).await.unwrap(), [told(&other, 52), warned], "as it was told");
        kept.note_told("duty", (&[told(&newer, 60)], &[other.id]), soon()).await.unwrap();
        assert_eq!(kept.told("duty", soon()).await.unwrap(), [told(&newer, 60)]);
        assert_eq!(kept.told("mail", soon()).await.unwrap(), []);

        let silence = made("provider/*", 200);
        kept.silence(&silence, soon()).await.unwrap();
        let ended = Silence { ended_us: 100, ended_by: "dieu-hanh".to_owned(), ..silence };
        kept.silence(&ended, soon()).await.unwrap();
        assert_eq!(kept.silences(300, soon()).await.unwrap(), [ended]);
        assert_eq!(kept.silences(TOLD_US + 300, soon()).await.unwrap(), []);

        kept.forget_before(41, soon()).await.unwrap();
        assert_eq!(kept.of(old.id, soon()).await.unwrap(), None);
        assert_eq!(kept.firing(soon()).await.unwrap().len(), 2, "what fires stays");
        kept.forget_before(61, soon()).await.unwrap();
        assert_eq!(kept.told("duty", soon()).await.unwrap(), [told(&newer, 60)], "its end is to be told");
        let newer = Alert { resolved_us: 70, ..newer };
        kept.put([&newer], soon()).await.unwrap();
        kept.forget_before(71, soon()).await.unwrap();
        let all = Query::new("SELECT alert FROM monitor_alert_told");
        assert_eq!(kept.store.reader(soon()).await.unwrap().all(all).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn what_is_written_down_of_alerts_is_read_again() {
        for database in Database::each().await {
            check(&database).await;
        }
    }
}
