//! The adapter on small cadastres, called as the bus calls it: through its tonic service. Every test runs on the native schema,
//! on an agency's own tables in VN-2000 and on its own in PostGIS, on every database at hand.
#![allow(clippy::unwrap_used)]

mod bad;
mod city;
mod fixtures;
mod in_force;

use std::time::Duration;

use fixtures::{Cadastre, number, numbers, options, uuid};
use lgsp_adapter::Fields;
use lgsp_adapter_land::{Cadastre as Opened, ParcelRef, Parts, Source};
use lgsp_proto::land::v1::{
    Box as Bounds, FindParcelsRequest, GetParcelRequest, ListParcelsByOwnerRequest, ListParcelsRequest,
    OwnerKind, Parcel, ParcelStatus, RestrictionKind, UseOrigin,
};
use lgsp_proto::record::v1::{PartialDate, Point};
use tokio::time::Instant;
use tonic::{Code, Request};

const PERSON: &str = "092058000001";

fn owned_by(personal_number: &str) -> ListParcelsByOwnerRequest {
    ListParcelsByOwnerRequest { personal_number: personal_number.to_owned(), ..Default::default() }
}

fn in_ward(ward_code: &str) -> ListParcelsRequest {
    ListParcelsRequest { ward_code: ward_code.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_parcel_is_found_by_id_with_all_the_cadastre_knows() {
    for mut cadastre in Cadastre::each().await {
        let parcel = cadastre.by_id(&uuid(1)).await.unwrap();
        assert_eq!(parcel, cadastre.by_id(&uuid(1).to_uppercase()).await.unwrap());

        assert_eq!(parcel.parcel_key, "31120/105/7");
        assert_eq!((parcel.area_m2, parcel.certified_area_m2, parcel.map_scale), (120.5, 120.0, 500));
        assert_eq!((parcel.use_origin(), parcel.disputed), (UseOrigin::Recognised, false));
        let ward = parcel.ward.as_ref().unwrap();
        assert_eq!((ward.name.as_str(), ward.former_code.as_str()), ("Phường Cái Khế", "31117"));
        assert_eq!(parcel.owners.len(), 2);
        let owner = &parcel.owners[0];
        assert_eq!((owner.kind(), owner.share_numerator, owner.share_denominator), (OwnerKind::Person, 1, 2));
        assert_eq!(owner.old_identity_number, "361000001");
        let uses: Vec<&str> = parcel.land_uses.iter().map(|land_use| land_use.code.as_str()).collect();
        assert_eq!(uses, ["ODT", "CLN"]);
        assert_eq!(parcel.land_uses[1].until, Some(PartialDate { year: 2043, month: 10, day: 0 }));
        let restrictions: Vec<RestrictionKind> = parcel.restrictions.iter().map(|one| one.kind()).collect();
        assert_eq!(restrictions, [RestrictionKind::Mortgage], "one that has ended is left out");
        assert_eq!(parcel.certificate.as_ref().unwrap().serial_number, "BA 000001");
        assert!(parcel.geometry_geojson.starts_with(r#"{"type":"Polygon""#));
        assert_eq!(parcel.geometry.as_ref().unwrap().polygons[0].exterior.as_ref().unwrap().points.len(), 5);
        let provenance = parcel.provenance.as_ref().unwrap();
        assert_eq!((provenance.source.as_str(), provenance.synthetic), ("csdl-datdai-test", true));
        assert_eq!(provenance.as_of.as_ref().unwrap().seconds, 1_780_000_000);
        assert_eq!(cadastre.by_id(&uuid(2)).await.unwrap().certificate, None);
    }
}

#[tokio::test]
async fn what_hangs_on_a_parcel_and_may_not_leave_is_not_read() {
    for cadastre in Cadastre::each().await {
        let source = Opened::open(&options(cadastre.form, &cadastre.database)).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(20);
        let all = Parts::of(&Fields::default(), "parcel");
        let by_id = ParcelRef::Id(uuid(1));
        let whole = source.parcel(&by_id, all, soon).await.unwrap().unwrap();
        let anonymous = source.parcel(&by_id, Parts { owners: false, ..all }, soon).await.unwrap().unwrap();
        assert!(!whole.owners.is_empty());
        assert_eq!(anonymous, Parcel { owners: vec![], ..whole });
    }
}

#[tokio::test]
async fn a_border_that_may_not_leave_is_not_read_but_to_find_a_place_by() {
    let wanted = Parts { border: false, ..Parts::of(&Fields::default(), "parcel") };
    for cadastre in Cadastre::each().await {
        let source = Opened::open(&options(cadastre.form, &cadastre.database)).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(20);
        let found = source.parcel(&ParcelRef::Id(uuid(1)), wanted, soon).await.unwrap().unwrap();
        assert_eq!((found.geometry, found.geometry_geojson.as_str()), (None, ""));
        assert_eq!((found.owners.len(), found.source_epsg), (2, 5897));
        let around = geo::Rect::new((105.77, 10.03), (105.78, 10.04));
        let near = source.parcels_near(around, i64::MIN, 9, wanted, soon).await.unwrap();
        assert!(!near.is_empty() && near.iter().all(|(_, parcel)| parcel.geometry.is_some()));
    }
}

#[tokio::test]
async fn every_key_that_a_parcel_ever_had_finds_it_and_the_one_in_use_wins() {
    for mut cadastre in Cadastre::each().await {
        for key in ["31120/105/7", " 31120 / 0105/007", "31117/5/7", "31117/2/700"] {
            assert_eq!(number(&cadastre.by_key(key).await.unwrap()), 1, "{key}");
        }
        let former: Vec<String> = cadastre
            .by_id(&uuid(1))
            .await
            .unwrap()
            .former_keys
            .into_iter()
            .map(|key| key.parcel_key)
            .collect();
        assert_eq!(former, ["31117/5/7", "31117/2/700"], "the last one first");
        assert_eq!(
            cadastre.by_key("31117/105/7").await.unwrap_err().code(),
            Code::NotFound,
            "no key is translated"
        );
    }
}

#[tokio::test]
async fn a_divided_parcel_is_found_and_names_its_halves_and_is_in_no_list() {
    for mut cadastre in Cadastre::each().await {
        let divided = cadastre.by_key("31135/20/1").await.unwrap();
        assert_eq!((number(&divided), divided.status()), (4, ParcelStatus::Divided));
        assert_eq!(divided.successor_ids, [uuid(5), uuid(6)]);
        assert_eq!(divided.valid_to, Some(PartialDate { year: 2019, month: 6, day: 30 }));
        assert_eq!(cadastre.by_id(&uuid(5)).await.unwrap().predecessor_ids, [uuid(4)]);
        assert_eq!(cadastre.at(10.0305, 105.7705).await, [5]);
        assert_eq!(cadastre.numbers_of_ward("31135").await, [5, 6]);
    }
}

#[tokio::test]
async fn parcels_are_found_by_who_holds_them_now() {
    for mut cadastre in Cadastre::each().await {
        assert_eq!(
            cadastre.of_owner(owned_by(PERSON)).await.unwrap(),
            [1, 3, 5],
            "not the one that was sold"
        );
        assert_eq!(
            cadastre.of_owner(owned_by("361000001")).await.unwrap(),
            [1],
            "by an old certificate's card"
        );
        let enterprise =
            |code: &str| ListParcelsByOwnerRequest { enterprise_code: code.to_owned(), ..Default::default() };
        assert_eq!(cadastre.of_owner(enterprise("0100109106")).await.unwrap(), [2]);
        assert_eq!(
            cadastre.of_owner(owned_by("092099999999")).await.unwrap(),
            [] as [u32; 0],
            "none is an answer"
        );

        let both = ListParcelsByOwnerRequest { enterprise_code: "0100109106".to_owned(), ..owned_by(PERSON) };
        for wrong in [ListParcelsByOwnerRequest::default(), both, owned_by("12"), enterprise("0100109107")] {
            let refusal = cadastre.of_owner(wrong).await.unwrap_err();
            assert_eq!(refusal.code(), Code::InvalidArgument);
            assert!(!format!("{refusal:?}").contains(PERSON));
        }
    }
}

#[tokio::test]
async fn the_pages_of_an_owner_join_without_gap_or_overlap() {
    for mut cadastre in Cadastre::each().await {
        let mut asked = ListParcelsByOwnerRequest { page_size: 2, ..owned_by(PERSON) };
        let first = cadastre.client.list_parcels_by_owner(asked.clone()).await.unwrap().into_inner();
        assert_eq!(numbers(&first.parcels), [1, 3]);
        asked.page_token = first.next_page_token;
        let second = cadastre.client.list_parcels_by_owner(asked.clone()).await.unwrap().into_inner();
        assert_eq!((numbers(&second.parcels), second.next_page_token.as_str()), (vec![5], ""));

        let of_another = ListParcelsByOwnerRequest { personal_number: "092160000002".to_owned(), ..asked };
        assert_eq!(cadastre.of_owner(of_another).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_point_finds_the_parcels_that_contain_it_and_not_those_whose_box_does() {
    for mut cadastre in Cadastre::each().await {
        assert_eq!(cadastre.at(10.0405, 105.7805).await, [1]);
        assert_eq!(cadastre.at(10.0405, 105.781).await, [1, 2], "a shared border belongs to both");
        assert_eq!(cadastre.at(10.0402, 105.7832).await, [3]);
        assert_eq!(cadastre.at(10.0408, 105.7838).await, [] as [u32; 0], "in the triangle's box only");
        assert_eq!(cadastre.at(10.5, 105.78).await, [] as [u32; 0]);
    }
}

#[tokio::test]
async fn a_box_finds_what_meets_it_page_by_page() {
    for mut cadastre in Cadastre::each().await {
        assert_eq!(cadastre.in_box(10.0, 105.75, 10.1, 105.80).await, [1, 2, 3, 5, 6]);
        assert_eq!(cadastre.in_box(10.0405, 105.7802, 10.0406, 105.7803).await, [1], "a box inside a parcel");
        assert_eq!(cadastre.in_box(10.0407, 105.7837, 10.0409, 105.7839).await, [] as [u32; 0]);

        let area = Bounds { south: 10.0, west: 105.75, north: 10.1, east: 105.80 };
        let mut asked = FindParcelsRequest { r#box: Some(area), page_size: 1, ..Default::default() };
        let mut found = Vec::new();
        loop {
            let page = cadastre.client.find_parcels(asked.clone()).await.unwrap().into_inner();
            found.extend(numbers(&page.parcels));
            if page.next_page_token.is_empty() {
                break;
            }
            asked.page_token = page.next_page_token;
        }
        assert_eq!(found, [1, 2, 3, 5, 6]);
    }
}

#[tokio::test]
async fn an_old_ward_code_finds_the_parcels_of_the_ward_that_it_became() {
    for mut cadastre in Cadastre::each().await {
        for code in ["31120", "31117"] {
            let listed = cadastre.of_ward(in_ward(code)).await.unwrap();
            assert_eq!(
                numbers(listed.iter().map(|answer| answer.parcel.as_ref().unwrap())),
                [1, 2, 3],
                "{code}"
            );
            assert!(listed.iter().all(|answer| answer.next_page_token.is_empty()));
        }
        let first = cadastre.of_ward(ListParcelsRequest { page_size: 2, ..in_ward("31120") }).await.unwrap();
        let rest = ListParcelsRequest { page_token: first[1].next_page_token.clone(), ..in_ward("31117") };
        let rest = cadastre.of_ward(rest).await.unwrap();
        assert_eq!(numbers(rest.iter().map(|answer| answer.parcel.as_ref().unwrap())), [3]);
        assert_eq!(cadastre.of_ward(in_ward("00001")).await.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_parcel_that_nobody_knows_is_not_found_and_a_malformed_request_is_invalid() {
    for mut cadastre in Cadastre::each().await {
        assert_eq!(cadastre.by_id(&uuid(99)).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(cadastre.by_key("31120/1/1").await.unwrap_err().code(), Code::NotFound);
        for id in ["", "1", "00000000-0000-8000-8000-00000000000g"] {
            assert_eq!(cadastre.by_id(id).await.unwrap_err().code(), Code::InvalidArgument);
        }
        for key in ["31120/105", "31120/105/7/1", "31120/-1/7"] {
            assert_eq!(cadastre.by_key(key).await.unwrap_err().code(), Code::InvalidArgument);
        }
        let mut late = Request::new(GetParcelRequest { parcel_id: uuid(1), ..Default::default() });
        late.set_timeout(Duration::from_nanos(1));
        assert_eq!(cadastre.client.get_parcel(late).await.unwrap_err().code(), Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn the_same_parcels_come_out_of_every_form_to_the_last_digit() {
    let mut first: Vec<Parcel> = Vec::new();
    for mut cadastre in Cadastre::each().await {
        let mut parcels = Vec::new();
        for number in 1..=7 {
            let parcel = cadastre.by_id(&uuid(number)).await.unwrap();
            assert!(
                cadastre
                    .at(parcel.centre.unwrap().latitude, parcel.centre.unwrap().longitude)
                    .await
                    .contains(&number)
                    != (number == 4)
            );
            // How they are written, and which point inside is the centre, is each source's own.
            parcels.push(Parcel { geometry_geojson: String::new(), centre: None, ..parcel });
        }
        if first.is_empty() {
            first = parcels;
        } else {
            assert_eq!(first, parcels, "{:?} on {:?}", cadastre.form, cadastre.database);
        }
    }
}

#[tokio::test]
async fn a_parcel_of_two_parts_with_a_hole_is_told_in_wgs84_and_its_system_with_it() {
    for mut cadastre in Cadastre::each().await {
        let parcel = cadastre.by_key("31507/3/44").await.unwrap();
        assert_eq!(parcel.source_epsg, 9209, "the former Soc Trang has a zone of its own");
        assert_eq!(cadastre.by_key("31120/105/7").await.unwrap().source_epsg, 5897);

        let [first, second] = parcel.geometry.as_ref().unwrap().polygons.as_slice() else {
            panic!("two parts")
        };
        let corners = &first.exterior.as_ref().unwrap().points;
        assert_eq!(corners[0], Point { latitude: 9.620, longitude: 105.990 });
        assert_eq!((corners.len(), first.interiors.len(), second.interiors.len()), (5, 1, 0));
        assert!(parcel.geometry_geojson.starts_with(r#"{"type":"MultiPolygon","coordinates":[[[[105.99"#));

        assert_eq!(cadastre.at(9.6202, 105.9902).await, [7]);
        assert_eq!(cadastre.at(9.6205, 105.9935).await, [7], "in the other part");
        assert_eq!(cadastre.at(9.621, 105.991).await, [] as [u32; 0], "in the hole");
        assert_eq!(cadastre.at(9.6205, 105.9925).await, [] as [u32; 0], "between the parts");
    }
}

#[tokio::test]
async fn a_place_of_another_country_is_searched_and_has_no_parcels() {
    for mut cadastre in Cadastre::each().await {
        assert_eq!(cadastre.at(48.8566, 2.3522).await, [] as [u32; 0]);
        assert_eq!(cadastre.at(-90.0, 180.0).await, [] as [u32; 0]);
        assert_eq!(cadastre.in_box(8.0, 107.95, 8.1, 108.05).await, [] as [u32; 0], "across the zone's edge");
    }
}
