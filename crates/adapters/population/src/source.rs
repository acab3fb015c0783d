use async_trait::async_trait;
use lgsp_adapter::SourceError;
use lgsp_identifiers::{PersonKey, WardCode};
use lgsp_proto::population::v1::{Citizen, Household, ResidenceKind, Resident};
use tokio::time::Instant;

/// What a household is asked for by.
#[derive(Clone, Debug)]
pub enum HouseholdKey {
    /// Its own number.
    Number(String),
    /// Any member.
    Member(PersonKey),
}

/// A system of record of citizens and households. Every question ends at its deadline.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Finds a citizen, dead or alive.
    ///
    /// # Errors
    /// The source did not answer.
    async fn citizen(&self, key: &PersonKey, deadline: Instant) -> Result<Option<Citizen>, SourceError>;

    /// Finds a household with its living members, the head first.
    ///
    /// # Errors
    /// The source did not answer.
    async fn household(
        &self,
        key: &HouseholdKey,
        deadline: Instant,
    ) -> Result<Option<Household>, SourceError>;

    /// Lists living residents of one ward in use or of two, each with its number in the order of the list: up to `limit` after
    /// the number `after`. [`ResidenceKind::Unspecified`] means every kind.
    ///
    /// # Errors
    /// The source did not answer.
    async fn residents(
        &self,
        wards: &[WardCode],
        kind: ResidenceKind,
        after: i64,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<(i64, Resident)>, SourceError>;
}
