//! The synthetic city fits together, and is the same for the same seed.

use std::collections::{HashMap, HashSet};

use lgsp_identifiers::{PartialDate, Sex, units};
use lgsp_proto::land::v1::{OwnerKind, ParcelStatus};
use lgsp_proto::population::v1::{LifeStatus, Relation};
use lgsp_sample::{AddressKind, Citizen, City, Config, Home, Parcel, Point, persons};
use sha2::{Digest, Sha256};

const CITIZENS: u32 = 6_000;

fn homes(seed: u64) -> Vec<Home> {
    City::new(Config { seed, citizens: CITIZENS }).expect("the size is accepted").collect()
}

fn citizens(homes: &[Home]) -> impl Iterator<Item = &Citizen> {
    homes.iter().flat_map(|home| &home.citizens)
}

fn parcels(homes: &[Home]) -> impl Iterator<Item = &Parcel> {
    homes.iter().flat_map(|home| &home.parcels)
}

fn digest(homes: &[Home]) -> String {
    let mut digest = Sha256::new();
    for home in homes {
        digest.update(format!("{home:?}"));
        // What is printed is masked.
        for citizen in &home.citizens {
            digest.update(citizen.personal_number.as_str());
        }
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_same_seed_makes_the_same_city_and_another_seed_another() {
    let first = digest(&homes(7));
    assert_eq!(first, digest(&homes(7)));
    assert_ne!(first, digest(&homes(8)));
}

#[test]
fn a_larger_city_begins_with_the_smaller_one() {
    let larger = homes(1);
    let smaller: Vec<Home> = City::new(Config { seed: 1, citizens: 500 }).unwrap().collect();
    // The last home of the smaller city is cut to size.
    let shared = smaller.len() - 1;
    assert_eq!(digest(&smaller[..shared]), digest(&larger[..shared]));
}

#[test]
fn a_city_has_exactly_the_citizens_that_were_asked_for() {
    assert_eq!(citizens(&homes(1)).count(), CITIZENS as usize);
    for citizens in [0, Config::MIN_CITIZENS - 1, Config::MAX_CITIZENS + 1] {
        assert!(City::new(Config { seed: 1, citizens }).is_err());
    }
}

#[test]
fn numbers_are_unique_and_tell_the_truth() {
    let homes = homes(1);
    let mut numbers = HashSet::new();
    let mut cards = HashSet::new();
    for citizen in citizens(&homes) {
        let number = &citizen.personal_number;
        assert!(numbers.insert(number.as_str()), "one number, one citizen");
        assert!(citizen.old_identity.as_ref().is_none_or(|card| cards.insert(card.as_str())));
        assert_eq!(number.birth_year(), citizen.date_of_birth.year());
        let sex = match number.sex() {
            Sex::Male => lgsp_proto::record::v1::Sex::Male,
            Sex::Female => lgsp_proto::record::v1::Sex::Female,
            Sex::Unknown => lgsp_proto::record::v1::Sex::Unknown,
        };
        assert_eq!(sex, citizen.sex);
    }
    assert!(!numbers.contains(persons::NOT_FOUND.personal_number));
    let of_the_city = numbers.iter().filter(|number| ["092", "093", "094"].contains(&&number[..3])).count();
    assert!(of_the_city * 10 > numbers.len() * 8 && of_the_city < numbers.len());
}

#[test]
fn the_named_persons_head_the_first_households() {
    for seed in [1, 99] {
        let homes = homes(seed);
        let records = persons::ALL.iter().filter_map(|person| person.record);
        for (record, home) in records.zip(&homes) {
            let head = &home.citizens[0];
            assert_eq!(head.personal_number, record.personal_number());
            assert_eq!(head.full_name, record.full_name);
            assert_eq!(head.date_of_birth, record.date_of_birth());
            assert_eq!(home.household.ward, record.ward());
            assert!(home.citizens.len() >= 2 && home.parcels.len() >= 2, "{}", record.full_name);
        }
    }
}

#[test]
fn the_person_with_all_fields_has_them() {
    let homes = homes(1);
    for home in &homes[..2] {
        let citizen = &home.citizens[0];
        assert!(
            citizen.old_identity.is_some() && citizen.other_name.is_some() && citizen.ethnicity.is_some()
        );
        assert!(citizen.religion.is_some() && citizen.blood_type.is_some() && citizen.occupation.is_some());
        assert!(citizen.phone_number.is_some());
        let birthday = |date: PartialDate| (date.month(), date.day());
        let expires_on = citizen.card.as_ref().unwrap().expires_on.unwrap();
        assert_eq!(birthday(expires_on), birthday(citizen.date_of_birth));
        assert!(citizen.father.is_some() && citizen.mother.is_some());
        assert!(citizen.spouse.as_ref().is_some_and(|spouse| spouse.personal_number.is_some()));
        assert_eq!(citizen.addresses.len(), 5);
    }
}

#[test]
fn the_person_of_the_moved_ward_is_recorded_under_an_old_code_and_so_is_the_land() {
    let homes = homes(1);
    let home = &homes[2];
    let permanent = &home.citizens[0].addresses[0];
    assert_eq!(permanent.kind, AddressKind::Permanent);
    assert_eq!(permanent.ward.unwrap().as_str(), "31321");
    assert_eq!(permanent.former_ward.unwrap().as_str(), "31318");
    assert!(permanent.text.as_ref().is_some_and(|text| text.ends_with("Thành phố Vị Thanh, Tỉnh Hậu Giang")));
    let former_keys: Vec<&str> =
        home.parcels[0].former_keys.iter().map(|former| former.key.as_str()).collect();
    assert_eq!(former_keys, ["31318/1/1"]);
    assert_eq!(home.parcels[0].key.ward().as_str(), "31321");
}

#[test]
fn families_fit_together() {
    let homes = homes(1);
    for home in &homes {
        let by_number: HashMap<&str, &Citizen> =
            home.citizens.iter().map(|citizen| (citizen.personal_number.as_str(), citizen)).collect();
        assert_eq!(home.citizens[0].relation, Relation::Head);
        assert_eq!(home.household.head, home.citizens[0].id);
        assert!(home.citizens.iter().skip(1).all(|citizen| citizen.relation != Relation::Head));
        for citizen in &home.citizens {
            assert_eq!(citizen.household, home.household.id);
            for parent in [&citizen.father, &citizen.mother].into_iter().flatten() {
                let Some(number) = &parent.personal_number else { continue };
                let parent_citizen = by_number[number.as_str()];
                assert_eq!(parent_citizen.full_name, parent.full_name);
                assert!(parent_citizen.date_of_birth.year() + 15 <= citizen.date_of_birth.year());
            }
            let Some(number) = citizen.spouse.as_ref().and_then(|spouse| spouse.personal_number.as_ref())
            else {
                continue;
            };
            let back =
                by_number[number.as_str()].spouse.as_ref().and_then(|spouse| spouse.personal_number.as_ref());
            assert_eq!(back, Some(&citizen.personal_number));
            assert_ne!(by_number[number.as_str()].sex, citizen.sex);
        }
    }
}

#[test]
fn every_ward_is_inhabited_and_every_former_code_leads_to_its_ward() {
    let homes = homes(1);
    let inhabited: HashSet<_> = homes.iter().map(|home| home.household.ward).collect();
    assert_eq!(inhabited.len(), 103);
    let addresses = citizens(&homes).flat_map(|citizen| &citizen.addresses);
    for address in addresses {
        let Some(former) = address.former_ward else { continue };
        let ward = address.ward.unwrap();
        assert!(units::successors(former).iter().any(|succession| succession.current == ward));
    }
}

#[test]
fn the_register_has_its_gaps() {
    let homes = homes(1);
    let count = |is: fn(&Citizen) -> bool| citizens(&homes).filter(|citizen| is(citizen)).count();
    let all = CITIZENS as usize;
    assert!(count(|citizen| citizen.phone_number.is_none()) > all / 20);
    assert!(count(|citizen| citizen.ethnicity.is_none()) > all / 100);
    assert!(count(|citizen| !citizen.date_of_birth.is_full()) > all / 100);
    assert!(count(|citizen| citizen.date_of_birth.month().is_some() && !citizen.date_of_birth.is_full()) > 5);
    assert!(count(|citizen| citizen.old_identity.is_some()) > all / 5);
    assert!(
        count(|citizen| citizen.life_status == LifeStatus::Dead && citizen.date_of_death.is_some())
            > all / 200
    );
    assert!(count(|citizen| citizen.relation == Relation::NotRelated) > all / 200);
    let has = |citizen: &Citizen, kind| citizen.addresses.iter().any(|address| address.kind == kind);
    assert!(citizens(&homes).filter(|citizen| has(citizen, AddressKind::Temporary)).count() > all / 100);
    assert!(homes.iter().filter(|home| home.household.former_ward.is_some()).count() > homes.len() / 5);
}

/// The area on the plane that touches the first point, independently of the generator.
fn area_m2(border: &[Point]) -> f64 {
    let origin = border[0];
    let flat = |point: &Point| {
        let east = (point.longitude - origin.longitude).to_radians()
            * 6_378_137.0
            * origin.latitude.to_radians().cos();
        ((point.latitude - origin.latitude).to_radians() * 6_356_000.0, east)
    };
    let corners: Vec<_> = border.iter().map(flat).collect();
    corners.windows(2).map(|side| side[0].1 * side[1].0 - side[1].1 * side[0].0).sum::<f64>() / 2.0
}

fn contains(border: &[Point], point: Point) -> bool {
    let crosses = |side: &&[Point]| {
        let (one, other) = (side[0], side[1]);
        let is_between = (one.latitude > point.latitude) != (other.latitude > point.latitude);
        let share = (point.latitude - one.latitude) / (other.latitude - one.latitude);
        is_between && point.longitude < one.longitude + share * (other.longitude - one.longitude)
    };
    border.windows(2).filter(crosses).count() % 2 == 1
}

#[test]
fn borders_are_closed_anticlockwise_and_of_the_area_that_is_said() {
    for parcel in parcels(&homes(1)) {
        assert_eq!(parcel.border.first(), parcel.border.last());
        let measured = area_m2(&parcel.border);
        assert!((measured / parcel.area_m2 - 1.0).abs() < 0.02, "{measured} {}", parcel.area_m2);
        assert!(contains(&parcel.border, parcel.centre));
        let used: f64 = parcel.land_uses.iter().map(|land_use| land_use.area_m2).sum();
        assert!((used - parcel.area_m2).abs() < 0.05);
    }
}

#[test]
fn parcels_lie_in_the_square_of_their_ward_and_nearest_to_its_centre() {
    let east_m = |degrees: f64| degrees * 109_640.0;
    let north_m = |degrees: f64| degrees * 110_600.0;
    for parcel in parcels(&homes(1)) {
        let ward = units::current(parcel.key.ward()).unwrap();
        let half_m = ward.area_km2.sqrt() * 500.0 + 5.0;
        let away = |ward: &units::Ward| {
            let north = north_m(parcel.centre.latitude - ward.latitude);
            (north, east_m(parcel.centre.longitude - ward.longitude))
        };
        let (north, east) = away(ward);
        assert!(north.abs() < half_m && east.abs() < half_m, "{}", ward.name);
        let distance = |ward: &&units::Ward| away(ward).0.hypot(away(ward).1);
        let nearest = units::wards().iter().min_by(|one, other| distance(one).total_cmp(&distance(other)));
        assert_eq!(nearest.map(|ward| ward.code), Some(ward.code));
    }
}

#[test]
fn parcels_in_use_do_not_overlap() {
    let homes = homes(1);
    let mut in_use: Vec<&Parcel> =
        parcels(&homes).filter(|parcel| parcel.status == ParcelStatus::InUse).collect();
    in_use.sort_by(|one, other| one.bounds.south.total_cmp(&other.bounds.south));
    for (position, parcel) in in_use.iter().enumerate() {
        for other in
            in_use[position + 1..].iter().take_while(|other| other.bounds.south < parcel.bounds.north)
        {
            let is_apart = other.bounds.west >= parcel.bounds.east || parcel.bounds.west >= other.bounds.east;
            let are_halves = parcel.predecessor.is_some() && parcel.predecessor == other.predecessor;
            assert!(is_apart || are_halves);
        }
    }
}

#[test]
fn a_divided_parcel_is_the_sum_of_its_halves_and_nobody_holds_it() {
    let homes = homes(1);
    let divided: Vec<&Parcel> =
        parcels(&homes).filter(|parcel| parcel.status == ParcelStatus::Divided).collect();
    assert!(divided.len() > 10);
    for whole in divided {
        let halves: Vec<&Parcel> =
            parcels(&homes).filter(|half| half.predecessor == Some(whole.uuid)).collect();
        assert_eq!(halves.len(), 2);
        assert!((halves.iter().map(|half| half.area_m2).sum::<f64>() - whole.area_m2).abs() < 0.3);
        assert!(whole.owners.iter().all(|owner| owner.until.is_some()));
        assert!(halves.iter().all(|half| Some(half.valid_from) == whole.valid_to));
    }
}

#[test]
fn no_key_ever_meant_two_parcels() {
    let homes = homes(1);
    let mut keys = HashSet::new();
    let mut with_former_key = 0;
    for parcel in parcels(&homes) {
        assert!(keys.insert(parcel.key.clone()), "{}", parcel.key);
        for former in &parcel.former_keys {
            assert!(keys.insert(former.key.clone()), "{}", former.key);
            let ward = parcel.key.ward();
            assert!(
                units::predecessors(ward).iter().any(|succession| succession.former == former.key.ward())
            );
            with_former_key += 1;
        }
    }
    assert!(with_former_key > 500);
    let ids: HashSet<_> = parcels(&homes).map(|parcel| parcel.uuid).collect();
    assert_eq!(ids.len(), parcels(&homes).count());
}

#[test]
fn owners_are_living_adults_of_the_city_or_bodies() {
    let homes = homes(1);
    let by_number: HashMap<&str, &Citizen> =
        citizens(&homes).map(|citizen| (citizen.personal_number.as_str(), citizen)).collect();
    let mut kinds: HashMap<OwnerKind, usize> = HashMap::new();
    for parcel in parcels(&homes).filter(|parcel| parcel.status == ParcelStatus::InUse) {
        let holders: Vec<_> = parcel.owners.iter().filter(|owner| owner.until.is_none()).collect();
        assert!(!holders.is_empty());
        for owner in &holders {
            *kinds.entry(owner.kind).or_default() += 1;
            let Some(number) = &owner.personal_number else { continue };
            let citizen = by_number[number.as_str()];
            assert!(owner.name.ends_with(&citizen.full_name));
            assert_eq!(citizen.life_status, LifeStatus::Alive);
        }
        let shares: u32 = holders.iter().map(|owner| owner.share.0).sum();
        assert!(shares == 0 || shares == holders[0].share.1);
    }
    for kind in [OwnerKind::Person, OwnerKind::Household, OwnerKind::Enterprise, OwnerKind::PublicBody] {
        assert!(kinds.get(&kind).is_some_and(|count| *count > 3), "{kind:?} {kinds:?}");
    }
}
