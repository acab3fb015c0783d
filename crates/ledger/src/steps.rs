//! The steps of the filing, one at a time and without a broker, to be timed. No promise of the crate.

use std::path::Path;

use bytes::Bytes;
use lgsp_bus::MacKey;
use lgsp_tlog::SignerKey;

use crate::entry::{self, Key, Read, Signers};
use crate::erasable::Erasables;
use crate::files::log::{End, Log};
use crate::index::{Index, Progress, Row};
use crate::recovery::Site;
use crate::seal::{Heads, Publisher, Tree};
use crate::sequences::Sequences;
use crate::{Error, Options};

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
}
