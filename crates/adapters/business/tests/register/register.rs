//! A small business register, with its adapter called as the bus calls it.

use lgsp_adapter::testing::{Database, native};
use lgsp_adapter::{Options, Store};
use lgsp_proto::business::v1::business_service_client::BusinessServiceClient;
use lgsp_proto::business::v1::{
    Enterprise, GetEnterpriseRequest, ListEnterprisesByRepresentativeRequest,
    ListEnterprisesByRepresentativeResponse, VerifyEnterpriseRequest, VerifyEnterpriseResponse,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/business.sql");
const REGISTER: &str = include_str!("register.sql");

pub const ENTERPRISE: &str = "0100109106";
pub const PERSON: &str = "092058000001";
pub const PERSONS_OLD_CARD: &str = "361000001";
pub const NOT_ANY_MORE: &str = "092160000002";

pub struct Register {
    pub client: BusinessServiceClient<Routes>,
    /// For writing.
    pub store: Store,
    pub database: Database,
}

impl Register {
    /// One on each database at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = Vec::new();
        for database in Database::each().await {
            let store = database.filled(&native(database.dialect(), SCHEMA)).await;
            store.run(REGISTER).await.unwrap();
            let adapter = lgsp_adapter_business::open(&Options::of(database.url())).await.unwrap();
            each.push(Self { client: BusinessServiceClient::new(adapter.routes), store, database });
        }
        each
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
