//! Descriptor sets, as the compiler encoded them.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;
use sha2::{Digest, Sha256};

/// All contracts with what they import, custom options included: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/all.binpb"));

/// The contract of `google.rpc` error details with what it imports, encoded.
pub const ERROR_DETAILS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/error_details.binpb"));

/// Services by full name, each with the descriptor set of its file and what that imports.
static SERVICES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/services.rs"));

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(DESCRIPTOR_SET).expect("the build script compiled this very descriptor set")
});

/// Returns the pool of all contracts known at compile time.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// Lists the full names of all services, sorted.
pub fn services() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

/// Returns the smallest descriptor set that holds a service: its file and what that imports, encoded, with custom
/// options. `None` for a name that is no service of ours.
pub fn descriptor_set_of(service: &str) -> Option<&'static [u8]> {
    SERVICES.iter().find(|(name, _)| *name == service).map(|(_, set)| *set)
}

/// Digests an encoded descriptor set: its name on the topic of rules, and the contract digest in entries.
pub fn contract_sha256(descriptor_set: &[u8]) -> [u8; 32] {
    Sha256::digest(descriptor_set).into()
}
