//! The rules as the files say them: read, checked all at once, and turned into a snapshot.

mod build;
mod check;
mod contracts;
mod entries;
mod folder;
mod inventory;
mod moment;
mod parse;
mod proposal;
mod write;

use std::collections::BTreeMap;

use bytes::Bytes;
use lgsp_proto::registry::v1::{Contact, Item, Snapshot};
use prost::Message;
use sha2::{Digest, Sha256};

pub use folder::{FILES, Folder};
pub use proposal::agreements;
pub use write::{has_own_contract, write, write_inventory};

use crate::problem::Problems;

/// Rules that hold together. They have no revision yet.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The snapshot without revision and time, its parts sorted, so that the same rules have the same bytes.
    pub(crate) snapshot: Snapshot,
    /// Encoded descriptor sets by their key on the topic.
    pub(crate) descriptors: BTreeMap<String, Bytes>,
    /// The offices that answer for applications, by id. Gateways need not know them.
    pub(crate) contacts: BTreeMap<String, Vec<Contact>>,
    /// The inventory of systems and of national data services. Gateways need not know it.
    pub(crate) inventory: Vec<Item>,
}

impl Checked {
    /// The snapshot without revision and time.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Encoded descriptor sets by their key on the topic.
    pub fn descriptors(&self) -> &BTreeMap<String, Bytes> {
        &self.descriptors
    }

    /// The offices that answer for applications, by the application's id.
    pub fn contacts(&self) -> &BTreeMap<String, Vec<Contact>> {
        &self.contacts
    }
}

/// Checks the rules of a folder and builds their snapshot.
///
/// `environment` is `production` or `sandbox`.
///
/// # Errors
/// Everything that is wrong, each problem with its file, its line and what is accepted.
pub fn check(folder: &Folder, environment: &str) -> Result<Checked, Problems> {
    check::check(folder, environment)
}

/// Digest of what a snapshot says, whatever its revision and time.
pub(crate) fn content_digest(snapshot: &Snapshot) -> [u8; 32] {
    let bare = Snapshot { revision: 0, published: None, ..snapshot.clone() };
    Sha256::digest(bare.encode_to_vec()).into()
}
