//! Small registers of the same people, in every form that the adapter reads.

use futures::TryStreamExt;
pub use lgsp_adapter::testing::Form;
use lgsp_adapter::testing::{Database, native, not_understood};
use lgsp_adapter::{Adapter, Dialect, Store};
use lgsp_proto::population::v1::population_service_client::PopulationServiceClient;
use lgsp_proto::population::v1::{
    Citizen, GetCitizenRequest, ListResidentsRequest, ListResidentsResponse, ResidenceKind,
};
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/population.sql");
const REGISTER: &str = include_str!("register.sql");
const AGENCY_SCHEMA: &str = include_str!("agency.sql");
const AGENCY_REGISTER: &str = include_str!("agency-register.sql");
const AGENCY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/population/agency.toml");

pub const HEAD: &str = "092058000001";
pub const HEADS_OLD_CARD: &str = "361000001";
pub const WIFE: &str = "092160000002";
pub const DEAD: &str = "092031000003";
pub const GRANDCHILD: &str = "092315000004";
/// Registered in the ward in use under its old code.
pub const MOVED: &str = "094190000005";

/// A register with its adapter, called as the bus calls it.
pub struct Register {
    pub client: PopulationServiceClient<Routes>,
    pub adapter: Adapter,
    pub form: Form,
    /// For writing.
    pub store: Store,
    _database: Database,
}

impl Register {
    /// One in each form on each database at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = Vec::new();
        for form in [Form::Native, Form::Mapped] {
            each.extend(Self::each_of(form, "").await);
        }
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
        let store = database.filled(&tables(form, database.dialect())).await;
        let records = match form {
            Form::Native => REGISTER,
            Form::Mapped => AGENCY_REGISTER,
        };
        store.run(&format!("{records}\n{more}")).await.unwrap();
        let adapter = lgsp_adapter_population::open(&form.options(AGENCY, &database)).await.unwrap();
        let client = PopulationServiceClient::new(adapter.routes.clone());
        Self { client, adapter, form, store, _database: database }
    }

    pub async fn citizen(&mut self, personal_number: &str) -> Result<Citizen, Status> {
        let asked = GetCitizenRequest { personal_number: personal_number.to_owned() };
        Ok(self.client.get_citizen(asked).await?.into_inner().citizen.unwrap())
    }

    pub async fn residents(
        &mut self,
        asked: ListResidentsRequest,
    ) -> Result<Vec<ListResidentsResponse>, Status> {
        self.client.list_residents(asked).await?.into_inner().try_collect().await
    }

    pub async fn numbers(&mut self, ward_code: &str, kind: ResidenceKind) -> Vec<String> {
        let asked = ListResidentsRequest {
            ward_code: ward_code.to_owned(),
            residence_kind: kind.into(),
            ..ListResidentsRequest::default()
        };
        let residents = self.residents(asked).await.unwrap().into_iter();
        residents.map(|answer| answer.resident.unwrap().personal_number).collect()
    }

    /// How often a column was not understood.
    pub fn not_understood(&self, relation: &str, column: &str) -> u64 {
        not_understood(&self.adapter, relation, column)
    }
}

/// The tables of a form, as a database writes them.
pub fn tables(form: Form, dialect: Dialect) -> String {
    match form {
        Form::Native => native(dialect, SCHEMA),
        Form::Mapped => AGENCY_SCHEMA.to_owned(),
    }
}
