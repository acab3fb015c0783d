//! Small health databases of the same people, in every form that the adapter reads, called as the bus calls it.

pub use lgsp_adapter::testing::Form;
use lgsp_adapter::testing::{Database, native, not_understood};
use lgsp_adapter::{Adapter, Dialect, Options, Store};
use lgsp_proto::health::v1::health_service_client::HealthServiceClient;
use lgsp_proto::health::v1::{
    GetPatientSummaryRequest, ListImmunizationsRequest, ListImmunizationsResponse, PatientSummary,
    VerifyInsuranceRequest, VerifyInsuranceResponse,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/health.sql");
const RECORDS: &str = include_str!("records.sql");
const AGENCY_SCHEMA: &str = include_str!("agency.sql");
const AGENCY_RECORDS: &str = include_str!("agency-records.sql");
const AGENCY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/records/agency.toml");

pub const HOLDER: &str = "092058000001";
pub const HOLDERS_OLD_CARD: &str = "361000001";
pub const SUSPENDED: &str = "092160000002";
pub const CHILD: &str = "092315000004";

pub struct Records {
    pub client: HealthServiceClient<Routes>,
    pub adapter: Adapter,
    pub options: Options,
    pub form: Form,
    /// For writing.
    pub store: Store,
    _database: Database,
}

impl Records {
    /// One in each form on each database at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = Self::each_of(Form::Native, "").await;
        each.extend(Self::each_of(Form::Mapped, "").await);
        each
    }

    /// One on each database at hand, with some more records.
    pub async fn each_of(form: Form, more: &str) -> Vec<Self> {
        let mut each = Vec::new();
        for database in Database::each().await {
            each.push(Self::of(database, form, more).await);
        }
        each
    }

    pub async fn of(database: Database, form: Form, more: &str) -> Self {
        let options = form.options(AGENCY, &database);
        Self::opened(database, form, more, options).await
    }

    /// One whose adapter is told so.
    pub async fn opened(database: Database, form: Form, more: &str, options: Options) -> Self {
        let store = database.filled(&tables(form, database.dialect())).await;
        store.run(more).await.unwrap();
        let adapter = lgsp_adapter_health::open(&options).await.unwrap();
        let client = HealthServiceClient::new(adapter.routes.clone());
        Self { client, adapter, options, form, store, _database: database }
    }

    /// Changes the records, by the statement of each form.
    pub async fn change(&self, native: &str, mapped: &str) {
        let sql = match self.form {
            Form::Native => native,
            Form::Mapped => mapped,
        };
        self.store.run(sql).await.unwrap();
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
        not_understood(&self.adapter, relation, column)
    }
}

/// The tables of a form with their records, as a database writes them.
fn tables(form: Form, dialect: Dialect) -> String {
    match form {
        Form::Native => format!("{}\n{RECORDS}", native(dialect, SCHEMA)),
        Form::Mapped => format!("{AGENCY_SCHEMA}\n{AGENCY_RECORDS}"),
    }
}
