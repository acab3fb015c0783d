//! The key under which the index has what entries are found by. It lies with the erasable parts: officers and dossiers are few and
//! easily guessed, and whoever has the index alone must not try them.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use lgsp_store::{Care, Query, Store};
use sha2::Sha256;

use super::soon;

/// The key. It stays the same for the life of its store.
#[derive(Clone)]
pub(crate) struct SeekKey(Hmac<Sha256>);

impl fmt::Debug for SeekKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeekKey")
    }
}

impl SeekKey {
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    pub fn digest(&self, text: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(text);
        mac.finalize().into_bytes().into()
    }

    /// By what an index tells whether it was built under this key.
    pub fn id(&self) -> [u8; 32] {
        self.digest(b"lgsp seek key id")
    }
}

/// The key of a store; made if it has none.
pub(super) async fn of(store: &Store) -> Result<SeekKey, lgsp_store::Error> {
    let fresh: [u8; 32] = rand::random();
    let mut writer = store.writer(Care::Durable, soon()).await?;
    writer
        .run(Query::new("INSERT INTO seek_key (id, key) VALUES (0, $1) ON CONFLICT DO NOTHING").bind(&fresh))
        .await?;
    let rows = writer.all(Query::new("SELECT key FROM seek_key")).await?;
    writer.commit().await?;
    let key = rows.first().map(|row| row.bytes("key")).transpose()?;
    Ok(SeekKey::new(key.unwrap_or(&fresh)))
}
