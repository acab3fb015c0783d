//! Small registers of the same enterprises, in both forms that the adapter reads, called as the bus calls it.

pub use lgsp_adapter::testing::Form;
use lgsp_adapter::testing::{Database, native, not_understood};
use lgsp_adapter::{Adapter, Dialect, Options};
use lgsp_proto::business::v1::business_service_client::BusinessServiceClient;
use lgsp_proto::business::v1::{
    Enterprise, GetEnterpriseRequest, ListEnterprisesByRepresentativeRequest,
    ListEnterprisesByRepresentativeResponse, VerifyEnterpriseRequest, VerifyEnterpriseResponse,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/business.sql");
const REGISTER: &str = include_str!("register.sql");
const AGENCY_TABLES: &str = concat!(include_str!("agency.sql"), include_str!("agency-register.sql"));
const AGENCY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/register/agency.toml");

pub const ENTERPRISE: &str = "0100109106";
pub const PERSON: &str = "092058000001";
pub const PERSONS_OLD_CARD: &str = "361000001";
pub const NOT_ANY_MORE: &str = "092160000002";

pub struct Register {
    pub client: BusinessServiceClient<Routes>,
    pub adapter: Adapter,
    pub options: Options,
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
            let tables = tables(form, database.dialect());
            database.filled(&format!("{tables}\n{more}")).await.close().await;
            let options = form.options(AGENCY, &database);
            let adapter = lgsp_adapter_business::open(&options).await.unwrap();
            let client = BusinessServiceClient::new(adapter.routes.clone());
            each.push(Self { client, adapter, options, _database: database });
        }
        each
    }

    /// How often a column was not understood.
    pub fn not_understood(&self, relation: &str, column: &str) -> u64 {
        not_understood(&self.adapter, relation, column)
    }

    pub async fn enterprise(&mut self, enterprise_code: &str) -> Result<Enterprise, Status> {
        let asked = GetEnterpriseRequest { enterprise_code: enterprise_code.to_owned() };
        Ok(self.client.get_enterprise(asked).await?.into_inner().enterprise.unwrap())
    }

    pub async fn verify(
        &mut self,
        asked: VerifyEnterpriseRequest,
    ) -> Result<VerifyEnterpriseResponse, Status> {
        Ok(self.client.verify_enterprise(asked).await?.into_inner())
    }

    pub async fn represented(
        &mut self,
        asked: ListEnterprisesByRepresentativeRequest,
    ) -> Result<ListEnterprisesByRepresentativeResponse, Status> {
        Ok(self.client.list_enterprises_by_representative(asked).await?.into_inner())
    }
}

fn tables(form: Form, dialect: Dialect) -> String {
    match form {
        Form::Native => format!("{}\n{REGISTER}", native(dialect, SCHEMA)),
        Form::Mapped => AGENCY_TABLES.to_owned(),
    }
}
