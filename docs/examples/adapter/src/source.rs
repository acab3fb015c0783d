use async_trait::async_trait;
use lgsp_adapter::SourceError;
use lgsp_identifiers::PersonalNumber;
use tokio::time::Instant;

use crate::Plate;
use crate::v1::Vehicle;

/// A system of record of vehicles. Every question ends at its deadline.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Finds the vehicle of a plate.
    ///
    /// # Errors
    /// The source gave no answer, or holds the plate twice.
    async fn of_plate(&self, plate: &Plate, deadline: Instant) -> Result<Option<Vehicle>, SourceError>;

    /// Finds the vehicles of an owner, by plate, and no more than `limit`.
    ///
    /// # Errors
    /// The source gave no answer.
    async fn of_owner(
        &self,
        owner: &PersonalNumber,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<Vehicle>, SourceError>;
}
