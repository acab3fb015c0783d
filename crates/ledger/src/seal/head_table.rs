//! The head in a table of PostgreSQL, for ledgers of several hosts.

use std::future::Future;
use std::time::Duration;

use lgsp_store::{Care, Dialect, Migration, Options, Query, Store};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::head::{Error, Head, HeadStore};
use crate::fence;

/// Where it is.
const SCHEMA: &str = "lgsp_ledger";
/// How long one look or step may take.
const PATIENCE: Duration = Duration::from_secs(10);

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "head",
    sql: "CREATE TABLE head (
    id         INTEGER PRIMARY KEY CHECK (id = 0),
    generation BIGINT NOT NULL,
    head       TEXT   NOT NULL
)",
}];

/// The head in its table. What was consumed stands in the head itself, so that one statement on one row moves both.
#[derive(Debug)]
pub(crate) struct HeadTable {
    store: Store,
    runtime: Handle,
}

impl HeadTable {
    pub async fn open(options: &Options) -> Result<Self, Error> {
        debug_assert_eq!(options.dialect().ok(), Some(Dialect::Postgres), "a file is a HeadFile");
        let options = Options { max_connections: 2, ..options.clone() };
        Ok(Self { store: Store::open_in(SCHEMA, &options, MIGRATIONS).await?, runtime: Handle::current() })
    }

    async fn find(&self) -> Result<Option<String>, lgsp_store::Error> {
        let mut reader = self.store.reader(soon()).await?;
        let row = reader.optional(Query::new("SELECT head FROM head")).await?;
        row.map(|row| row.text("head")).transpose()
    }

    /// Returns whether the head was of the generation.
    async fn replace(&self, from: u64, next: &Head, json: &str) -> Result<bool, lgsp_store::Error> {
        const FIRST: &str = "INSERT INTO head (id, generation, head) VALUES (0, $2, $3) ON CONFLICT (id) DO UPDATE SET \
             generation = excluded.generation, head = excluded.head WHERE head.generation = $1";
        const NEXT: &str = "UPDATE head SET generation = $2, head = $3 WHERE id = 0 AND generation = $1";
        let mut writer = self.store.writer(Care::Durable, soon()).await?;
        if next.generation != from {
            fence::take_alone(&mut writer).await?;
        }
        let query = Query::new(if from == 0 { FIRST } else { NEXT });
        let query = query.bind(from.cast_signed()).bind(next.generation.cast_signed()).bind(json);
        let changed = writer.run(query).await?;
        writer.commit().await?;
        Ok(changed == 1)
    }

    fn wait<T>(&self, asked: impl Future<Output = Result<T, lgsp_store::Error>>) -> Result<T, Error> {
        Ok(self.runtime.block_on(asked)?)
    }
}

impl HeadStore for HeadTable {
    fn read(&self) -> Result<Option<Head>, Error> {
        let Some(json) = self.wait(self.find())? else { return Ok(None) };
        let unreadable = |_| lgsp_store::Error::Value { column: "head".to_owned() };
        Ok(Some(serde_json::from_str(&json).map_err(unreadable)?))
    }

    fn advance(&self, from: u64, next: &Head) -> Result<(), Error> {
        let json = serde_json::to_string(next).expect("a head has a JSON form");
        if self.wait(self.replace(from, next, &json))? { Ok(()) } else { Err(Error::TakenOver) }
    }
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

#[cfg(test)]
mod tests {
    use lgsp_store::testing::Database;

    use super::super::head::Heads;
    use super::*;
    use crate::fence::Fence;

    async fn take_over(database: &Database) -> Result<(Heads, Head), Error> {
        let table = HeadTable::open(&database.options()).await?;
        tokio::task::spawn_blocking(|| Heads::take_over_in(Box::new(table))).await.unwrap()
    }

    async fn advance(heads: Heads, head: &Head) -> Result<Heads, Error> {
        let head = head.clone();
        let advanced = tokio::task::spawn_blocking(move || heads.advance(&head).map(|()| heads));
        advanced.await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_was_paused_while_another_host_took_over_advances_nothing() {
        let Some(database) = Database::postgres().await else { return };
        let (paused, old) = take_over(&database).await.unwrap();
        let mut grown = old.clone();
        grown.tree.size = 5;
        let paused = advance(paused, &grown).await.unwrap();
        let (heads, head) = take_over(&database).await.unwrap();
        assert_eq!((old.generation, head.generation, head.tree.size), (1, 2, 5));
        let refused = advance(paused, &Head { generation: 1, ..old }).await.unwrap_err();
        assert!(matches!(refused, Error::TakenOver));
        let mut next = head.clone();
        next.tree.size = 7;
        advance(heads, &next).await.unwrap();
        let (_, found) = take_over(&database).await.unwrap();
        assert_eq!(found, Head { generation: 3, ..next });
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn transactions_under_way_hold_up_no_seal_and_whoever_takes_over_is_served_in_turn() {
        let Some(database) = Database::postgres().await else { return };
        let (heads, head) = take_over(&database).await.unwrap();
        let store = Store::open(&database.options(), &[]).await.unwrap();
        let fence = Fence::of(head.generation);
        let deadline = Instant::now() + Duration::from_secs(60);
        let before = fence.writer(&store, Care::Durable, deadline).await.unwrap();
        let mut grown = head.clone();
        grown.tree.size = 5;
        let heads = advance(heads, &grown).await.unwrap();

        let taking = async { take_over(&database).await.unwrap().1.generation };
        let behind = async {
            const WAITS: &str = "SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            let mut reader = store.reader(deadline).await.unwrap();
            while reader.optional(Query::new(WAITS)).await.unwrap().is_none() {}
            // It comes behind the one that waits, which ends what this one is fenced by.
            let behind = fence.writer(&store, Care::Durable, deadline);
            let before = async {
                while reader.all(Query::new(WAITS)).await.unwrap().len() < 2 {}
                before.commit().await.unwrap();
            };
            tokio::join!(behind, before).0.map(drop).unwrap_err()
        };
        let (generation, refused) = tokio::join!(taking, behind);
        assert_eq!(generation, 2);
        assert!(matches!(fence::failed("head", refused), crate::Error::TakenOver));
        assert!(matches!(advance(heads, &grown).await.unwrap_err(), Error::TakenOver));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_those_that_take_over_at_once_each_has_a_generation_of_its_own_or_is_refused() {
        let Some(database) = Database::postgres().await else { return };
        let taken = futures::future::join_all((0..4).map(|_| take_over(&database))).await;
        let mut generations = Vec::new();
        for taken in taken {
            match taken {
                Ok((_, head)) => generations.push(head.generation),
                Err(error) => assert!(matches!(error, Error::TakenOver), "{error}"),
            }
        }
        generations.sort_unstable();
        assert_eq!(generations, (1..=generations.len() as u64).collect::<Vec<_>>());
    }
}
