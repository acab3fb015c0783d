//! Contracts that were linked, to be used again: linking is most of what compiling rules costs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use lgsp_proto::LinkError;
use prost_reflect::DescriptorPool;

/// Linked contracts by their [`descriptor_key`](super::descriptor_key), which is of their bytes: one that is kept is never another.
#[derive(Debug, Default)]
pub struct Pools {
    linked: Mutex<HashMap<String, DescriptorPool>>,
}

impl Pools {
    /// Links a contract, or finds it linked.
    pub(super) fn link(&self, key: &str, descriptor_set: &[u8]) -> Result<DescriptorPool, LinkError> {
        if let Some(pool) = self.linked.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(pool.clone());
        }
        let pool = lgsp_proto::link(descriptor_set)?;
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        linked.insert(key.to_owned(), pool.clone());
        Ok(pool)
    }

    /// Forgets all but these.
    pub fn retain(&self, descriptors: &BTreeMap<String, Bytes>) {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        linked.retain(|key, _| descriptors.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_linked_once_until_it_is_forgotten() {
        let service = lgsp_proto::services().next().unwrap();
        let set = lgsp_proto::descriptor_set_of(service).unwrap();
        let pools = Pools::default();
        pools.link("a", set).unwrap();
        pools.link("a", b"never looked at").unwrap();
        pools.retain(&BTreeMap::new());
        pools.link("a", b"no contract").unwrap_err();
    }
}
