//! Names as they are given in the Mekong delta.

use lgsp_proto::record::v1::Sex;

use crate::dice::Dice;

/// Family names with their rough frequency in the south.
const FAMILY: &[(u32, &str)] = &[
    (310, "Nguyễn"),
    (110, "Trần"),
    (95, "Lê"),
    (70, "Phạm"),
    (60, "Huỳnh"),
    (45, "Phan"),
    (45, "Võ"),
    (25, "Đặng"),
    (22, "Trương"),
    (22, "Bùi"),
    (18, "Dương"),
    (17, "Hồ"),
    (16, "Lâm"),
    (15, "Ngô"),
    (14, "Đỗ"),
    (12, "Lý"),
    (10, "Cao"),
    (9, "Mai"),
    (9, "Đinh"),
    (8, "Châu"),
    (8, "Lưu"),
    (8, "Thái"),
    (7, "Tô"),
    (7, "Trịnh"),
    (6, "Hoàng"),
    (6, "Quách"),
    (5, "Tăng"),
    (5, "Vũ"),
    (4, "Kiều"),
    (4, "Đoàn"),
    (3, "Hà"),
    (3, "Từ"),
    (2, "Âu"),
    (2, "Triệu"),
];

const KHMER_FAMILY: &[(u32, &str)] = &[
    (30, "Thạch"),
    (25, "Sơn"),
    (20, "Danh"),
    (15, "Kim"),
    (15, "Lâm"),
    (10, "Lý"),
    (8, "Kiên"),
    (8, "Trần"),
];

const MALE_MIDDLE: &[(u32, &str)] = &[
    (30, "Văn"),
    (12, "Minh"),
    (10, "Hoàng"),
    (8, "Thanh"),
    (8, "Quốc"),
    (7, "Hữu"),
    (6, "Tấn"),
    (5, "Trung"),
    (5, "Phước"),
    (5, "Ngọc"),
    (4, "Công"),
    (4, "Đức"),
    (4, "Chí"),
    (4, "Gia"),
    (4, "Duy"),
    (3, "Nhật"),
    (3, "Trọng"),
    (3, "Thành"),
    (2, "Hoài"),
];

const FEMALE_MIDDLE: &[(u32, &str)] = &[
    (26, "Thị"),
    (8, "Thị Ngọc"),
    (8, "Ngọc"),
    (7, "Thị Mỹ"),
    (6, "Kim"),
    (6, "Thanh"),
    (5, "Mỹ"),
    (5, "Thị Bích"),
    (5, "Hồng"),
    (5, "Thùy"),
    (4, "Thuỳ"),
    (4, "Phương"),
    (4, "Như"),
    (4, "Bảo"),
    (4, "Thị Thu"),
    (3, "Khánh"),
    (3, "Thị Cẩm"),
    (3, "Huỳnh"),
    (2, "Diễm"),
];

const MALE_GIVEN: &[&str] = &[
    "An",
    "Bình",
    "Cường",
    "Danh",
    "Dũng",
    "Duy",
    "Đạt",
    "Đức",
    "Được",
    "Hải",
    "Hậu",
    "Hiếu",
    "Hòa",
    "Hoà",
    "Hùng",
    "Huy",
    "Khang",
    "Khánh",
    "Khoa",
    "Khôi",
    "Kiệt",
    "Lâm",
    "Lộc",
    "Long",
    "Luân",
    "Minh",
    "Nam",
    "Nghĩa",
    "Nhân",
    "Nhựt",
    "Phát",
    "Phong",
    "Phú",
    "Phúc",
    "Quân",
    "Quang",
    "Quý",
    "Sang",
    "Sơn",
    "Tài",
    "Tâm",
    "Thắng",
    "Thịnh",
    "Thuận",
    "Tiến",
    "Tính",
    "Toàn",
    "Trí",
    "Trọng",
    "Trường",
    "Tuấn",
    "Tùng",
    "Vinh",
    "Vũ",
    "Xuân",
];

const FEMALE_GIVEN: &[&str] = &[
    "An", "Anh", "Ánh", "Bé", "Châu", "Chi", "Diễm", "Dung", "Duyên", "Đào", "Giang", "Hà", "Hân", "Hạnh",
    "Hằng", "Hiền", "Hoa", "Hòa", "Hoà", "Huệ", "Hương", "Huyền", "Khỏe", "Kiều", "Lan", "Liên", "Linh",
    "Loan", "Mai", "My", "Nga", "Ngân", "Nguyệt", "Nhi", "Nhung", "Như", "Oanh", "Phương", "Quyên", "Tâm",
    "Thảo", "Thu", "Thúy", "Thuý", "Thủy", "Thuỷ", "Thư", "Tiên", "Trang", "Trâm", "Trinh", "Tuyền", "Tuyết",
    "Uyên", "Vân", "Vy", "Xuân", "Yến", "Út",
];

const KHMER_GIVEN: &[&str] = &[
    "Sa Rươl",
    "Đa Ra",
    "Chanh Đa",
    "Sô Phia",
    "Sa Mết",
    "Sóc Kha",
    "Sà Rây",
    "Bô Pha",
    "Ra Vy",
    "Sô Thia",
    "Thia",
    "Vanh Na",
    "Sươl",
    "Phol",
    "Sa Rinh",
];

/// A family name.
pub(super) fn family(dice: &mut Dice, is_khmer: bool) -> &'static str {
    dice.weighted(if is_khmer { KHMER_FAMILY } else { FAMILY })
}

/// A full name of the family.
pub(super) fn full(dice: &mut Dice, family: &str, sex: Sex, is_khmer: bool) -> String {
    let (middles, given) = match sex {
        Sex::Male | Sex::Unknown => (MALE_MIDDLE, MALE_GIVEN),
        Sex::Female => (FEMALE_MIDDLE, FEMALE_GIVEN),
    };
    if is_khmer && dice.chance(600) {
        let middle = if sex == Sex::Female { "Thị " } else { "" };
        return format!("{family} {middle}{}", dice.pick(KHMER_GIVEN));
    }
    if dice.chance(40) {
        return format!("{family} {}", dice.pick(given));
    }
    format!("{family} {} {}", dice.weighted(middles), dice.pick(given))
}

/// The family name of a full name.
pub(super) fn family_of(full_name: &str) -> &str {
    full_name.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use lgsp_identifiers::names;

    use super::*;

    #[test]
    fn all_names_are_in_nfc() {
        let mut dice = Dice::new(1, 1);
        for sex in [Sex::Male, Sex::Female] {
            for is_khmer in [true, false] {
                for _ in 0..200 {
                    let family = family(&mut dice, is_khmer);
                    let name = full(&mut dice, family, sex, is_khmer);
                    assert_eq!(names::normalise(&name), name);
                    assert_eq!(family_of(&name), family);
                }
            }
        }
    }
}
