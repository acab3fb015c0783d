//! What the history says and the present does not: the keys that anybody ever had, and who made whom known.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lgsp_proto::registry::v1::credential_record::Held;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Change, Credential, Edit, Item};

use crate::occasion::person_of;

/// What is remembered of all changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Remembered {
    keys: BTreeSet<Bytes>,
    key_ids: BTreeSet<String>,
    /// By the person who was made known: who proposed and who confirmed it. Nobody of those with whom the registry began.
    makers: BTreeMap<String, BTreeSet<String>>,
}

impl Remembered {
    pub fn take_in(&mut self, change: &Change) {
        for edit in &change.edits {
            match of(&edit.after) {
                Some(Of::Person(person)) => {
                    self.keep(&person.credentials);
                    if edit.before.is_none() {
                        self.makers.entry(person.id.clone()).or_default().extend(makers(change));
                    }
                }
                Some(Of::Application(application)) => self.keep(&application.credentials),
                Some(Of::Credential(record)) => {
                    if let Some(Held::Credential(credential)) = &record.held {
                        self.keep(std::slice::from_ref(credential));
                    }
                }
                _ => {}
            }
        }
    }

    fn keep(&mut self, credentials: &[Credential]) {
        self.keys.extend(credentials.iter().map(|credential| credential.ed25519_public_key.clone()));
        self.key_ids.extend(credentials.iter().map(|credential| credential.key_id.clone()));
    }

    /// Whether anybody ever had the key.
    pub fn has_key(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
    }

    /// Whether anybody ever had a key of this id.
    pub fn has_key_id(&self, id: &str) -> bool {
        self.key_ids.contains(id)
    }

    /// Who proposed and who confirmed that a person is known.
    pub fn makers_of(&self, person: &str) -> impl Iterator<Item = &str> {
        self.makers.get(person).into_iter().flatten().map(String::as_str)
    }
}

/// Who took part in a change: who decided it, and who had proposed what was confirmed by it.
fn makers(change: &Change) -> impl Iterator<Item = String> {
    let by = change.by.iter().map(|by| by.person.clone());
    let proposed = change.edits.iter().filter_map(proposer);
    by.chain(proposed).filter(|id| !id.is_empty())
}

fn proposer(edit: &Edit) -> Option<String> {
    match of(&edit.before)? {
        Of::PersonProposal(proposal) => person_of(&proposal.proposed).map(str::to_owned),
        _ => None,
    }
}

fn of(item: &Option<Item>) -> Option<&Of> {
    item.as_ref()?.item.as_ref()
}
