use std::sync::Arc;

use tonic::service::Routes;

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
}
