//! Small registers of the same pupils, in both forms that the adapter reads, called as the bus calls it.

use std::path::Path;

use lgsp_adapter::config::{self, Sources};
use lgsp_adapter::testing::{Database, native};
use lgsp_adapter::{Options, SourceOptions};
use lgsp_proto::education::v1::education_service_client::EducationServiceClient;
use lgsp_proto::education::v1::{
    GetStudentRequest, Student, VerifyDiplomaRequest, VerifyDiplomaResponse, VerifyEnrolmentRequest,
    VerifyEnrolmentResponse,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/education.sql");
const REGISTER: &str = include_str!("register.sql");
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
    pub options: Options,
    _database: Database,
}

impl Register {
    /// One in each form on each database at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = Vec::new();
        for database in Database::each().await {
            let tables = format!("{}\n{REGISTER}", native(database.dialect(), SCHEMA));
            let options = Options::of(database.url());
            each.push(Self::of(database, &tables, options).await);
        }
        for database in Database::each().await {
            let mapped: Options = config::load(&Sources::default().file(Some(Path::new(AGENCY)))).unwrap();
            let source = SourceOptions { url: database.url().to_owned(), ..mapped.source };
            each.push(Self::of(database, AGENCY_SHEETS, Options { source, ..mapped }).await);
        }
        each
    }

    async fn of(database: Database, tables: &str, options: Options) -> Self {
        database.filled(tables).await.close().await;
        let adapter = lgsp_adapter_education::open(&options).await.unwrap();
        Self { client: EducationServiceClient::new(adapter.routes), options, _database: database }
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
