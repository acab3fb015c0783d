//! Where people live, and under which unit's name it was written down.

use lgsp_identifiers::PartialDate;
use lgsp_identifiers::units::{self, FormerWard, Share, Ward, WardKind};

use crate::dice::Dice;
use crate::record::{Address, AddressKind, PostalAddress};

const STREETS: &[&str] = &[
    "30 Tháng 4",
    "3 Tháng 2",
    "Cách Mạng Tháng 8",
    "Hai Bà Trưng",
    "Hòa Bình",
    "Hùng Vương",
    "Lê Hồng Phong",
    "Lý Thường Kiệt",
    "Lý Tự Trọng",
    "Mậu Thân",
    "Nguyễn An Ninh",
    "Nguyễn Huệ",
    "Nguyễn Trãi",
    "Nguyễn Văn Cừ",
    "Phan Đình Phùng",
    "Quang Trung",
    "Trần Hưng Đạo",
    "Trần Phú",
    "Võ Văn Kiệt",
];

const HAMLETS: &[&str] = &[
    "Thạnh Phú",
    "Thạnh Lợi",
    "Thạnh Hưng",
    "Nhơn Lộc",
    "Nhơn Thọ",
    "Tân Thành",
    "Tân Lợi",
    "Trường Thuận",
    "Trường Hòa",
    "Đông Lợi",
    "Đông Bình",
    "Phú Thọ",
    "Phước Lộc",
    "Mỹ Phụng",
    "Mỹ Thuận",
    "Định Yên",
    "Xẻo Lá",
    "Rạch Chanh",
    "1",
    "2",
    "3",
    "4",
    "5",
];

const ELSEWHERE: &[&str] = &[
    "Tỉnh An Giang",
    "Tỉnh Cà Mau",
    "Tỉnh Vĩnh Long",
    "Tỉnh Đồng Tháp",
    "Tỉnh Tây Ninh",
    "Thành phố Hồ Chí Minh",
    "Thành phố Hà Nội",
    "Thành phố Đà Nẵng",
    "Tỉnh Khánh Hòa",
    "Tỉnh Ninh Bình",
];

/// A place in the city: a house in a ward in use and in one of the former wards that it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub ward: &'static Ward,
    pub former: &'static FormerWard,
    /// Position of the former ward among the ward's predecessors.
    pub part: usize,
    pub line: String,
    /// Whether records of this place still name the former ward.
    pub is_written_formerly: bool,
}

impl Place {
    /// A place in a given part of a ward.
    pub(crate) fn new(dice: &mut Dice, ward: &'static Ward, part: usize, is_written_formerly: bool) -> Self {
        let predecessor = units::predecessors(ward.code)[part];
        let former = units::former(predecessor.former).expect("a predecessor is a former ward");
        let line = line(dice, former.kind);
        Self { ward, former, part, line, is_written_formerly }
    }

    /// A place anywhere in a ward; less often where a divided ward left its lesser part.
    pub(crate) fn in_ward(dice: &mut Dice, ward: &'static Ward) -> Self {
        let weight = |share| match share {
            Share::Whole | Share::Most => 4,
            Share::Rest => 1,
        };
        let predecessors = units::predecessors(ward.code).iter().enumerate();
        let parts: Vec<(u32, usize)> = predecessors.map(|(part, from)| (weight(from.share), part)).collect();
        let part = dice.weighted(&parts);
        let is_written_formerly = dice.chance(350);
        Self::new(dice, ward, part, is_written_formerly)
    }

    /// A place anywhere in the city.
    pub(crate) fn anywhere(dice: &mut Dice) -> Self {
        let ward = &units::wards()[dice.below(units::wards().len() as u32) as usize];
        Self::in_ward(dice, ward)
    }

    /// The whole address on one line, by today's units.
    pub(crate) fn text(&self) -> String {
        format!("{}, {}, Thành phố Cần Thơ", self.line, self.ward.name)
    }

    /// The place as other sources have it.
    pub(crate) fn postal(&self) -> PostalAddress {
        PostalAddress::from(&self.address(AddressKind::Current, None))
    }

    fn former_text(&self) -> String {
        format!("{}, {}, {}, {}", self.line, self.former.name, self.former.district, self.former.province)
    }

    /// The place as an address of a citizen.
    pub(crate) fn address(&self, kind: AddressKind, since: Option<PartialDate>) -> Address {
        Address {
            kind,
            line: Some(self.line.clone()),
            ward: Some(self.ward.code),
            former_ward: self.is_written_formerly.then_some(self.former.code),
            text: self.is_written_formerly.then(|| self.former_text()),
            since,
        }
    }
}

fn line(dice: &mut Dice, kind: WardKind) -> String {
    let number = dice.within(1..=499);
    match kind {
        WardKind::Ward => {
            let lane = if dice.chance(300) { format!("/{}", dice.within(1..=60)) } else { String::new() };
            format!("{number}{lane} đường {}, Khu vực {}", dice.pick(STREETS), dice.within(1..=8))
        }
        WardKind::Township => format!("{number} đường {}, Ấp {}", dice.pick(STREETS), dice.pick(HAMLETS)),
        WardKind::Commune => format!("Số nhà {number}, Ấp {}", dice.pick(HAMLETS)),
    }
}

/// A place outside the city, of which only the province is on record.
pub(super) fn elsewhere(dice: &mut Dice, kind: AddressKind) -> Address {
    let text = Some(dice.pick(ELSEWHERE).to_owned());
    Address { kind, line: None, ward: None, former_ward: None, text, since: None }
}

/// Where a birth was registered: some ward of the province of the personal number, by the units of that time.
pub(super) fn birth_registration(dice: &mut Dice, province: &str) -> Address {
    let is_there = |ward: &&FormerWard| ward.province_code.as_str() == &province[1..];
    let wards: Vec<&'static FormerWard> = units::former_wards().iter().filter(is_there).collect();
    let is_of_the_city = matches!(province, "092" | "093" | "094");
    if !is_of_the_city || wards.is_empty() {
        return elsewhere(dice, AddressKind::BirthRegistration);
    }
    of_former_ward(AddressKind::BirthRegistration, dice.pick(&wards))
}

/// A former ward as an address without a house.
pub(super) fn of_former_ward(kind: AddressKind, former: &'static FormerWard) -> Address {
    Address {
        kind,
        line: None,
        ward: units::main_successor(former.code).map(|ward| ward.code),
        former_ward: Some(former.code),
        text: Some(format!("{}, {}, {}", former.name, former.district, former.province)),
        since: None,
    }
}
