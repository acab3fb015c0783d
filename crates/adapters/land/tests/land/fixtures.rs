//! Small cadastres of the same parcels, in every form that the adapter reads.

use futures::TryStreamExt;
use lgsp_adapter::testing::{Database, mapped, native, not_understood};
use lgsp_adapter::{Adapter, Dialect, OpenError, Options, Store};
use lgsp_proto::land::v1::land_service_client::LandServiceClient;
use lgsp_proto::land::v1::{
    Box as Bounds, FindParcelsRequest, GetParcelRequest, ListParcelsByOwnerRequest, ListParcelsRequest,
    ListParcelsResponse, Parcel,
};
use lgsp_proto::record::v1::Point;
use tonic::Status;
use tonic::service::Routes;

const SCHEMA: &str = include_str!("../../../../sample/schema/land.sql");
const PARCELS: &str = include_str!("cadastre.sql");
const AGENCY_SCHEMA: &str = include_str!("agency.sql");
const AGENCY_PARCELS: &str = include_str!("agency-cadastre.sql");
const POSTGIS: &str = include_str!("postgis.sql");
const AGENCY: &str = concat!(include_str!("agency.toml"), include_str!("agency-text.toml"));
const AGENCY_POSTGIS: &str = concat!(include_str!("agency.toml"), include_str!("agency-postgis.toml"));

/// What a cadastre's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The native schema.
    Native,
    /// The agency's own, with borders as texts.
    Mapped,
    /// The agency's own, with borders of PostGIS.
    PostGis,
}

/// A cadastre with its adapter, called as the bus calls it.
pub struct Cadastre {
    pub client: LandServiceClient<Routes>,
    pub adapter: Adapter,
    pub form: Form,
    /// For writing.
    pub store: Store,
    pub database: Database,
}

pub fn uuid(number: u32) -> String {
    format!("00000000-0000-8000-8000-{number:012}")
}

/// The fixtures' parcels have their number at the end of their id.
pub fn number(parcel: &Parcel) -> u32 {
    parcel.parcel_id[24..].parse().unwrap()
}

pub fn numbers<'a>(parcels: impl IntoIterator<Item = &'a Parcel>) -> Vec<u32> {
    parcels.into_iter().map(number).collect()
}

impl Cadastre {
    /// One in each form on each database at hand.
    pub async fn each() -> Vec<Self> {
        let mut each = Vec::new();
        for form in [Form::Native, Form::Mapped, Form::PostGis] {
            each.extend(Self::each_of(form, "").await);
        }
        each
    }

    /// One on each database at hand, with some more records.
    pub async fn each_of(form: Form, more: &str) -> Vec<Self> {
        let databases = match form {
            Form::Native | Form::Mapped => Database::each().await,
            Form::PostGis => Database::postgres().await.into_iter().collect(),
        };
        let mut each = Vec::new();
        for database in databases {
            each.push(Self::of(database, form, more).await);
        }
        each
    }

    /// The agency's on each database at hand, with another word in its mapping and some more records.
    pub async fn each_mapped_with(word: &str, other: &str, more: &str) -> Vec<Self> {
        let mut each = Vec::new();
        for database in Database::each().await {
            let options = read(Some(&mapping_with(Form::Mapped, word, other)), &database);
            each.push(Self::opened(database, Form::Mapped, more, &options).await);
        }
        each
    }

    pub async fn of(database: Database, form: Form, more: &str) -> Self {
        let options = options(form, &database);
        Self::opened(database, form, more, &options).await
    }

    async fn opened(database: Database, form: Form, more: &str, options: &Options) -> Self {
        let tables = tables(form, database.dialect());
        let store = database.filled(&format!("{tables}\n{more}")).await;
        let adapter = lgsp_adapter_land::open(options).await.unwrap();
        let client = LandServiceClient::new(adapter.routes.clone());
        Self { client, adapter, form, store, database }
    }

    pub async fn by_id(&mut self, parcel_id: &str) -> Result<Parcel, Status> {
        let asked = GetParcelRequest { parcel_id: parcel_id.to_owned(), ..Default::default() };
        Ok(self.client.get_parcel(asked).await?.into_inner().parcel.unwrap())
    }

    pub async fn by_key(&mut self, parcel_key: &str) -> Result<Parcel, Status> {
        let asked = GetParcelRequest { parcel_key: parcel_key.to_owned(), ..Default::default() };
        Ok(self.client.get_parcel(asked).await?.into_inner().parcel.unwrap())
    }

    pub async fn of_owner(&mut self, asked: ListParcelsByOwnerRequest) -> Result<Vec<u32>, Status> {
        Ok(numbers(&self.client.list_parcels_by_owner(asked).await?.into_inner().parcels))
    }

    pub async fn at(&mut self, latitude: f64, longitude: f64) -> Vec<u32> {
        let asked = FindParcelsRequest { point: Some(Point { latitude, longitude }), ..Default::default() };
        numbers(&self.client.find_parcels(asked).await.unwrap().into_inner().parcels)
    }

    pub async fn in_box(&mut self, south: f64, west: f64, north: f64, east: f64) -> Vec<u32> {
        let asked =
            FindParcelsRequest { r#box: Some(Bounds { south, west, north, east }), ..Default::default() };
        numbers(&self.client.find_parcels(asked).await.unwrap().into_inner().parcels)
    }

    pub async fn of_ward(&mut self, asked: ListParcelsRequest) -> Result<Vec<ListParcelsResponse>, Status> {
        self.client.list_parcels(asked).await?.into_inner().try_collect().await
    }

    pub async fn numbers_of_ward(&mut self, ward_code: &str) -> Vec<u32> {
        let asked = ListParcelsRequest { ward_code: ward_code.to_owned(), ..Default::default() };
        let listed = self.of_ward(asked).await.unwrap();
        numbers(listed.iter().map(|answer| answer.parcel.as_ref().unwrap()))
    }

    /// How often a column was not understood.
    pub fn not_understood(&self, relation: &str, column: &str) -> u64 {
        not_understood(&self.adapter, relation, column)
    }
}

/// Opens the agency's cadastre with another word in its mapping.
pub async fn opened_with(form: Form, word: &str, other: &str) -> Vec<Result<Adapter, OpenError>> {
    let mut opened = Vec::new();
    for cadastre in Cadastre::each_of(form, "").await {
        let options = read(Some(&mapping_with(form, word, other)), &cadastre.database);
        opened.push(lgsp_adapter_land::open(&options).await);
    }
    opened
}

fn tables(form: Form, dialect: Dialect) -> String {
    match form {
        Form::Native => format!("{}\n{PARCELS}", native(dialect, SCHEMA)),
        Form::Mapped => format!("{AGENCY_SCHEMA}\n{AGENCY_PARCELS}"),
        Form::PostGis => format!("{AGENCY_SCHEMA}\n{AGENCY_PARCELS}\n{POSTGIS}"),
    }
}

fn mapping(form: Form) -> Option<&'static str> {
    match form {
        Form::Native => None,
        Form::Mapped => Some(AGENCY),
        Form::PostGis => Some(AGENCY_POSTGIS),
    }
}

fn mapping_with(form: Form, word: &str, other: &str) -> String {
    let mapping = mapping(form).unwrap();
    assert!(mapping.contains(word), "the mapping has no {word}");
    mapping.replace(word, other)
}

/// How the adapter is told of a cadastre.
pub fn options(form: Form, database: &Database) -> Options {
    read(mapping(form), database)
}

fn read(mapping: Option<&str>, database: &Database) -> Options {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), mapping.unwrap_or_default()).unwrap();
    mapped(file.path(), database)
}
