use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Handles that were resolved once. Looking one up takes no lock and no memory; adding one copies the map.
///
/// Its keys come from the rules or the configuration, so that there are few of them and they hardly change.
#[derive(Debug)]
pub struct Resolved<K, V> {
    known: ArcSwap<HashMap<K, Arc<V>>>,
}

impl<K, V> Default for Resolved<K, V> {
    fn default() -> Self {
        Self { known: ArcSwap::from_pointee(HashMap::new()) }
    }
}

impl<K: Eq + Hash + Clone, V> Resolved<K, V> {
    /// The handles of a key, made by `resolve` when it is asked for first.
    pub fn get<Q>(&self, key: &Q, resolve: impl FnOnce() -> (K, V)) -> Arc<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(known) = self.known.load().get(key) {
            return known.clone();
        }
        let (key, made) = resolve();
        let made = Arc::new(made);
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.entry(key.clone()).or_insert_with(|| made.clone());
            known
        });
        made
    }
}
