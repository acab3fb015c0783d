//! The steps of the filing, one at a time and without a broker, to be timed. No promise of the crate.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_tlog::SignerKey;
use tokio::time::Instant;

use crate::entry::{self, Key, Read, Signers};
use crate::erasable::Erasables;
use crate::files::log::{End, Log, Place};
use crate::index::{Asked, Index, Progress, Row};
use crate::recovery::Site;
use crate::seal::{Heads, Publisher, Tree};
use crate::sequences::Sequences;
use crate::{Error, Options};

/// How long a count may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A ledger's files, without a ledger.
#[derive(Debug)]
pub struct Steps {
    _site: Site,
    log: Log,
    tree: Tree,
    publisher: Publisher,
    erasables: Erasables,
    index: Index,
    sequences: Sequences,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Exchanges of the period as a whole.
    Period,
    /// Exchanges day by day.
    Days,
    /// The first, with distinct dossiers.
    Dossiers,
    /// Forms.
    Forms,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Rows of the answer.
    pub rows: usize,
    /// Exchanges, or forms that were opened.
    pub sum: u64,
}

/// Entries that were read.
#[derive(Debug)]
pub struct Entries(Vec<Read>);

/// Entries that are in the log.
#[derive(Debug)]
pub struct Appended(Vec<Row>);

/// Reads records of the topic.
pub fn read(values: Vec<Bytes>, counting: &MacKey) -> Entries {
    let signers = Signers { entries: Some(counting.clone()), ..Signers::default() };
    let read = values.into_iter().filter_map(|value| entry::read(value, &signers).ok());
    Entries(read.map(|arrived| arrived.read).collect())
}

impl Steps {
    /// Begins a ledger in an empty folder.
    ///
    /// # Errors
    /// Its files cannot be made.
    pub async fn begin(options: &Options, key: SignerKey) -> Result<Self, Error> {
        let site = Site::open(&options.dir).await?;
        let head = Heads::take_over(&options.dir).map_err(crate::seal::Error::from)?;
        let generation = head.1.generation;
        let mut tree = Tree::open(&options.dir, &site.log, head, End::default())?;
        let erasables = Erasables::open(&site.erasable).await?;
        let publisher = Publisher::open(&options.dir, &options.origin, (vec![key], &[]), &mut tree)?;
        Ok(Self {
            log: Log::open(&site.log, options.segment_size as u64, generation, End::default()),
            tree,
            publisher,
            index: Index::open(&site.index, &erasables.seek_key).await?,
            erasables,
            sequences: Sequences::default(),
            _site: site,
        })
    }

    /// Appends entries to the log, and signs a checkpoint of it.
    ///
    /// # Errors
    /// The disk does not do it.
    pub fn append_and_seal(&mut self, entries: Entries) -> Result<Appended, Error> {
        let file = |source| Error::File { path: Path::new("log").to_owned(), source };
        let sealed: Vec<Bytes> = entries.0.iter().map(|read| read.bytes.clone()).collect();
        let first = self.log.end().leaves;
        let places = self.log.append(&sealed).map_err(file)?;
        let leaves: Vec<_> = sealed.into_iter().zip(places).collect();
        let rows = entries.0.into_iter().zip(&leaves).zip(first..);
        let rows = rows.map(|((read, (_, place)), leaf)| Row { leaf, place: *place, read }).collect();
        self.tree.grow(first, &leaves, self.log.end().place)?;
        self.tree.seal(&Default::default())?;
        self.publisher.publish(self.tree.head())?;
        Ok(Appended(rows))
    }

    /// Takes appended entries into the store of erasable parts and the index, after a look whether they are there.
    ///
    /// # Errors
    /// A store does not do it.
    pub async fn index(&mut self, appended: &Appended) -> Result<(), Error> {
        let rows = &appended.0;
        let keys: Vec<Key> = rows.iter().map(|row| row.read.key).collect();
        self.index.known(&keys).await?;
        let entries: Vec<Read> = rows.iter().map(|row| row.read.clone()).collect();
        self.erasables.put(&entries).await?;
        rows.iter().for_each(|row| self.sequences.take_in(&row.read));
        let progress = Progress { end: self.log.end(), incarnation: [0; 16] };
        self.index.put(rows, &[], &self.sequences, &progress, &Default::default()).await?;
        self.sequences.written();
        Ok(())
    }

    /// Takes entries into the index alone: for what is asked of an index of a size that no log need be made for.
    ///
    /// # Errors
    /// The index does not do it.
    pub async fn index_alone(&mut self, entries: Entries, first_leaf: u64) -> Result<(), Error> {
        let row = |(read, leaf)| Row { leaf, place: Place::default(), read };
        let rows: Vec<Row> = entries.0.into_iter().zip(first_leaf..).map(row).collect();
        self.index.put(&rows, &[], &self.sequences, &Progress::default(), &Default::default()).await
    }

    /// Counts the exchanges of a period (midnights in Unix µs), as a report asks for them.
    ///
    /// # Errors
    /// The index does not do it.
    pub async fn count(&self, (since_us, until_us): (i64, i64), ask: Ask) -> Result<Counted, Error> {
        let deadline = Instant::now() + PATIENCE;
        let failed = |source| crate::fence::failed("index", source);
        if ask == Ask::Forms {
            let told = self.index.forms((since_us, until_us), usize::MAX, deadline).await.map_err(failed)?;
            let opened = told.0.iter().map(|it| it.opened).sum::<i64>();
            return Ok(Counted { rows: told.0.len() + told.1.len(), sum: opened.unsigned_abs() });
        }
        let (by_day, dossiers) = (ask == Ask::Days, ask == Ask::Dossiers);
        let asked = Asked { since_us, until_us, by_day, dossiers, limit: usize::MAX };
        let told = self.index.traffic(asked, deadline).await.map_err(failed)?;
        let exchanges = told.counted.iter().map(|it| it.exchanges).sum::<i64>();
        Ok(Counted { rows: told.counted.len() + told.dossiers.len(), sum: exchanges.unsigned_abs() })
    }

    /// The days whose counts are not those of their entries.
    ///
    /// # Errors
    /// The index does not do it.
    pub async fn miscounted(&self) -> Result<Vec<String>, Error> {
        Ok(self.index.miscounted().await?.into_iter().map(|it| it.day).collect())
    }
}
