//! The embedded tables, read once. They are part of the program: that they are well formed is a test, not a condition
//! that a user could meet.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{FormerWard, Named, Share, Succession, Ward, WardKind};
use crate::{ProvinceCode, WardCode, names};

const WARDS_CSV: &str = include_str!("../../data/admin-units/wards-2025.csv");
const FORMER_WARDS_CSV: &str = include_str!("../../data/admin-units/wards-before-2025.csv");
const SUCCESSIONS_CSV: &str = include_str!("../../data/admin-units/wards-mapping.csv");

/// Sorted by code.
pub(super) static WARDS: LazyLock<Vec<Ward>> = LazyLock::new(|| {
    let mut wards: Vec<Ward> = rows(WARDS_CSV).map(ward).collect();
    wards.sort_by_key(|ward| ward.code);
    wards
});

/// Sorted by code.
pub(super) static FORMER_WARDS: LazyLock<Vec<FormerWard>> = LazyLock::new(|| {
    let mut wards: Vec<FormerWard> = rows(FORMER_WARDS_CSV).map(former_ward).collect();
    wards.sort_by_key(|ward| ward.code);
    wards
});

/// Sorted by former code, the main successor first.
pub(super) static BY_FORMER: LazyLock<Vec<Succession>> = LazyLock::new(|| {
    let mut successions: Vec<Succession> = rows(SUCCESSIONS_CSV).map(succession).collect();
    successions.sort_by_key(|succession| (succession.former, succession.share == Share::Rest));
    successions
});

/// Sorted by the code in use, the former ward of that code first.
pub(super) static BY_CURRENT: LazyLock<Vec<Succession>> = LazyLock::new(|| {
    let mut successions = BY_FORMER.clone();
    let same_code = |succession: &Succession| succession.former == succession.current;
    successions.sort_by_key(|succession| (succession.current, !same_code(succession), succession.former));
    successions
});

/// By the key of the name, with and without the kind; wards in use before former ones.
pub(super) static NAMES: LazyLock<HashMap<String, Vec<Named>>> = LazyLock::new(|| {
    let mut index: HashMap<String, Vec<Named>> = HashMap::new();
    let mut insert = |name: &str, named: Named| index.entry(names::key(name)).or_default().push(named);
    for ward in WARDS.iter() {
        insert(ward.name, Named::Current(ward));
        insert(ward.short_name(), Named::Current(ward));
    }
    for ward in FORMER_WARDS.iter() {
        insert(ward.name, Named::Former(ward));
        insert(ward.short_name(), Named::Former(ward));
    }
    index
});

/// Why the tables are read with `expect`.
const WELL_FORMED: &str = "the embedded tables of wards are well formed";

/// The rows of a table without its header. The tables quote nothing.
fn rows(csv: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect())
}

fn ward(row: Vec<&'static str>) -> Ward {
    let [code, name, kind, latitude, longitude, area_km2] = row.try_into().expect(WELL_FORMED);
    Ward {
        code: ward_code(code),
        name,
        kind: WardKind::of(kind).expect(WELL_FORMED),
        latitude: number(latitude),
        longitude: number(longitude),
        area_km2: number(area_km2),
    }
}

fn former_ward(row: Vec<&'static str>) -> FormerWard {
    let [code, name, kind, district_code, district, province_code, province, latitude, longitude] =
        row.try_into().expect(WELL_FORMED);
    FormerWard {
        code: ward_code(code),
        name,
        kind: WardKind::of(kind).expect(WELL_FORMED),
        district_code,
        district,
        province_code: ProvinceCode::parse(province_code).expect(WELL_FORMED),
        province,
        latitude: number(latitude),
        longitude: number(longitude),
    }
}

fn succession(row: Vec<&'static str>) -> Succession {
    let [former, current, how] = row.try_into().expect(WELL_FORMED);
    let share = match how {
        "whole" => Share::Whole,
        "divided-default" => Share::Most,
        "divided" => Share::Rest,
        _ => panic!("{WELL_FORMED}"),
    };
    Succession { former: ward_code(former), current: ward_code(current), share }
}

fn ward_code(text: &str) -> WardCode {
    WardCode::parse(text).expect(WELL_FORMED)
}

fn number(text: &str) -> f64 {
    text.parse().expect(WELL_FORMED)
}
