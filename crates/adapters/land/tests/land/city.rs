//! The synthetic city on PostgreSQL: borders in WGS 84 as the native schema has them, and the same in PostGIS and VN-2000 as its
//! loader puts them beside.

use futures::TryStreamExt;
use lgsp_adapter::testing::Database;
use lgsp_adapter::{MappedColumn, MappedRelation, Mapping, Options, SourceOptions};
use lgsp_adapter_land::RELATIONS;
use lgsp_identifiers::units;
use lgsp_proto::land::v1::land_service_client::LandServiceClient;
use lgsp_proto::land::v1::{Box as Bounds, FindParcelsRequest, ListParcelsRequest, Parcel};
use lgsp_proto::record::v1::Point;
use lgsp_sample::{Config, load_postgres};
use tonic::service::Routes;

/// What the other form's border may be off: a millimetre, in degrees.
const MILLIMETRE: f64 = 1e-8;

/// The native relation of parcels, read as if it were an agency's with borders of PostGIS.
fn by_postgis() -> Mapping {
    let mut parcel = MappedRelation { table: Some("land.parcel".to_owned()), ..MappedRelation::default() };
    for column in RELATIONS[0].columns {
        parcel.columns.insert(column.name.to_owned(), MappedColumn::of(column.name));
    }
    let systems = ["EPSG:5897", "EPSG:9209"].map(str::to_owned).to_vec();
    let geometry = MappedColumn { format: systems, ..MappedColumn::of("geom") };
    parcel.columns.insert("geometry".to_owned(), geometry);
    Mapping([("parcel".to_owned(), parcel)].into())
}

async fn opened(database: &Database, mapping: Mapping) -> LandServiceClient<Routes> {
    let parameters = if database.url().contains('?') { "" } else { "?" };
    let url = format!("{}{parameters}options=-csearch_path%3Dland,public", database.url());
    let said = |text: &str| (!mapping.is_empty()).then(|| text.to_owned());
    let source =
        SourceOptions { url, name: said("x"), agency_code: said("H13.04"), ..SourceOptions::default() };
    let options = Options { source, mapping, ..Options::default() };
    LandServiceClient::new(lgsp_adapter_land::open(&options).await.unwrap().routes)
}

async fn of_ward(client: &mut LandServiceClient<Routes>, ward_code: &str) -> Vec<Parcel> {
    let asked =
        ListParcelsRequest { ward_code: ward_code.to_owned(), page_size: 2_000, ..Default::default() };
    let answers = client.list_parcels(asked).await.unwrap().into_inner();
    let parcels = answers.map_ok(|answer| answer.parcel.unwrap());
    parcels.try_collect().await.unwrap()
}

async fn found(client: &mut LandServiceClient<Routes>, asked: &FindParcelsRequest) -> Vec<String> {
    let parcels = client.find_parcels(asked.clone()).await.unwrap().into_inner().parcels;
    parcels.into_iter().map(|parcel| parcel.parcel_id).collect()
}

fn corners(parcel: &Parcel) -> Vec<Point> {
    let polygons = &parcel.geometry.as_ref().expect("a border").polygons;
    polygons.iter().flat_map(|polygon| polygon.exterior.clone().unwrap().points).collect()
}

fn are_within_a_millimetre(one: &[Point], other: &[Point]) -> bool {
    let near = |(one, other): (&Point, &Point)| {
        (one.latitude - other.latitude).abs() < MILLIMETRE
            && (one.longitude - other.longitude).abs() < MILLIMETRE
    };
    one.len() == other.len() && one.iter().zip(other).all(near)
}

/// A box of 20 metres around the place.
fn around(at: Point) -> Bounds {
    Bounds {
        south: at.latitude - 0.0001,
        west: at.longitude - 0.0001,
        north: at.latitude + 0.0001,
        east: at.longitude + 0.0001,
    }
}

#[tokio::test]
async fn borders_in_postgis_and_vn2000_are_those_of_the_native_schema_all_over_the_city() {
    let Some(database) = Database::postgres().await else { return };
    load_postgres(&database.options(), Config { seed: 7, citizens: 1_200 }, |_| ()).await.unwrap();
    let mut native = opened(&database, Mapping::default()).await;
    let mut postgis = opened(&database, by_postgis()).await;

    let mut systems = [0, 0];
    for ward in units::wards() {
        let expected = of_ward(&mut native, ward.code.as_str()).await;
        let parcels = of_ward(&mut postgis, ward.code.as_str()).await;
        assert_eq!(parcels.len(), expected.len(), "{}", ward.name);
        for (parcel, expected) in parcels.iter().zip(&expected) {
            assert_eq!((&parcel.parcel_id, parcel.source_epsg), (&expected.parcel_id, expected.source_epsg));
            assert!(are_within_a_millimetre(&corners(parcel), &corners(expected)), "{}", parcel.parcel_id);
            systems[usize::from(parcel.source_epsg == 9209)] += 1;
        }
        for parcel in expected.iter().take(3) {
            let at = parcel.centre.unwrap();
            let point = FindParcelsRequest { point: Some(at), ..Default::default() };
            let area = FindParcelsRequest { r#box: Some(around(at)), ..Default::default() };
            for asked in [point, area] {
                let here = found(&mut postgis, &asked).await;
                assert!(here.contains(&parcel.parcel_id), "{}", ward.name);
                assert_eq!(here, found(&mut native, &asked).await, "{}", ward.name);
            }
        }
    }
    assert!(systems.iter().all(|count| *count > 50), "both systems were read: {systems:?}");
}
