//! The adapter called as the bus calls it: through its tonic service, on every database at hand.
#![allow(clippy::unwrap_used)]

use lgsp_adapter::testing::{Database, native};
use lgsp_adapter::{Adapter, Options};
use lgsp_example_adapter::v1::vehicle_service_client::VehicleServiceClient;
use lgsp_example_adapter::v1::{GetVehicleRequest, Vehicle, VehicleKind};
use lgsp_proto::record::v1::PartialDate;
use tonic::{Code, Status};

const SCHEMA: &str = include_str!("../schema.sql");
const REGISTER: &str = include_str!("../register.sql");
const OWNER: &str = "092085000011";

/// An adapter on a register with some more records.
async fn adapter(database: &Database, more: &str) -> Adapter {
    let schema = native(database.dialect(), SCHEMA);
    database.filled(&format!("{schema}\n{REGISTER}\n{more}")).await.close().await;
    lgsp_example_adapter::open(&Options::of(database.url())).await.unwrap()
}

async fn get(adapter: &Adapter, asked: GetVehicleRequest) -> Result<Vec<Vehicle>, Status> {
    let mut client = VehicleServiceClient::new(adapter.routes.clone());
    Ok(client.get_vehicle(asked).await?.into_inner().vehicles)
}

fn plate(plate: &str) -> GetVehicleRequest {
    GetVehicleRequest { plate: plate.to_owned(), ..Default::default() }
}

fn owner(number: &str) -> GetVehicleRequest {
    GetVehicleRequest { owner_personal_number: number.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_vehicle_is_found_however_its_plate_is_written() {
    for database in Database::each().await {
        let adapter = adapter(&database, "").await;
        for written in ["65A12345", "65a-123.45", " 65A 123 45 "] {
            let vehicle = get(&adapter, plate(written)).await.unwrap().remove(0);
            assert_eq!((vehicle.kind(), vehicle.owner_name.as_str()), (VehicleKind::Car, "Nguyễn Văn Mẫu"));
            assert!(vehicle.provenance.unwrap().synthetic, "made up, and says so");
        }
        let vehicles = get(&adapter, owner(OWNER)).await.unwrap();
        assert_eq!(vehicles.len(), 2);
        let year = PartialDate { year: 2016, month: 0, day: 0 };
        assert_eq!(vehicles[1].registered_on, Some(year), "no month and no day is invented");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_malformed_is_invalid_and_neither_is_repeated() {
    for database in Database::each().await {
        let adapter = adapter(&database, "").await;
        for asked in [plate("65A99999"), owner("092199000404")] {
            assert_eq!(get(&adapter, asked).await.unwrap_err().code(), Code::NotFound);
        }
        let both = GetVehicleRequest { plate: "65A12345".to_owned(), ..owner(OWNER) };
        for asked in [GetVehicleRequest::default(), both, plate("65A?1234"), owner("0920850000")] {
            let refusal = get(&adapter, asked).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(!format!("{refusal:?}").contains("65A"), "{refusal:?}");
        }
    }
}

#[tokio::test]
async fn a_kind_that_nobody_understands_is_left_out_and_counted() {
    for database in Database::each().await {
        let adapter = adapter(&database, "UPDATE vehicle SET kind = 99 WHERE plate = '65A12345';").await;
        let vehicle = get(&adapter, plate("65A12345")).await.unwrap().remove(0);
        assert_eq!(vehicle.kind(), VehicleKind::Unspecified);
        assert_eq!(adapter.probe.not_understood()[0].count, 1);
    }
}

#[tokio::test]
async fn of_two_vehicles_with_one_plate_neither_is_told() {
    let twice = "
        ALTER TABLE vehicle RENAME TO once;
        CREATE TABLE vehicle AS SELECT * FROM once UNION ALL SELECT * FROM once;";
    for database in Database::each().await {
        let adapter = adapter(&database, twice).await;
        let refusal = get(&adapter, plate("65A12345")).await.unwrap_err();
        assert_eq!(refusal.code(), Code::Internal);
        assert!(!format!("{refusal:?}").contains("Mẫu"), "{refusal:?}");
    }
}
