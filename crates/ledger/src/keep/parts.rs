//! The file of an archive's erasable parts.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use lgsp_core::ExchangeId;
use lgsp_proto::ledger::v1::Phase;

use super::set::{Hashing, Part};
use super::{Error, damaged, file};
use crate::entry::Key;
use crate::files::segment;

/// An erasable part of an entry; none of one that is erased.
pub(crate) type Kept = (Key, Option<Bytes>);

const ERASED: u32 = u32::MAX;

/// Writes erasable parts, one after the other, to a file that is named by its content.
pub(super) struct Parts {
    path: PathBuf,
    to: Hashing,
    values: u64,
}

impl Parts {
    pub fn create(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("erasable.new");
        let to = Hashing::create(&path).map_err(file(&path))?;
        Ok(Self { path, to, values: 0 })
    }

    pub fn push(&mut self, part: &Kept) -> Result<(), Error> {
        self.try_push(part).map_err(file(&self.path))
    }

    fn try_push(&mut self, (key, value): &Kept) -> io::Result<()> {
        self.to.write_all(key.exchange.as_bytes())?;
        self.to.write_all(&(key.phase as i32).to_le_bytes())?;
        self.to.write_all(&key.part.to_le_bytes())?;
        let length = value.as_ref().map_or(ERASED, |value| value.len() as u32);
        self.to.write_all(&length.to_le_bytes())?;
        self.to.write_all(value.as_deref().unwrap_or_default())?;
        self.values += u64::from(value.is_some());
        Ok(())
    }

    /// Gives the file its name. Returns how many of the parts are not erased.
    pub fn finish(self) -> Result<(Part, u64), Error> {
        let mut part = self.to.finish(&self.path).map_err(file(&self.path))?;
        part.name = format!("erasable.{}", &part.sha256[..16]);
        let named = self.path.with_file_name(&part.name);
        fs::rename(&self.path, &named).map_err(file(&named))?;
        if let Some(dir) = self.path.parent() {
            segment::sync_folder(dir).map_err(file(dir))?;
        }
        Ok((part, self.values))
    }
}

/// Reads the erasable parts of an archive, one after the other.
pub(super) fn read_parts(path: &Path) -> Result<impl Iterator<Item = Result<Kept, Error>> + use<>, Error> {
    let mut from = BufReader::new(File::open(path).map_err(file(path))?);
    let path = path.to_owned();
    Ok(std::iter::from_fn(move || {
        let mut head = [0; 28];
        match from.read_exact(&mut head) {
            Ok(()) => Some(read_part(&head, &mut from, &path)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(file(&path)(error))),
        }
    }))
}

fn read_part(head: &[u8; 28], from: &mut impl io::Read, path: &Path) -> Result<Kept, Error> {
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let key = || {
        let phase = Phase::try_from(number(16).cast_signed()).ok()?;
        Some(Key { exchange: ExchangeId::from_bytes(&head[..16])?, phase, part: number(20) })
    };
    let key = key().ok_or_else(|| damaged(path, "holds what is no erasable part"))?;
    let value = match number(24) {
        ERASED => None,
        length => {
            let mut value = vec![0; length as usize];
            from.read_exact(&mut value).map_err(file(path))?;
            Some(value.into())
        }
    };
    Ok((key, value))
}
