//! Where parcels lie: the ward's square is cut into map sheets, a sheet into cells, and a parcel lies inside one cell.
//! So no two parcels overlap, within a ward by the cells, and between wards because a sheet is used only if it is
//! nearer to its own ward's centre than to any other's.

use lgsp_identifiers::units::{self, Share, Ward, WardKind};
use lgsp_identifiers::{ParcelKey, WardCode};

use super::geometry::{Point, Scale, rounded};
use crate::dice::Dice;

/// Map sheets of 1:500 show 250 m, those of 1:1000 show 500 m.
struct Survey {
    sheet_m: f64,
    cells_per_side: u32,
    map_scale: i32,
}

const URBAN: Survey = Survey { sheet_m: 250.0, cells_per_side: 16, map_scale: 500 };
const RURAL: Survey = Survey { sheet_m: 500.0, cells_per_side: 10, map_scale: 1000 };

/// Sheets of the part at position n are numbered from 100 n + 1, so that the sheets of the part that gave its code to
/// the ward keep their numbers, and every key, old or new, means one parcel.
const SHEETS_PER_PART: u32 = 99;

/// Sheets in the lesser part of a divided ward had numbers from here on.
const REST_SHEETS: u32 = 50_000;

/// One degree in steps of the comparison of distances; the same for the whole city, so that the bounds between wards are straight.
const CITY_LATITUDE: f64 = 9.85;

/// The ground of one ward.
pub(super) struct Ground {
    ward: &'static Ward,
    survey: &'static Survey,
    scale: Scale,
    /// South-west corners of the map sheets that are free.
    free: Vec<Point>,
    /// The sheet being filled, per part.
    sheets: Vec<Option<Sheet>>,
    /// Sheets begun, per part.
    begun: Vec<u32>,
}

struct Sheet {
    corner: Point,
    next_cell: u32,
    next_number: u32,
}

/// A place for one parcel.
pub(super) struct Plot {
    pub border: Vec<Point>,
    pub sheet: Sheets,
    pub number: u32,
    pub map_scale: i32,
}

/// The number of one map sheet in use, and before 1 July 2025.
#[derive(Clone, Copy)]
pub(super) struct Sheets {
    pub ward: WardCode,
    pub number: u32,
    pub former_ward: WardCode,
    pub former_number: u32,
}

impl Sheets {
    pub(super) fn key(&self, number: u32) -> ParcelKey {
        ParcelKey::new(self.ward, self.number, number).expect("sheets and numbers are small and positive")
    }

    pub(super) fn former_key(&self, number: u32) -> ParcelKey {
        ParcelKey::new(self.former_ward, self.former_number, number)
            .expect("sheets and numbers are small and positive")
    }
}

impl Ground {
    pub(super) fn new(ward: &'static Ward) -> Self {
        let survey = match ward.kind {
            WardKind::Ward => &URBAN,
            WardKind::Commune | WardKind::Township => &RURAL,
        };
        let parts = units::predecessors(ward.code).len();
        let scale = Scale::at(ward.latitude);
        let free = sheet_corners(ward, survey, scale);
        Self { ward, survey, scale, free, sheets: (0..parts).map(|_| None).collect(), begun: vec![0; parts] }
    }

    /// The next plot of a part of the ward; `None` when the ward is full.
    pub(super) fn plot(&mut self, dice: &mut Dice, part: usize) -> Option<Plot> {
        let cells = self.survey.cells_per_side * self.survey.cells_per_side;
        if self.sheets[part].as_ref().is_none_or(|sheet| sheet.next_cell >= cells) {
            self.sheets[part] = Some(self.begin_sheet(part)?);
        }
        let sheets = self.sheets_of(part);
        let (survey, scale) = (self.survey, self.scale);
        let sheet = self.sheets[part].as_mut()?;
        let (cell, number) = (sheet.next_cell, sheet.next_number);
        // Roads, ditches and what was never registered.
        sheet.next_cell += 1 + u32::from(dice.chance(150)) + u32::from(dice.chance(60));
        sheet.next_number += 1;
        let border = border(dice, sheet.corner, cell, survey, scale);
        Some(Plot { border, sheet: sheets, number, map_scale: survey.map_scale })
    }

    /// The next number on the sheet of the last plot, for a parcel made by division.
    pub(super) fn another_number(&mut self, part: usize) -> Option<u32> {
        let sheet = self.sheets[part].as_mut()?;
        sheet.next_number += 1;
        Some(sheet.next_number - 1)
    }

    /// Takes the free sheet that is nearest to the centre of the former ward.
    fn begin_sheet(&mut self, part: usize) -> Option<Sheet> {
        if self.begun[part] >= SHEETS_PER_PART {
            return None;
        }
        let former = units::former(units::predecessors(self.ward.code)[part].former)?;
        let centre = Point { latitude: former.latitude, longitude: former.longitude };
        let distance = |corner: &Point| squared_distance(*corner, centre);
        let order = |one: &&Point, other: &&Point| distance(one).total_cmp(&distance(other));
        let nearest = *self.free.iter().min_by(order)?;
        self.free.retain(|corner| *corner != nearest);
        self.begun[part] += 1;
        Some(Sheet { corner: nearest, next_cell: 0, next_number: 1 })
    }

    fn sheets_of(&self, part: usize) -> Sheets {
        let predecessor = units::predecessors(self.ward.code)[part];
        let count = self.begun[part];
        let former_number = match predecessor.share {
            Share::Whole | Share::Most => count,
            Share::Rest => REST_SHEETS + count,
        };
        // At most nine parts, so the number stays far below that of the rest.
        let number = part as u32 * (SHEETS_PER_PART + 1) + count;
        Sheets { ward: self.ward.code, number, former_ward: predecessor.former, former_number }
    }
}

/// The corners of all sheets of the ward's square that lie on the ward's side of every bound.
fn sheet_corners(ward: &Ward, survey: &Survey, scale: Scale) -> Vec<Point> {
    let side_m = ward.area_km2.sqrt() * 1000.0;
    let per_side = (side_m / survey.sheet_m).floor().max(1.0);
    let (height, width) = (survey.sheet_m / scale.north, survey.sheet_m / scale.east);
    let neighbours = neighbours(ward, side_m);
    let mut corners = Vec::new();
    for row in 0..per_side as u32 {
        for column in 0..per_side as u32 {
            let south = ward.latitude + (f64::from(row) - per_side / 2.0) * height;
            let west = ward.longitude + (f64::from(column) - per_side / 2.0) * width;
            let ends = [
                (south, west),
                (south + height, west),
                (south, west + width),
                (south + height, west + width),
            ];
            let is_ours =
                |(latitude, longitude)| is_nearest(ward, &neighbours, Point { latitude, longitude });
            if ends.into_iter().all(is_ours) {
                corners.push(Point { latitude: south, longitude: west });
            }
        }
    }
    corners
}

/// Wards whose centre is near enough to take some of the ward's square.
fn neighbours(ward: &Ward, side_m: f64) -> Vec<Point> {
    let here = Point { latitude: ward.latitude, longitude: ward.longitude };
    // A point of the square is at most 0.71 sides away, so a centre beyond twice that is never nearer.
    let reach = (1.5 * side_m).powi(2);
    let others = units::wards().iter().filter(|other| other.code != ward.code);
    let centres = others.map(|other| Point { latitude: other.latitude, longitude: other.longitude });
    centres.filter(|centre| squared_distance(here, *centre) < reach).collect()
}

fn is_nearest(ward: &Ward, others: &[Point], point: Point) -> bool {
    let own = squared_distance(point, Point { latitude: ward.latitude, longitude: ward.longitude });
    others.iter().all(|other| squared_distance(point, *other) > own)
}

fn squared_distance(one: Point, other: Point) -> f64 {
    let scale = Scale::at(CITY_LATITUDE);
    let north = (one.latitude - other.latitude) * scale.north;
    let east = (one.longitude - other.longitude) * scale.east;
    north * north + east * east
}

/// A crooked quadrangle, or now and then a pentagon, well inside its cell.
fn border(dice: &mut Dice, sheet: Point, cell: u32, survey: &Survey, scale: Scale) -> Vec<Point> {
    let side = survey.sheet_m / f64::from(survey.cells_per_side);
    let (row, column) = (f64::from(cell / survey.cells_per_side), f64::from(cell % survey.cells_per_side));
    let mut inset = |least: f64, most: f64| least + (most - least) * dice.fraction();
    let mut near = || inset(0.04, 0.18);
    let mut corners =
        vec![(near(), near()), (1.0 - near(), near()), (1.0 - near(), 1.0 - near()), (near(), 1.0 - near())];
    if dice.chance(250) {
        // Between the corners of the eastern side, and further out than both.
        corners.insert(2, (0.99, 0.4 + 0.2 * dice.fraction()));
    }
    let place = |(east, north): (f64, f64)| Point {
        latitude: rounded(sheet.latitude + (row + north) * side / scale.north),
        longitude: rounded(sheet.longitude + (column + east) * side / scale.east),
    };
    let mut border: Vec<Point> = corners.into_iter().map(place).collect();
    border.push(border[0]);
    border
}
