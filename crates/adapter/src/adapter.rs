use std::sync::Arc;

use tonic::service::Routes;

use crate::Tables;
use crate::health::Probe;

/// An opened domain adapter: what the bus serves, and what is watched.
#[derive(Clone)]
pub struct Adapter {
    /// The domain, which names the topic of its requests.
    pub domain: &'static str,
    /// Its tonic service.
    pub routes: Routes,
    /// The name of its source, for health.
    pub source: Arc<str>,
    /// Asks the source whether it answers.
    pub probe: Arc<dyn Probe>,
}

impl Adapter {
    /// An adapter over tables.
    pub fn over(tables: &Tables, domain: &'static str, routes: Routes) -> Self {
        Self { domain, routes, source: tables.name().into(), probe: Arc::new(tables.clone()) }
    }
}

/// Why an adapter could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its source could not be opened.
    #[error("the source of the adapter cannot be used")]
    Source(#[from] lgsp_store::Error),
    /// Its source holds another version of its schema.
    #[error(
        "the source has schema version {found}, the adapter reads version {expected}: make the source anew"
    )]
    SchemaVersion {
        /// The version that the source names.
        found: i64,
        /// The version that the adapter reads.
        expected: i64,
    },
    /// It does not say who answers for its records.
    #[error("the source's table `source` is empty: it says nowhere who answers for its records")]
    NoOrigin,
    /// It is not what the adapter reads; every mismatch, one a line.
    #[error("the source is not what the adapter reads:{}", listed(.0))]
    Mismatch(Vec<Mismatch>),
}

/// Where a source, or its mapping, differs from what an adapter reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// A key of the adapter's configuration, or a relation or column of the native schema.
    pub place: String,
    /// What is wrong. Names of tables and columns, and never a value.
    pub found: String,
}

fn listed(mismatches: &[Mismatch]) -> String {
    mismatches.iter().map(|mismatch| format!("\n  {}: {}", mismatch.place, mismatch.found)).collect()
}
