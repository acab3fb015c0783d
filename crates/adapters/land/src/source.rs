use async_trait::async_trait;
use geo::Rect;
use lgsp_adapter::{Fields, SourceError, health::Probe};
use lgsp_identifiers::{EnterpriseCode, ParcelKey, PersonKey, WardCode};
use lgsp_proto::land::v1::Parcel;
use tokio::time::Instant;

/// What a parcel is asked for by.
#[derive(Clone, Debug)]
pub enum ParcelRef {
    /// The stable id: lower-case, hyphenated.
    Id(String),
    /// A key in use now or formerly.
    Key(ParcelKey),
}

/// What an owner is asked for by.
#[derive(Clone, Debug)]
pub enum OwnerKey {
    /// A natural person.
    Person(PersonKey),
    /// An enterprise.
    Enterprise(EnterpriseCode),
}

impl OwnerKey {
    /// The key in full.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Person(key) => key.as_str(),
            Self::Enterprise(code) => code.as_str(),
        }
    }
}

/// What of a parcel is read that costs something: its border, and what hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Where it is.
    pub border: bool,
    /// Keys that it had before.
    pub former_keys: bool,
    /// What the land may be used for.
    pub land_uses: bool,
    /// Who holds it.
    pub owners: bool,
    /// Limits on the right of use.
    pub restrictions: bool,
    /// What it was made of and what it became.
    pub lineage: bool,
}

impl Parts {
    /// The parts of the parcels at `record`, a path of the answer, that may leave.
    pub fn of(fields: &Fields, record: &str) -> Self {
        let wants = |part: &str| fields.wants(&format!("{record}.{part}"));
        Self {
            // A centre that is not on record is found from the border.
            border: wants("geometry") || wants("geometry_geojson") || wants("centre"),
            former_keys: wants("former_keys"),
            land_uses: wants("land_uses"),
            owners: wants("owners"),
            restrictions: wants("restrictions"),
            lineage: wants("predecessor_ids") || wants("successor_ids"),
        }
    }
}

/// A cadastre. Lists hold the parcels that exist now, each with its number in the order of the list: up to `limit`
/// after the number `after`. A parcel comes with the parts that are asked for. Every question ends at its deadline.
#[async_trait]
pub trait Source: Probe {
    /// Finds a parcel, also one that was divided or merged. A key in use now means the parcel that has it now, and
    /// otherwise the one that had it last.
    ///
    /// # Errors
    /// The source did not answer.
    async fn parcel(
        &self,
        parcel: &ParcelRef,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Parcel>, SourceError>;

    /// Lists the parcels that somebody holds now.
    ///
    /// # Errors
    /// The source did not answer.
    async fn parcels_of_owner(
        &self,
        owner: &OwnerKey,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError>;

    /// Lists the parcels whose bounding box shares a point with a box of degrees, longitude first. They have their borders,
    /// whatever is asked for.
    ///
    /// # Errors
    /// The source did not answer.
    async fn parcels_near(
        &self,
        bounds: Rect<f64>,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError>;

    /// Lists the parcels of one ward in use or of two.
    ///
    /// # Errors
    /// The source did not answer.
    async fn parcels_of_ward(
        &self,
        wards: &[WardCode],
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Parcel)>, SourceError>;
}
