//! A small health database, with its adapter called as the bus calls it.

use lgsp_adapter::testing::{Database, native};
use lgsp_adapter::{Adapter, NotUnderstood, Options, Store};
use lgsp_proto::health::v1::health_service_client::HealthServiceClient;
use lgsp_proto::health::v1::{
    GetPatientSummaryRequest, ListImmunizationsRequest, ListImmunizationsResponse, PatientSummary,
    VerifyInsuranceRequest, VerifyInsuranceResponse,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/health.sql");
const RECORDS: &str = include_str!("records.sql");

pub const HOLDER: &str = "092058000001";
pub const HOLDERS_OLD_CARD: &str = "361000001";
pub const SUSPENDED: &str = "092160000002";
pub const CHILD: &str = "092315000004";

pub struct Records {
    pub client: HealthServiceClient<Routes>,
    pub adapter: Adapter,
    /// For writing.
    pub store: Store,
    pub database: Database,
}

impl Records {
    /// One on each database at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = Vec::new();
        for database in Database::each().await {
            let store = database.filled(&native(database.dialect(), SCHEMA)).await;
            store.run(RECORDS).await.unwrap();
            let adapter = lgsp_adapter_health::open(&Options::of(database.url())).await.unwrap();
            let client = HealthServiceClient::new(adapter.routes.clone());
            each.push(Self { client, adapter, store, database });
        }
        each
    }

    pub async fn verify(&mut self, asked: VerifyInsuranceRequest) -> Result<VerifyInsuranceResponse, Status> {
        Ok(self.client.verify_insurance(asked).await?.into_inner())
    }

    pub async fn summary(&mut self, asked: GetPatientSummaryRequest) -> Result<PatientSummary, Status> {
        Ok(self.client.get_patient_summary(asked).await?.into_inner().summary.unwrap())
    }

    pub async fn immunizations(
        &mut self,
        asked: ListImmunizationsRequest,
    ) -> Result<ListImmunizationsResponse, Status> {
        Ok(self.client.list_immunizations(asked).await?.into_inner())
    }

    /// How often a column was not understood.
    pub fn not_understood(&self, relation: &str, column: &str) -> u64 {
        let counts = self.adapter.probe.not_understood();
        let of = |count: &&NotUnderstood| (count.relation, count.column) == (relation, column);
        counts.iter().find(of).map_or(0, |count| count.count)
    }
}
