//! Lines of business of the synthetic enterprises, by the Vietnam Standard Industrial Classification of 2018.

use crate::record::BusinessLine;

/// A trade as it stands in a name, with its main line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub name: &'static str,
    pub english: &'static str,
    code: &'static str,
    title_vi: &'static str,
}

const fn trade(
    name: &'static str,
    english: &'static str,
    code: &'static str,
    title_vi: &'static str,
) -> Trade {
    Trade { name, english, code, title_vi }
}

/// Of companies and cooperatives.
pub(crate) const COMPANY: [Trade; 10] = [
    trade(
        "Chế biến thủy sản",
        "Seafood Processing",
        "1020",
        "Chế biến, bảo quản thủy sản và các sản phẩm từ thủy sản",
    ),
    trade("Lúa gạo", "Rice", "4631", "Bán buôn gạo, lúa mỳ, hạt ngũ cốc khác, bột mỳ"),
    trade("Xây dựng", "Construction", "4101", "Xây dựng nhà để ở"),
    trade("Vận tải", "Transport", "4933", "Vận tải hàng hóa bằng đường bộ"),
    trade("Thương mại dịch vụ", "Trading and Services", "4690", "Bán buôn tổng hợp"),
    trade("Cơ khí", "Mechanical", "2592", "Gia công cơ khí; xử lý và tráng phủ kim loại"),
    trade(
        "Nông sản",
        "Farm Produce",
        "4620",
        "Bán buôn nông, lâm sản nguyên liệu (trừ gỗ, tre, nứa) và động vật sống",
    ),
    trade("May mặc", "Garment", "1410", "May trang phục (trừ trang phục từ da lông thú)"),
    trade("Du lịch sinh thái", "Ecotourism", "7912", "Điều hành tua du lịch"),
    trade(
        "Vật liệu xây dựng",
        "Building Materials",
        "4663",
        "Bán buôn vật liệu, thiết bị lắp đặt khác trong xây dựng",
    ),
];

/// Of business households.
pub(super) const HOUSEHOLD: [Trade; 6] = [
    trade("Tạp hóa", "Grocery", "4711", "Bán lẻ lương thực, thực phẩm, đồ uống trong cửa hàng tổng hợp"),
    trade("Quán ăn", "Eatery", "5610", "Nhà hàng và các dịch vụ ăn uống phục vụ lưu động"),
    trade("Cà phê", "Coffee", "5630", "Dịch vụ phục vụ đồ uống"),
    trade("Sửa xe", "Motorcycle Repair", "4542", "Bảo dưỡng, sửa chữa mô tô, xe máy"),
    trade("May đo", "Tailor", "1410", "May trang phục (trừ trang phục từ da lông thú)"),
    trade("Cắt tóc", "Hairdresser", "9631", "Cắt tóc, làm đầu, gội đầu"),
];

impl Trade {
    /// The trade in the name of an enterprise that owns land.
    pub(super) fn of_name(name: &str) -> Self {
        COMPANY.into_iter().find(|trade| name.contains(trade.name)).unwrap_or(COMPANY[4])
    }

    /// As a registered line of business.
    pub(super) fn line(self, main: bool) -> BusinessLine {
        BusinessLine { code: self.code, title_vi: self.title_vi, main }
    }
}
