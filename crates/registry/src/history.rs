//! The history in its store: changes are added, and never changed.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use lgsp_proto::registry::v1::Change;
use lgsp_store::{Error as StoreError, Migration, Options, Query, Row, Store};
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use tokio::time::Instant;

/// Changes that are read at once.
const PAGE: i64 = 500;
const CHANGE: &str = "lgsp.registry.v1.Change";

const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "history", sql: HISTORY }];

/// A change is JSON, so that whoever holds the store can read it without us. Descriptor sets are in base64, by their key on the
/// topic: they are large, and named by many changes.
const HISTORY: &str = "
CREATE TABLE registry_change (
    sequence BIGINT PRIMARY KEY,
    record   TEXT   NOT NULL
);
CREATE TABLE registry_descriptor_set (
    key     TEXT PRIMARY KEY,
    content TEXT NOT NULL
)
";

/// Why the history could not be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store failed.
    #[error("the history of the registry: {0}")]
    Store(#[from] StoreError),
    /// A record is not one that a registry writes.
    #[error("the history of the registry is damaged: record {sequence} is none")]
    Record {
        /// Its sequence.
        sequence: i64,
    },
    /// A record has what this program does not know.
    #[error("record {sequence} was written by a newer registry: update this one")]
    Newer {
        /// Its sequence.
        sequence: i64,
    },
    /// What the changes amount to does not hold together.
    #[error("the history of the registry is damaged: its rules do not hold together")]
    Rules,
    /// The changes do not follow each other.
    #[error("the history of the registry is damaged: {0}")]
    Order(#[from] crate::catalogue::Damage),
}

/// The store of the history. Cheap to clone. Several registries may share one on PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct History {
    store: Store,
    change: MessageDescriptor,
}

impl History {
    pub async fn open(options: &Options) -> Result<Self, HistoryError> {
        let store = Store::open(options, MIGRATIONS).await?;
        let change =
            lgsp_proto::pool().get_message_by_name(CHANGE).expect("the contracts hold their own messages");
        Ok(Self { store, change })
    }

    /// Takes in the changes after one, in their order, until there are no more or `take` has enough. A page of them is held at a
    /// time.
    pub async fn each_after(
        &self,
        sequence: u64,
        deadline: Instant,
        mut take: impl FnMut(Change) -> Result<ControlFlow<()>, HistoryError>,
    ) -> Result<(), HistoryError> {
        const SQL: &str =
            "SELECT sequence, record FROM registry_change WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let mut after = number(sequence);
        loop {
            let query = Query::new(SQL).bind(after).bind(PAGE);
            let rows = self.store.reader(deadline).await?.all(query).await?;
            for row in &rows {
                after = row.integer("sequence")?;
                if take(self.change(row)?)?.is_break() {
                    return Ok(());
                }
            }
            if rows.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// The changes before one, newest first; no more than `most`.
    pub async fn before(
        &self,
        sequence: u64,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Change>, HistoryError> {
        const SQL: &str = "SELECT sequence, record FROM registry_change WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2";
        let query = Query::new(SQL).bind(number(sequence)).bind(i64::try_from(most).unwrap_or(PAGE));
        let rows = self.store.reader(deadline).await?.all(query).await?;
        rows.iter().map(|row| self.change(row)).collect()
    }

    fn change(&self, row: &Row) -> Result<Change, HistoryError> {
        let sequence = row.integer("sequence")?;
        let record = row.text("record")?;
        // What is not known is not passed over: rules without it would be others.
        if let Some(change) = self.read(&record, &DeserializeOptions::new()) {
            return Ok(change);
        }
        let lenient = DeserializeOptions::new().deny_unknown_fields(false);
        let is_newer = self.read(&record, &lenient).is_some();
        Err(if is_newer { HistoryError::Newer { sequence } } else { HistoryError::Record { sequence } })
    }

    /// Adds a change. Returns false if another one has its place: then nothing was added.
    ///
    /// After an error it may have been added all the same; reading tells.
    pub async fn append(&self, change: &Change, deadline: Instant) -> Result<bool, HistoryError> {
        const SQL: &str = "INSERT INTO registry_change (sequence, record) VALUES ($1, $2)
            ON CONFLICT (sequence) DO NOTHING RETURNING sequence";
        let query = Query::new(SQL).bind(number(change.sequence)).bind(self.write(change));
        let added = self.store.reader(deadline).await?.all(query).await?;
        Ok(!added.is_empty())
    }

    /// Keeps descriptor sets, before the change that names them.
    pub async fn keep(
        &self,
        descriptor_sets: &BTreeMap<String, Bytes>,
        deadline: Instant,
    ) -> Result<(), HistoryError> {
        const SQL: &str = "INSERT INTO registry_descriptor_set (key, content) VALUES ($1, $2)
            ON CONFLICT (key) DO NOTHING";
        for (key, content) in descriptor_sets {
            let query = Query::new(SQL).bind(key.as_str()).bind(BASE64.encode(content));
            self.store.reader(deadline).await?.all(query).await?;
        }
        Ok(())
    }

    /// The descriptor set of a key on the topic.
    pub async fn contract(&self, key: &str, deadline: Instant) -> Result<Option<Bytes>, HistoryError> {
        const SQL: &str = "SELECT content FROM registry_descriptor_set WHERE key = $1";
        let rows = self.store.reader(deadline).await?.all(Query::new(SQL).bind(key)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let content = BASE64.decode(row.text("content")?);
        let content = content.map_err(|_| StoreError::Value { column: "content".to_owned() })?;
        Ok(Some(content.into()))
    }

    fn write(&self, change: &Change) -> String {
        let mut dynamic = DynamicMessage::new(self.change.clone());
        dynamic.transcode_from(change).expect("a message is of its own type");
        serde_json::to_string(&dynamic).expect("a message has a JSON form")
    }

    fn read(&self, record: &str, options: &DeserializeOptions) -> Option<Change> {
        let mut json = serde_json::Deserializer::from_str(record);
        let read = DynamicMessage::deserialize_with_options(self.change.clone(), &mut json, options);
        read.ok()?.transcode_to().ok()
    }
}

fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lgsp_core::time::timestamp;
    use lgsp_proto::registry::v1::{Actor, AgreementRecord};

    use super::*;
    use crate::catalogue::import;
    use crate::rules::{Folder, check};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn change(sequence: u64) -> Change {
        let shipped = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
        Change {
            sequence,
            at: Some(timestamp(1_790_000_000_123_456)),
            by: Some(Actor { person: "an.justice".to_owned(), agency_code: "H13.03".to_owned() }),
            action: "import".to_owned(),
            reason: "đăng ký khai sinh".to_owned(),
            edits: import(shipped.snapshot(), &AgreementRecord::default()),
            revision: u64::MAX,
            ..Change::default()
        }
    }

    async fn history(folder: &std::path::Path) -> History {
        let url = format!("sqlite:{}", folder.join("registry.db").display());
        History::open(&Options::of(url)).await.unwrap()
    }

    async fn after(history: &History, sequence: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        let taken = history.each_after(sequence, soon(), |change| {
            changes.push(change);
            Ok(ControlFlow::Continue(()))
        });
        taken.await.unwrap();
        changes
    }

    #[tokio::test]
    async fn what_was_added_is_read_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert!(history(folder.path()).await.append(&change(1), soon()).await.unwrap());
        let again = history(folder.path()).await;
        assert_eq!(after(&again, 0).await, [change(1)]);
        assert_eq!(after(&again, 1).await, []);
    }

    #[tokio::test]
    async fn changes_are_read_page_by_page_and_as_far_as_they_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let history = history(folder.path()).await;
        let last = PAGE as u64 + 3;
        for sequence in 1..=last {
            let change = Change { sequence, ..Change::default() };
            assert!(history.append(&change, soon()).await.unwrap());
        }
        let sequences = |changes: Vec<Change>| changes.iter().map(|it| it.sequence).collect::<Vec<_>>();
        assert_eq!(sequences(after(&history, 0).await), (1..=last).collect::<Vec<_>>());
        assert_eq!(sequences(history.before(u64::MAX, 2, soon()).await.unwrap()), [last, last - 1]);
        assert_eq!(sequences(history.before(3, 10, soon()).await.unwrap()), [2, 1]);
        let mut taken = 0;
        let until_the_second = history.each_after(0, soon(), |change| {
            taken = change.sequence;
            Ok(if taken == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        until_the_second.await.unwrap();
        assert_eq!(taken, 2);
    }

    #[tokio::test]
    async fn of_two_changes_for_one_place_one_is_added_and_the_other_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (history(folder.path()).await, history(folder.path()).await);
        let other = Change { action: "other".to_owned(), ..change(1) };
        let (one, two) = (change(1), other);
        let (one, two) = tokio::join!(ours.append(&one, soon()), theirs.append(&two, soon()));
        assert_eq!(usize::from(one.unwrap()) + usize::from(two.unwrap()), 1);
        assert_eq!(after(&ours, 0).await.len(), 1);
    }

    #[tokio::test]
    async fn a_record_of_a_newer_registry_is_told_from_one_that_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let history = history(folder.path()).await;
        let said = async |sequence: i64, record: &str| {
            const SQL: &str = "INSERT INTO registry_change (sequence, record) VALUES ($1, $2)";
            let query = Query::new(SQL).bind(sequence).bind(record);
            history.store.reader(soon()).await.unwrap().all(query).await.unwrap();
            let after = number_of_last(sequence);
            history
                .each_after(after, soon(), |_| Ok(ControlFlow::Continue(())))
                .await
                .unwrap_err()
                .to_string()
        };
        for (sequence, newer) in [
            (1, r#"{"sequence": "1", "countersigned": true}"#),
            (
                2,
                r#"{"sequence": "2", "edits": [{"kind": "service", "after": {"serviceRecord": {"service": {"state": "SERVICE_STATE_PAUSED"}}}}]}"#,
            ),
        ] {
            let said = said(sequence, newer).await;
            assert_eq!(said, format!("record {sequence} was written by a newer registry: update this one"));
        }
        assert!(said(3, r#"{"sequence": "#).await.contains("is damaged: record 3"));
    }

    fn number_of_last(sequence: i64) -> u64 {
        u64::try_from(sequence - 1).unwrap()
    }

    #[tokio::test]
    async fn contracts_are_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let history = history(folder.path()).await;
        let sets = BTreeMap::from([("descriptors/00".to_owned(), Bytes::from_static(b"\x00\xff"))]);
        for _ in 0..2 {
            history.keep(&sets, soon()).await.unwrap();
        }
        let kept = history.contract("descriptors/00", soon()).await.unwrap();
        assert_eq!(kept.as_deref(), Some(b"\x00\xff".as_slice()));
        assert_eq!(history.contract("descriptors/01", soon()).await.unwrap(), None);
    }
}
