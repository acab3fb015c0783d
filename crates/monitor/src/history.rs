//! What the monitor writes down: changes of links, announced maintenance, and when it watched.

use lgsp_proto::monitor::v1::LinkState;
use lgsp_store::{Care, Error, Migration, Options, Query, Row, Store};
use tokio::time::Instant;

use crate::alerts;
use crate::board::{Change, Doubts};
use crate::link::{Cause, Id, Level};
use crate::window::Window;

/// On PostgreSQL the tables stand in a schema of their own, so that the database may hold others.
const SCHEMA: &str = "lgsp_monitor";
/// Most changes that one answer is made of.
pub(crate) const MOST_CHANGES: i64 = 10_000;
/// Most links whose last state is remembered at a start.
const MOST_REMEMBERED: i64 = 4_096;
/// Most times of watching that one answer is made of.
const MOST_WATCHES: i64 = 10_000;
/// How long the end of an announcement is told.
const TOLD_US: i64 = 30 * 24 * 3_600 * 1_000_000;
/// Most announcements that are read.
const MOST_WINDOWS: i64 = 1_000;

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "links", sql: TABLES },
    Migration { version: 2, name: "what no signal told of", sql: DOUBTS },
    Migration { version: 3, name: "alerts", sql: alerts::TABLES },
];

const TABLES: &str = "
CREATE TABLE monitor_change (
    link     TEXT   NOT NULL,
    at_us    BIGINT NOT NULL,
    shown    INTEGER NOT NULL,
    former   INTEGER NOT NULL,
    measured INTEGER NOT NULL,
    cause    TEXT   NOT NULL,
    evidence TEXT   NOT NULL,
    PRIMARY KEY (link, at_us)
);
CREATE INDEX monitor_change_at ON monitor_change (at_us);
CREATE TABLE monitor_window (
    id           TEXT   PRIMARY KEY,
    links        TEXT   NOT NULL,
    from_us      BIGINT NOT NULL,
    until_us     BIGINT NOT NULL,
    reason       TEXT   NOT NULL,
    announced_by TEXT   NOT NULL,
    announced_us BIGINT NOT NULL,
    cancelled_us BIGINT NOT NULL,
    cancelled_by TEXT   NOT NULL
);
CREATE INDEX monitor_window_until ON monitor_window (until_us);
CREATE TABLE monitor_watch (
    from_us  BIGINT PRIMARY KEY,
    until_us BIGINT NOT NULL
)
";

/// When somebody watched and no signal told anything of a link.
const DOUBTS: &str = "
CREATE TABLE monitor_doubt (
    link     TEXT   NOT NULL,
    from_us  BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    PRIMARY KEY (link, from_us)
);
CREATE INDEX monitor_doubt_until ON monitor_doubt (until_us)
";

/// The store of the history. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct History {
    store: Store,
}

impl History {
    pub async fn open(options: &Options) -> Result<Self, Error> {
        Ok(Self { store: Store::open_in(SCHEMA, options, MIGRATIONS).await? })
    }

    /// The same store, for what is kept of alerts.
    pub fn alerts(&self) -> alerts::Kept {
        alerts::Kept::new(self.store.clone())
    }

    /// Writes changes down. One that stands there already is the same.
    pub async fn add(&self, changes: &[Change], deadline: Instant) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO monitor_change (link, at_us, shown, former, measured, cause, evidence) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (link, at_us) DO NOTHING";
        let mut writer = self.store.writer(Care::Durable, deadline).await?;
        for change in changes {
            let evidence = serde_json::to_string(&change.evidence).unwrap_or_default();
            let query = Query::new(SQL)
                .bind(change.link.to_string())
                .bind(change.at_us)
                .bind(change.to as i32)
                .bind(change.from as i32)
                .bind(number(change.measured))
                .bind(change.cause.map(Cause::name).unwrap_or_default())
                .bind(evidence);
            writer.run(query).await?;
        }
        writer.commit().await
    }

    /// The last change of every link.
    pub async fn last(&self, deadline: Instant) -> Result<Vec<Change>, Error> {
        const SQL: &str = "SELECT c.link, c.at_us, c.shown, c.former, c.measured, c.cause, c.evidence FROM monitor_change c \
                           JOIN (SELECT link, max(at_us) AS at_us FROM monitor_change GROUP BY link) l \
                           ON c.link = l.link AND c.at_us = l.at_us ORDER BY c.at_us DESC LIMIT $1";
        let rows = self.store.reader(deadline).await?.all(Query::new(SQL).bind(MOST_REMEMBERED)).await?;
        Ok(rows.iter().map(change).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The changes of a link in a period, oldest first, and the one before it: whether there were more than are read comes with
    /// them, and then these are the newest.
    pub async fn of(
        &self,
        link: &Id,
        (from_us, until_us): (i64, i64),
        deadline: Instant,
    ) -> Result<(Vec<Change>, bool), Error> {
        const WITHIN: &str = "SELECT link, at_us, shown, former, measured, cause, evidence FROM monitor_change \
                              WHERE link = $1 AND at_us >= $2 AND at_us < $3 ORDER BY at_us DESC LIMIT $4";
        const BEFORE: &str = "SELECT link, at_us, shown, former, measured, cause, evidence FROM monitor_change \
                              WHERE link = $1 AND at_us < $2 ORDER BY at_us DESC LIMIT 1";
        let name = link.to_string();
        let mut reader = self.store.reader(deadline).await?;
        let within = Query::new(WITHIN).bind(&name).bind(from_us).bind(until_us).bind(MOST_CHANGES + 1);
        let mut rows = reader.all(within).await?;
        let is_cut = rows.len() as i64 > MOST_CHANGES;
        if is_cut {
            rows.truncate(MOST_CHANGES as usize);
        } else {
            rows.extend(reader.optional(Query::new(BEFORE).bind(&name).bind(from_us)).await?);
        }
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            changes.extend(change(row)?);
        }
        Ok((changes, is_cut))
    }

    /// Puts an announcement there, in the place of itself.
    pub async fn put(&self, window: &Window, deadline: Instant) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO monitor_window (id, links, from_us, until_us, reason, announced_by, announced_us, \
                           cancelled_us, cancelled_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                           ON CONFLICT (id) DO UPDATE SET cancelled_us = excluded.cancelled_us, \
                           cancelled_by = excluded.cancelled_by";
        let links: Vec<String> = window.links.iter().map(ToString::to_string).collect();
        let query = Query::new(SQL)
            .bind(&window.id)
            .bind(links.join("\n"))
            .bind(window.from_us)
            .bind(window.until_us)
            .bind(&window.reason)
            .bind(&window.announced_by)
            .bind(window.announced_us)
            .bind(window.cancelled_us)
            .bind(&window.cancelled_by);
        let mut writer = self.store.writer(Care::Durable, deadline).await?;
        writer.run(query).await?;
        writer.commit().await
    }

    /// What is announced, and what ended in the last 30 days; by its beginning.
    pub async fn windows(&self, now_us: i64, deadline: Instant) -> Result<Vec<Window>, Error> {
        const SQL: &str = "SELECT id, links, from_us, until_us, reason, announced_by, announced_us, cancelled_us, cancelled_by \
                           FROM monitor_window WHERE until_us >= $1 ORDER BY until_us DESC LIMIT $2";
        let query = Query::new(SQL).bind(now_us - TOLD_US).bind(MOST_WINDOWS);
        let rows = self.store.reader(deadline).await?.all(query).await?;
        let mut windows = rows.iter().map(window).collect::<Result<Vec<_>, _>>()?;
        windows.sort_by(|a, b| (a.from_us, &a.id).cmp(&(b.from_us, &b.id)));
        Ok(windows)
    }

    /// Writes down that somebody watches, from one moment until another.
    pub async fn watch(&self, from_us: i64, until_us: i64, deadline: Instant) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO monitor_watch (from_us, until_us) VALUES ($1, $2) \
                           ON CONFLICT (from_us) DO UPDATE SET until_us = excluded.until_us";
        let mut writer = self.store.writer(Care::Repeatable, deadline).await?;
        writer.run(Query::new(SQL).bind(from_us).bind(until_us)).await?;
        writer.commit().await
    }

    /// When somebody watched within a period, by the beginning.
    pub async fn watched(
        &self,
        (from_us, until_us): (i64, i64),
        deadline: Instant,
    ) -> Result<Vec<(i64, i64)>, Error> {
        const SQL: &str = "SELECT from_us, until_us FROM monitor_watch WHERE until_us >= $1 AND from_us < $2 \
                           ORDER BY from_us LIMIT $3";
        let query = Query::new(SQL).bind(from_us).bind(until_us).bind(MOST_WATCHES);
        let rows = self.store.reader(deadline).await?.all(query).await?;
        rows.iter().map(|row| Ok((row.integer("from_us")?, row.integer("until_us")?))).collect()
    }

    /// Writes down when no signal told anything of links.
    pub async fn doubt(&self, doubts: &Doubts, deadline: Instant) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO monitor_doubt (link, from_us, until_us) VALUES ($1, $2, $3) \
                           ON CONFLICT (link, from_us) DO UPDATE SET until_us = excluded.until_us";
        let mut writer = self.store.writer(Care::Repeatable, deadline).await?;
        for ((link, from_us), until_us) in doubts {
            writer.run(Query::new(SQL).bind(link.to_string()).bind(*from_us).bind(*until_us)).await?;
        }
        writer.commit().await
    }

    /// When no signal told anything of a link, within a period or since before it; by the beginning.
    pub async fn doubted(
        &self,
        link: &Id,
        (from_us, until_us): (i64, i64),
        deadline: Instant,
    ) -> Result<Vec<(i64, i64)>, Error> {
        const SQL: &str = "SELECT from_us, until_us FROM monitor_doubt WHERE link = $1 AND until_us >= $2 AND from_us < $3 \
                           ORDER BY from_us LIMIT $4";
        let query = Query::new(SQL).bind(link.to_string()).bind(from_us).bind(until_us).bind(MOST_WATCHES);
        let rows = self.store.reader(deadline).await?.all(query).await?;
        rows.iter().map(|row| Ok((row.integer("from_us")?, row.integer("until_us")?))).collect()
    }

    /// The links that there were before a moment.
    pub async fn links(&self, before_us: i64, deadline: Instant) -> Result<Vec<Id>, Error> {
        const SQL: &str = "SELECT DISTINCT link FROM monitor_change WHERE at_us < $1 ORDER BY link LIMIT $2";
        let query = Query::new(SQL).bind(before_us).bind(MOST_REMEMBERED);
        let rows = self.store.reader(deadline).await?.all(query).await?;
        let ids = rows.iter().map(|row| Ok(Id::parse(&row.text("link")?)));
        Ok(ids.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
    }

    /// Forgets what is older, but for the state that each link had then.
    pub async fn forget_before(&self, before_us: i64, deadline: Instant) -> Result<(), Error> {
        const CHANGES: &str = "DELETE FROM monitor_change WHERE at_us < $1 AND EXISTS (SELECT 1 FROM monitor_change n \
                               WHERE n.link = monitor_change.link AND n.at_us > monitor_change.at_us AND n.at_us <= $1)";
        let mut writer = self.store.writer(Care::Repeatable, deadline).await?;
        for sql in [
            CHANGES,
            "DELETE FROM monitor_window WHERE until_us < $1",
            "DELETE FROM monitor_watch WHERE until_us < $1",
            "DELETE FROM monitor_doubt WHERE until_us < $1",
        ] {
            writer.run(Query::new(sql).bind(before_us)).await?;
        }
        writer.commit().await
    }
}

fn number(level: Level) -> i32 {
    crate::board::state(level) as i32
}

/// A change as it was written; `None` if it is of a kind or a state that this program does not know.
fn change(row: &Row) -> Result<Option<Change>, Error> {
    let state = |column: &str| -> Result<Option<LinkState>, Error> {
        Ok(i32::try_from(row.integer(column)?).ok().and_then(|number| LinkState::try_from(number).ok()))
    };
    let measured = match state("measured")? {
        Some(LinkState::Working) => Level::Working,
        Some(LinkState::Silent) => Level::Silent,
        Some(LinkState::Degraded) => Level::Degraded,
        Some(LinkState::Down) => Level::Down,
        Some(LinkState::Maintenance | LinkState::Unspecified) | None => return Ok(None),
    };
    let (link, shown) = (Id::parse(&row.text("link")?), state("shown")?);
    let Some((link, to)) = link.zip(shown) else { return Ok(None) };
    Ok(Some(Change {
        link,
        from: state("former")?.unwrap_or(LinkState::Unspecified),
        to,
        measured,
        cause: Cause::from_name(&row.text("cause")?),
        at_us: row.integer("at_us")?,
        evidence: serde_json::from_str(&row.text("evidence")?).unwrap_or_default(),
    }))
}

fn window(row: &Row) -> Result<Window, Error> {
    Ok(Window {
        id: row.text("id")?,
        links: row.text("links")?.lines().filter_map(Id::parse).collect(),
        from_us: row.integer("from_us")?,
        until_us: row.integer("until_us")?,
        reason: row.text("reason")?,
        announced_by: row.text("announced_by")?,
        announced_us: row.integer("announced_us")?,
        cancelled_us: row.integer("cancelled_us")?,
        cancelled_by: row.text("cancelled_by")?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lgsp_store::testing::Database;

    use super::*;
    use crate::link::Evidence;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn land() -> Id {
        Id::parse("provider/land").unwrap()
    }

    fn change(at_us: i64, to: LinkState, measured: Level) -> Change {
        let cause = (measured == Level::Down).then_some(Cause::InstanceNotHeard);
        let evidence = Evidence { failed: 3, of: 7, ..Evidence::default() };
        Change { link: land(), from: LinkState::Unspecified, to, measured, cause, at_us, evidence }
    }

    async fn check_store(database: &Database) {
        let history = History::open(&Options::of(database.url())).await.unwrap();
        let written = [
            change(10, LinkState::Working, Level::Working),
            change(20, LinkState::Down, Level::Down),
            change(30, LinkState::Working, Level::Working),
        ];
        history.add(&written, soon()).await.unwrap();
        history.add(&written[2..], soon()).await.unwrap();
        assert_eq!(history.last(soon()).await.unwrap(), written[2..]);
        let of = async |period| history.of(&land(), period, soon()).await.unwrap();
        assert_eq!(of((0, 100)).await, (written.to_vec(), false));
        assert_eq!(of((25, 100)).await, (written[1..].to_vec(), false), "with the state of the beginning");
        assert_eq!(of((0, 20)).await, (written[..1].to_vec(), false));

        history.watch(5, 10, soon()).await.unwrap();
        history.watch(5, 40, soon()).await.unwrap();
        assert_eq!(history.watched((0, 100), soon()).await.unwrap(), [(5, 40)]);

        let window = Window {
            id: "w-1".to_owned(),
            links: vec![land(), Id::broker()],
            from_us: 50,
            until_us: 60,
            reason: "thay đĩa".to_owned(),
            announced_by: "dieu-hanh".to_owned(),
            announced_us: 40,
            cancelled_us: 0,
            cancelled_by: String::new(),
        };
        history.put(&window, soon()).await.unwrap();
        let cancelled = Window { cancelled_us: 55, cancelled_by: "dieu-hanh".to_owned(), ..window };
        history.put(&cancelled, soon()).await.unwrap();
        assert_eq!(history.windows(100, soon()).await.unwrap(), [cancelled]);
        assert_eq!(history.windows(TOLD_US + 100, soon()).await.unwrap(), []);

        let doubts = [((land(), 5), 10), ((land(), 20), 30)];
        history.doubt(&doubts.clone().into(), soon()).await.unwrap();
        history.doubt(&[((land(), 20), i64::MAX)].into(), soon()).await.unwrap();
        let doubted = async |period| history.doubted(&land(), period, soon()).await.unwrap();
        assert_eq!(doubted((0, 100)).await, [(5, 10), (20, i64::MAX)]);
        assert_eq!((doubted((11, 20)).await, doubted((11, 21)).await), (vec![], vec![(20, i64::MAX)]));
        assert_eq!(history.links(10, soon()).await.unwrap(), []);
        assert_eq!(history.links(11, soon()).await.unwrap(), [land()]);

        history.forget_before(25, soon()).await.unwrap();
        assert_eq!(of((25, 100)).await, (written[1..].to_vec(), false), "how it was at that moment is known");
        assert_eq!(of((0, 25)).await, (written[1..2].to_vec(), false));
        history.forget_before(90, soon()).await.unwrap();
        assert_eq!(of((0, 100)).await, (written[2..].to_vec(), false), "the last state stays");
        assert_eq!(history.watched((0, 100), soon()).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_history_is_opened_by_several_at_once_and_again() {
        for database in Database::each().await {
            let options = Options::of(database.url());
            let opening = [History::open(&options), History::open(&options), History::open(&options)];
            let opened = futures::future::try_join_all(opening).await.unwrap();
            let written = change(10, LinkState::Down, Level::Down);
            opened[0].add(std::slice::from_ref(&written), soon()).await.unwrap();
            drop(opened);
            let again = History::open(&options).await.unwrap();
            assert_eq!(again.last(soon()).await.unwrap(), [written]);
        }
    }

    #[tokio::test]
    async fn of_more_changes_than_one_answer_is_made_of_the_newest_are_read() {
        for database in Database::each().await {
            let history = History::open(&Options::of(database.url())).await.unwrap();
            let many: Vec<Change> =
                (1..=MOST_CHANGES + 2).map(|at| change(at, LinkState::Down, Level::Down)).collect();
            history.add(&many, soon()).await.unwrap();
            let (read, is_cut) = history.of(&land(), (0, i64::MAX), soon()).await.unwrap();
            assert!(is_cut);
            assert_eq!((read.len() as i64, read[0].at_us), (MOST_CHANGES, 3));
            let (read, is_cut) = history.of(&land(), (3, i64::MAX), soon()).await.unwrap();
            assert_eq!((read.len() as i64, read[0].at_us, is_cut), (MOST_CHANGES + 1, 2, false));
        }
    }

    #[tokio::test]
    async fn what_is_written_down_is_read_again() {
        for database in Database::each().await {
            check_store(&database).await;
        }
    }
}
