//! What a register knows of a person besides name and ties; with gaps, as real registers have.

use lgsp_identifiers::PartialDate;

use crate::clock::{THIS_YEAR, blur, day_in};
use crate::dice::Dice;
use crate::record::IdentityCard;

const RELIGIONS: &[(u32, Option<&str>)] = &[
    (760, None),
    (110, Some("Phật giáo")),
    (60, Some("Phật giáo Hòa Hảo")),
    (50, Some("Công giáo")),
    (15, Some("Cao Đài")),
    (5, Some("Tin lành")),
];

const BLOOD_TYPES: &[(u32, Option<&str>)] = &[
    (550, None),
    (190, Some("O+")),
    (130, Some("B+")),
    (90, Some("A+")),
    (25, Some("AB+")),
    (10, Some("O")),
    (5, Some("B-")),
];

const OCCUPATIONS: &[(u32, &str)] = &[
    (200, "Làm ruộng"),
    (90, "Làm vườn"),
    (60, "Nuôi trồng thủy sản"),
    (120, "Buôn bán"),
    (120, "Công nhân"),
    (60, "Nhân viên văn phòng"),
    (45, "Giáo viên"),
    (40, "Tài xế"),
    (40, "Thợ xây"),
    (35, "Thợ may"),
    (30, "Công chức"),
    (25, "Viên chức"),
    (20, "Y sĩ, điều dưỡng"),
    (20, "Kỹ sư"),
    (60, "Nội trợ"),
    (35, "Lao động tự do"),
];

/// Ages at which a card is renewed.
const CARD_AGES: [u16; 3] = [25, 40, 60];

pub(super) fn birth_date(dice: &mut Dice, birth_year: u16) -> PartialDate {
    let full = day_in(dice, birth_year);
    match birth_year {
        ..1960 => blur(dice, full, 260, 120),
        1960..1976 => blur(dice, full, 50, 30),
        1976.. => full,
    }
}

pub(super) fn death_date(dice: &mut Dice, birth_year: u16) -> PartialDate {
    let earliest = u32::from(birth_year + 55).clamp(1995, 2024);
    let year = dice.within(earliest..=2025) as u16;
    let full = day_in(dice, year);
    blur(dice, full, 60, 40)
}

pub(super) fn ethnicity(dice: &mut Dice, is_khmer: bool) -> Option<&'static str> {
    if dice.chance(30) {
        return None;
    }
    let is_hoa = dice.chance(20);
    Some(match (is_khmer, is_hoa) {
        (true, _) => "Khmer",
        (false, true) => "Hoa",
        (false, false) => "Kinh",
    })
}

pub(super) fn religion(dice: &mut Dice, is_khmer: bool) -> Option<&'static str> {
    if is_khmer && dice.chance(600) { Some("Phật giáo") } else { dice.weighted(RELIGIONS) }
}

pub(super) fn blood_type(dice: &mut Dice) -> Option<&'static str> {
    dice.weighted(BLOOD_TYPES)
}

pub(super) fn occupation(dice: &mut Dice, age: u16) -> Option<&'static str> {
    if dice.chance(120) {
        return None;
    }
    match age {
        0..6 => None,
        6..18 => Some("Học sinh"),
        18..22 if dice.chance(500) => Some("Sinh viên"),
        18..62 => Some(dice.weighted(OCCUPATIONS)),
        62.. => Some(dice.pick(&["Hưu trí", "Già", "Làm ruộng", "Buôn bán"])),
    }
}

/// A number under 0120, a prefix that was withdrawn in 2018.
pub(crate) fn phone_number(id: i64) -> String {
    format!("+84120{:07}", id % 10_000_000)
}

/// Chip cards since 2021, from the age of 14; valid until the next of three birthdays.
pub(super) fn identity_card(dice: &mut Dice, birth: PartialDate) -> Option<IdentityCard> {
    let first_year = (birth.year() + 14).max(2021);
    if first_year > THIS_YEAR || dice.chance(40) {
        return None;
    }
    let year = dice.within(u32::from(first_year)..=u32::from(THIS_YEAR)) as u16;
    let issued_on = day_in(dice, year);
    // A card issued in the two years before a renewal counts for the next one.
    let age = issued_on.year() - birth.year();
    let renewal = CARD_AGES.into_iter().find(|renewal| *renewal > age + 2);
    let renamed = PartialDate::full(2024, 7, 1);
    let issuer = if Some(issued_on) < renamed {
        "Cục Cảnh sát quản lý hành chính về trật tự xã hội"
    } else {
        "Bộ Công an"
    };
    Some(IdentityCard { issued_on, expires_on: renewal.and_then(|age| birthday(birth, age)), issuer })
}

/// The birthday of an age, as precise as the date of birth; that of 29 February is the 28th in other years.
fn birthday(birth: PartialDate, age: u16) -> Option<PartialDate> {
    let year = birth.year() + age;
    match (birth.month(), birth.day()) {
        (Some(month), Some(day)) => {
            PartialDate::full(year, month, day).or_else(|| PartialDate::full(year, month, day - 1))
        }
        (Some(month), None) => PartialDate::year_month(year, month),
        (None, _) => PartialDate::year_only(year),
    }
}
