/// Why a monitor cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its store cannot be used.
    #[error("the monitor's store: {0}")]
    Store(#[from] lgsp_store::Error),
    /// The bus refused.
    #[error(transparent)]
    Bus(#[from] lgsp_bus::Error),
}
