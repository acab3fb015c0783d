//! Where people are treated: a station in every ward, and the hospitals of the city. The names are made up.

use std::sync::LazyLock;

use lgsp_identifiers::{WardCode, units};

use crate::dice::Dice;
use crate::record::Facility;

const HOSPITALS: &[(u32, &str)] = &[
    (10, "Bệnh viện Đa khoa Trung tâm"),
    (20, "Bệnh viện Đa khoa thành phố"),
    (6, "Bệnh viện Phụ sản"),
    (8, "Bệnh viện Nhi đồng"),
    (4, "Bệnh viện Y học cổ truyền"),
    (3, "Bệnh viện Mắt - Răng Hàm Mặt"),
    (12, "Bệnh viện Đa khoa khu vực Hậu Giang"),
    (12, "Bệnh viện Đa khoa khu vực Sóc Trăng"),
    (9, "Trung tâm Y tế khu vực Ninh Kiều"),
    (8, "Trung tâm Y tế khu vực Thốt Nốt"),
    (8, "Phòng khám đa khoa Cái Răng"),
];

/// The hospitals first, then a station for each ward in use, in the order of their codes.
static FACILITIES: LazyLock<Vec<Facility>> = LazyLock::new(|| {
    let hospitals = HOSPITALS.iter().map(|(_, name)| format!("{name} (mẫu)"));
    let stations = units::wards().iter().map(|ward| format!("Trạm Y tế {} (mẫu)", ward.name));
    let facility = |(index, name)| Facility { code: format!("92{:03}", index + 1), name };
    hospitals.chain(stations).enumerate().map(facility).collect()
});

/// All facilities of the city.
pub(crate) fn facilities() -> &'static [Facility] {
    &FACILITIES
}

/// The health station of a ward in use.
pub(crate) fn station(ward: WardCode) -> &'static Facility {
    let position = units::wards().iter().position(|other| other.code == ward).unwrap_or_default();
    &FACILITIES[HOSPITALS.len() + position]
}

/// A hospital.
pub(crate) fn hospital(dice: &mut Dice) -> &'static Facility {
    let weighted: Vec<(u32, usize)> =
        HOSPITALS.iter().enumerate().map(|(position, (weight, _))| (*weight, position)).collect();
    &FACILITIES[dice.weighted(&weighted)]
}
