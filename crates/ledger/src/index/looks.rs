//! What the rules for anomalies count: exchanges of data of a period that have ended, as gateways have signed them, by whom and about
//! whom. The database groups them, and gives no more rows than are asked for.
//!
//! Officers and subjects are known by what entries are found by, which is read in the order of time here. What was erased is not among it.

use std::ops::Range;

use lgsp_core::Subject;
use lgsp_store::{Dialect, Kind, Row, Sql};
use tokio::time::Instant;

use super::Index;
use super::months::{self, Among};
use crate::seek::{SUBJECTS, Text};

/// What was counted, and of whom: what a count does not tell apart is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub environment: String,
    pub agency: String,
    pub application: String,
    pub service: String,
    pub purpose: String,
    /// Of an officer or a subject: what entries are found by.
    pub kind: i64,
    pub value: Vec<u8>,
    /// The number of the window, or of the day.
    pub slot: i64,
    pub count: u64,
    /// Of so many.
    pub of: u64,
    pub first_us: i64,
    pub last_us: i64,
}

/// Which counts are told, at most so many, the highest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Least {
    pub count: u32,
    pub most: usize,
}

/// A day, or what of it comes into question (Unix µs).
pub(crate) type Stretch = Range<i64>;

/// An exchange as it is counted.
const COUNTS: &str = "e.shown > 0 AND e.shown = 1 AND e.signed > 0 AND e.platform = 0";

/// A statement about the exchanges of stretches that are of one day.
struct Statement<'q> {
    sql: Sql<'q>,
    among: Option<Among>,
}

impl<'q> Statement<'q> {
    /// From the exchanges alone.
    fn of_exchanges(mut self, stretches: &[Stretch]) -> Self {
        self.sql.push(" FROM entry AS e").push_on(Dialect::Sqlite, " INDEXED BY entry_shown");
        self.sql.push(" WHERE ").push(COUNTS);
        self.within("e", stretches);
        self
    }

    /// From the officers whom exchanges named, or the subjects that they asked about, with their exchanges.
    fn of_sought(mut self, condition: &str, stretches: &[Stretch]) -> Self {
        self.sql.push(" FROM sought AS s").push_on(Dialect::Sqlite, " INDEXED BY sought_at");
        self.sql.push_on(Dialect::Sqlite, " CROSS JOIN entry AS e INDEXED BY entry_shown");
        self.sql.push_on(Dialect::Postgres, " JOIN entry AS e");
        self.sql
            .push(" ON e.admitted_us = s.admitted_us AND e.exchange_id = s.exchange_id AND ")
            .push(COUNTS);
        self.sql.push(" WHERE ").push(condition);
        self.within("s", stretches);
        self
    }

    /// The same, with what else their exchanges are found by.
    fn of_both(mut self, condition: &str, other: &str, stretch: &Stretch) -> Self {
        self.sql.push(" FROM sought AS s").push_on(Dialect::Sqlite, " INDEXED BY sought_at");
        self.sql.push_on(Dialect::Sqlite, " CROSS JOIN sought AS o INDEXED BY sought_at");
        self.sql.push_on(Dialect::Postgres, " JOIN sought AS o");
        self.sql.push(" ON o.admitted_us = s.admitted_us AND o.exchange_id = s.exchange_id AND ").push(other);
        self.sql.push_on(Dialect::Sqlite, " CROSS JOIN entry AS e INDEXED BY entry_shown");
        self.sql.push_on(Dialect::Postgres, " JOIN entry AS e");
        self.sql
            .push(" ON e.admitted_us = s.admitted_us AND e.exchange_id = s.exchange_id AND ")
            .push(COUNTS);
        self.sql.push(" WHERE ").push(condition);
        self.within("s", std::slice::from_ref(stretch));
        self
    }

    fn within(&mut self, of: &str, stretches: &[Stretch]) {
        let (since, until) = whole(stretches);
        self.sql.push(format_args!(" AND {of}.admitted_us >= {since} AND {of}.admitted_us < {until}"));
        if stretches.len() > 1 {
            let each = stretches
                .iter()
                .map(|it| format!("({of}.admitted_us >= {} AND {of}.admitted_us < {})", it.start, it.end));
            self.sql.push(format_args!(" AND ({})", each.collect::<Vec<_>>().join(" OR ")));
        }
        if let Some(Among(first, before)) = &self.among {
            self.sql.push(" AND e.exchange_id >= ").bind(first.to_vec());
            self.sql.push(" AND e.exchange_id < ").bind(before.to_vec());
        }
    }

    /// The highest counts, and of equal ones always the same.
    fn highest(mut self, counted: &str, by: &str, least: Least) -> Sql<'q> {
        self.sql.push(format_args!(" GROUP BY {by} HAVING {counted} >= {}", least.count));
        self.sql.push(format_args!(" ORDER BY {counted} DESC, {by} LIMIT {}", least.most));
        self.sql
    }
}

fn whole(stretches: &[Stretch]) -> (i64, i64) {
    let since = stretches.iter().map(|it| it.start).min().unwrap_or(0);
    (since, stretches.iter().map(|it| it.end).max().unwrap_or(0))
}

const OFFICER: &str = "s.kind = 1";
const EXCHANGES: &str = "count(DISTINCT s.exchange_id)";

impl Index {
    async fn statement(
        &self,
        select: &str,
        stretches: &[Stretch],
        deadline: Instant,
    ) -> Result<Statement<'static>, lgsp_store::Error> {
        let (since, until) = whole(stretches);
        let among = match self.store.dialect() {
            Dialect::Sqlite => None,
            Dialect::Postgres => {
                months::among(&mut self.store.reader(deadline).await?, (Some(since), Some(until))).await?
            }
        };
        Ok(Statement { sql: Sql::new(self.store.dialect(), select), among })
    }

    async fn looks(&self, mut sql: Sql<'_>, deadline: Instant) -> Result<Vec<Look>, lgsp_store::Error> {
        self.store.reader(deadline).await?.all(sql.query()).await?.iter().map(look).collect()
    }

    /// Exchanges of each officer in windows of so many µs.
    pub async fn of_officers_in_windows(
        &self,
        stretch: &Stretch,
        window_us: i64,
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        let slot = format!("(s.admitted_us - ({})) / {window_us}", stretch.start);
        let select =
            format!("SELECT e.environment, e.agency, s.kind, s.value, {slot} AS slot, {EXCHANGES} AS n");
        let stretches = std::slice::from_ref(stretch);
        let statement = self.statement(&select, stretches, deadline).await?.of_sought(OFFICER, stretches);
        let by = format!("e.environment, e.agency, s.kind, s.value, {slot}");
        self.looks(statement.highest(EXCHANGES, &by, least), deadline).await
    }

    /// The same of each application.
    pub async fn of_applications_in_windows(
        &self,
        stretch: &Stretch,
        window_us: i64,
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        let slot = format!("(e.admitted_us - ({})) / {window_us}", stretch.start);
        let select = format!("SELECT e.environment, e.agency, e.application, {slot} AS slot, count(*) AS n");
        let stretches = std::slice::from_ref(stretch);
        let statement = self.statement(&select, stretches, deadline).await?.of_exchanges(stretches);
        let by = format!("e.environment, e.agency, e.application, {slot}");
        self.looks(statement.highest("count(*)", &by, least), deadline).await
    }

    /// Exchanges of each officer in stretches of a day.
    pub async fn of_officers(
        &self,
        stretches: &[Stretch],
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        let select = format!("SELECT e.environment, e.agency, s.kind, s.value, {EXCHANGES} AS n");
        let statement = self.statement(&select, stretches, deadline).await?.of_sought(OFFICER, stretches);
        let sql = statement.highest(EXCHANGES, "e.environment, e.agency, s.kind, s.value", least);
        self.looks(sql, deadline).await
    }

    /// The same of each of these applications.
    pub async fn of_applications(
        &self,
        applications: &[String],
        stretches: &[Stretch],
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        const SELECT: &str = "SELECT e.environment, e.agency, e.application, count(*) AS n";
        let mut statement = self.statement(SELECT, stretches, deadline).await?.of_exchanges(stretches);
        statement.sql.push(" AND e.application");
        statement.sql.among(Kind::Text, applications.iter().cloned());
        let sql = statement.highest("count(*)", "e.environment, e.agency, e.application", least);
        self.looks(sql, deadline).await
    }

    /// Of the exchanges of each application for each of these purposes, those without a dossier, where they are so many of a thousand.
    pub async fn without_dossier(
        &self,
        purposes: &[String],
        stretch: &Stretch,
        (per_mille, of): (u32, u32),
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        const WITHOUT: &str = "sum(1 - e.dossier)";
        let select = format!(
            "SELECT e.environment, e.agency, e.application, e.purpose, CAST({WITHOUT} AS BIGINT) AS n, count(*) AS of_all"
        );
        let stretches = std::slice::from_ref(stretch);
        let mut statement = self.statement(&select, stretches, deadline).await?.of_exchanges(stretches);
        statement.sql.push(" AND e.purpose");
        statement.sql.among(Kind::Text, purposes.iter().cloned());
        statement.sql.push(" GROUP BY e.environment, e.agency, e.application, e.purpose");
        statement
            .sql
            .push(format_args!(" HAVING count(*) >= {of} AND {WITHOUT} * 1000 >= count(*) * {per_mille}"));
        statement.sql.push(format_args!(
            " ORDER BY {WITHOUT} DESC, e.environment, e.agency, e.application, e.purpose LIMIT {}",
            least.most
        ));
        self.looks(statement.sql, deadline).await
    }

    /// The exchanges of each officer for these purposes that come one after the other without a dossier.
    pub async fn runs_without_dossier(
        &self,
        purposes: &[String],
        stretch: &Stretch,
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        // Each exchange once, though several of its entries may name the officer; then the dossiers before it tell the runs apart.
        const SELECT: &str = "SELECT environment, agency, kind, value, count(*) AS n, min(admitted_us) AS first_us, max(admitted_us) AS last_us \
             FROM (SELECT d.*, sum(d.dossier) OVER (PARTITION BY environment, agency, kind, value ORDER BY admitted_us, exchange_id) AS run \
             FROM (SELECT DISTINCT e.environment, e.agency, s.kind, s.value, s.admitted_us, s.exchange_id, e.dossier";
        let stretches = std::slice::from_ref(stretch);
        let mut statement = self.statement(SELECT, stretches, deadline).await?.of_sought(OFFICER, stretches);
        statement.sql.push(" AND e.purpose");
        statement.sql.among(Kind::Text, purposes.iter().cloned());
        statement.sql.push(") AS d) AS r WHERE dossier = 0");
        let sql = statement.highest("count(*)", "environment, agency, kind, value, run", least);
        self.looks(sql, deadline).await
    }

    /// Different subjects that each officer asked about.
    pub async fn subjects_of_officers(
        &self,
        stretch: &Stretch,
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        const SELECT: &str = "SELECT environment, agency, kind, value, count(*) AS n FROM (SELECT DISTINCT e.environment, e.agency, \
             s.kind, s.value, o.kind AS subject_kind, o.value AS subject";
        let asked = format!("o.kind >= {SUBJECTS} AND o.asked = 1");
        let stretches = std::slice::from_ref(stretch);
        let statement = self.statement(SELECT, stretches, deadline).await?;
        let mut statement = statement.of_both(OFFICER, &asked, stretch);
        statement.sql.push(") AS d");
        let sql = statement.highest("count(*)", "environment, agency, kind, value", least);
        self.looks(sql, deadline).await
    }

    /// Different officers who asked about each person.
    pub async fn officers_about_persons(
        &self,
        stretch: &Stretch,
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        const SELECT: &str = "SELECT environment, kind, value, count(*) AS n FROM (SELECT DISTINCT e.environment, s.kind, s.value, e.agency, \
             o.value AS officer";
        let stretches = std::slice::from_ref(stretch);
        let statement = self.statement(SELECT, stretches, deadline).await?;
        let officer = format!("o.kind = {}", Text::Officer as i64);
        let mut statement = statement.of_both(&person(), &officer, stretch);
        statement.sql.push(") AS d");
        self.looks(statement.highest("count(*)", "environment, kind, value", least), deadline).await
    }

    /// Different applications that asked about each person.
    pub async fn applications_about_persons(
        &self,
        stretch: &Stretch,
        least: Least,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        const APPLICATIONS: &str = "count(DISTINCT e.application)";
        let select = format!("SELECT e.environment, s.kind, s.value, {APPLICATIONS} AS n");
        let stretches = std::slice::from_ref(stretch);
        let statement = self.statement(&select, stretches, deadline).await?.of_sought(&person(), stretches);
        self.looks(statement.highest(APPLICATIONS, "e.environment, s.kind, s.value", least), deadline).await
    }

    /// Exchanges of each application with each service on each of these days, by their numbers.
    pub async fn of_days(
        &self,
        days: &[i64],
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        let mut sql = self.sql(
            "SELECT environment, application, service, day AS slot, CAST(sum(exchanges) AS BIGINT) AS n FROM daily \
             WHERE exchanges > 0 AND platform = 0 AND day",
        );
        sql.among(Kind::Integer, days.iter().copied());
        sql.push(" GROUP BY environment, application, service, day ORDER BY environment, application, service, day LIMIT ");
        sql.bind(i64::try_from(most).unwrap_or(i64::MAX));
        self.looks(sql, deadline).await
    }

    /// The first day of a span, both ends included, on which each application asked each service.
    pub async fn first_days(
        &self,
        (first, last): (i64, i64),
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Look>, lgsp_store::Error> {
        let mut sql = self.sql(
            "SELECT environment, application, service, min(day) AS slot FROM daily WHERE exchanges > 0 AND platform = 0 AND day >= ",
        );
        sql.bind(first).push(" AND day <= ").bind(last);
        sql.push(
            " GROUP BY environment, application, service ORDER BY environment, application, service LIMIT ",
        );
        sql.bind(i64::try_from(most).unwrap_or(i64::MAX));
        self.looks(sql, deadline).await
    }
}

/// A person who was asked about.
fn person() -> String {
    format!("s.kind = {} AND s.asked = 1", SUBJECTS + Subject::Person as i64)
}

fn look(row: &Row) -> Result<Look, lgsp_store::Error> {
    // What a statement does not tell apart is no column of its rows.
    let text = |column| row.text(column).unwrap_or_default();
    let number = |column| row.integer(column).unwrap_or_default();
    Ok(Look {
        environment: row.text("environment")?,
        agency: text("agency"),
        application: text("application"),
        service: text("service"),
        purpose: text("purpose"),
        kind: number("kind"),
        value: row.bytes("value").map(<[u8]>::to_vec).unwrap_or_default(),
        slot: number("slot"),
        count: number("n").cast_unsigned(),
        of: number("of_all").cast_unsigned(),
        first_us: number("first_us"),
        last_us: number("last_us"),
    })
}
