//! The way back in when no administrator has a key any more: on the store, beside the hub or without it.
//!
//! Whoever may write in the store could do so by hand; this leaves a change in the history that nobody can overlook.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ed25519_dalek::SigningKey;
use lgsp_core::PersonId;
use lgsp_core::sign_in::may_hold_a_person;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{Actor, Change, Credential, Edit, Person};
use lgsp_store::Options as StoreOptions;
use tokio::time::Instant;
use tracing::warn;

use crate::HistoryError;
use crate::as_of::as_of;
use crate::catalogue::{Catalogue, put, stamped};
use crate::first::{REGISTRY, keep};
use crate::held::hold;
use crate::history::History;
use crate::person::ADMINISTRATOR;

/// What the change in the history is called.
pub(crate) const ACTION: &str = "recover-administrator";
/// How long the key is good: for whoever has it to make one that is longer-lived.
const VALID_US: i64 = 7 * 86_400 * 1_000_000;
/// How long the store may take altogether.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is tried again because somebody decided meanwhile.
const MOST_TRIES: usize = 8;

/// Who shall be an administrator again, and where.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The store of the registry.
    pub store: StoreOptions,
    /// `production` or `sandbox`: where the key is good.
    pub environment: String,
    /// An administrator, or the id of a new one.
    pub id: String,
    /// The file for the private key. What is there already is not written over.
    pub key_file: PathBuf,
    /// Why, for the history.
    pub reason: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The change in the history.
    pub sequence: u64,
    /// Under which the registry knows the key.
    pub key_id: String,
    /// Until when the key is good, Unix µs.
    pub not_after: i64,
}

/// Why nobody was made an administrator.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// There is no history.
    #[error(
        "{url} holds no registry: a registry makes its administrators when it starts with an empty store"
    )]
    Empty {
        /// The store.
        url: String,
    },
    /// The id cannot be that of an administrator.
    #[error("{id} {problem}")]
    Id {
        /// As given.
        id: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No reason was given.
    #[error("a reason is required, without a number of a person: it stands in the history for ever")]
    Reason,
    /// The rules would not hold together.
    #[error("the rules of the store do not hold together: {0}")]
    Rules(#[from] Box<lgsp_core::RulesError>),
    /// The store failed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The key cannot be kept.
    #[error("the key cannot be kept in {}: {source}; what is there already is not written over", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody was faster each time.
    #[error("others decide all the time: try again")]
    Busy,
}

/// Makes somebody an administrator again: with a new key, in the place of those that they had.
///
/// A registry may run over the store meanwhile: a change has one place in the history, and whoever comes second looks again.
///
/// # Errors
/// The store holds no registry or fails, the id is that of somebody else, or the key cannot be kept. Then nothing has changed.
pub async fn recover_administrator(recovery: &Recovery) -> Result<Recovered, RecoverError> {
    if recovery.reason.trim().is_empty() || may_hold_a_person(&recovery.reason) {
        return Err(RecoverError::Reason);
    }
    let empty = || RecoverError::Empty { url: recovery.store.url.clone() };
    let path = recovery.store.url.strip_prefix("sqlite:");
    if path.is_some_and(|path| !Path::new(path).exists()) {
        return Err(empty());
    }
    let history = History::open(&recovery.store).await?;
    let until = Instant::now() + PATIENCE;
    let key = SigningKey::from_bytes(&rand::random());
    let catalogue = as_of(&history, &Default::default(), until).await?;
    if catalogue.sequence == 0 {
        return Err(empty());
    }
    // Before the key is made: most refusals are known by now.
    draft(&catalogue, recovery, &key, 0)?;
    let failed = |source| RecoverError::Key { path: recovery.key_file.clone(), source };
    keep(&recovery.key_file, &key).map_err(failed)?;
    let recovered = add(&history, recovery, &key, until).await;
    if recovered.is_err() {
        // Nobody's key: it would only be in the way of the next attempt.
        let _ = std::fs::remove_file(&recovery.key_file);
    }
    recovered
}

async fn add(
    history: &History,
    recovery: &Recovery,
    key: &SigningKey,
    until: Instant,
) -> Result<Recovered, RecoverError> {
    for _ in 0..MOST_TRIES {
        let catalogue = as_of(history, &Default::default(), until).await?;
        let now = unix_micros(SystemTime::now());
        let (key_id, edit) = draft(&catalogue, recovery, key, now)?;
        let change = Change {
            sequence: catalogue.sequence + 1,
            at: Some(timestamp(now)),
            by: Some(Actor::default()),
            action: ACTION.to_owned(),
            reason: recovery.reason.trim().to_owned(),
            edits: stamped(vec![edit], catalogue.sequence + 1),
            revision: catalogue.revision + 1,
            ..Change::default()
        };
        let mut after = catalogue;
        after.apply(&change).map_err(HistoryError::from)?;
        let known = std::collections::BTreeMap::new();
        let known = (&known, &std::sync::Arc::default());
        hold(history, after, &recovery.environment, known, until).await.map_err(|error| match error {
            crate::held::NotHeld::Rules(error) => RecoverError::Rules(error),
            crate::held::NotHeld::History(error) => RecoverError::History(error),
        })?;
        if history.append(&change, until).await? {
            return Ok(Recovered { sequence: change.sequence, key_id, not_after: now + VALID_US });
        }
    }
    Err(RecoverError::Busy)
}

/// The id of the key, and what is changed. Pure.
fn draft(
    catalogue: &Catalogue,
    recovery: &Recovery,
    key: &SigningKey,
    now: i64,
) -> Result<(String, Edit), RecoverError> {
    let bad = |problem| RecoverError::Id { id: recovery.id.clone(), problem };
    if PersonId::parse(&recovery.id).is_none() {
        return Err(bad("is not well formed as the id of a person"));
    }
    if !catalogue.has_role(ADMINISTRATOR) {
        return Err(bad("cannot be an administrator: the registry has no such role"));
    }
    let known = catalogue.person(&recovery.id);
    if known.is_some_and(|known| known.left || !known.roles.iter().any(|role| role == ADMINISTRATOR)) {
        return Err(bad("is a person who is no administrator: name another id"));
    }
    let operates = catalogue.service(REGISTRY).map(|service| service.owner_agency_code.clone());
    let mut person = known.cloned().unwrap_or_else(|| Person {
        id: recovery.id.clone(),
        agency_code: operates.unwrap_or_default(),
        roles: vec![ADMINISTRATOR.to_owned()],
        ..Person::default()
    });
    let credential = Credential {
        key_id: free_key_id(catalogue, &recovery.id),
        ed25519_public_key: key.verifying_key().as_bytes().to_vec().into(),
        not_before: Some(timestamp(now)),
        not_after: Some(timestamp(now + VALID_US)),
        environment: lgsp_core::environment(&recovery.environment).into(),
    };
    let key_id = credential.key_id.clone();
    person.credentials = vec![credential];
    Ok((key_id, put(known.cloned().map(Of::Person), Of::Person(person), recovery.id.clone())))
}

/// `admin-1-2`, if `admin-1-1` is taken or ever was.
fn free_key_id(catalogue: &Catalogue, person: &str) -> String {
    let mut ids = (1_u32..).map(|number| format!("{person}-{number}"));
    ids.find(|id| !catalogue.remembered().has_key_id(id)).unwrap_or_default()
}

/// Tells loudly who was made an administrator on the store, as long as they have that key.
pub(crate) fn tell(catalogue: &Catalogue, told: u64) -> u64 {
    for recovery in catalogue.recoveries().iter().filter(|recovery| recovery.sequence > told) {
        let person = catalogue.person(&recovery.person);
        let has_it = |it: &Credential| it.key_id == recovery.key_id;
        if person.is_some_and(|person| person.credentials.iter().any(has_it)) {
            warn!(
                change = recovery.sequence,
                person = %recovery.person,
                "somebody was made an administrator on the store itself, without a hub: see whether that was meant"
            );
        }
    }
    catalogue.sequence
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::Error;
    use crate::register::Register;
    use crate::rules::{Folder, check};

    async fn store(folder: &Path) -> StoreOptions {
        let store = StoreOptions::of(format!("sqlite:{}", folder.join("registry.db").display()));
        let first = async || {
            let mut checked = check(&Folder::of(crate::shipped().iter().copied()), "sandbox").unwrap();
            checked.snapshot.persons.push(crate::office::person("an.justice", "H13.03", &["developer"]));
            checked.snapshot.persons.push(crate::office::person("admin-1", "H13.02", &["administrator"]));
            Ok::<_, Error>((checked, 0))
        };
        Register::open(&store, "sandbox", None, first).await.unwrap();
        store
    }

    fn recovery(store: &StoreOptions, folder: &Path, id: &str) -> Recovery {
        Recovery {
            store: store.clone(),
            environment: "sandbox".to_owned(),
            id: id.to_owned(),
            key_file: folder.join(format!("{id}.pem")),
            reason: "both keys burnt".to_owned(),
        }
    }

    async fn now(store: &StoreOptions) -> Catalogue {
        let never = async || unreachable!("the store is not empty");
        let register = Register::open(store, "sandbox", None, never).await.unwrap();
        register.now().catalogue.clone()
    }

    #[tokio::test]
    async fn an_administrator_comes_back_with_one_key_and_the_history_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let before = now(&store).await;
        let recovery = recovery(&store, folder.path(), "admin-1");
        let recovered = recover_administrator(&recovery).await.unwrap();
        let after = now(&store).await;
        assert_eq!((recovered.sequence, after.revision), (before.sequence + 1, before.revision + 1));
        let keys = &after.person("admin-1").unwrap().credentials;
        assert_eq!(keys.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>(), ["admin-1-1"]);
        assert_eq!(after.recoveries().len(), 1);
        let mode = std::fs::metadata(&recovery.key_file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let again = recover_administrator(&recovery).await.unwrap_err();
        assert!(matches!(again, RecoverError::Key { .. }), "a key is not written over: {again}");
        assert_eq!(now(&store).await, after, "and then nothing has changed");
        let other = Recovery { key_file: folder.path().join("other.pem"), ..recovery };
        assert_eq!(recover_administrator(&other).await.unwrap().key_id, "admin-1-2");
    }

    #[tokio::test]
    async fn a_new_administrator_is_of_the_agency_that_operates_the_hub_and_nobody_else_becomes_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        recover_administrator(&recovery(&store, folder.path(), "admin-9")).await.unwrap();
        let after = now(&store).await;
        assert_eq!(after.person("admin-9").unwrap().agency_code, "H13.02");
        for (id, reason) in
            [("an.justice", "r"), ("Not An Id", "r"), ("admin-8", " "), ("admin-8", "for 092085000011")]
        {
            let refused = Recovery { reason: reason.to_owned(), ..recovery(&store, folder.path(), id) };
            recover_administrator(&refused).await.unwrap_err();
            assert!(!refused.key_file.exists(), "{id}");
        }
        assert_eq!(now(&store).await, after);
    }

    #[tokio::test]
    async fn a_store_without_a_registry_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreOptions::of(format!("sqlite:{}", folder.path().join("none.db").display()));
        let refused = recover_administrator(&recovery(&store, folder.path(), "admin-1")).await.unwrap_err();
        assert!(matches!(refused, RecoverError::Empty { .. }));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
