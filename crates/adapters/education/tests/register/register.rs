//! Small registers of the same pupils, in both forms that the adapter reads, called as the bus calls it.

pub use lgsp_adapter::testing::Form;
use lgsp_adapter::testing::{Database, native, not_understood};
use lgsp_adapter::{Adapter, Options, Store};
use lgsp_proto::education::v1::education_service_client::EducationServiceClient;
use lgsp_proto::education::v1::{
    GetStudentRequest, Student, VerifyDiplomaRequest, VerifyDiplomaResponse, VerifyEnrolmentRequest,
    VerifyEnrolmentResponse,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/education.sql");
const REGISTER: &str = include_str!("register.sql");
/// A school office's.
const AGENCY_SHEETS: &str = include_str!("agency.sql");
const AGENCY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/register/agency.toml");

pub const PUPIL: &str = "9200000001";
pub const PUPILS_NUMBER: &str = "092212000001";
/// Finished school in 2024.
pub const GRADUATE: &str = "9200000002";
pub const GRADUATES_OLD_CARD: &str = "361000002";
pub const TODDLER: &str = "9200000003";

pub struct Register {
    pub client: EducationServiceClient<Routes>,
    pub adapter: Adapter,
    pub options: Options,
    store: Store,
    _database: Database,
}

impl Register {
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
        let tables = match form {
            Form::Native => format!("{}\n{REGISTER}", native(database.dialect(), SCHEMA)),
            Form::Mapped => AGENCY_SHEETS.to_owned(),
        };
        let store = database.filled(&format!("{tables}\n{more}")).await;
        let options = form.options(AGENCY, &database);
        let adapter = lgsp_adapter_education::open(&options).await.unwrap();
        let client = EducationServiceClient::new(adapter.routes.clone());
        Self { client, adapter, options, store, _database: database }
    }

    /// Changes the records.
    pub async fn run(&self, sql: &str) {
        self.store.run(sql).await.unwrap();
    }

    /// How often a column was not understood.
    pub fn not_understood(&self, relation: &str, column: &str) -> u64 {
        not_understood(&self.adapter, relation, column)
    }

    pub async fn student(&mut self, asked: GetStudentRequest) -> Result<Student, Status> {
        Ok(self.client.get_student(asked).await?.into_inner().student.unwrap())
    }

    pub async fn enrolment(
        &mut self,
        asked: VerifyEnrolmentRequest,
    ) -> Result<VerifyEnrolmentResponse, Status> {
        Ok(self.client.verify_enrolment(asked).await?.into_inner())
    }

    pub async fn diploma(&mut self, asked: VerifyDiplomaRequest) -> Result<VerifyDiplomaResponse, Status> {
        Ok(self.client.verify_diploma(asked).await?.into_inner())
    }
}
