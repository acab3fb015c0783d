use std::sync::Arc;

use anyhow::{Context as _, Result};
use lgsp_adapter::Options;
use lgsp_adapter::health::Probe as _;
use lgsp_adapter_land::{Cadastre, DOMAIN, Land};
use lgsp_proto::land::v1::land_service_server::LandService as _;
use lgsp_proto::land::v1::{
    Box as Area, FindParcelsRequest, GetParcelRequest, ListParcelsByOwnerRequest, ListParcelsRequest,
    ListParcelsResponse, ParcelStatus,
};
use lgsp_proto::record::v1::Point;
use lgsp_sample::{Dice, Home, Parcel};

use super::{OLD_CARD, Opened, PERSONAL_NUMBER};
use crate::case::{Cases, Paging};
use crate::keys::{Sample, absent, divided_wards, wards};

/// The most parcels of one stream.
const PAGE: i32 = 2_000;

#[derive(Default)]
pub struct Keys {
    ids: Sample<String>,
    keys: Sample<String>,
    former_keys: Sample<String>,
    owners: Sample<String>,
    owners_old_cards: Sample<String>,
    enterprises: Sample<String>,
    points: Sample<Point>,
    boxes: Sample<Area>,
}

impl Keys {
    pub fn look_at(&mut self, dice: &mut Dice, home: &Home) {
        let in_use = |parcel: &&Parcel| parcel.status == ParcelStatus::InUse;
        for parcel in home.parcels.iter().filter(in_use) {
            self.ids.offer(dice, || parcel.uuid.to_string());
            self.keys.offer(dice, || parcel.key.as_str().to_owned());
            if let Some(former) = parcel.former_keys.first() {
                self.former_keys.offer(dice, || former.key.as_str().to_owned());
            }
            self.points.offer(dice, || {
                let centre = parcel.centre;
                Point { latitude: centre.latitude, longitude: centre.longitude }
            });
            self.boxes.offer(dice, || neighbourhood(parcel));
            self.look_at_owners(dice, parcel);
        }
    }

    fn look_at_owners(&mut self, dice: &mut Dice, parcel: &Parcel) {
        for owner in parcel.owners.iter().filter(|owner| owner.until.is_none()) {
            if let Some(number) = &owner.personal_number {
                self.owners.offer(dice, || number.as_str().to_owned());
            }
            if let Some(card) = &owner.old_identity {
                self.owners_old_cards.offer(dice, || card.as_str().to_owned());
            }
            if let Some(code) = &owner.enterprise_code {
                self.enterprises.offer(dice, || code.as_str().to_owned());
            }
        }
    }
}

/// A parcel and those around it: three parcels wide, in town and outside, whatever the size of the city.
fn neighbourhood(parcel: &Parcel) -> Area {
    let bounds = parcel.bounds;
    let (height, width) = (bounds.north - bounds.south, bounds.east - bounds.west);
    Area {
        south: bounds.south - height,
        west: bounds.west - width,
        north: bounds.north + height,
        east: bounds.east + width,
    }
}

/// Out at sea, where no parcel is.
fn at_sea(dice: &mut Dice) -> Point {
    Point { latitude: 8.0 + dice.fraction(), longitude: 107.5 + dice.fraction() }
}

pub async fn open(options: &Options, keys: &Keys, dice: &mut Dice) -> Result<Opened> {
    let cadastre = Arc::new(Cadastre::open(options).await?);
    let tables = cadastre.tables().context("its tables")?.clone();
    let mut cases = Cases::of(DOMAIN, Land::new(cadastre, options.query_timeout));
    parcels(&mut cases, keys, dice);
    owners(&mut cases, keys, dice);
    places(&mut cases, keys, dice);
    of_wards(&mut cases, dice);
    Ok(Opened { domain: DOMAIN, tables, cases: cases.made() })
}

type Service = Land<Cadastre>;

fn parcels(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let by_id = |parcel_id| GetParcelRequest { parcel_id, ..GetParcelRequest::default() };
    let by_key = |parcel_key| GetParcelRequest { parcel_key, ..GetParcelRequest::default() };
    let by = [
        ("id", keys.ids.questions(dice, absent::parcel_id, by_id)),
        ("key", keys.keys.questions(dice, absent::parcel_key, by_key)),
        ("former key", keys.former_keys.questions(dice, absent::parcel_key, by_key)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("GetParcel", by),
            questions,
            |service, request| service.get_parcel(request),
            |answer| answer.parcel.is_some(),
        );
    }
}

fn owners(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let of_person = |personal_number| ListParcelsByOwnerRequest {
        personal_number,
        ..ListParcelsByOwnerRequest::default()
    };
    let of_enterprise = |enterprise_code| ListParcelsByOwnerRequest {
        enterprise_code,
        ..ListParcelsByOwnerRequest::default()
    };
    let by = [
        (PERSONAL_NUMBER, keys.owners.questions(dice, absent::personal_number, of_person)),
        (OLD_CARD, keys.owners_old_cards.questions(dice, absent::old_card, of_person)),
        ("enterprise code", keys.enterprises.questions(dice, absent::enterprise, of_enterprise)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("ListParcelsByOwner", by),
            questions,
            |service, request| service.list_parcels_by_owner(request),
            |answer| !answer.parcels.is_empty(),
        );
    }
}

fn places(cases: &mut Cases<Service>, keys: &Keys, dice: &mut Dice) {
    let at = |point| FindParcelsRequest { point: Some(point), ..FindParcelsRequest::default() };
    let within = |area| FindParcelsRequest { r#box: Some(area), ..FindParcelsRequest::default() };
    let sea = |dice: &mut Dice| {
        let Point { latitude: south, longitude: west } = at_sea(dice);
        Area { south, west, north: south + 0.001, east: west + 0.001 }
    };
    let by = [
        ("point", keys.points.questions(dice, at_sea, at)),
        ("box", keys.boxes.questions(dice, sea, within)),
    ];
    for (by, questions) in by {
        cases.unary(
            ("FindParcels", by),
            questions,
            |service, request| service.find_parcels(request),
            |answer| !answer.parcels.is_empty(),
        );
    }
}

fn of_wards(cases: &mut Cases<Service>, dice: &mut Dice) {
    for (by, wards) in [("ward", wards(dice)), ("divided ward", divided_wards(dice))] {
        let lists = wards.iter().map(|ward| ListParcelsRequest {
            ward_code: ward.as_str().to_owned(),
            page_size: PAGE,
            ..ListParcelsRequest::default()
        });
        cases.stream(
            ("ListParcels", by),
            lists.collect(),
            |service, request| service.list_parcels(request),
            Paging {
                token: |answer: &ListParcelsResponse| &answer.next_page_token,
                after: |list, page_token| ListParcelsRequest { page_token, ..list },
            },
        );
    }
}
