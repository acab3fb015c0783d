use async_trait::async_trait;
use lgsp_adapter::{Fields, SourceError};
use lgsp_identifiers::{EnterpriseCode, PersonKey};
use lgsp_proto::business::v1::Enterprise;
use lgsp_proto::record::v1::Match;
use tokio::time::Instant;

/// Which of the things that hang on an enterprise are read with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Registered lines of business.
    pub business_lines: bool,
    /// Legal representatives.
    pub representatives: bool,
    /// Members and founding shareholders.
    pub members: bool,
    /// Branches and offices.
    pub branches: bool,
    /// Names that it had before.
    pub former_names: bool,
    /// Head offices that it had before.
    pub former_addresses: bool,
}

impl Parts {
    /// The enterprise alone.
    pub const NONE: Self = Self {
        business_lines: false,
        representatives: false,
        members: false,
        branches: false,
        former_names: false,
        former_addresses: false,
    };

    /// The parts of the enterprises at `record`, a path of the answer, that may leave.
    pub fn of(fields: &Fields, record: &str) -> Self {
        let wants = |part: &str| fields.wants(&format!("{record}.{part}"));
        Self {
            business_lines: wants("business_lines"),
            representatives: wants("representatives"),
            members: wants("members"),
            branches: wants("branches"),
            former_names: wants("former_names"),
            former_addresses: wants("former_addresses"),
        }
    }
}

/// A business register. An enterprise comes with the parts that are asked for. Every question ends at its deadline.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Finds an enterprise, or the branch if the code is a branch's, in operation or not any more.
    ///
    /// # Errors
    /// The source did not answer.
    async fn enterprise(
        &self,
        code: &EnterpriseCode,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Option<Enterprise>, SourceError>;

    /// Whether a person represents an enterprise by law now. Unless all who do are known by the kind of number that is
    /// claimed, it cannot be denied.
    ///
    /// # Errors
    /// The source did not answer.
    async fn represents(
        &self,
        code: &EnterpriseCode,
        person: &PersonKey,
        deadline: Instant,
    ) -> Result<Match, SourceError>;

    /// Lists the enterprises that a person represents by law now, each once and with its number in the order of the
    /// list: up to `limit` after the number `after`.
    ///
    /// # Errors
    /// The source did not answer.
    async fn enterprises_of(
        &self,
        representative: &PersonKey,
        after: i64,
        limit: usize,
        parts: Parts,
        deadline: Instant,
    ) -> Result<Vec<(i64, Enterprise)>, SourceError>;
}
