use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// Most statements that are remembered; those beyond are found out anew at each call.
const MOST: usize = 256;

/// The statements whose texts the server must be told to be texts, which it has said of each once.
#[derive(Default)]
pub(super) struct Plain(RwLock<HashSet<String>>);

impl Plain {
    pub(super) fn contains(&self, sql: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(sql)
    }

    pub(super) fn add(&self, sql: &str) {
        let mut statements = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if statements.len() < MOST {
            statements.insert(sql.to_owned());
        }
    }
}
